/// Where a file's bytes go, front to back.
protocol ByteSink: AnyObject {
  /// The path, for messages.
  var name: String { get }
  /// How many bytes were written.
  var count: Int { get }
  /// Appends bytes.
  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError)
  /// Replaces bytes that were written before.
  func rewrite(at offset: Int, _ bytes: [UInt8]) throws(FileError)
}

extension ByteSink {
  /// Appends bytes.
  func write(_ bytes: [UInt8]) throws(FileError) {
    let outcome = bytes.withUnsafeBytes { part in Result { () throws(FileError) in try write(part) } }
    try outcome.get()
  }
}

/// Collects bytes in memory.
final class MemorySink: ByteSink {
  let name = "<memory>"
  private(set) var bytes: [UInt8] = []
  var count: Int { bytes.count }

  /// Takes the memory for so many bytes at once.
  func bytesAreExpected(_ count: Int) { bytes.reserveCapacity(count) }
  func write(_ part: UnsafeRawBufferPointer) { bytes.append(contentsOf: part) }
  func rewrite(at offset: Int, _ part: [UInt8]) { bytes.replaceSubrange(offset..<offset + part.count, with: part) }
}

extension [UInt8] {
  /// Appends a number as 2, 4 or 8 bytes, lowest first.
  mutating func append(littleEndian value: Int, size: Int) {
    for shift in 0..<size { append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
  }
}
