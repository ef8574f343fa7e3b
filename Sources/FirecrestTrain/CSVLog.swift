import FirecrestCore
import FirecrestIO

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A table of numbers that only ever grows, for example `metrics.csv` with a row an epoch.
///
/// A row is written at once and reaches the disk before `append` returns. Where a process was killed while writing, the
/// torn last line goes when the file is opened again.
///
/// ```swift
/// let log = try CSVLog("metrics.csv", columns: ["epoch", "loss"])
/// try log.append([1, 0.25])
/// ```
public final class CSVLog {
  /// The file.
  public let path: String
  /// The names of the columns.
  public let columns: [String]
  private let descriptor: Int32

  /// Opens a table, or starts one with a header line.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - columns: The names of the columns; without commas, quotes and line breaks.
  /// - Throws: `FileError` where the file is another table, or is no table of numbers; it is left as it was.
  public init(_ path: String, columns: [String]) throws(FileError) {
    self.path = path
    self.columns = columns
    let header = columns.joined(separator: ",") + "\n"
    // By bytes: a line break of two would be one character.
    if columns.isEmpty || columns.contains(where: { $0.utf8.contains { ",\"\r\n".utf8.contains($0) } }) {
      throw FileError(.unsupported, file: path, "a column's name has a comma, quote or line break", help: "rename it")
    }
    let content = fileExists(path) ? try fileBytes(path) : []
    let end = content.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    if end == 0 && Array(header.utf8).starts(with: content) {
      // New, or killed while the header was written.
      try Self.replace(path, with: header)
      descriptor = try Self.openToAppend(path)
      return
    }
    let table = try CSVTable(content[..<end], of: path)
    if table.columns != columns {
      throw FileError(
        .unsupported, file: path,
        "its columns are '\(table.columns.joined(separator: ","))', not '\(columns.joined(separator: ","))'",
        help: "name another file, or move this one away")
    }
    descriptor = try Self.openToAppend(path)
    if end < content.count && ftruncate(descriptor, off_t(end)) != 0 {
      let error = FileError.system(path, "repair the last line")
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  private static func replace(_ path: String, with text: String) throws(FileError) {
    let file = try AtomicFile(path)
    try file.write(Array(text.utf8))
    try file.commit()
  }

  private static func openToAppend(_ path: String) throws(FileError) -> Int32 {
    let opened = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    if opened < 0 { throw .system(path, "open") }
    return opened
  }

  /// Adds a row; nil leaves a field empty. Stops where the number of fields is not that of the columns.
  public func append(_ row: [Double?]) throws(FileError) {
    if row.count != columns.count {
      stop(
        "CSVLog", "a row of \(row.count) fields for \(columns.count) columns", [],
        help: "give one for each of \(columns.joined(separator: ", ")); nil leaves it empty")
    }
    let bytes = Array((row.map(Self.field).joined(separator: ",") + "\n").utf8)
    let end = lseek(descriptor, 0, SEEK_END)
    var done = 0
    while done < bytes.count {
      let written = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        throw removing(after: end)
      }
      done += written
    }
    if fsync(descriptor) != 0 { throw removing(after: end) }
  }

  /// Takes away what a failed write, whose error this is, left behind: the next row would go on in the torn line.
  private func removing(after end: off_t) -> FileError {
    let error = FileError.system(path, "write")
    if end >= 0 { ftruncate(descriptor, end) }
    return error
  }

  /// A number so that it reads back exactly; whole ones without a point.
  private static func field(_ number: Double?) -> String {
    guard let number else { return "" }
    return number == 0 && number.sign == .minus ? "-0.0" : Int(exactly: number).map(String.init) ?? "\(number)"
  }

  /// The rows as they stand in the file.
  public func rows() throws(FileError) -> [[Double?]] { try CSVTable(fileBytes(path)[...], of: path).rows }

  /// Keeps only the leading rows whose `column` is at most `limit`: what a resumed run has not yet done goes away.
  public func truncate(_ column: String, after limit: Double) throws(FileError) {
    guard let index = columns.firstIndex(of: column) else {
      stop("CSVLog", "there is no column '\(column)'", [], help: "the columns are \(columns.joined(separator: ", "))")
    }
    let table = try CSVTable(fileBytes(path)[...], of: path)
    let kept = table.rows.prefix { ($0[index] ?? .infinity) <= limit }.count
    if kept == table.rows.count { return }
    if ftruncate(descriptor, off_t(table.ends[kept])) != 0 || fsync(descriptor) != 0 {
      throw .system(path, "shorten")
    }
  }
}

/// The columns and rows of a table of numbers.
public struct CSVTable: Sendable {
  /// The names of the columns.
  public let columns: [String]
  /// The rows, each as long as `columns`; nil where a field is empty.
  public let rows: [[Double?]]
  /// Where the header and each row end in the file.
  let ends: [Int]

  /// Reads a whole table; a last line without a line break counts too.
  ///
  /// - Throws: `FileError` with the number of the line that is not numbers, or not as many as the header names.
  public init(_ path: String) throws(FileError) { try self.init(fileBytes(path)[...], of: path) }

  init(_ content: ArraySlice<UInt8>, of path: String) throws(FileError) {
    var columns: [String]?
    var rows: [[Double?]] = []
    var ends: [Int] = []
    var start = content.startIndex
    while start < content.endIndex {
      let end = content[start...].firstIndex(of: 0x0A) ?? content.endIndex
      var text = content[start..<end]
      if text.last == 0x0D { text = text.dropLast() }
      let fields = text.split(separator: 0x2C, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      if let columns {
        let numbers = fields.map { Double($0) }
        if fields.count != columns.count || zip(fields, numbers).contains(where: { !$0.isEmpty && $1 == nil }) {
          throw FileError(
            .malformed, file: path, offset: start, "line \(rows.count + 2) is not \(columns.count) numbers",
            help: "remove the line, or move the file away")
        }
        rows.append(numbers)
      } else {
        columns = fields
      }
      start = min(end + 1, content.endIndex)
      ends.append(start)
    }
    guard let columns else {
      throw FileError(.malformed, file: path, "the table has no header", help: "move the file away")
    }
    (self.columns, self.rows, self.ends) = (columns, rows, ends)
  }
}
