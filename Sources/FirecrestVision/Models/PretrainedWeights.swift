import FirecrestCore
import FirecrestIO
import FirecrestNN

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The published weights of a network: a file `resnet18-f37072fd.pth`, whose SHA-256 begins with the digits in its name.
package struct PretrainedWeights: Sendable {
  /// Where the files lie, and where they come from.
  package struct Place: Sendable {
    /// The folder on this machine.
    package var folder = "\(Settings.cacheFolder)/weights"
    /// The folder on the net.
    package var server = "https://download.pytorch.org/models"
    /// Files that are taken instead of others, by names without `.pth`.
    package var substitutes: [String: String] = [:]

    /// The published files, in the cache.
    package init() {}
  }

  /// The place in use; tests say another.
  @TaskLocal package static var place = Place()

  /// No published file has more bytes; the largest, that of ResNet-152, has half of it.
  private static let limit = 512 << 20

  /// The file's name without `.pth`.
  let name: String

  init(_ name: String) { self.name = Self.place.substitutes[name] ?? name }

  /// The weights by PyTorch's names, from the file or, where there is none yet, after a download.
  func load() throws -> NamedTensors {
    let place = Self.place
    let path = "\(place.folder)/\(name).pth"
    let checksum = Checksum.sha256(String(name.split(separator: "-").last!))
    if access(path, F_OK) == 0 {
      try checksum.check(path)
    } else {
      try Download(
        addresses: ["\(place.server)/\(name).pth"], path: path, limit: Self.limit,
        verify: { path throws(FileError) in try checksum.check(path) },
        help: "check the network connection, or get the file from that address elsewhere and put it at \(path)"
      ).run()
    }
    return try loadTorch(path)
  }
}

extension Models {
  /// The network, with the published weights of this name unless that is nil. Nothing is built where there are none.
  static func make<Network: Module>(_ build: @autoclosure () -> Network, weights: String?) throws -> Network {
    guard let weights else { return build() }
    let state = currentNames(try PretrainedWeights(weights).load())
    let network = build()
    try network.load(state)
    return network
  }

  /// DenseNet's files have the names of before PyTorch 0.4: `norm.1`, `conv.2` for what is `norm1`, `conv2` today.
  static func currentNames(_ state: NamedTensors) -> NamedTensors {
    NamedTensors(
      state.map { name, tensor in
        var parts = name.split(separator: ".")
        if let layer = parts.firstIndex(where: { $0.hasPrefix("denselayer") }), parts.count > layer + 3,
          ["norm", "conv"].contains(parts[layer + 1])
        {
          let number = parts.remove(at: layer + 2)
          parts[layer + 1] += number
        }
        return (parts.joined(separator: "."), tensor)
      })
  }
}
