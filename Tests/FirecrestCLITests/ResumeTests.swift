import Firecrest
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// 50 kills under `FIRECREST_SLOW_TESTS=1`, else a few.
private let kills = ProcessInfo.processInfo.environment["FIRECREST_SLOW_TESTS"] == "1" ? 50 : 3

@Suite(.serialized) struct ResumeTests {
  private let epochs = 2

  private func arguments(_ out: String, _ threads: Int, _ workers: Int, resume: Bool) -> [String] {
    [
      "train", "digits", "--epochs", "\(epochs)", "--out", out, "--threads", "\(threads)", "--workers", "\(workers)",
      "--json",
    ] + (resume ? ["--resume"] : [])
  }

  /// A finished run's summary, all but the time: hash of the weights, losses, accuracy.
  private func outcome(_ ran: (status: Int32, output: String, errors: String)) throws -> NSDictionary {
    try #require(ran.status == 0, "\(ran)")
    var summary = try object(ran.output)
    #expect((summary["weights_sha256"] as? String)?.count == 64)
    summary["seconds"] = nil
    return NSDictionary(dictionary: summary)
  }

  /// The rows of a run's table without their last column, the time.
  private func rows(_ run: RunFolder) throws -> [[Double?]] {
    try CSVTable(run.metrics).rows.map { Array($0.dropLast()) }
  }

  /// Everything a run has written can be read, at whatever moment it was killed.
  private func expectReadable(_ run: RunFolder) throws {
    for step in try run.checkpoints.steps() { _ = try SavedCheckpoint(run.checkpoints.file(step)) }
    let files = FileManager.default
    if files.fileExists(atPath: run.checkpoints.best) { _ = try SavedCheckpoint(run.checkpoints.best) }
    if files.fileExists(atPath: run.metrics) { _ = try CSVTable(run.metrics) }
    if files.fileExists(atPath: run.model) { _ = try loadSafetensors(run.model) }
    if files.fileExists(atPath: run.summary) {
      _ = try object(String(contentsOfFile: run.summary, encoding: .utf8))
    }
    if files.fileExists(atPath: run.curves) {
      #expect(XMLParser(data: try Data(contentsOf: URL(fileURLWithPath: run.curves))).parse())
    }
  }

  @Test func killedAtAnyMomentItEndsTheSame() throws {
    try withFolder { folder in
      let start = Date()
      let expected = try outcome(try Command(arguments("whole", 1, 0, resume: false), in: folder).finish())
      let duration = Date().timeIntervalSince(start)
      let settings = [1, 2].flatMap { threads in [0, 1, 3].map { (threads: threads, workers: $0) } }
      var done = 0
      var round = 0
      while done < kills {
        let out = "run-\(round)"
        let run = RunFolder("\(folder)/\(out)")
        var history: [String] = []
        // A few kills of the same run, each with other threads and workers, then on to the end.
        for attempt in 0..<3 where done < kills {
          let (threads, workers) = settings[(round + attempt) % settings.count]
          let delay = Double.random(in: 0...duration)
          let command = try Command(arguments(out, threads, workers, resume: attempt > 0), in: folder)
          Thread.sleep(forTimeInterval: delay)
          command.send(SIGKILL)
          let ended = try command.finish().status == 0
          history.append("\(threads) threads, \(workers) workers, \(ended ? "ended" : "killed after \(delay) s")")
          try expectReadable(run)
          if ended { break }
          done += 1
        }
        let (threads, workers) = settings[round % settings.count]
        let final = try outcome(try Command(arguments(out, threads, workers, resume: true), in: folder).finish())
        #expect(final == expected, "\(history)")
        #expect(try rows(run) == rows(RunFolder("\(folder)/whole")), "\(history)")
        let left = try FileManager.default.subpathsOfDirectory(atPath: run.path).filter { $0.contains(".tmp") }
        #expect(left.isEmpty, "\(history)")
        round += 1
      }
    }
  }

  @Test func interruptedItSaysHowToGoOn() throws {
    try withFolder { folder in
      let expected = try outcome(try Command(arguments("whole", 2, 1, resume: false), in: folder).finish())
      let run = RunFolder("\(folder)/run")
      let command = try Command(arguments("run", 2, 1, resume: false), in: folder)
      // The first step after the beginning's checkpoint: training is under way.
      while command.process.isRunning, try run.checkpoints.last() == nil { Thread.sleep(forTimeInterval: 0.005) }
      command.send(SIGINT)
      let ran = try command.finish()
      #expect(ran.status == 130, "\(ran)")
      #expect(ran.output.isEmpty)
      let line = try #require(ran.errors.split(separator: "\n").last)
      // Killed between an epoch's row and its checkpoint, a run would leave this.
      try CSVLog(run.metrics, columns: CSVTable(run.metrics).columns).append([1, 9, 9, 9, 9, 9, 9])
      let words = line.split(separator: " ").map(String.init)
      let place = try #require(words.lastIndex(of: "firecrest"))
      let resumed = try Command(Array(words[(place + 1)...]) + ["--json"], in: folder).finish()
      #expect(try outcome(resumed) == expected)
      #expect(try rows(run) == rows(RunFolder("\(folder)/whole")))
    }
  }

  @Test func aSecondProcessKeepsOut() throws {
    try withFolder { folder in
      let run = RunFolder("\(folder)/run")
      let first = try Command(arguments("run", 1, 0, resume: false), in: folder)
      while first.process.isRunning, try run.checkpoints.last() == nil { Thread.sleep(forTimeInterval: 0.005) }
      let second = try Command(arguments("run", 1, 0, resume: true), in: folder).finish()
      #expect(second.status == 2)
      #expect(second.errors.contains("another process"))
      first.send(SIGTERM)
      #expect(try first.finish().status == 143)
    }
  }
}
