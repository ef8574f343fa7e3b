import CZlib

/// The unpacked content of a gzip file, one or several members behind each other.
///
/// The format does not say how large the content is, so `remaining` is only the most that the packed bytes can hold:
/// 1032 for each, the limit of deflate. Nothing is unpacked beyond what is read.
package final class GzipStream: ByteStream {
  package let name: String
  package private(set) var position = 0
  /// The most that can still come; 0 at the end.
  package var remaining: Int {
    if isAtEnd { return 0 }
    let (most, overflow) = (source.count + 64).multipliedReportingOverflow(by: 1032)
    return overflow ? .max : max(0, most - position)
  }
  private let source: any ByteSource
  private var taken = 0
  private var isAtEnd = false
  private let input: UnsafeMutableRawBufferPointer
  // On the heap: zlib's state points back to it.
  private let state: UnsafeMutablePointer<z_stream>

  /// Unpacks `source` while it is read.
  package init(_ source: any ByteSource) throws(FileError) {
    self.source = source
    name = source.name
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    input = .allocate(byteCount: 1 << 16, alignment: 64)
    // 16: a gzip header and trailer, whose checksum and size zlib checks.
    if inflateInit2_(state, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) != Z_OK {
      throw .outOfMemory(name)
    }
  }

  deinit {
    inflateEnd(state)
    state.deallocate()
    input.deallocate()
  }

  /// Whether the first bytes are gzip's.
  package static func isGzip(_ source: any ByteSource) throws(FileError) -> Bool {
    source.count >= 2 ? try source.bytes(at: 0, count: 2, "the first two bytes") == [0x1F, 0x8B] : false
  }

  package func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) {
    var done = 0
    while done < target.count {
      let part = min(target.count - done, 1 << 30)
      done += try inflate(into: UnsafeMutableRawBufferPointer(start: target.baseAddress! + done, count: part))
      if isAtEnd && done < target.count {
        throw malformed(position + done, "the unpacked data ends \(target.count - done) bytes early")
      }
    }
    position += target.count
  }

  /// One step of unpacking; returns how many bytes came out.
  private func inflate(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    if isAtEnd { return 0 }
    if state.pointee.avail_in == 0 && taken < source.count { try refill() }
    state.pointee.next_out = target.baseAddress!.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_out = UInt32(target.count)
    let result = CZlib.inflate(state, Z_NO_FLUSH)
    let got = target.count - Int(state.pointee.avail_out)
    switch result {
    case Z_STREAM_END:
      if try isAnotherNext() { inflateReset(state) } else { isAtEnd = true }
    case Z_OK: break
    case Z_BUF_ERROR where taken < source.count: break
    case Z_BUF_ERROR: throw malformed(nil, "the packed data is cut off")
    default: throw malformed(nil, "the packed data is damaged, or does not have its checksum")
    }
    return got
  }

  /// Whether another member follows, rather than nothing or zeros, with which some programs fill up a file's last block.
  private func isAnotherNext() throws(FileError) -> Bool {
    while true {
      if state.pointee.avail_in == 0 {
        if taken == source.count { return false }
        try refill()
      }
      if state.pointee.next_in.pointee != 0 { return true }
      state.pointee.next_in += 1
      state.pointee.avail_in -= 1
    }
  }

  private func refill() throws(FileError) {
    let part = min(source.count - taken, input.count)
    try source.read(at: taken, into: UnsafeMutableRawBufferPointer(rebasing: input[..<part]))
    taken += part
    state.pointee.next_in = input.baseAddress!.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_in = UInt32(part)
  }

  package func finish() throws(FileError) {
    var extra: UInt8 = 0
    while !isAtEnd {
      let outcome = withUnsafeMutableBytes(of: &extra) { target in
        Result { () throws(FileError) in try inflate(into: target) }
      }
      if try outcome.get() > 0 { throw malformed(position, "more unpacked data follows than the content needs") }
    }
  }
}
