import Firecrest
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The elements of an XML text; nil where it is not well-formed.
private final class Elements: NSObject, XMLParserDelegate {
  var all: [(name: String, attributes: [String: String])] = []
  var texts: [String] = []

  static func parse(_ text: String) -> Elements? {
    let parser = XMLParser(data: Data(text.utf8))
    let elements = Elements()
    parser.delegate = elements
    return parser.parse() ? elements : nil
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) { all.append((name, attributes)) }

  func parser(_ parser: XMLParser, foundCharacters text: String) { texts.append(text) }

  func count(_ name: String) -> Int { all.filter { $0.name == name }.count }
}

@Suite struct CurvesTests {
  private func drawn(_ curves: Curves) throws -> Elements {
    let elements = try #require(Elements.parse(curves.svg))
    // Nothing from elsewhere, and no number that is none.
    for (name, attributes) in elements.all {
      #expect(!["script", "image", "use", "style"].contains(name))
      for (key, value) in attributes where key != "xmlns" {
        #expect(!value.contains("http") && !value.contains("nan") && !value.contains("inf"), "\(name) \(key)=\(value)")
      }
    }
    return elements
  }

  @Test func drawsATable() throws {
    try withFolder { folder in
      try write(
        "epoch,train_loss,test_loss,test_accuracy,seconds\n1,0.9,0.8,0.7,1\n2,0.5,0.6,0.8,1\n3,0.3,0.5,0.9,1\n",
        to: folder + "/m.csv")
      let curves = Curves(try CSVTable(folder + "/m.csv"), title: "digits")
      #expect(curves.panels.map(\.title) == ["loss", "accuracy"])
      #expect(curves.panels[0].series.map(\.name) == ["train loss", "test loss"])
      #expect(curves.panels[0].series[1].points.map(\.y) == [0.8, 0.6, 0.5])
      let elements = try drawn(curves)
      #expect(elements.count("polyline") == 3)
      #expect(elements.count("circle") == 9)
      for text in ["digits", "train loss", "test accuracy", "epoch", "loss", "1", "2", "3"] {
        #expect(elements.texts.contains(text), "\(text)")
      }
      try curves.write(to: folder + "/c.svg")
      #expect(try text(folder + "/c.svg") == curves.svg)
      // Every point lies inside of its panel, and the higher loss is drawn higher.
      let circles = elements.all.filter { $0.name == "circle" }.map {
        (x: Double($0.attributes["cx"]!)!, y: Double($0.attributes["cy"]!)!)
      }
      #expect(circles.allSatisfy { (0...440).contains($0.x) && (0...340).contains($0.y) })
      #expect(circles[0].y < circles[1].y && circles[1].y < circles[2].y)
    }
  }

  @Test func escapesText() throws {
    let name = "a<b> & \"c\" ]]> \u{1}é😀"
    let curves = Curves(title: name, xLabel: name, panels: [.init(name, [.init(name, [(1, 2)])])])
    let elements = try drawn(curves)
    #expect(elements.texts.joined().contains("a<b> & \"c\" ]]> é😀"))
  }

  @Test func survivesAnyNumbers() throws {
    let columns: [[Double]] = [
      [], [1], [.nan], [.nan, 1, 2, .infinity, 3], [5, 5, 5], [0, 0], [1e300, -1e300], [1e-300, 2e-300], [-0.0, 1e-9],
      [1e15, 1e15 + 1], [.greatestFiniteMagnitude, -.greatestFiniteMagnitude], Array(repeating: 1, count: 1000),
    ]
    for values in columns {
      let points = values.enumerated().map { (x: Double($0), y: $1) }
      let elements = try drawn(Curves(title: "t", panels: [.init("p", [.init("s", points)])]))
      #expect(elements.count("line") < 60, "\(values)")
    }
    _ = try drawn(Curves(title: "t", panels: []))
    // Times in nanoseconds, of which the next number is 256 further.
    let late = Curves(title: "t", panels: [.init("p", [.init("s", [(x: 1.7e18, y: 1)])])])
    #expect(!late.svg.contains("nan"))
  }
}
