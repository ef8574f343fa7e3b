/// Where in a file of `torch.save` everything lies.
struct TorchFile {
  let source: any ByteSource
  /// The value that was saved.
  private(set) var pickle = Pickle()
  /// The bytes of each storage, by key.
  private(set) var places: [String: Range<Int>] = [:]
  /// Whether numbers have their highest byte first.
  private(set) var isBigEndian = false

  /// Reads all but the numbers, in either format.
  init(_ source: any ByteSource) throws(FileError) {
    self.source = source
    let start = try source.bytes(at: 0, count: min(source.count, Self.prefixLength), "the start")
    if let length = Self.legacyPrefix(start) {
      try readLegacy(after: length)
    } else if start.starts(with: "PK".utf8) {
      try readArchive(ZipArchive(source))
    } else {
      throw source.malformed(0, "this is no file of torch.save", help: "name a file that torch.save wrote")
    }
  }

  // MARK: PyTorch 1.6 and later: a zip archive

  /// Whether an archive is one of PyTorch's.
  static func isTorch(_ archive: ZipArchive) -> Bool { folder(archive) != nil }

  /// The folder that everything lies in, with its slash. It has the name of the file when it was saved.
  private static func folder(_ archive: ZipArchive) -> String? {
    for member in archive.members where member.name.hasSuffix("/data.pkl") {
      let folder = member.name.dropLast(8)
      if folder.firstIndex(of: "/") == folder.indices.last { return String(folder) }
    }
    return nil
  }

  private mutating func readArchive(_ archive: ZipArchive) throws(FileError) {
    guard let folder = Self.folder(archive) else {
      throw source.malformed(
        nil, "this archive has no data.pkl, which torch.save writes", help: "read an .npz archive with loadNpz")
    }
    if archive.members.contains(where: { $0.name == folder + "constants.pkl" }) {
      throw FileError(
        .unsupported, file: source.name, "this is a TorchScript program",
        help: "save its weights alone; in PyTorch: torch.save(torch.jit.load(path).state_dict(), path)")
    }
    var ranges: [String: Range<Int>] = [:]
    for member in archive.members where member.name.hasPrefix(folder) {
      if member.isDeflated {
        throw FileError(
          .unsupported, file: source.name, "the member \(quoted(member.name)) is compressed",
          help: "get the file as torch.save wrote it, or pack it with zip -0")
      }
      ranges[String(member.name.dropFirst(folder.count))] = member.dataOffset..<member.dataOffset + member.size
    }
    for (name, range) in ranges where name.hasPrefix("data/") { places[String(name.dropFirst(5))] = range }
    if let range = ranges["byteorder"] { isBigEndian = try readByteOrder(range) }
    // The checksums are not looked at: PyTorch can be told to write none, and does not look at them either.
    let range = ranges["data.pkl"]!
    pickle = try Unpickler.read(SourcePart(source, range, "\(folder)data.pkl"))
  }

  private func readByteOrder(_ range: Range<Int>) throws(FileError) -> Bool {
    switch try source.bytes(at: range.lowerBound, count: min(range.count, 8), "the byte order") {
    case Array("little".utf8): return false
    case Array("big".utf8): return true
    default: throw source.malformed(range.lowerBound, "the byte order is neither little nor big")
    }
  }

  // MARK: Before 1.6: pickles one after the other, then the storages

  /// Enough of a file to tell its format.
  static let prefixLength = 24

  /// The length of the pickle of a certain number that starts a file of the older format; nil in other files.
  static func legacyPrefix(_ bytes: [UInt8]) -> Int? {
    let number: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    guard bytes.count >= 2, bytes[0] == 0x80 else { return nil }
    // Protocols 4 and 5 put a frame around it, of 9 bytes.
    for start in [2, 11] where bytes.count >= start + number.count && bytes[start...].starts(with: number) {
      return start + number.count
    }
    return nil
  }

  private mutating func readLegacy(after length: Int) throws(FileError) {
    var place = length
    func next() throws(FileError) -> Pickle {
      let pickle = try Unpickler.read(source, at: place)
      place += pickle.length
      return pickle
    }
    guard case .int(1001) = try next().root else {
      throw FileError(
        .unsupported, file: source.name, offset: length, "this version of the format is unknown",
        help: "load the file in PyTorch and save it again")
    }
    // The machine that wrote it. Numbers are little-endian whatever it was.
    _ = try next()
    pickle = try next()
    let keysAt = place
    let keys = try next()
    guard case .list(let index) = keys.root else { throw source.malformed(keysAt, "the storages' keys are no list") }
    for value in keys.nodes[index] {
      guard case .text(let key) = value, let storage = pickle.storages[key], places[key] == nil else {
        throw source.malformed(keysAt, "a storage belongs to no tensor or stands twice")
      }
      places[key] = try readPlace(storage.type.element!.size, at: &place)
    }
    if place < source.count {
      throw source.malformed(
        place, "\(source.count - place) bytes at the end belong to no tensor", help: "one value a file is read")
    }
  }

  /// A storage's number of elements, of `size` bytes each, and then they themselves.
  private func readPlace(_ size: Int, at place: inout Int) throws(FileError) -> Range<Int> {
    let field = try source.bytes(at: place, count: 8, "a storage's length")
    let count = field.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let start = place + 8
    guard count <= UInt64((source.count - start) / size) else {
      throw source.malformed(place, "a storage of \(count) elements of \(size) bytes lies beyond the end")
    }
    place = start + Int(count) * size
    return start..<place
  }
}

/// A part of a source, under its own name.
private final class SourcePart: ByteSource {
  let name: String
  let count: Int
  private let source: any ByteSource
  private let start: Int

  init(_ source: any ByteSource, _ range: Range<Int>, _ member: String) {
    self.source = source
    name = "\(source.name)(\(member))"
    start = range.lowerBound
    count = range.count
  }

  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(FileError) {
    try source.read(at: start + offset, into: target)
  }
}
