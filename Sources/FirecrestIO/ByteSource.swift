#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Bytes of known number that can be read at any place.
package protocol ByteSource: AnyObject {
  /// The path, for messages.
  var name: String { get }
  /// The number of bytes.
  var count: Int { get }
  /// Copies bytes from `offset` on; the caller has checked that they exist.
  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(FileError)
}

extension ByteSource {
  /// An error about the content.
  package func malformed(_ offset: Int?, _ reason: String, help: String = remedyForDamage) -> FileError {
    FileError(.malformed, file: name, offset: offset, reason, help: help)
  }

  /// A copy of a part, refused where it reaches beyond the end. `what` names it in the message.
  package func bytes(at offset: Int, count length: Int, _ what: String) throws(FileError) -> [UInt8] {
    guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
      throw malformed(min(max(offset, 0), count), "\(what) of \(length) bytes lies beyond the end, at byte \(count)")
    }
    var result = [UInt8](repeating: 0, count: length)
    let outcome = result.withUnsafeMutableBytes { target in
      Result { () throws(FileError) in try read(at: offset, into: target) }
    }
    try outcome.get()
    return result
  }
}

/// What to do about a file that breaks its format's rules.
package let remedyForDamage = "the file is damaged or incomplete; get or write it anew"

/// A regular file, read with `pread`.
package final class FileSource: ByteSource {
  package let name: String
  package let count: Int
  private let descriptor: Int32

  /// Opens a file for reading.
  package init(_ path: String) throws(FileError) {
    name = path
    if path.utf8.contains(0) {
      throw FileError(.unsupported, file: path, "a path cannot have a NUL character", help: "rename it")
    }
    // O_NONBLOCK: opening a pipe would wait for its other end; regular files do not mind.
    let opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if opened < 0 { throw .system(path, "open") }
    var status = stat()
    if fstat(opened, &status) != 0 {
      let error = FileError.system(path, "examine")
      close(opened)
      throw error
    }
    if status.st_mode & S_IFMT != S_IFREG {
      close(opened)
      throw FileError(.unsupported, file: path, "this is not a regular file", help: "name a file, not a folder or pipe")
    }
    descriptor = opened
    count = Int(status.st_size)
  }

  package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(FileError) {
    var done = 0
    while done < target.count {
      let part = min(target.count - done, 1 << 30)
      let got = pread(descriptor, target.baseAddress! + done, part, off_t(offset + done))
      if got < 0 {
        if errno == EINTR { continue }
        throw .system(name, "read")
      }
      if got == 0 { throw malformed(offset + done, "the file became shorter while it was read") }
      done += got
    }
  }

  /// The whole file in memory, private to this process; nil where the file system cannot map.
  func map() -> Mapping? {
    guard count > 0 else { return nil }
    // Private and writable: tensors on it may change in place, which copies the page and never reaches the file.
    let start = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | Mapping.noReserve, descriptor, 0)
    guard let start, start != MAP_FAILED else { return nil }
    return Mapping(start, count)
  }

  deinit { close(descriptor) }
}

/// A mapped file; unmapped when the last tensor on it goes.
final class Mapping: @unchecked Sendable {
  // Both are constants, and what is written behind the pointer is the tensors' to order.
  let pointer: UnsafeMutableRawPointer
  private let count: Int

  #if os(Linux)
    static let noReserve = MAP_NORESERVE
  #else
    static let noReserve: Int32 = 0
  #endif

  fileprivate init(_ pointer: UnsafeMutableRawPointer, _ count: Int) {
    self.pointer = pointer
    self.count = count
  }

  deinit { munmap(pointer, count) }
}

/// Bytes in memory.
package final class MemorySource: ByteSource {
  package let name = "<memory>"
  private let content: [UInt8]
  package var count: Int { content.count }

  package init(_ content: [UInt8]) { self.content = content }

  package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) {
    content.withUnsafeBytes {
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + target.count]))
    }
  }
}

/// Little-endian fields of a header, read in order; never beyond its end.
struct FieldReader {
  private let bytes: ArraySlice<UInt8>
  private let source: any ByteSource
  private let base: Int
  private(set) var position: Int

  /// Reads `bytes`, which lie at `base` of `source`.
  init(_ bytes: [UInt8], of source: any ByteSource, at base: Int) {
    self.init(bytes[...], source, base)
  }

  private init(_ bytes: ArraySlice<UInt8>, _ source: any ByteSource, _ base: Int) {
    self.bytes = bytes
    self.source = source
    self.base = base
    position = bytes.startIndex
  }

  /// Where the next field lies in the file.
  var offset: Int { base + position }
  /// Whether all is read.
  var isAtEnd: Bool { position == bytes.endIndex }
  /// How many bytes are left.
  var remaining: Int { bytes.endIndex - position }

  /// The next `count` bytes.
  mutating func take(_ count: Int) throws(FileError) -> ArraySlice<UInt8> {
    guard count <= remaining else { throw source.malformed(offset, "a header is cut off") }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// The next `count` bytes, to be read on their own.
  mutating func part(_ count: Int) throws(FileError) -> FieldReader { FieldReader(try take(count), source, base) }

  private mutating func number(_ size: Int) throws(FileError) -> UInt64 {
    try take(size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A 16-bit field.
  mutating func u16() throws(FileError) -> Int { Int(try number(2)) }
  /// A 32-bit field.
  mutating func u32() throws(FileError) -> Int { Int(try number(4)) }
  /// A 64-bit field, refused from 2⁶³ on.
  mutating func u64() throws(FileError) -> Int {
    let start = offset
    guard let value = Int(exactly: try number(8)) else { throw source.malformed(start, "a size is 2⁶³ or more") }
    return value
  }
}
