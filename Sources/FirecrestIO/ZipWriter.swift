import CZlib

/// Writes a zip archive whose bytes depend on nothing but its members (all dated 1980-01-01, as the format's zero).
final class ZipWriter {
  private let sink: any ByteSink
  private var entries: [Entry] = []
  /// From this size on, sizes and offsets are written in 64 bits. Smaller only in tests.
  private let limit32: Int

  private struct Entry {
    var name: [UInt8]
    var method: Int
    var crc: UInt
    var packedSize: Int
    var size: Int
    var offset: Int
  }

  init(_ sink: any ByteSink, limit32: Int = Zip.saturated32) {
    self.sink = sink
    self.limit32 = limit32
  }

  /// Adds a member made of the given parts, one after the other.
  func add(
    _ name: String, size: Int, deflated: Bool,
    _ body: ((UnsafeRawBufferPointer) throws(FileError) -> Void) throws(FileError) -> Void
  ) throws(FileError) {
    var entry = Entry(
      name: Array(name.utf8), method: deflated ? Zip.deflated : Zip.stored, crc: 0, packedSize: 0, size: size,
      offset: sink.count)
    if entry.name.count > 0xFFFF {
      throw FileError(
        .unsupported, file: sink.name, "the name \(quoted(name)) has more than 65,535 bytes", help: "use a shorter one")
    }
    // Deflate adds a few bytes to what it cannot shrink, less than a thousandth.
    let is64 = size + size / 1000 + 1024 >= limit32
    try sink.write(localHeader(entry, is64))
    let start = sink.count
    if deflated {
      let packer = try Deflater(sink)
      try body { part throws(FileError) in
        entry.crc = crc32(entry.crc, part)
        try packer.add(part)
      }
      try packer.finish()
    } else {
      try body { part throws(FileError) in
        entry.crc = crc32(entry.crc, part)
        try sink.write(part)
      }
    }
    entry.packedSize = sink.count - start
    try sink.rewrite(at: entry.offset, localHeader(entry, is64))
    entries.append(entry)
  }

  private func localHeader(_ entry: Entry, _ is64: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Zip.localSignature, size: 4)
    appendCommon(entry, is64, is64 ? [Zip.saturated32, Zip.saturated32] : [entry.packedSize, entry.size], &bytes)
    bytes.append(littleEndian: is64 ? 20 : 0, size: 2)
    bytes += entry.name
    if is64 { bytes += extra64([entry.size, entry.packedSize]) }
    return bytes
  }

  /// The fields that a member's header and its directory entry share: version to length of the name.
  private func appendCommon(_ entry: Entry, _ is64: Bool, _ sizes: [Int], _ bytes: inout [UInt8]) {
    bytes.append(littleEndian: is64 ? 45 : 20, size: 2)
    let isASCII = entry.name.allSatisfy { $0 < 0x80 }
    bytes.append(littleEndian: isASCII ? 0 : Zip.flagUTF8, size: 2)
    bytes.append(littleEndian: entry.method, size: 2)
    bytes.append(littleEndian: 0, size: 2)  // 00:00:00
    bytes.append(littleEndian: 1 << 5 | 1, size: 2)  // 1980-01-01
    bytes.append(littleEndian: Int(entry.crc), size: 4)
    for size in sizes { bytes.append(littleEndian: size, size: 4) }
    bytes.append(littleEndian: entry.name.count, size: 2)
  }

  private func extra64(_ values: [Int]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Zip.extra64, size: 2)
    bytes.append(littleEndian: 8 * values.count, size: 2)
    for value in values { bytes.append(littleEndian: value, size: 8) }
    return bytes
  }

  private func centralHeader(_ entry: Entry) -> [UInt8] {
    let values = [entry.size, entry.packedSize, entry.offset]
    let large = values.filter { $0 >= limit32 }
    let fields = values.map { $0 >= limit32 ? Zip.saturated32 : $0 }
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Zip.centralSignature, size: 4)
    bytes.append(littleEndian: large.isEmpty ? 20 : 45, size: 2)
    appendCommon(entry, !large.isEmpty, [fields[1], fields[0]], &bytes)
    bytes.append(littleEndian: large.isEmpty ? 0 : 4 + 8 * large.count, size: 2)
    bytes += [UInt8](repeating: 0, count: 2 + 2 + 2 + 4)  // comment, disk, attributes
    bytes.append(littleEndian: fields[2], size: 4)
    bytes += entry.name
    if !large.isEmpty { bytes += extra64(large) }
    return bytes
  }

  /// Writes the directory. Nothing can be added afterwards.
  func finish() throws(FileError) {
    let start = sink.count
    for entry in entries { try sink.write(centralHeader(entry)) }
    let size = sink.count - start
    let is64 = entries.count >= min(limit32, Zip.saturated16) || size >= limit32 || start >= limit32
    if is64 { try sink.write(endRecords64(start, size)) }
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Zip.endSignature, size: 4)
    bytes.append(littleEndian: 0, size: 4)
    let count = is64 ? Zip.saturated16 : entries.count
    bytes.append(littleEndian: count, size: 2)
    bytes.append(littleEndian: count, size: 2)
    bytes.append(littleEndian: is64 ? Zip.saturated32 : size, size: 4)
    bytes.append(littleEndian: is64 ? Zip.saturated32 : start, size: 4)
    bytes.append(littleEndian: 0, size: 2)
    try sink.write(bytes)
  }

  private func endRecords64(_ start: Int, _ size: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Zip.end64Signature, size: 4)
    bytes.append(littleEndian: Zip.end64Size - 12, size: 8)
    bytes.append(littleEndian: 45, size: 2)
    bytes.append(littleEndian: 45, size: 2)
    bytes.append(littleEndian: 0, size: 8)
    bytes.append(littleEndian: entries.count, size: 8)
    bytes.append(littleEndian: entries.count, size: 8)
    bytes.append(littleEndian: size, size: 8)
    bytes.append(littleEndian: start, size: 8)
    bytes.append(littleEndian: Zip.locatorSignature, size: 4)
    bytes.append(littleEndian: 0, size: 4)
    bytes.append(littleEndian: start + size, size: 8)
    bytes.append(littleEndian: 1, size: 4)
    return bytes
  }
}

/// Packs bytes into a sink as raw deflate.
private final class Deflater {
  private let sink: any ByteSink
  private let output: UnsafeMutableRawBufferPointer
  // On the heap: zlib's state points back to it.
  private let state: UnsafeMutablePointer<z_stream>

  init(_ sink: any ByteSink) throws(FileError) {
    self.sink = sink
    output = .allocate(byteCount: 1 << 16, alignment: 64)
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    let result = deflateInit2_(
      state, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    if result != Z_OK { throw .outOfMemory(sink.name) }
  }

  deinit {
    deflateEnd(state)
    state.deallocate()
    output.deallocate()
  }

  func add(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      state.pointee.next_in = UnsafeMutableRawPointer(mutating: part.baseAddress!).assumingMemoryBound(to: UInt8.self)
      state.pointee.avail_in = UInt32(part.count)
      while state.pointee.avail_in > 0 { try step(Z_NO_FLUSH) }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
    }
  }

  func finish() throws(FileError) {
    while try step(Z_FINISH) != Z_STREAM_END {}
  }

  @discardableResult
  private func step(_ flush: Int32) throws(FileError) -> Int32 {
    state.pointee.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_out = UInt32(output.count)
    let result = deflate(state, flush)
    let made = output.count - Int(state.pointee.avail_out)
    try sink.write(UnsafeRawBufferPointer(rebasing: output[..<made]))
    return result
  }
}
