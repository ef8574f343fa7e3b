import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes a file so that at any moment the path names either the old content or the whole new one.
///
/// The bytes go to a temporary file in the same folder, which `commit()` makes durable and renames. Without `commit()`,
/// after an error say, the old file is untouched and the temporary one is removed. A symbolic link is followed; an
/// existing file's permissions are kept.
///
/// ```swift
/// try AtomicFile.write(to: "notes.txt") { file in try file.write(Array("Hello".utf8)) }
/// ```
public final class AtomicFile {
  /// The path as given.
  public let path: String
  /// How many bytes were written.
  public private(set) var count = 0
  private let target: String
  private let folder: String
  private let temporary: String
  private var descriptor: Int32
  private let buffer: UnsafeMutableRawBufferPointer
  private var buffered = 0

  private static let serial = Atomic<Int>(0)

  /// Starts a new file that will stand at `path` when it is committed.
  public init(_ path: String) throws(FileError) {
    self.path = path
    if path.utf8.contains(0) {
      throw FileError(.unsupported, file: path, "a path cannot have a NUL character", help: "rename it")
    }
    let target = Self.resolve(path)
    let folder = target.lastIndex(of: "/").map { String(target[...$0]) } ?? "./"
    self.target = target
    self.folder = folder
    var existing = stat()
    let exists = stat(target, &existing) == 0
    if exists && existing.st_mode & S_IFMT != S_IFREG {
      throw FileError(.unsupported, file: path, "this is not a regular file", help: "name a file, not a folder or pipe")
    }
    var name = ""
    var opened: Int32 = -1
    for _ in 0..<1000 {
      let number = Self.serial.add(1, ordering: .relaxed).newValue
      name = "\(folder).firecrest-\(getpid())-\(number).tmp"
      opened = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if opened >= 0 || errno != EEXIST { break }
    }
    if opened < 0 { throw .system(path, "create a temporary file in \(folder)") }
    if exists && fchmod(opened, existing.st_mode & 0o7777) != 0 {
      let error = FileError.system(path, "set the permissions of a temporary file")
      close(opened)
      unlink(name)
      throw error
    }
    temporary = name
    descriptor = opened
    buffer = .allocate(byteCount: 1 << 18, alignment: 64)
  }

  /// Where a symbolic link leads, so that the link itself stays; also one to a file that does not exist yet.
  private static func resolve(_ path: String) -> String {
    var path = path
    for _ in 0..<40 {
      if let real = realpath(path, nil) {
        defer { free(real) }
        return String(cString: real)
      }
      let next = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(PATH_MAX)) { content -> String? in
        let length = readlink(path, content.baseAddress!, content.count)
        return length < 0 ? nil : String(decoding: content[..<length], as: UTF8.self)
      }
      guard let next else { break }
      let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
      path = next.hasPrefix("/") ? next : folder + next
    }
    return path
  }

  /// Writes a whole file with `body` and commits it; whatever `body` throws leaves the old file as it was.
  public static func write(to path: String, _ body: (AtomicFile) throws -> Void) throws {
    let file = try AtomicFile(path)
    try body(file)
    try file.commit()
  }

  /// Appends bytes.
  public func write(_ bytes: [UInt8]) throws(FileError) {
    let outcome = bytes.withUnsafeBytes { part in Result { () throws(FileError) in try write(part) } }
    try outcome.get()
  }

  /// Appends bytes.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    if bytes.count > buffer.count - buffered { try flush() }
    if bytes.count > buffer.count {
      try put(bytes, at: count)
    } else if let start = bytes.baseAddress, !bytes.isEmpty {
      (buffer.baseAddress! + buffered).copyMemory(from: start, byteCount: bytes.count)
      buffered += bytes.count
    }
    count += bytes.count
  }

  /// Replaces bytes that were written before; they must all lie before `count`.
  func rewrite(at offset: Int, _ bytes: [UInt8]) throws(FileError) {
    try flush()
    let outcome = bytes.withUnsafeBytes { part in Result { () throws(FileError) in try put(part, at: offset) } }
    try outcome.get()
  }

  private func flush() throws(FileError) {
    try put(UnsafeRawBufferPointer(rebasing: buffer[..<buffered]), at: count - buffered)
    buffered = 0
  }

  private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
    guard descriptor >= 0 else {
      throw FileError(.unsupported, file: path, "the file was committed before", help: "start another AtomicFile")
    }
    var done = 0
    while done < bytes.count {
      let part = min(bytes.count - done, 1 << 30)
      let written = pwrite(descriptor, bytes.baseAddress! + done, part, off_t(offset + done))
      if written < 0 {
        if errno == EINTR { continue }
        throw .system(path, "write")
      }
      done += written
    }
  }

  /// Puts the new file in the old one's place, after all bytes have reached the disk.
  public func commit() throws(FileError) {
    try flush()
    if fsync(descriptor) != 0 { throw .system(path, "write") }
    let closed = close(descriptor)
    descriptor = -1
    if closed != 0 {
      let error = FileError.system(path, "write")
      unlink(temporary)
      throw error
    }
    if rename(temporary, target) != 0 {
      let error = FileError.system(path, "put the new file in place")
      unlink(temporary)
      throw error
    }
    try syncFolder()
  }

  /// The new name itself must survive a power failure. Some file systems cannot sync a folder; then this is all one can do.
  private func syncFolder() throws(FileError) {
    let opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if opened < 0 { return }
    defer { close(opened) }
    if fsync(opened) != 0 && errno == EIO { throw .system(path, "make the new name durable") }
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unlink(temporary)
    }
    buffer.deallocate()
  }
}

extension AtomicFile: ByteSink {
  /// The path, for messages.
  var name: String { path }
}
