import FirecrestCore
import FirecrestIO
import FirecrestNN
import Foundation
import Testing

@testable import FirecrestVision

/// Where pretrained weights come from, and what is done to them on the way.
@Suite(.serialized) struct PretrainedWeightsTests {
  private let resnet = ModelGolden.network("resnet18")

  private func load<R>(_ place: PretrainedWeights.Place, _ body: () throws -> R) rethrows -> R {
    try PretrainedWeights.$place.withValue(place, operation: body)
  }

  @Test func isPyTorchsPlace() {
    #expect(PretrainedWeights.place.folder == "\(Settings.cacheFolder)/weights")
    for golden in ModelGolden.shared.published {
      #expect("\(PretrainedWeights.place.server)/\(golden.file).pth" == golden.weights)
    }
  }

  /// Each network asks for torchvision's file, and says what to do where nobody gives it.
  @Test func asksForThePublishedFiles() throws {
    let server = HTTPServer { _, _ in .custom("404 Not Found", headers: ["Content-Length: 0"], body: []) }
    let closed = HTTPServer { _, _ in .silence }
    closed.stop()
    defer { server.stop() }
    try withFolder { folder throws in
      for golden in ModelGolden.shared.published {
        var place = PretrainedWeights.Place()
        place.folder = folder
        for address in [server.address, closed.address] {
          place.server = address
          let error = load(place) { #expect(throws: DownloadError.self) { try golden.make(pretrained: true) } }
          #expect(error?.file == "\(folder)/\(golden.file).pth")
          #expect(error?.attempts.map(\.address) == ["\(address)/\(golden.file).pth"])
          #expect(
            error?.help == "check the network connection, or get the file from that address elsewhere and put it at "
              + "\(folder)/\(golden.file).pth")
        }
      }
      #expect(server.requests.map(\.path) == ModelGolden.shared.published.map { "/\($0.file).pth" })
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }
  }

  @Test func downloadsOnce() throws {
    let content = try read(resnet.path)
    let server = HTTPServer { _, number in number == 0 ? .cut(content, after: 10_000) : .file(content) }
    defer { server.stop() }
    try withFolder { folder in
      let place = ModelGolden.place("\(folder)/cache/weights", server: server.address)
      let path = "/\(resnet.file).pth"
      let network = try load(place) { try Models.resnet18(pretrained: true) }
      #expect(server.requests == [.init(path: path), .init(path: path, start: 10_000)])
      #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder) == ["\(resnet.file).pth"])
      let again = try load(place) { try Models.resnet18(pretrained: true) }
      #expect(server.requests.count == 2, "what is there is not loaded again")
      let (state, other) = (network.stateDict(), again.stateDict())
      #expect(state["conv1.weight"]!.toArray(Float.self) == other["conv1.weight"]!.toArray(Float.self))
      #expect(state["bn1.num_batches_tracked"]!.item() == 7)
    }
  }

  @Test func refusesOtherContent() throws {
    var content = try read(resnet.path)
    content[20_000] ^= 1
    let wrong = content
    let server = HTTPServer { _, _ in .file(wrong) }
    defer { server.stop() }
    try withFolder { folder in
      let place = ModelGolden.place(folder, server: server.address)
      let download = load(place) {
        #expect(throws: DownloadError.self) { try Models.resnet18(pretrained: true) }
      }
      let digits = resnet.file.suffix(8)
      #expect(download?.attempts.first?.reason.hasSuffix(", not \(digits)…") == true, "\(String(describing: download))")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])

      try write(wrong, to: "\(folder)/\(resnet.file).pth")
      let error = load(place) { #expect(throws: FileError.self) { try Models.resnet18(pretrained: true) } }
      #expect(error?.kind == .malformed && error?.file == "\(folder)/\(resnet.file).pth")
      #expect(error?.reason.hasSuffix(", not \(digits)…") == true && error?.reason.hasPrefix("the SHA-256 is ") == true)
      #expect(error?.help == "delete the file and load it again")
    }
  }

  @Test func renamesAndCountsAsOfOld() throws {
    let network = ModelGolden.network("densenet161")
    let stored = try loadTorch(network.path)
    #expect(stored["features.denseblock1.denselayer1.norm.1.running_var"] != nil)
    #expect(stored.names.allSatisfy { !$0.hasSuffix("num_batches_tracked") })
    let renamed = Models.currentNames(stored)
    #expect(renamed.count == stored.count)
    for name in ["norm1.weight", "norm2.running_mean", "conv1.weight", "conv2.weight"] {
      #expect(renamed["features.denseblock4.denselayer24.\(name)"] != nil)
    }
    // Names of today stay.
    #expect(Models.currentNames(renamed).names == renamed.names)
    let loaded = try load(ModelGolden.place()) { try Models.densenet161(pretrained: true) }
    #expect(loaded.namedBuffers().filter { $0.name.hasSuffix("tracked") }.allSatisfy { $0.tensor.item() == 0 })
  }
}
