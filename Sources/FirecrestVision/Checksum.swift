import FirecrestCore
import FirecrestIO

/// What a downloaded file must be, as lower-case hexadecimal digits.
enum Checksum: Sendable {
  /// SHA-256 of an IDX file's unpacked content.
  case unpackedSHA256(String)
  /// SHA-256 of the file as it is; its first digits where not all are known.
  case sha256(String)
}

extension Checksum {
  /// Throws where the file at `path` does not have this checksum.
  func check(_ path: String) throws(FileError) {
    let (name, expected, found): (String, String, String)
    switch self {
    case .sha256(let digits): (name, expected, found) = ("SHA-256", digits, try Self.ofFile(path))
    case .unpackedSHA256(let digits):
      (name, expected, found) = ("SHA-256 of the content", digits, try Self.ofContent(path))
    }
    if !found.hasPrefix(expected) {
      let rest = expected.utf8.count < found.utf8.count ? "…" : ""
      throw FileError(
        .malformed, file: path, "the \(name) is \(found), not \(expected)\(rest)",
        help: "delete the file and load it again")
    }
  }

  private static func ofContent(_ path: String) throws(FileError) -> String {
    let tensor = try loadIDX(path)
    let hash = SHA256()
    hash.update(idxHeader(tensor))
    tensor.withElements(UInt8.self) { hash.update(UnsafeRawBufferPointer($0)) }
    return hash.hexadecimal()
  }

  private static func ofFile(_ path: String) throws(FileError) -> String {
    let hash = SHA256()
    let source = try FileSource(path)
    var position = 0
    while position < source.count {
      let part = try source.bytes(at: position, count: min(1 << 20, source.count - position), "the content")
      hash.update(part)
      position += part.count
    }
    return hash.hexadecimal()
  }
}
