/// Reads JSON front to back, by the letter of RFC 8259, without building a tree: memory stays in proportion to what the
/// caller keeps, however the text nests or repeats.
struct JSONReader {
  private let text: [UInt8]
  private let base: Int
  private let source: any ByteSource
  private var position = 0

  /// Values nest no deeper than this.
  static let maximumDepth = 64

  /// A reader of `text`, which lies at `base` of `source`.
  init(_ text: [UInt8], at base: Int, of source: any ByteSource) {
    self.text = text
    self.base = base
    self.source = source
  }

  /// The place in the file of what comes next.
  var offset: Int { base + position }

  /// An error at the current place.
  func malformed(_ reason: String) -> FileError { source.malformed(offset, "in the header: " + reason) }

  private var next: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard next == character.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Character) throws(FileError) {
    if !take(character) { throw malformed("'\(character)' is missing") }
  }

  /// Refuses anything but space after the last value.
  mutating func expectEnd() throws(FileError) {
    skipSpace()
    if next != nil { throw malformed("something follows the closing brace") }
  }

  /// Reads an object: `body` is called with every key and must read its value.
  mutating func object(_ body: (inout JSONReader, String) throws(FileError) -> Void) throws(FileError) {
    try expect("{")
    if take("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try body(&self, key)
    } while take(",")
    try expect("}")
  }

  /// Reads an array: `body` is called at every element and must read it.
  mutating func array(_ body: (inout JSONReader) throws(FileError) -> Void) throws(FileError) {
    try expect("[")
    if take("]") { return }
    repeat { try body(&self) } while take(",")
    try expect("]")
  }

  /// Reads a whole number from 0 to 2⁶³ − 1.
  mutating func integer() throws(FileError) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while let byte = next, byte >= 0x30, byte <= 0x39 {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowToo) = tens.addingReportingOverflow(Int(byte) - 0x30)
      if overflow || overflowToo { throw malformed("a number is 2⁶³ or more") }
      value = sum
      position += 1
    }
    guard position > start, text[start] != 0x30 || position == start + 1, next != UInt8(ascii: "."),
      next != UInt8(ascii: "e"), next != UInt8(ascii: "E")
    else {
      position = start
      throw malformed("a whole number from 0 on is missing")
    }
    return value
  }

  /// Reads a text.
  mutating func string() throws(FileError) -> String {
    try expect("\"")
    let start = position
    var content: [UInt8] = []
    while let byte = next, byte != UInt8(ascii: "\"") {
      if byte < 0x20 { throw malformed("a text has a control character") }
      position += 1
      if byte == UInt8(ascii: "\\") { try escape(&content) } else { content.append(byte) }
    }
    if next == nil { throw malformed("a text does not end") }
    guard let result = String(validating: content, as: UTF8.self) else {
      position = start
      throw malformed("a text is not UTF-8")
    }
    position += 1
    return result
  }

  private mutating func escape(_ content: inout [UInt8]) throws(FileError) {
    guard let kind = next else { throw malformed("a text does not end") }
    position += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(kind)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code) {
        // The upper half of a character beyond 16 bits; the lower half must follow.
        guard next == UInt8(ascii: "\\") else { throw malformed("half a character stands alone") }
        position += 1
        guard next == UInt8(ascii: "u") else { throw malformed("half a character stands alone") }
        position += 1
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw malformed("half a character stands alone") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw malformed("half a character stands alone") }
      content.append(contentsOf: UTF8.encode(scalar)!)
    default: throw malformed("an escape is unknown")
    }
  }

  private mutating func hexadecimal() throws(FileError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw malformed("an escape lacks four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  /// Reads a value of any kind and forgets it.
  mutating func skipValue(depth: Int = 0) throws(FileError) {
    if depth > Self.maximumDepth { throw malformed("values nest more than \(Self.maximumDepth) deep") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"):
      try object { reader, _ throws(FileError) in try reader.skipValue(depth: depth + 1) }
    case UInt8(ascii: "["):
      try array { reader throws(FileError) in try reader.skipValue(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: try skipNumber()
    }
  }

  /// Reads `null`, if that is next.
  mutating func null() throws(FileError) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: "n") else { return false }
    try word("null")
    return true
  }

  private mutating func word(_ word: String) throws(FileError) {
    guard text[position...].starts(with: word.utf8) else { throw malformed("'\(word)' is misspelt") }
    position += word.utf8.count
  }

  private mutating func skipDigits() throws(FileError) {
    let start = position
    while let byte = next, byte >= 0x30, byte <= 0x39 { position += 1 }
    if position == start { throw malformed("a value is missing") }
  }

  private mutating func skipNumber() throws(FileError) {
    if next == UInt8(ascii: "-") { position += 1 }
    if next == 0x30 { position += 1 } else { try skipDigits() }
    if next == UInt8(ascii: ".") {
      position += 1
      try skipDigits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try skipDigits()
    }
  }
}

/// A text as a JSON string, with just the escapes that JSON demands.
package func jsonString(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\u{08}": result += "\\b"
    case "\u{0C}": result += "\\f"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
