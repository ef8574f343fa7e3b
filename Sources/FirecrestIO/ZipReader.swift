/// One member of a zip archive, whose place and sizes have been checked against the file and its neighbours.
struct ZipMember {
  let name: String
  let isDeflated: Bool
  let crc: Int
  let packedSize: Int
  let size: Int
  fileprivate let flags: Int
  fileprivate let headerOffset: Int
  fileprivate(set) var dataOffset = 0
}

/// A zip archive: stored and deflated members, with 64-bit sizes where needed.
struct ZipArchive {
  let source: any ByteSource
  private(set) var members: [ZipMember] = []

  /// Reads and checks the directory and every member's header.
  init(_ source: some ByteSource) throws(FileError) {
    self.source = source
    let directory = try findDirectory()
    try readDirectory(directory)
    try locateMembers(before: directory.offset)
  }

  /// A member's content.
  func open(_ member: ZipMember) throws(FileError) -> any ByteStream {
    member.isDeflated ? try InflateStream(source, member) : StoredStream(source, member)
  }

  private struct Directory {
    var count: Int
    var size: Int
    var offset: Int
  }

  /// Reads the record at the file's end.
  private func findDirectory() throws(FileError) -> Directory {
    let length = min(source.count, Zip.endSize + 0xFFFF)
    let start = source.count - length
    let tail = try source.bytes(at: start, count: length, "the end")
    guard let found = endRecord(tail) else {
      throw source.malformed(
        nil, "this is not a whole zip archive: its end record is missing", help: "the file may be cut off; get it anew")
    }
    let end = start + found
    var fields = FieldReader(Array(tail[found...]), of: source, at: end)
    _ = try fields.u32()
    let disk = try fields.u16()
    let directoryDisk = try fields.u16()
    let countHere = try fields.u16()
    var directory = Directory(count: try fields.u16(), size: try fields.u32(), offset: try fields.u32())
    var limit = end
    guard disk == 0, directoryDisk == 0, countHere == directory.count else { throw severalDisks(end) }
    let isSaturated =
      directory.count == Zip.saturated16 || directory.size == Zip.saturated32 || directory.offset == Zip.saturated32
    // Some writers add the 64-bit record where the fields are not saturated too; the directory then ends before it.
    let endsElsewhere = directory.size > end || directory.offset != end - directory.size
    if isSaturated || endsElsewhere, let (large, place) = try findDirectory64(before: end) {
      directory = large
      limit = place
    }
    guard directory.size <= limit, directory.offset == limit - directory.size else {
      throw source.malformed(
        end,
        "the directory, of \(directory.size) bytes at byte \(directory.offset), does not end where its end record "
          + "starts, at byte \(limit)")
    }
    guard directory.count <= directory.size / Zip.centralSize else {
      throw source.malformed(end, "a directory of \(directory.size) bytes cannot have \(directory.count) entries")
    }
    return directory
  }

  /// The place of the end record, whose comment must reach exactly to the end of the file.
  private func endRecord(_ tail: [UInt8]) -> Int? {
    var i = tail.count - Zip.endSize
    while i >= 0 {
      if tail[i] == 0x50, tail[i + 1] == 0x4B, tail[i + 2] == 5, tail[i + 3] == 6,
        Int(tail[i + 20]) | Int(tail[i + 21]) << 8 == tail.count - i - Zip.endSize
      {
        return i
      }
      i -= 1
    }
    return nil
  }

  private func severalDisks(_ offset: Int) -> FileError {
    FileError(
      .unsupported, file: source.name, offset: offset, "the archive is split over several files",
      help: "join it: zip -s 0 split.zip --out whole.zip")
  }

  /// The directory as the 64-bit end record gives it, and where that record starts; nil where there is none.
  private func findDirectory64(before end: Int) throws(FileError) -> (Directory, Int)? {
    guard end >= Zip.locatorSize + Zip.end64Size else { return nil }
    let place = end - Zip.locatorSize
    var locator = FieldReader(
      try source.bytes(at: place, count: Zip.locatorSize, "the locator"), of: source, at: place)
    guard try locator.u32() == Zip.locatorSignature else { return nil }
    let disk = try locator.u32()
    let offset = try locator.u64()
    let disks = try locator.u32()
    guard disk == 0, disks <= 1 else { throw severalDisks(place) }
    guard offset <= place - Zip.end64Size else {
      throw source.malformed(place, "the 64-bit end record at byte \(offset) overlaps its locator")
    }
    var fields = FieldReader(
      try source.bytes(at: offset, count: Zip.end64Size, "the 64-bit end record"), of: source, at: offset)
    let signature = try fields.u32()
    let size = try fields.u64()
    guard signature == Zip.end64Signature, size == place - offset - 12 else {
      throw source.malformed(offset, "there is no 64-bit end record where its locator says")
    }
    _ = try fields.take(4)
    let numbers = (try fields.u32(), try fields.u32(), try fields.u64())
    let directory = Directory(count: try fields.u64(), size: try fields.u64(), offset: try fields.u64())
    guard numbers.0 == 0, numbers.1 == 0, numbers.2 == directory.count else { throw severalDisks(offset) }
    return (directory, offset)
  }

  private mutating func readDirectory(_ directory: Directory) throws(FileError) {
    let bytes = try source.bytes(at: directory.offset, count: directory.size, "the directory")
    var fields = FieldReader(bytes, of: source, at: directory.offset)
    var names: Set<String> = []
    for _ in 0..<directory.count {
      let start = fields.offset
      let member = try readEntry(&fields)
      guard names.insert(member.name).inserted else {
        throw source.malformed(start, "two members have the name \(quoted(member.name))")
      }
      members.append(member)
    }
    if !fields.isAtEnd { throw source.malformed(fields.offset, "the directory has more than its entries") }
  }

  private func readEntry(_ fields: inout FieldReader) throws(FileError) -> ZipMember {
    let start = fields.offset
    guard try fields.u32() == Zip.centralSignature else {
      throw source.malformed(start, "there is no directory entry where one should be")
    }
    _ = try fields.take(4)
    let flags = try fields.u16()
    let method = try fields.u16()
    _ = try fields.take(4)
    let crc = try fields.u32()
    let packedSize = try fields.u32()
    let size = try fields.u32()
    let nameLength = try fields.u16()
    let extraLength = try fields.u16()
    let commentLength = try fields.u16()
    let disk = try fields.u16()
    _ = try fields.take(6)
    let offset = try fields.u32()
    let nameBytes = try fields.take(nameLength)
    var extra = try fields.part(extraLength)
    _ = try fields.take(commentLength)
    guard let name = String(validating: nameBytes, as: UTF8.self) else {
      throw source.malformed(start + Zip.centralSize, "a member's name is not UTF-8")
    }
    let sizes = try resolve64([size, packedSize, offset], &extra)
    if disk != 0 { throw severalDisks(start) }
    try checkMethod(flags, method, quoted(name), start)
    let member = ZipMember(
      name: name, isDeflated: method == Zip.deflated, crc: crc, packedSize: sizes[1], size: sizes[0], flags: flags,
      headerOffset: sizes[2])
    try checkClaim(member, start)
    return member
  }

  private func checkMethod(_ flags: Int, _ method: Int, _ name: String, _ offset: Int) throws(FileError) {
    var reason: String?
    if flags & Zip.flagsRefused != 0 { reason = "the member \(name) is encrypted or patched" }
    if method != Zip.stored && method != Zip.deflated {
      reason = "the member \(name) is compressed by method \(method); stored (0) and deflated (8) are read"
    }
    if let reason {
      throw FileError(
        .unsupported, file: source.name, offset: offset, reason,
        help: "write the archive again, stored or deflated and without encryption")
    }
  }

  /// Whether so many packed bytes can unfold to so many.
  private func checkClaim(_ member: ZipMember, _ offset: Int) throws(FileError) {
    let (limit, overflow) = member.packedSize.multipliedReportingOverflow(by: Zip.maximumExpansion)
    let isPossible = member.isDeflated ? overflow || member.size <= limit : member.size == member.packedSize
    guard isPossible, member.packedSize <= source.count else {
      throw source.malformed(
        offset, "the member \(quoted(member.name)) cannot have \(member.size) bytes in \(member.packedSize) packed ones"
      )
    }
  }

  /// Replaces saturated 32-bit values by those of the 64-bit extra field, which holds just these, in this order.
  private func resolve64(_ values: [Int], _ extra: inout FieldReader) throws(FileError) -> [Int] {
    var values = values
    while extra.remaining >= 4 {
      let identifier = try extra.u16()
      var content = try extra.part(try extra.u16())
      if identifier != Zip.extra64 { continue }
      for i in values.indices where values[i] == Zip.saturated32 { values[i] = try content.u64() }
      break
    }
    return values
  }

  /// Checks every local header against the directory, and that no two members share bytes.
  private mutating func locateMembers(before limit: Int) throws(FileError) {
    var end = 0
    for index in members.indices.sorted(by: { members[$0].headerOffset < members[$1].headerOffset }) {
      let member = members[index]
      guard member.headerOffset >= end else {
        throw source.malformed(member.headerOffset, "the member \(quoted(member.name)) overlaps the one before")
      }
      members[index].dataOffset = try readLocalHeader(member, limit)
      end = members[index].dataOffset + member.packedSize
      if member.flags & Zip.flagDescriptor != 0 { end = try readDescriptor(member, at: end, limit) }
    }
  }

  private func readLocalHeader(_ member: ZipMember, _ limit: Int) throws(FileError) -> Int {
    let start = member.headerOffset
    let header = try source.bytes(at: start, count: Zip.localSize, "a member's header")
    var fields = FieldReader(header, of: source, at: start)
    guard try fields.u32() == Zip.localSignature else {
      throw source.malformed(start, "there is no header of the member \(quoted(member.name)) where the directory says")
    }
    _ = try fields.take(2)
    let flags = try fields.u16()
    let method = try fields.u16()
    _ = try fields.take(4)
    let crc = try fields.u32()
    let packedSize = try fields.u32()
    let size = try fields.u32()
    let nameLength = try fields.u16()
    let extraLength = try fields.u16()
    let more = try source.bytes(at: start + Zip.localSize, count: nameLength + extraLength, "a member's header")
    var extra = FieldReader(Array(more[nameLength...]), of: source, at: start + Zip.localSize + nameLength)
    let sizes = try resolve64([size, packedSize], &extra)
    let hasSizes = flags & Zip.flagDescriptor == 0
    guard flags == member.flags, method == (member.isDeflated ? Zip.deflated : Zip.stored),
      more[..<nameLength].elementsEqual(member.name.utf8),
      !hasSizes || (crc == member.crc && sizes == [member.size, member.packedSize])
    else { throw source.malformed(start, "the header of the member \(quoted(member.name)) contradicts the directory") }
    let data = start + Zip.localSize + nameLength + extraLength
    guard data <= limit, member.packedSize <= limit - data else {
      throw source.malformed(start, "the member \(quoted(member.name)) reaches into the directory")
    }
    return data
  }

  /// Sizes that follow the data come in four forms: with or without signature, 32 or 64 bits. Returns where they end.
  private func readDescriptor(_ member: ZipMember, at offset: Int, _ limit: Int) throws(FileError) -> Int {
    let bytes = try source.bytes(at: offset, count: min(24, limit - offset), "the sizes behind a member")
    for hasSignature in [true, false] {
      for width in [4, 8] {
        var form: [UInt8] = []
        if hasSignature { form.append(littleEndian: Zip.descriptorSignature, size: 4) }
        form.append(littleEndian: member.crc, size: 4)
        form.append(littleEndian: member.packedSize, size: width)
        form.append(littleEndian: member.size, size: width)
        if bytes.starts(with: form) { return offset + form.count }
      }
    }
    throw source.malformed(offset, "the sizes behind the member \(quoted(member.name)) contradict the directory")
  }
}
