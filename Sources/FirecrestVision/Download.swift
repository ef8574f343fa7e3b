import FirecrestIO
import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// No address gave the file.
public struct DownloadError: Error, Sendable, CustomStringConvertible {
  /// One address and why it failed.
  public struct Attempt: Sendable, Hashable {
    /// The address.
    public let address: String
    /// The reason.
    public let reason: String
  }

  /// Where the file was to be put.
  public let file: String
  /// Every address tried, in order.
  public let attempts: [Attempt]
  /// What to do about it.
  public let help: String

  /// One line for each address.
  public var description: String {
    (["\(file): no address gave the file"] + attempts.map { "  \($0.address): \($0.reason)" } + ["  help:  \(help)"])
      .joined(separator: "\n")
  }
}

/// Loads a file over HTTP from the first of several addresses that gives it.
///
/// What arrives is written to `<path>.part`, which stays after an interruption, so that the next attempt asks for the
/// rest only (HTTP Range). When all has arrived `verify` looks at it; only then does it get its name, so that `path`
/// never names an incomplete file. Two processes that want the same file wait for each other.
struct Download: Sendable {
  /// The addresses, in order of preference.
  let addresses: [String]
  /// Where to put the file; its folder is made if need be.
  let path: String
  /// No file is larger than this.
  var limit = 1 << 30
  /// How long the server may be silent, in seconds.
  var patience = 30.0
  /// Throws where the file at a path is not what is wanted.
  let verify: @Sendable (String) throws(FileError) -> Void
  /// What a user can do where no address works.
  var help = "check the network connection"

  /// Interruptions with progress after which the same address is asked again.
  private static let continuations = 5

  /// Loads the file unless it is there.
  func run() throws {
    let folder = (path as NSString).deletingLastPathComponent
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError(
        .system(EACCES), file: folder, "cannot make the folder: \(error.localizedDescription)",
        help: "check the permissions, or set FIRECREST_CACHE to a folder that can be written")
    }
    var attempts: [DownloadError.Attempt] = []
    let part = try PartialFile(path + ".part")
    if access(path, F_OK) == 0 { return part.remove() }
    for address in addresses {
      do throws(Failure) {
        return try load(address, part)
      } catch {
        switch error {
        case .address(let reason): attempts.append(.init(address: address, reason: reason))
        case .disk(let error): throw error
        }
      }
    }
    // An empty part helps nobody.
    if part.count == 0 { part.remove() }
    throw DownloadError(file: path, attempts: attempts, help: help)
  }

  /// Why a file did not come.
  enum Failure: Error {
    /// Another address may have it.
    case address(String)
    /// It would be the same with every address.
    case disk(FileError)
  }

  private func load(_ address: String, _ part: PartialFile) throws(Failure) {
    guard let url = URL(string: address), url.scheme == "http" || url.scheme == "https" else {
      throw .address("this is not an HTTP address")
    }
    var continuations = 0
    while true {
      let start = part.count
      let outcome = Transfer(part, limit: limit).run(url, patience: patience)
      if let error = part.error { throw .disk(error) }
      if let reason = outcome.reason {
        // What has arrived is kept; the same address gets another chance while that helps.
        if outcome.mayContinue && part.count > start && continuations < Self.continuations {
          continuations += 1
          continue
        }
        throw .address(reason)
      }
      do throws(FileError) {
        try verify(part.path)
      } catch {
        do throws(FileError) { try part.clear() } catch { throw .disk(error) }
        // The beginning may have come from another address or another version: once more, from the start.
        if start > 0 && outcome.wasContinued { continue }
        throw .address("what it gives is not the file: \(error.reason)")
      }
      do throws(FileError) { return try part.commit(to: path) } catch { throw .disk(error) }
    }
  }
}

/// The file that grows, locked against other processes.
final class PartialFile: @unchecked Sendable {
  // Used by one thread at a time: the one that runs the download, or the session's while that one waits.
  let path: String
  private(set) var count = 0
  /// The first error of the disk.
  private(set) var error: FileError?
  private let descriptor: Int32

  init(_ path: String) throws(FileError) {
    self.path = path
    while true {
      let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      if opened < 0 { throw .system(path, "create") }
      if flock(opened, LOCK_EX) != 0 && errno != ENOTSUP && errno != ENOLCK {
        let error = FileError.system(path, "lock")
        close(opened)
        throw error
      }
      var own = stat()
      var named = stat()
      fstat(opened, &own)
      // Another process may have renamed or removed the file while this one waited for the lock.
      if stat(path, &named) == 0 && named.st_ino == own.st_ino && named.st_dev == own.st_dev {
        descriptor = opened
        count = Int(own.st_size)
        return
      }
      close(opened)
    }
  }

  deinit { close(descriptor) }

  /// Appends; false after an error.
  func append(_ data: Data) -> Bool {
    for region in data.regions {
      let failed: FileError? = region.withUnsafeBytes { bytes in
        var done = 0
        while done < bytes.count {
          let written = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(count))
          if written < 0 {
            if errno == EINTR { continue }
            return .system(path, "write")
          }
          done += written
          count += written
        }
        return nil
      }
      if let failed {
        error = failed
        return false
      }
    }
    return true
  }

  func clear() throws(FileError) {
    if ftruncate(descriptor, 0) != 0 { throw .system(path, "write") }
    count = 0
  }

  func remove() { unlink(path) }

  func commit(to final: String) throws(FileError) {
    if fsync(descriptor) != 0 { throw .system(path, "write") }
    if rename(path, final) != 0 { throw .system(final, "put the new file in place") }
  }
}
