import ArgumentParser
import Firecrest
import FirecrestCPU
import FirecrestTrain
import Foundation

/// `firecrest train RECIPE`.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a recipe: digits, mnist or regression.",
    discussion: """
      The run's folder holds model.safetensors, checkpoint/, metrics.csv, curves.svg and summary.json. Ctrl-C ends after \
      a checkpoint; --resume goes on from there, or from where a run was killed, and ends with the same weights as a run \
      that was never interrupted.
      """)

  @Argument(help: "digits, mnist or regression.") var recipe: String
  @Option(parsing: .unconditional, help: "How often all training samples are gone through.") var epochs: Int?
  @Option(parsing: .unconditional, help: "Samples a step.") var batchSize: Int?
  @Option(parsing: .unconditional, help: "The highest learning rate.") var lr: Double?
  @Option(parsing: .unconditional, help: "The seed of all random numbers; without it FIRECREST_SEED, or 0.")
  var seed: UInt64?
  @Option(help: "The folder with the data, for recipes that read some.") var data: String?
  @Option(help: "The run's folder; runs/RECIPE, or the next free runs/RECIPE-N, without it.") var out: String?
  @Flag(help: "Go on with the run in --out, or with the latest of the recipe in runs/.") var resume = false
  @Option(parsing: .unconditional, help: "Threads to use; all CPUs without it. They change no result.")
  var threads: Int?
  @Option(parsing: .unconditional, help: "Threads that prepare data ahead. They change no result.") var workers = 1
  @Flag(help: "Only the summary, as one line of JSON.") var json = false

  func validate() throws {
    for (option, value) in [("--epochs", epochs), ("--batch-size", batchSize)] {
      if let value, !(1...1_000_000).contains(value) {
        throw ValidationError("\(option) must be from 1 to 1000000, not \(value)")
      }
    }
    if let lr, !(lr > 0 && lr.isFinite) { throw ValidationError("--lr must be positive, not \(lr)") }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads)")
    }
    if !(0...256).contains(workers) { throw ValidationError("--workers must be from 0 to 256, not \(workers)") }
    if let out, out.isEmpty { throw ValidationError("--out names no folder") }
  }

  func run() throws {
    let type = try FirecrestCLI.recipe(named: recipe)
    if let threads { ThreadPool.shared.count = threads }
    let folder = RunFolder(try out ?? freeOrLatest())
    let checkpoint = resume ? try folder.checkpoints.last() : nil
    if checkpoint == nil {
      if try !folder.isAvailable() {
        throw UserError(
          !folder.exists
            ? "\(folder.path) is neither a run nor an empty folder; name another --out"
            : resume
              ? "\(folder.path) has no checkpoint to go on from; train anew with another --out"
              : "\(folder.path) holds a run; go on with --resume, or name another --out")
      }
      if resume { printError("firecrest: no run in \(folder.path) yet; beginning anew") }
    }
    let settings = try checkpoint.map(settings(of:)) ?? fresh(type)
    let run = try TrainingRun(settings, folder: folder, workers: workers, isQuiet: json)
    if let checkpoint { try run.load(checkpoint) }
    Interrupt.watch()
    do { report(try run.run(), folder) } catch let interrupted as Interrupted {
      printError("firecrest: interrupted; to go on: firecrest train \(recipe) --out \(folder.path) --resume")
      throw ExitCode(128 + interrupted.signal)
    }
  }

  private func fresh(_ type: any Recipe.Type) -> RunSettings {
    var hyper = type.defaults
    hyper.epochs = epochs ?? hyper.epochs
    hyper.batchSize = batchSize ?? hyper.batchSize
    hyper.lr = lr ?? hyper.lr
    return RunSettings(recipe: recipe, hyper: hyper, seed: seed ?? Settings.seed, data: data)
  }

  /// The settings that a checkpoint was made with, which the command line may repeat but not change: other epochs, say,
  /// mean another course of the learning rate from the first step on.
  private func settings(of checkpoint: String) throws -> RunSettings {
    let saved: SavedCheckpoint
    do { saved = try SavedCheckpoint(checkpoint) } catch {
      guard error.kind == .malformed else { throw error }
      throw FileError(
        error.kind, file: error.file, offset: error.offset, error.reason,
        help: "remove it to go on from the checkpoint before it, if there is one, or begin anew with another --out")
    }
    var settings = try RunSettings(saved.texts, of: checkpoint)
    func require<T: Equatable>(_ option: String, _ given: T?, _ own: T) throws {
      if let given, given != own {
        throw UserError("this run has \(option) \(own), not \(given); a resumed run keeps its settings")
      }
    }
    try require("the recipe", recipe, settings.recipe)
    try require("--epochs", epochs, settings.hyper.epochs)
    try require("--batch-size", batchSize, settings.hyper.batchSize)
    try require("--lr", lr, settings.hyper.lr)
    try require("--seed", seed, settings.seed)
    settings.data = data ?? settings.data
    return settings
  }

  /// Without `--out`: the first free one of runs/RECIPE, runs/RECIPE-2, …, or the last one taken with `--resume`.
  private func freeOrLatest() throws -> String {
    func name(_ number: Int) -> String { "runs/\(recipe)" + (number == 1 ? "" : "-\(number)") }
    if resume {
      let folders = (try? FileManager.default.contentsOfDirectory(atPath: "runs")) ?? []
      let numbers = folders.compactMap { folder -> Int? in
        if folder == recipe { return 1 }
        guard folder.hasPrefix("\(recipe)-"), let number = Int(folder.dropFirst(recipe.count + 1)) else { return nil }
        return number > 1 && name(number) == "runs/\(folder)" ? number : nil
      }
      return name(try numbers.sorted(by: >).first { try !RunFolder(name($0)).isAvailable() } ?? 1)
    }
    var number = 1
    while try !RunFolder(name(number)).isAvailable() { number += 1 }
    return name(number)
  }

  private func report(_ summary: RunSummary, _ folder: RunFolder) {
    if json {
      print(summary.json.line)
      return
    }
    let result =
      summary.testAccuracy.map { String(format: "test accuracy %.2f %%", 100 * $0) }
      ?? String(format: "test loss %.4f", summary.testLoss)
    let epochs = "\(summary.epochs) epoch\(summary.epochs == 1 ? "" : "s")"
    print("\(result) after \(epochs), \(String(format: "%.1f", summary.seconds)) s of training")
    print("\(folder.path): model.safetensors, metrics.csv, curves.svg, summary.json")
  }
}
