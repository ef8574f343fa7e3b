import Firecrest
import Foundation
import Testing

/// The built `firecrest`: beside the tests, or where `FIRECREST_BINARY` says.
let binary: URL = {
  if let path = ProcessInfo.processInfo.environment["FIRECREST_BINARY"] { return URL(fileURLWithPath: path) }
  return URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("firecrest")
}()

/// A running `firecrest`.
final class Command {
  let process = Process()
  private let output: URL
  private let errors: URL

  /// Starts the command; `folder` is where it runs and where its output is kept until it has ended.
  init(_ arguments: [String], in folder: String, environment: [String: String] = [:]) throws {
    output = URL(fileURLWithPath: "\(folder)/.out-\(UUID().uuidString)")
    errors = URL(fileURLWithPath: "\(folder)/.err-\(UUID().uuidString)")
    for file in [output, errors] { try Data().write(to: file) }
    process.executableURL = binary
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // Files, not pipes: a pipe that nobody empties would hold the command up.
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
  }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Waits for the end.
  func finish() throws -> (status: Int32, output: String, errors: String) {
    process.waitUntilExit()
    defer { for file in [output, errors] { try? FileManager.default.removeItem(at: file) } }
    return (
      process.terminationStatus, try String(contentsOf: output, encoding: .utf8),
      try String(contentsOf: errors, encoding: .utf8)
    )
  }
}

/// Runs `firecrest` to its end.
func firecrest(
  _ arguments: String..., in folder: String, environment: [String: String] = [:]
) throws -> (status: Int32, output: String, errors: String) {
  try Command(arguments, in: folder, environment: environment).finish()
}

/// The only JSON object of an output.
func object(_ output: String) throws -> [String: Any] {
  try #require(JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
}

/// A folder of its own, removed after `body`.
func withFolder<R>(_ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firecrest-cli-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// Every file below a folder with its content.
func contents(_ folder: String) throws -> [String: Data] {
  var result: [String: Data] = [:]
  for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
    let path = "\(folder)/\(name)"
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
      result[name] = try Data(contentsOf: URL(fileURLWithPath: path))
    }
  }
  return result
}
