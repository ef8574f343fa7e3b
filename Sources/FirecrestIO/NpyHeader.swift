import FirecrestCore

/// What the header of an `.npy` file says: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
struct NpyHeader {
  let element: StoredElement
  let isFortran: Bool
  let shape: [Int]

  /// The longest header that is read. Only structured types, which are refused anyway, need more.
  static let maximumLength = 65_535

  /// NumPy's type code of a tensor's type; nil for bfloat16, which NumPy does not have.
  static func code(_ dtype: DType) -> String? {
    switch dtype {
    case .bool: "|b1"
    case .uint8: "|u1"
    case .int8: "|i1"
    case .int16: "<i2"
    case .int32: "<i4"
    case .int64: "<i8"
    case .float16: "<f2"
    case .float32: "<f4"
    case .float64: "<f8"
    case .bfloat16: nil
    }
  }

  /// The bytes before the data, version 1.0, as NumPy writes them.
  static func bytes(_ code: String, _ shape: Shape) -> [UInt8] {
    let sizes = shape.map(String.init)
    let tuple = sizes.count == 1 ? "(\(sizes[0]),)" : "(" + sizes.joined(separator: ", ") + ")"
    var text = "{'descr': '\(code)', 'fortran_order': False, 'shape': \(tuple), }"
    // NumPy leaves room for the first size to grow in place; so do we, which makes the files equal.
    if let first = sizes.first { text += String(repeating: " ", count: 21 - first.utf8.count) }
    let length = (10 + text.utf8.count + 1 + 63) / 64 * 64 - 10
    text += String(repeating: " ", count: length - text.utf8.count - 1) + "\n"
    var result: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    result.append(littleEndian: length, size: 2)
    return result + Array(text.utf8)
  }
}

/// Reads the header's Python literal. It accepts what NumPy's own writers, of Python 2 too, ever wrote and nothing more.
struct NpyHeaderParser {
  private let text: [UInt8]
  private let base: Int
  private let stream: any ByteStream
  private var position = 0

  /// A parser of `text`, which lies at `base` of the stream.
  init(_ text: [UInt8], at base: Int, of stream: any ByteStream) {
    self.text = text
    self.base = base
    self.stream = stream
  }

  private func malformed(_ reason: String) -> FileError { stream.malformed(base + position, reason) }

  private func unsupported(_ reason: String, help: String) -> FileError {
    FileError(.unsupported, file: stream.name, offset: base + position, reason, help: help)
  }

  private var next: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D { position += 1 }
  }

  /// Skips space, then takes the character if it comes next.
  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard next == character.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Character) throws(FileError) {
    if !take(character) { throw malformed("'\(character)' is missing in the header") }
  }

  /// The whole header.
  mutating func parse() throws(FileError) -> NpyHeader {
    var element: StoredElement?
    var isFortran: Bool?
    var shape: [Int]?
    try expect("{")
    while !take("}") {
      skipSpace()
      let start = position
      let key = try string()
      try expect(":")
      skipSpace()
      switch key {
      case "descr" where element == nil: element = try type()
      case "fortran_order" where isFortran == nil: isFortran = try truth()
      case "shape" where shape == nil: shape = try tuple()
      default:
        position = start
        throw malformed("the header's key \(quoted(key)) is unknown or stands twice")
      }
      if take(",") { continue }
      try expect("}")
      break
    }
    skipSpace()
    if next != nil { throw malformed("something follows the header's closing brace") }
    guard let element, let isFortran, let shape else {
      throw malformed("the header lacks one of 'descr', 'fortran_order' and 'shape'")
    }
    return NpyHeader(element: element, isFortran: isFortran, shape: shape)
  }

  private mutating func string() throws(FileError) -> String {
    guard let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw malformed("a text in quotes is missing in the header")
    }
    guard let end = text[(position + 1)...].firstIndex(of: quote) else { throw malformed("a text does not end") }
    let content = text[position + 1..<end]
    guard content.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
      throw malformed("a text in the header has characters that none of its words have")
    }
    position = end + 1
    return String(decoding: content, as: UTF8.self)
  }

  private mutating func word(_ word: String) -> Bool {
    guard text[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func truth() throws(FileError) -> Bool {
    if word("True") { return true }
    if word("False") { return false }
    throw malformed("'fortran_order' is neither True nor False")
  }

  private mutating func tuple() throws(FileError) -> [Int] {
    var sizes: [Int] = []
    try expect("(")
    while !take(")") {
      if sizes.count == Shape.maximumRank {
        throw unsupported(
          "the array has more than \(Shape.maximumRank) dimensions", help: "reshape it in NumPy before saving")
      }
      skipSpace()
      sizes.append(try integer())
      if take(",") { continue }
      try expect(")")
      if sizes.count == 1 { throw malformed("the shape is a number, not a tuple") }
      break
    }
    return sizes
  }

  private mutating func integer() throws(FileError) -> Int {
    let start = position
    var value = 0
    while let byte = next, byte >= 0x30, byte <= 0x39 {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowToo) = tens.addingReportingOverflow(Int(byte) - 0x30)
      if overflow || overflowToo { throw malformed("a size in the shape is 2⁶³ or more") }
      value = sum
      position += 1
    }
    if position == start { throw malformed("a size in the shape is not a whole number from 0 on") }
    if text[start] == 0x30 && position > start + 1 { throw malformed("a size in the shape starts with 0") }
    if next == UInt8(ascii: "L") { position += 1 }  // Python 2
    return value
  }

  private mutating func type() throws(FileError) -> StoredElement {
    guard next != UInt8(ascii: "["), next != UInt8(ascii: "("), next != UInt8(ascii: "{") else {
      throw unsupported("the array's elements are structures", help: "save each field as an array of its own")
    }
    let start = position
    let code = try string()
    if let element = Self.element(code) { return element }
    position = start
    let (reason, help): (String, String)
    switch code.drop(while: { "<>|=".contains($0) }).first {
    case "O": (reason, help) = ("the array holds Python objects", "save arrays of numbers; objects are never loaded")
    case "c": (reason, help) = ("the numbers are complex", "save x.real and x.imag as arrays of their own")
    case "V":
      (reason, help) = (
        "the elements are raw bytes without a type (NumPy writes bfloat16 so)",
        "save them as float32, or in safetensors"
      )
    case "S", "U", "a": (reason, help) = ("the elements are texts", "save numbers")
    case "M", "m": (reason, help) = ("the elements are times", "save them as int64: x.astype('int64')")
    default: (reason, help) = ("the type \(quoted(code)) is unknown", "convert the array with x.astype before saving")
    }
    throw unsupported(reason, help: help)
  }

  /// The element of a type code such as `<f4`.
  private static func element(_ code: String) -> StoredElement? {
    var rest = Substring(code)
    var order: Character = "="
    if let first = rest.first, "<>|=".contains(first) {
      order = first
      rest.removeFirst()
    }
    var element: StoredElement
    switch rest {
    case "b1", "?": element = StoredElement(.bool)
    case "u1": element = StoredElement(.uint8)
    case "i1": element = StoredElement(.int8)
    case "i2": element = StoredElement(.int16)
    case "i4": element = StoredElement(.int32)
    case "i8": element = StoredElement(.int64)
    case "f2": element = StoredElement(.float16)
    case "f4": element = StoredElement(.float32)
    case "f8": element = StoredElement(.float64)
    case "u2": element = StoredElement(unsignedSize: 2)
    case "u4": element = StoredElement(unsignedSize: 4)
    case "u8": element = StoredElement(unsignedSize: 8)
    default: return nil
    }
    if order == "|" && element.size > 1 { return nil }
    element.isBigEndian = order == ">"
    return element
  }
}
