import FirecrestCore
import FirecrestIO

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A data set published as MNIST is: images and labels, to train and to test, in four IDX files of fixed names.
struct IDXPair: Sendable {
  /// torchvision's name, also that of its folder.
  let name: String
  /// The folder in the cache.
  let folder: String
  /// Folders on the net that hold the files, packed with gzip.
  var mirrors: [String]
  /// By file name without `.gz`.
  var checksums: [String: Checksum]
  /// How long a server may be silent, in seconds.
  var patience = 30.0

  /// Images uint8 `[n, 1, 28, 28]` and labels int64 `[n]`.
  func load(train: Bool, from folder: String? = nil, download: Bool) throws -> (Tensor, Tensor) {
    let start = train ? "train" : "t10k"
    let images = try find("\(start)-images-idx3-ubyte", folder, download, train)
    let labels = try find("\(start)-labels-idx1-ubyte", folder, download, train)
    return try Self.read(images, labels)
  }

  /// Folders in which the files may lie.
  func places(_ root: String?) -> [String] {
    func below(_ root: String) -> [String] { [root, "\(root)/\(self.folder)", "\(root)/\(name)/raw"] }
    if let root { return below(root) }
    return (Settings.dataFolder.map(below) ?? []) + ["\(Settings.cacheFolder)/\(self.folder)"]
  }

  /// The path of a file, which is downloaded where it is missing.
  private func find(_ file: String, _ root: String?, _ download: Bool, _ train: Bool) throws -> String {
    let places = places(root)
    for place in places {
      for path in ["\(place)/\(file)", "\(place)/\(file).gz"] where access(path, F_OK) == 0 { return path }
    }
    let target = "\(root ?? places.last!)/\(file).gz"
    if !download {
      throw FileError(
        .system(ENOENT), file: root ?? places.last!,
        "\(file), plain or .gz, is in none of \(places.joined(separator: ", "))",
        help: "name the folder that holds it, or let it be downloaded with \(name)(download: true)")
    }
    try Download(
      addresses: mirrors.map { "\($0)/\(file).gz" }, path: target, limit: 64 << 20, patience: patience,
      verify: { path throws(FileError) in
        // The shape first: it tells more than a checksum where a server answers with a page.
        let count = train ? 60_000 : 10_000
        if file.contains("images") {
          _ = try Self.images(path, count: count)
        } else {
          _ = try Self.labels(path, count: count)
        }
        try checksums[file]?.check(path)
      },
      help: "check the network connection, or put the four files into a folder and name it"
    ).run()
    return target
  }

  /// Both arrays, checked against each other.
  static func read(_ imageFile: String, _ labelFile: String) throws(FileError) -> (Tensor, Tensor) {
    let images = try images(imageFile, count: nil)
    let labels = try labels(labelFile, count: images.shape[0])
    return (images.view(images.shape[0], 1, 28, 28), labels.to(.int64))
  }

  private static func images(_ file: String, count: Int?) throws(FileError) -> Tensor {
    let images = try loadIDX(file)
    let isRight = images.dtype == .uint8 && images.rank == 3 && images.shape[1] == 28 && images.shape[2] == 28
    guard isRight, count == nil || images.shape[0] == count, images.shape[0] > 0 else {
      let expected = "uint8[\(count.map(String.init) ?? "n"), 28, 28]"
      throw FileError(
        .malformed, file: file, "this holds \(images.dtype)\(images.shape), not \(expected)",
        help: "name the folder with the original files")
    }
    return images
  }

  private static func labels(_ file: String, count: Int) throws(FileError) -> Tensor {
    let labels = try loadIDX(file)
    guard labels.dtype == .uint8, labels.rank == 1, labels.shape[0] == count else {
      throw FileError(
        .malformed, file: file,
        "this holds \(labels.dtype)\(labels.shape), not uint8[\(count)], a label for each image",
        help: "name the folder with the original files")
    }
    if let wrong = labels.withElements(UInt8.self, { $0.firstIndex { $0 > 9 } }) {
      throw FileError(
        .malformed, file: file, offset: 8 + wrong, "label \(wrong) is not a class from 0 to 9",
        help: "name the folder with the original files")
    }
    return labels
  }
}
