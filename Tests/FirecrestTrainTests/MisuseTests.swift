import Firecrest
import Foundation
import Testing

/// Misuse of what writes runs stops the program with the house's message, in release builds too.
@Suite struct MisuseTests {
  private static func scratch() -> String { NSTemporaryDirectory() + "firecrest-" + UUID().uuidString }

  private func expect(_ result: ExitTest.Result?, _ message: String) {
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains(message), "\(text)")
  }

  @Test func rowsFitTheColumns() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let path = Self.scratch()
      let log = try CSVLog(path, columns: ["epoch", "loss"])
      try FileManager.default.removeItem(atPath: path)
      try log.append([1])
    }
    expect(result, "Firecrest: CSVLog: a row of 1 fields for 2 columns")
  }

  @Test func columnsExist() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let path = Self.scratch()
      let log = try CSVLog(path, columns: ["epoch", "loss"])
      try FileManager.default.removeItem(atPath: path)
      try log.truncate("step", after: 1)
    }
    expect(result, "Firecrest: CSVLog: there is no column 'step'\n  help:  the columns are epoch, loss")
  }

  @Test func oneCheckpointStays() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = CheckpointFolder("checkpoints", keep: 0)
    }
    expect(result, "Firecrest: CheckpointFolder: at least one checkpoint must stay, not 0")
  }
}
