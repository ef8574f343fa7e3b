/// The bytes of one pickle, read front to back through a small buffer: whoever starts reading does not know where a
/// pickle ends.
struct PickleInput {
  let source: any ByteSource
  /// The place in the source of the next byte.
  private(set) var position: Int
  private let end: Int
  private var buffer: [UInt8] = []
  private var bufferStart: Int

  /// The longest pickle that is read. One tensor takes some 100 bytes of it; the numbers lie elsewhere.
  static let maximumLength = 1 << 24

  /// Reads from byte `start` of `source`.
  init(_ source: any ByteSource, at start: Int) {
    self.source = source
    position = start
    bufferStart = start
    end = start + min(source.count - start, Self.maximumLength)
  }

  /// How many bytes were read of a pickle that began at `start`.
  func length(from start: Int) -> Int { position - start }

  private func cutOff() -> FileError {
    if end < source.count {
      return FileError(
        .unsupported, file: source.name, offset: position, "the pickle has more than \(Self.maximumLength) bytes",
        help: "save tensors and a few plain values, not long lists of numbers")
    }
    return source.malformed(position, "the pickle is cut off")
  }

  /// The next byte.
  mutating func byte() throws(FileError) -> UInt8 {
    if position - bufferStart >= buffer.count {
      if position == end { throw cutOff() }
      buffer = try source.bytes(at: position, count: min(1 << 14, end - position), "a pickle")
      bufferStart = position
    }
    defer { position += 1 }
    return buffer[position - bufferStart]
  }

  /// Passes over bytes.
  mutating func skip(_ count: Int) throws(FileError) {
    guard count <= end - position else { throw cutOff() }
    position += count
  }

  /// The next bytes; `count` is what the file claims.
  mutating func take(_ count: Int) throws(FileError) -> ArraySlice<UInt8> {
    let start = position
    try skip(count)
    let first = start - bufferStart
    if first + count <= buffer.count { return buffer[first..<first + count] }
    return try source.bytes(at: start, count: count, "a value")[...]
  }

  /// A little-endian number without a sign; beyond 2⁶³ no file can have so many of anything.
  mutating func number(_ size: Int) throws(FileError) -> Int {
    let value = try take(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let value = Int(exactly: value) else { throw source.malformed(position - size, "a length is 2⁶³ or more") }
    return value
  }

  /// A text of so many bytes; nil where it is not UTF-8.
  mutating func text(_ count: Int) throws(FileError) -> String? { String(validating: try take(count), as: UTF8.self) }

  /// The text up to the end of the line.
  mutating func line() throws(FileError) -> String {
    var bytes: [UInt8] = []
    var next = try byte()
    while next != UInt8(ascii: "\n") {
      bytes.append(next)
      next = try byte()
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
