import FirecrestCore
import FirecrestIO

/// A PGM or PPM picture, as text (P2, P3) or as bytes (P5, P6): uint8 `[height, width, channels]`.
///
/// Samples are scaled so that the largest value that the header allows becomes 255.
func decodePNM(_ bytes: [UInt8], _ source: some ByteSource) throws(FileError) -> Tensor {
  var reader = PNMReader(bytes, source)
  return try reader.read()
}

private struct PNMReader<Source: ByteSource> {
  let bytes: [UInt8]
  let source: Source
  var position = 2

  init(_ bytes: [UInt8], _ source: Source) {
    self.bytes = bytes
    self.source = source
  }

  mutating func read() throws(FileError) -> Tensor {
    let kind = bytes[1]
    let isText = kind == UInt8(ascii: "2") || kind == UInt8(ascii: "3")
    let channels = kind == UInt8(ascii: "3") || kind == UInt8(ascii: "6") ? 3 : 1
    guard isText || kind == UInt8(ascii: "5") || kind == UInt8(ascii: "6") else {
      throw FileError(
        .unsupported, file: source.name, offset: 0, "this kind of picture is not read",
        help: "PGM and PPM (P2, P3, P5, P6) and PNG are")
    }
    let width = try number("the width", 1...largestImage)
    let height = try number("the height", 1...largestImage)
    let largest = try number("the largest value", 1...65535)
    if width > largestImage / height {
      throw FileError(
        .unsupported, file: source.name, offset: 3, "\(width) by \(height) pixels are too many",
        help: "at most \(largestImage) pixels are read")
    }
    let count = width * height * channels
    let size = largest > 255 ? 2 : 1
    // One blank ends the header; in text, every sample takes a digit and, but for the last, a blank.
    let needed = isText ? 2 * count - 1 : count * size
    let start = position + 1
    if start > bytes.count || needed > bytes.count - start {
      throw source.malformed(
        position, "\(width) by \(height) pixels need \(needed) bytes, but \(max(0, bytes.count - start)) follow")
    }
    let tensor = Tensor(empty: Shape([height, width, channels]), .uint8)
    let target = tensor.pointer.assumingMemoryBound(to: UInt8.self)
    for i in 0..<count {
      let sample: Int
      if isText {
        sample = try number("a sample", 0...largest)
      } else {
        let place = start + i * size
        sample = size == 1 ? Int(bytes[place]) : Int(bytes[place]) << 8 | Int(bytes[place + 1])
        if sample > largest {
          throw source.malformed(place, "the sample \(sample) is above the largest value, \(largest)")
        }
      }
      target[i] = UInt8(largest == 255 ? sample : (sample * 255 + largest / 2) / largest)
    }
    if !isText { position = start + needed }
    if let other = bytes[position...].firstIndex(where: { !isBlank($0) }) {
      throw source.malformed(other, "something follows the picture", help: "keep one picture in a file")
    }
    return tensor
  }

  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  /// The next number, after blanks and comments, of which there must be some.
  private mutating func number(_ what: String, _ range: ClosedRange<Int>) throws(FileError) -> Int {
    let start = position
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "#") {
        while position < bytes.count && bytes[position] != 0x0A && bytes[position] != 0x0D { position += 1 }
      } else if isBlank(bytes[position]) {
        position += 1
      } else {
        break
      }
    }
    let first = position
    var value = 0
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
      value = min(value * 10 + Int(bytes[position] - 0x30), 1 << 40)
      position += 1
    }
    if first == start || first == position {
      throw source.malformed(first, "\(what), a number after a blank, is missing")
    }
    if !range.contains(value) {
      throw source.malformed(first, "\(what) is not in \(range.lowerBound)...\(range.upperBound)")
    }
    return value
  }
}
