import Firecrest
import Foundation
import Testing

/// A folder of its own, removed after `body`.
func withFolder<R>(_ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firecrest-train-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }

func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

/// The error that `body` throws; nil where it throws none.
func fileError(_ body: () throws -> Void) -> FileError? {
  do {
    try body()
    return nil
  } catch { return error as? FileError }
}

/// Something with a state: one tensor, and a count of how often a state was loaded.
final class Part: Stateful {
  var x: Tensor
  var loads = 0

  init(_ x: Tensor) { self.x = x }

  func stateDict() -> NamedTensors { ["x": x.clone()] }

  func load(_ state: NamedTensors) throws {
    guard let x = state["x"] else { throw StateError("Part", missing: ["x"]) }
    if x.shape != self.x.shape {
      throw StateError("Part", mismatched: [.init("x", expected: "\(self.x.shape)", found: "\(x.shape)")])
    }
    self.x = x.clone()
    loads += 1
  }
}
