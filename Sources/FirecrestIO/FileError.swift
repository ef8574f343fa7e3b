import FirecrestCPU

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What went wrong with a file: which file, where in it, why, and what to do about it.
public struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The cause, for programs that react to it.
  public enum Kind: Sendable, Hashable {
    /// The operating system refused; the value is `errno`.
    case system(Int32)
    /// The bytes break the format's rules: truncated, oversized, overlapping, contradictory or damaged.
    case malformed
    /// The bytes may follow the rules, but hold something that Firecrest does not read or cannot write.
    case unsupported
  }

  /// The cause.
  public let kind: Kind
  /// The path as given, `<memory>` for bytes, with the member's name for part of an archive: `a.npz(x.npy)`.
  public let file: String
  /// Position of the offending byte, from the file's start (in an archive: from the start of the unpacked member);
  /// nil where the trouble has no place in the file.
  public let offset: Int?
  /// What is wrong.
  public let reason: String
  /// What to do about it.
  public let help: String

  /// An error with all its parts.
  public init(_ kind: Kind, file: String, offset: Int? = nil, _ reason: String, help: String) {
    self.kind = kind
    self.file = file
    self.offset = offset
    self.reason = reason
    self.help = help
  }

  /// The error that `errno` stands for now.
  package static func system(_ file: String, _ action: String, help: String? = nil) -> FileError {
    let code = errno
    return FileError(
      .system(code), file: file, "cannot \(action): \(String(cString: strerror(code)))",
      help: help ?? remedy(code))
  }

  /// zlib found no memory for its state, the only reason for which it does not start.
  static func outOfMemory(_ file: String) -> FileError {
    FileError(.system(ENOMEM), file: file, "memory is too short to pack or unpack", help: "close other programs")
  }

  /// The error for numbers of a file that do not fit memory; nil where they do.
  static func ifTooLarge(_ bytes: Int, _ file: String, _ offset: Int) -> FileError? {
    if Allocator.shared.canAllocate(bytes) { return nil }
    return FileError(
      .system(ENOMEM), file: file, offset: offset, "the system has no \(bytes) bytes of memory for these numbers",
      help: "release tensors, close other programs, or split the array")
  }

  private static func remedy(_ code: Int32) -> String {
    switch code {
    case ENOENT: "check the path; relative paths start at the current folder"
    case EACCES, EPERM, EROFS: "check the permissions of the file and its folder"
    case ENOSPC, EDQUOT: "free some space on the disk"
    case EISDIR: "name a file, not a folder"
    case ENOTDIR: "a part of the path is a file, not a folder"
    case EMFILE, ENFILE: "close some files first"
    default: "check the path and the disk"
    }
  }

  /// `weights.npy: at byte 8: the header is cut off`, and the remedy on a second line.
  public var description: String {
    let place = offset.map { "at byte \($0): " } ?? ""
    return "\(file): \(place)\(reason)\n  help:  \(help)"
  }
}

/// Text out of a file for a message: in quotes, without control characters, and short.
package func quoted(_ text: String) -> String {
  var result = "'"
  for (count, scalar) in text.unicodeScalars.enumerated() {
    if count == 60 {
      result += "…"
      break
    }
    if scalar.value < 0x20 || scalar.value == 0x7F { result += "?" } else { result.unicodeScalars.append(scalar) }
  }
  return result + "'"
}
