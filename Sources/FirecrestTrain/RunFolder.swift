import FirecrestIO

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The folder of a training run, with its files in fixed places.
///
/// | file | content |
/// | --- | --- |
/// | `model.safetensors` | the trained weights |
/// | `checkpoint/` | the latest checkpoints and the best one |
/// | `metrics.csv` | a row an epoch |
/// | `curves.svg` | losses and accuracy over the epochs |
/// | `summary.json` | what came out; see `RunSummary` |
public struct RunFolder: Sendable, Hashable {
  /// The folder.
  public let path: String

  /// The run that is, or will be, at `path`.
  public init(_ path: String) { self.path = path }

  /// The trained weights.
  public var model: String { path + "/model.safetensors" }
  /// The checkpoints.
  public var checkpoints: CheckpointFolder { CheckpointFolder(path + "/checkpoint") }
  /// A row an epoch.
  public var metrics: String { path + "/metrics.csv" }
  /// Losses and accuracy over the epochs.
  public var curves: String { path + "/curves.svg" }
  /// What came out.
  public var summary: String { path + "/summary.json" }

  /// Whether there is a run, finished or not.
  public var exists: Bool { [model, checkpoints.path, metrics, summary].contains(where: fileExists) }

  /// Whether a new run can begin here: nothing stands at `path`, or an empty folder, or what a run left that was killed
  /// before its first checkpoint.
  ///
  /// - Throws: `FileError` where the folder cannot be listed.
  public func isAvailable() throws(FileError) -> Bool {
    if !fileExists(path) { return true }
    if !isFolder(path) { return false }
    for name in try namesInFolder(path) where !isTemporary(name) {
      if path + "/" + name != checkpoints.path || !isFolder(checkpoints.path) { return false }
      if try !namesInFolder(checkpoints.path).allSatisfy(isTemporary) { return false }
    }
    return true
  }

  /// Makes the folder and keeps other processes from writing to the run as long as the lock lives; whatever way the
  /// process ends, the lock ends too. Removes what a writer that was killed left behind.
  ///
  /// - Throws: `FileError` where the folder cannot be made, or another process has the lock.
  public func lock() throws(FileError) -> RunLock {
    try makeFolder(path)
    let lock = try RunLock(path)
    try removeTemporaryFiles(path)
    if isFolder(checkpoints.path) { try removeTemporaryFiles(checkpoints.path) }
    return lock
  }
}

/// Keeps other processes out of a run folder; see `RunFolder.lock()`.
public final class RunLock {
  private let descriptor: Int32

  init(_ path: String) throws(FileError) {
    let opened = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if opened < 0 { throw .system(path, "open") }
    if flock(opened, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      close(opened)
      throw FileError(
        .unsupported, file: path, "another process is training this run", help: "wait for it, or choose another folder")
    }
    descriptor = opened
  }

  deinit { close(descriptor) }
}

/// What `summary.json` says about a run.
public struct RunSummary: Sendable, Hashable {
  /// What was trained.
  public var recipe: String
  /// The seed of all random numbers.
  public var seed: UInt64
  /// How many epochs were trained.
  public var epochs: Int
  /// The epoch, from 1, with the best result on the test data.
  public var bestEpoch: Int
  /// The mean loss over the last epoch of training.
  public var trainLoss: Double
  /// The mean loss on the test data after the last epoch.
  public var testLoss: Double
  /// The share of the test data that the model gets right after the last epoch; nil where there are no classes.
  public var testAccuracy: Double?
  /// The number of trained numbers in the model.
  public var parameters: Int
  /// Seconds of training, without evaluation, over all processes that took part.
  public var seconds: Double
  /// `stateDigest` of the model's state after the last epoch.
  public var weightsSHA256: String

  /// A summary of all its parts.
  public init(
    recipe: String, seed: UInt64, epochs: Int, bestEpoch: Int, trainLoss: Double, testLoss: Double,
    testAccuracy: Double?, parameters: Int, seconds: Double, weightsSHA256: String
  ) {
    self.recipe = recipe
    self.seed = seed
    self.epochs = epochs
    self.bestEpoch = bestEpoch
    self.trainLoss = trainLoss
    self.testLoss = testLoss
    self.testAccuracy = testAccuracy
    self.parameters = parameters
    self.seconds = seconds
    self.weightsSHA256 = weightsSHA256
  }

  package var json: JSON {
    .object([
      "recipe": .text(recipe), "seed": .raw("\(seed)"), "epochs": .integer(epochs), "best_epoch": .integer(bestEpoch),
      "train_loss": .number(trainLoss), "test_loss": .number(testLoss),
      "test_accuracy": testAccuracy.map { .number($0) } ?? .null, "parameters": .integer(parameters),
      "seconds": .number(seconds), "weights_sha256": .text(weightsSHA256),
    ])
  }

  /// Writes the summary, replacing the file in one step.
  ///
  /// - Throws: `FileError` where writing fails.
  public func write(to path: String) throws(FileError) {
    let file = try AtomicFile(path)
    try file.write(Array(json.lines.utf8))
    try file.commit()
  }
}
