import Firecrest
import FirecrestTrain

/// What a run is made of: enough to build it again for `--resume`, `eval` and `predict`.
struct RunSettings: Equatable {
  var recipe: String
  var hyper: Hyperparameters
  var seed: UInt64
  /// The folder that `--data` named.
  var data: String?

  /// As texts beside the tensors of checkpoints and models.
  var texts: [String: String] {
    var texts = [
      "recipe": recipe, "epochs": "\(hyper.epochs)", "batch_size": "\(hyper.batchSize)", "lr": "\(hyper.lr)",
      "seed": "\(seed)",
    ]
    texts["data"] = data
    return texts
  }

  init(recipe: String, hyper: Hyperparameters, seed: UInt64, data: String?) {
    (self.recipe, self.hyper, self.seed, self.data) = (recipe, hyper, seed, data)
  }

  /// The settings in `texts`, which were read from `file`.
  init(_ texts: [String: String], of file: String) throws(FileError) {
    guard let recipe = texts["recipe"], let epochs = texts["epochs"].flatMap({ Int($0) }),
      let batchSize = texts["batch_size"].flatMap({ Int($0) }), let lr = texts["lr"].flatMap({ Double($0) }),
      let seed = texts["seed"].flatMap({ UInt64($0) })
    else {
      throw FileError(
        .unsupported, file: file, "it does not say which recipe it belongs to",
        help: "name a run of firecrest train")
    }
    self.init(
      recipe: recipe, hyper: Hyperparameters(epochs: epochs, batchSize: batchSize, lr: lr), seed: seed,
      data: texts["data"])
  }
}

/// The training of a recipe, from the beginning or from a checkpoint, to the end or to an interruption.
///
/// All that decides the weights is in the checkpoint: weights, optimizer, schedule, random numbers, the position in the
/// data and the running loss. Hence a run that was interrupted anywhere ends with the weights, to the bit, of one that
/// was not.
final class TrainingRun {
  let settings: RunSettings
  let folder: RunFolder
  let net: any Layer
  private let recipe: any Recipe
  private let isQuiet: Bool
  private let optimizer: Adam
  private let schedule: OneCycleLR
  private let loader: DataLoader<(Tensor, Tensor)>
  private let testLoader: DataLoader<(Tensor, Tensor)>
  /// Loss and accuracy of the running epoch.
  private let trainLoss = Mean()
  private let trainAccuracy = Accuracy()
  /// The best epoch: by test accuracy, where there are classes, else by test loss.
  private let best: EarlyStopping
  private let checkpoint: Checkpoint
  /// Epochs trained and evaluated, steps, seconds of training, and the last epoch's results.
  private var numbers: [String: Double] = ["epochs_done": 0, "steps": 0, "seconds": 0]
  private var lastSave = -Double.infinity
  private var saveCost = 0.0

  init(_ settings: RunSettings, folder: RunFolder, workers: Int, isQuiet: Bool) throws {
    let type = try FirecrestCLI.recipe(named: settings.recipe)
    self.settings = settings
    self.folder = folder
    self.isQuiet = isQuiet
    recipe = try type.init(data: settings.data, seed: settings.seed)
    manualSeed(settings.seed)
    net = type.network()
    loader = recipe.trainLoader(settings.hyper, seed: settings.seed, workers: workers)
    testLoader = recipe.testLoader()
    (optimizer, schedule) = type.optimizer(net, settings.hyper, steps: loader.count * settings.hyper.epochs)
    best = EarlyStopping(patience: .max, mode: type.isClassifier ? .maximize : .minimize)
    checkpoint = Checkpoint(
      model: net, optimizer: optimizer, scheduler: schedule, data: loader,
      others: ["train_loss": trainLoss, "train_accuracy": trainAccuracy, "best": best])
  }

  /// Goes on from a checkpoint. Nothing is changed where it throws.
  func load(_ file: String) throws { numbers = try checkpoint.load(from: file).numbers }

  private var epochsDone: Int { Int(numbers["epochs_done"]!) }

  /// What there is to train, in a line.
  var overview: String {
    let samples = "\(loader.dataset.count) training and \(testLoader.dataset.count) test samples"
    return "\(settings.recipe): \(samples), \(net.parameterCount) parameters, seed \(settings.seed)"
  }

  /// Trains to the end and writes the results.
  ///
  /// - Throws: `Interrupted` after a checkpoint, where a signal came.
  func run() throws -> RunSummary {
    let lock = try folder.lock()
    defer { withExtendedLifetime(lock) {} }
    if !isQuiet { printError(overview) }
    // Before anything else is in the folder: whatever is there can be gone on from.
    if numbers["steps"] == 0 { try save() }
    let columns = [
      "epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate", "seconds",
    ]
    let log = try CSVLog(folder.metrics, columns: columns)
    try log.truncate("epoch", after: Double(epochsDone))
    while epochsDone < settings.hyper.epochs {
      let bar = ProgressBar(
        "epoch \(epochsDone + 1)/\(settings.hyper.epochs)", total: loader.count, unit: "batch",
        style: isQuiet ? .quiet : .automatic)
      try trainEpoch(bar)
      try finishEpoch(bar, log)
      if let signal = Interrupt.signal, epochsDone < settings.hyper.epochs { throw Interrupted(signal: signal) }
    }
    return try writeResults()
  }

  private func trainEpoch(_ bar: ProgressBar) throws {
    let type = type(of: recipe)
    net.train()
    bar.skip(loader.position)
    var clock = monotonicSeconds()
    func stopClock() {
      let now = monotonicSeconds()
      numbers["seconds"]! += now - clock
      clock = now
    }
    try loader.forEach { x, y in
      let outputs = net(x)
      let loss = type.loss(outputs, y)
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      schedule.step()
      trainLoss.update(loss.item(), weight: Double(y.shape[0]))
      bar["loss"] = trainLoss.value
      if type.isClassifier {
        trainAccuracy.update(outputs, y)
        bar["accuracy"] = trainAccuracy.value
      }
      numbers["steps"]! += 1
      bar.advance()
      let signal = Interrupt.signal
      if signal != nil || monotonicSeconds() - lastSave > max(0.5, 50 * saveCost) {
        stopClock()
        try save()
      }
      if let signal {
        bar.finish()
        throw Interrupted(signal: signal)
      }
    }
    stopClock()
  }

  private func finishEpoch(_ bar: ProgressBar, _ log: CSVLog) throws {
    let result = evaluate(net, type(of: recipe), testLoader)
    best.update(result.accuracy ?? result.loss)
    numbers["epochs_done"]! += 1
    numbers["train_loss"] = trainLoss.value
    numbers["test_loss"] = result.loss
    numbers["test_accuracy"] = result.accuracy
    bar["test loss"] = result.loss
    bar["test accuracy"] = result.accuracy
    bar.finish()
    if !trainLoss.value.isFinite { printError("firecrest: the loss is not a number any more; try a smaller --lr") }
    // The row comes before the checkpoint: killed in between, it is cut off and made again.
    try log.append([
      numbers["epochs_done"], trainLoss.value, result.accuracy.map { _ in trainAccuracy.value }, result.loss,
      result.accuracy, schedule.lastLR[0], numbers["seconds"],
    ])
    trainLoss.reset()
    trainAccuracy.reset()
    try save(isBest: best.isBest)
    try Curves(CSVTable(folder.metrics), title: settings.recipe).write(to: folder.curves)
  }

  private func save(isBest: Bool = false) throws {
    let start = monotonicSeconds()
    try folder.checkpoints.save(
      checkpoint, step: step, numbers: numbers, texts: settings.texts, isBest: isBest)
    lastSave = monotonicSeconds()
    saveCost = lastSave - start
  }

  /// Orders checkpoints: the end of an epoch comes after its last batch.
  private var step: Int { Int(numbers["steps"]!) + epochsDone }

  /// Writes model, curves and summary; the same bits however often, should the process be killed in between.
  private func writeResults() throws -> RunSummary {
    try net.save(to: folder.model, metadata: settings.texts)
    try Curves(CSVTable(folder.metrics), title: settings.recipe).write(to: folder.curves)
    let summary = RunSummary(
      recipe: settings.recipe, seed: settings.seed, epochs: epochsDone, bestEpoch: best.bestUpdate,
      trainLoss: numbers["train_loss"]!, testLoss: numbers["test_loss"]!, testAccuracy: numbers["test_accuracy"],
      parameters: net.parameterCount, seconds: numbers["seconds"]!, weightsSHA256: stateDigest(net.stateDict()))
    try summary.write(to: folder.summary)
    return summary
  }
}

/// Training ended early, after a checkpoint.
struct Interrupted: Error {
  let signal: Int32
}

extension Recipe {
  /// Whether the network predicts classes.
  static var isClassifier: Bool { !task.classNames.isEmpty }
}

/// Mean loss and accuracy over a loader's samples, in evaluation mode; no accuracy where there are no classes.
func evaluate(
  _ net: any Layer, _ recipe: any Recipe.Type, _ loader: DataLoader<(Tensor, Tensor)>
) -> (loss: Double, accuracy: Double?, count: Int, correct: Int) {
  net.eval()
  defer { net.train() }
  let (loss, accuracy) = (Mean(), Accuracy())
  noGrad {
    for (x, y) in loader {
      let outputs = net(x)
      loss.update(recipe.loss(outputs, y).item(), weight: Double(y.shape[0]))
      if recipe.isClassifier { accuracy.update(outputs, y) }
    }
  }
  return (loss.value, recipe.isClassifier ? accuracy.value : nil, loader.dataset.count, accuracy.correct)
}
