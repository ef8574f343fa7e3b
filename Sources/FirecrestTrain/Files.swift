import FirecrestIO

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Makes a folder and those above it, where they are missing.
package func makeFolder(_ path: String) throws(FileError) {
  if isFolder(path) || mkdir(path, 0o777) == 0 { return }
  if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
    try makeFolder(String(path[..<slash]))
    if mkdir(path, 0o777) == 0 { return }
  }
  // Another process may have made it in between.
  let code = errno
  if isFolder(path) { return }
  errno = code
  throw .system(path, "make the folder")
}

/// Whether a folder stands at `path`.
package func isFolder(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// Whether anything stands at `path`.
package func fileExists(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0
}

/// The names in a folder, sorted; without `.` and `..`.
package func namesInFolder(_ path: String) throws(FileError) -> [String] {
  guard let folder = opendir(path) else { throw .system(path, "list the folder") }
  defer { closedir(folder) }
  var names: [String] = []
  while let entry = readdir(folder) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) { String(cString: $0) }
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// The content of a regular file, or its first bytes.
package func fileBytes(_ path: String, upTo limit: Int = .max) throws(FileError) -> [UInt8] {
  let source = try FileSource(path)
  return try source.bytes(at: 0, count: min(limit, source.count), "the content")
}

/// Removes what writers that were killed left behind; only for folders in which nobody else writes now.
package func removeTemporaryFiles(_ folder: String) throws(FileError) {
  for name in try namesInFolder(folder) where isTemporary(name) { unlink(folder + "/" + name) }
}

/// Whether `AtomicFile` names its unfinished files so.
package func isTemporary(_ name: String) -> Bool { name.hasPrefix(".firecrest-") && name.hasSuffix(".tmp") }

/// Removes a file; that it is not there is fine.
package func removeFile(_ path: String) throws(FileError) {
  if unlink(path) != 0 && errno != ENOENT { throw .system(path, "remove") }
}

/// A number in C's notation, for example `format("%.4g", 0.5)`.
package func format(_ pattern: String, _ number: Double) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { text in
    let length = withVaList([number]) { vsnprintf(text.baseAddress!, text.count, pattern, $0) }
    return length < text.count ? String(cString: text.baseAddress!) : "\(number)"
  }
}
