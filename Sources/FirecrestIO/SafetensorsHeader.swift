import FirecrestCore

/// The header of a safetensors file: 8 bytes of length, then JSON that gives every tensor's type, shape and place.
/// As strict as the format's reference implementation, and stricter on names that stand twice.
struct SafetensorsHeader {
  /// One tensor; `begin` and `end` count from the start of the file.
  struct Entry {
    let name: String
    let element: StoredElement
    let shape: [Int]
    let begin: Int
    let end: Int
  }

  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]
  private let dataStart: Int

  /// The longest header that the format allows, in bytes.
  static let maximumLength = 100_000_000
  /// The key of the texts beside the tensors.
  static let metadataKey = "__metadata__"

  /// Reads and checks the header.
  init(_ source: some ByteSource) throws(FileError) {
    guard source.count >= 8 else {
      throw source.malformed(0, "a safetensors file has at least 8 bytes, this one has \(source.count)")
    }
    let field = try source.bytes(at: 0, count: 8, "the header's length")
    let length = field.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(Self.maximumLength), length <= UInt64(source.count - 8) else {
      throw source.malformed(
        0, "the header's length, \(length), is more than the file or the format allows",
        help: "this is no safetensors file, or only part of one")
    }
    dataStart = 8 + Int(length)
    let text = try source.bytes(at: 8, count: Int(length), "the header")
    guard text.first == UInt8(ascii: "{") else { throw source.malformed(8, "the header does not start with '{'") }
    var reader = JSONReader(text, at: 8, of: source)
    try readEntries(&reader, source)
    try reader.expectEnd()
    try checkPlaces(source)
  }

  private mutating func readEntries(_ reader: inout JSONReader, _ source: some ByteSource) throws(FileError) {
    var names: Set<String> = []
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    let dataStart = dataStart
    try reader.object { reader, name throws(FileError) in
      guard names.insert(name).inserted else { throw reader.malformed("the name \(quoted(name)) stands twice") }
      if name == Self.metadataKey {
        metadata = try reader.null() ? [:] : Self.readMetadata(&reader)
      } else {
        entries.append(try Self.readEntry(&reader, name, source, dataStart))
      }
    }
    self.entries = entries
    self.metadata = metadata
  }

  private static func readMetadata(_ reader: inout JSONReader) throws(FileError) -> [String: String] {
    var metadata: [String: String] = [:]
    try reader.object { reader, key throws(FileError) in
      let value = try reader.string()
      guard metadata.updateValue(value, forKey: key) == nil else {
        throw reader.malformed("the metadata key \(quoted(key)) stands twice")
      }
    }
    return metadata
  }

  private static func readEntry(
    _ reader: inout JSONReader, _ name: String, _ source: some ByteSource, _ dataStart: Int
  ) throws(FileError) -> Entry {
    var element: StoredElement?
    var shape: [Int]?
    var places: [Int]?
    let start = reader.offset
    try reader.object { reader, key throws(FileError) in
      switch key {
      case "dtype" where element == nil: element = try readType(&reader, name, source)
      case "shape" where shape == nil:
        shape = try readNumbers(&reader, atMost: Shape.maximumRank)
        if shape == nil {
          throw FileError(
            .unsupported, file: source.name, offset: start,
            "the tensor \(quoted(name)) has more than \(Shape.maximumRank) dimensions",
            help: "reshape it before saving")
        }
      case "data_offsets" where places == nil:
        places = try readNumbers(&reader, atMost: 2)
        if places?.count != 2 { throw reader.malformed("data_offsets of \(quoted(name)) are not two numbers") }
      case "dtype", "shape", "data_offsets": throw reader.malformed("'\(key)' of \(quoted(name)) stands twice")
      default: try reader.skipValue()
      }
    }
    guard let element, let shape, let places else {
      throw source.malformed(start, "the tensor \(quoted(name)) lacks one of dtype, shape and data_offsets")
    }
    guard let count = element.elementCount(shape) else {
      throw source.malformed(start, "the tensor \(quoted(name)) has more elements than can be counted")
    }
    guard places[0] <= places[1], places[1] <= source.count - dataStart,
      places[1] - places[0] == count * element.size
    else {
      throw source.malformed(
        start,
        "the tensor \(quoted(name)) needs \(count * element.size) bytes; its data_offsets are \(places) in a file with "
          + "\(source.count - dataStart) bytes of data")
    }
    return Entry(
      name: name, element: element, shape: shape, begin: dataStart + places[0], end: dataStart + places[1])
  }

  /// An array of numbers; nil where it has more than `limit`.
  private static func readNumbers(_ reader: inout JSONReader, atMost limit: Int) throws(FileError) -> [Int]? {
    var numbers: [Int] = []
    var isTooLong = false
    try reader.array { reader throws(FileError) in
      let number = try reader.integer()
      if numbers.count == limit { isTooLong = true } else { numbers.append(number) }
    }
    return isTooLong ? nil : numbers
  }

  private static func readType(
    _ reader: inout JSONReader, _ name: String, _ source: some ByteSource
  ) throws(FileError) -> StoredElement {
    let start = reader.offset
    let code = try reader.string()
    if let dtype = DType.allCases.first(where: { Self.code($0) == code }) { return StoredElement(dtype) }
    switch code {
    case "U16": return StoredElement(unsignedSize: 2)
    case "U32": return StoredElement(unsignedSize: 4)
    case "U64": return StoredElement(unsignedSize: 8)
    default:
      throw FileError(
        .unsupported, file: source.name, offset: start, "the tensor \(quoted(name)) has the type \(quoted(code))",
        help: "convert it before saving; Firecrest reads BOOL, U8 to U64, I8 to I64, F16, BF16, F32 and F64")
    }
  }

  /// Tensors must lie one after the other and fill the file to its end.
  private mutating func checkPlaces(_ source: some ByteSource) throws(FileError) {
    entries.sort { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
    var place = dataStart
    for entry in entries {
      guard entry.begin == place else {
        let relation = entry.begin < place ? "overlaps" : "leaves a gap behind"
        throw source.malformed(entry.begin, "the tensor \(quoted(entry.name)) \(relation) the one before")
      }
      place = entry.end
    }
    if place != source.count {
      throw source.malformed(place, "\(source.count - place) bytes at the end belong to no tensor")
    }
  }

  /// The format's name of a type.
  static func code(_ dtype: DType) -> String {
    switch dtype {
    case .bool: "BOOL"
    case .uint8: "U8"
    case .int8: "I8"
    case .int16: "I16"
    case .int32: "I32"
    case .int64: "I64"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .float32: "F32"
    case .float64: "F64"
    }
  }
}
