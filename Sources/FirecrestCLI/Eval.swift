import ArgumentParser
import Firecrest
import FirecrestTrain
import Foundation

/// `firecrest eval RUN`.
struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Evaluates a run's model on the test data of its recipe.")

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run")) var path: String
  @Option(help: "The folder with the data; the one trained with, without it.") var data: String?
  @Flag(help: "One line of JSON.") var json = false

  func run() throws {
    let model = try TrainedModel(path)
    let recipe = try model.recipe.init(data: data ?? model.settings.data, seed: model.settings.seed)
    let result = evaluate(model.net, model.recipe, recipe.testLoader())
    if json {
      let object = JSON.object([
        "recipe": .text(model.settings.recipe), "samples": .integer(result.count), "test_loss": .number(result.loss),
        "test_accuracy": result.accuracy.map { .number($0) } ?? .null,
        "weights_sha256": .text(stateDigest(model.net.stateDict())),
      ])
      print(object.line)
      return
    }
    var line = String(format: "test loss %.4f", result.loss)
    if let accuracy = result.accuracy {
      line += String(format: ", test accuracy %.2f %%", 100 * accuracy) + " (\(result.correct) of \(result.count))"
    }
    print(line)
  }
}

/// The model of a run, ready to be used.
struct TrainedModel {
  let settings: RunSettings
  let recipe: any Recipe.Type
  let net: any Layer

  /// Loads the model of the run at `path`.
  ///
  /// - Throws: `UserError` where there is no finished run, `FileError` and `StateError` where its model is damaged.
  init(_ path: String) throws {
    let folder = RunFolder(path)
    if !isFolder(path) { throw UserError("\(path): there is no such folder; name a run of firecrest train") }
    if !fileExists(folder.model) {
      throw UserError(
        folder.exists
          ? "\(path): this run is not finished; go on with firecrest train … --out \(path) --resume"
          : "\(path): this is not a run of firecrest train")
    }
    let state = try loadSafetensors(folder.model)
    settings = try RunSettings(state.metadata, of: folder.model)
    recipe = try FirecrestCLI.recipe(named: settings.recipe)
    net = recipe.network()
    do { try net.load(state) } catch {
      let lines = error.description.split(separator: "\n").joined(separator: ";")
      throw UserError("\(folder.model): \(lines)")
    }
    net.eval()
  }
}
