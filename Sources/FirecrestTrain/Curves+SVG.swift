/// Okabe and Ito's colours, which the colour-blind tell apart.
private let colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]

/// Sizes in SVG's user units.
private enum Layout {
  static let panelWidth = 440.0
  static let height = 340.0
  static let left = 64.0
  static let right = 16.0
  static let top = 64.0
  static let bottom = 48.0
}

extension Curves {
  /// The picture as SVG 1.1.
  public var svg: String {
    let width = Layout.panelWidth * Double(max(1, panels.count))
    var text = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(short(width))" height="\(short(Layout.height))" \
      viewBox="0 0 \(short(width)) \(short(Layout.height))" font-family="sans-serif" font-size="12">
      <title>\(escaped(title))</title>
      <rect width="100%" height="100%" fill="#ffffff"/>
      <text x="\(short(width / 2))" y="24" text-anchor="middle" font-size="16">\(escaped(title))</text>

      """
    for (index, panel) in panels.enumerated() {
      text += "<g transform=\"translate(\(short(Layout.panelWidth * Double(index))) 0)\">\n"
      text += drawing(panel)
      text += "</g>\n"
    }
    return text + "</svg>\n"
  }

  private func drawing(_ panel: Panel) -> String {
    let points = panel.series.flatMap(\.points).filter(isDrawn)
    let isWhole = points.allSatisfy { $0.x == $0.x.rounded() }
    let x = Axis(points.map(\.x), ticks: 8, isWhole: isWhole, fits: false)
    let y = Axis(points.map(\.y), ticks: 6, isWhole: false, fits: true)
    let (left, right) = (Layout.left, Layout.panelWidth - Layout.right)
    let (top, bottom) = (Layout.top, Layout.height - Layout.bottom)
    func place(_ point: (x: Double, y: Double)) -> [String] {
      [short(left + x.share(point.x) * (right - left)), short(bottom - y.share(point.y) * (bottom - top))]
    }
    var text = ""
    for tick in y.ticks {
      let height = bottom - y.share(tick) * (bottom - top)
      text += line(left, height, right, height, "#dddddd") + label(y.label(tick), left - 6, height + 4, "end")
    }
    for tick in x.ticks {
      let place = left + x.share(tick) * (right - left)
      text += line(place, bottom, place, bottom + 4, "#444444") + label(x.label(tick), place, bottom + 18, "middle")
    }
    text += line(left, top, left, bottom, "#444444") + line(left, bottom, right, bottom, "#444444")
    text += label(xLabel, (left + right) / 2, bottom + 38, "middle")
    text += label(panel.title, left, top - 14, "start", weight: "bold")
    for (index, series) in panel.series.enumerated() {
      let color = colors[index % colors.count]
      for piece in pieces(series.points) {
        if piece.count > 1 {
          let path = piece.map { place($0).joined(separator: ",") }.joined(separator: " ")
          text += "<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\"/>\n"
        }
        // Dots show where the values are, as long as they do not run together.
        for point in piece where piece.count <= 30 {
          let position = place(point)
          text += "<circle cx=\"\(position[0])\" cy=\"\(position[1])\" r=\"3\" fill=\"\(color)\"/>\n"
        }
      }
    }
    return text + legend(panel, right, top - 14)
  }

  /// Names beside the panel's title, right to left, so that no curve runs under them.
  private func legend(_ panel: Panel, _ right: Double, _ baseline: Double) -> String {
    var text = ""
    var end = right
    for (index, series) in panel.series.enumerated().reversed() {
      text += label(series.name, end, baseline, "end")
      // Without knowing the font: the width of an average letter.
      end -= 6.6 * Double(series.name.count) + 8
      text += line(end - 18, baseline - 4, end, baseline - 4, colors[index % colors.count], width: 3)
      end -= 30
    }
    return text
  }

  /// The stretches of points between those that are not drawn.
  private func pieces(_ points: [(x: Double, y: Double)]) -> [[(x: Double, y: Double)]] {
    points.split { !isDrawn($0) }.map(Array.init)
  }
}

/// Numbers beyond this are a run that diverged; an axis for them would show nothing else.
private func isDrawn(_ point: (x: Double, y: Double)) -> Bool { abs(point.x) < 1e100 && abs(point.y) < 1e100 }

private func line(
  _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String, width: Int = 1
) -> String {
  let ends = "x1=\"\(short(x1))\" y1=\"\(short(y1))\" x2=\"\(short(x2))\" y2=\"\(short(y2))\""
  return "<line \(ends) stroke=\"\(color)\" stroke-width=\"\(width)\"/>\n"
}

private func label(_ text: String, _ x: Double, _ y: Double, _ anchor: String, weight: String = "normal") -> String {
  let place = "x=\"\(short(x))\" y=\"\(short(y))\" text-anchor=\"\(anchor)\""
  return "<text \(place) font-weight=\"\(weight)\">\(escaped(text))</text>\n"
}

/// A range with ticks at round numbers: 1, 2 or 5 times a power of ten apart.
struct Axis {
  let low: Double
  let high: Double
  let ticks: [Double]
  private let step: Double

  /// An axis for `values`, which are finite. Where it `fits`, it ends at ticks, else at the values.
  init(_ values: [Double], ticks count: Int, isWhole: Bool, fits: Bool) {
    var (low, high) = (values.min() ?? 0, values.max() ?? 1)
    if !(high - low > 1e-12 * max(abs(low), abs(high))) {
      // Of large numbers, 1 more may be the same number.
      let margin = isWhole ? max(1, abs(low) * 1e-9) : max(abs(low) * 0.1, 1e-3)
      (low, high) = (low - margin, high + margin)
    }
    let rough = (high - low) / Double(count)
    let power = power10(rough)
    var step = ([1, 2, 5].map { $0 * power }.first { $0 >= rough * (1 - 1e-9) }) ?? 10 * power
    if isWhole { step = max(1, step) }
    let (first, last) = ((low / step).rounded(.down), (high / step).rounded(.up))
    if fits { (low, high) = (first * step, last * step) }
    self.low = low
    self.high = high
    self.step = step
    ticks = stride(from: first, through: last, by: 1).map { $0 * step }.filter {
      $0 >= low - step * 1e-9 && $0 <= high + step * 1e-9
    }
  }

  /// Where a value lies, from 0 to 1.
  func share(_ value: Double) -> Double { (value - low) / (high - low) }

  /// A tick's number, with the decimals that tell ticks apart.
  func label(_ tick: Double) -> String {
    let largest = max(abs(low), abs(high))
    if largest >= 1e6 || largest < 1e-3 { return format("%.3g", tick) }
    var decimals = 0
    var unit = step
    while decimals < 6 && unit < 0.999 {
      unit *= 10
      decimals += 1
    }
    return format("%.\(decimals)f", tick == 0 ? 0 : tick)
  }
}

/// The greatest power of ten that is at most `number`.
private func power10(_ number: Double) -> Double {
  var power = 1.0
  while power * 10 <= number { power *= 10 }
  while power > number && power > 1e-300 { power /= 10 }
  return power
}

/// A coordinate with two decimals at most.
private func short(_ number: Double) -> String {
  let text = format("%.2f", number)
  return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
}

/// Text for XML: markup escaped, characters left out that XML 1.0 does not allow.
private func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "\t", "\n", "\r": result += " "
    case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: break
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
