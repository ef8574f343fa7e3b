import CZlib

/// The CRC-32 of zip, continued.
func crc32(_ crc: UInt, _ bytes: UnsafeRawBufferPointer) -> UInt {
  CZlib.crc32_z(crc, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
}

/// The error for content that does not have its checksum.
private func badChecksum(_ stream: some ByteStream) -> FileError {
  stream.malformed(nil, "the content does not have the checksum (CRC-32) that the archive gives")
}

/// The content of a member that is not compressed.
final class StoredStream: ByteStream {
  let name: String
  private(set) var position = 0
  var remaining: Int { member.size - position }
  private let source: any ByteSource
  private let member: ZipMember
  private var crc: UInt = 0

  init(_ source: any ByteSource, _ member: ZipMember) {
    self.source = source
    self.member = member
    name = "\(source.name)(\(member.name))"
  }

  func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) {
    try source.read(at: member.dataOffset + position, into: target)
    crc = crc32(crc, UnsafeRawBufferPointer(target))
    position += target.count
  }

  func finish() throws(FileError) {
    if crc != UInt(member.crc) { throw badChecksum(self) }
  }
}

/// The content of a deflated member. Never unpacks more than the directory claims.
final class InflateStream: ByteStream {
  let name: String
  private(set) var position = 0
  var remaining: Int { member.size - position }
  private let source: any ByteSource
  private let member: ZipMember
  private var crc: UInt = 0
  private var taken = 0
  private var isAtEnd = false
  private let input: UnsafeMutableRawBufferPointer
  // On the heap: zlib's state points back to it.
  private let state: UnsafeMutablePointer<z_stream>

  init(_ source: any ByteSource, _ member: ZipMember) throws(FileError) {
    self.source = source
    self.member = member
    name = "\(source.name)(\(member.name))"
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    input = .allocate(byteCount: 1 << 16, alignment: 64)
    // Negative: raw deflate, without zlib's own header.
    if inflateInit2_(state, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) != Z_OK {
      throw .outOfMemory(name)
    }
  }

  deinit {
    inflateEnd(state)
    state.deallocate()
    input.deallocate()
  }

  func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) {
    var done = 0
    while done < target.count {
      let part = min(target.count - done, 1 << 30)
      let got = try inflate(into: UnsafeMutableRawBufferPointer(start: target.baseAddress! + done, count: part))
      if got == 0 && isAtEnd {
        throw malformed(position + done, "the packed data ends before the \(member.size) bytes that the archive gives")
      }
      done += got
    }
    crc = crc32(crc, UnsafeRawBufferPointer(target))
    position += target.count
  }

  /// One step of unpacking; returns how many bytes came out.
  private func inflate(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    if isAtEnd { return 0 }
    if state.pointee.avail_in == 0 && taken < member.packedSize {
      let part = min(member.packedSize - taken, input.count)
      try source.read(at: member.dataOffset + taken, into: UnsafeMutableRawBufferPointer(rebasing: input[..<part]))
      taken += part
      state.pointee.next_in = input.baseAddress!.assumingMemoryBound(to: UInt8.self)
      state.pointee.avail_in = UInt32(part)
    }
    state.pointee.next_out = target.baseAddress!.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_out = UInt32(target.count)
    let result = CZlib.inflate(state, Z_NO_FLUSH)
    let got = target.count - Int(state.pointee.avail_out)
    switch result {
    case Z_STREAM_END: isAtEnd = true
    case Z_OK: break
    case Z_BUF_ERROR where taken < member.packedSize: break
    case Z_BUF_ERROR: throw malformed(position, "the packed data is cut off")
    default: throw malformed(position, "the packed data is damaged")
    }
    return got
  }

  func finish() throws(FileError) {
    var extra: UInt8 = 0
    while !isAtEnd {
      let outcome = withUnsafeMutableBytes(of: &extra) { target in
        Result { () throws(FileError) in try inflate(into: target) }
      }
      if try outcome.get() > 0 { throw malformed(position, "the packed data holds more than the archive gives") }
    }
    if taken < member.packedSize || state.pointee.avail_in > 0 {
      throw malformed(position, "bytes follow the end of the packed data")
    }
    if crc != UInt(member.crc) { throw badChecksum(self) }
  }
}
