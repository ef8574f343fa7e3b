import ArgumentParser
import Firecrest
import FirecrestTrain
import Foundation

/// `firecrest predict RUN INPUT…`.
struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Applies a run's model to pictures or rows of numbers.",
    discussion: """
      An input is a PNG or PGM picture, a CSV file with a row of pixels for each sample, such a row itself (0,0,5,13,…), \
      or an .npy array of one sample or several. Pictures count black as 0 and white as 1, as the training data does; \
      rows and arrays hold pixels as the data set does, 0 to 16 for digits and 0 to 255 for mnist.
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run")) var path: String
  @Argument(help: "Pictures, CSV files, rows, or .npy arrays.") var inputs: [String]
  @Flag(help: "A line of JSON for each sample.") var json = false

  func run() throws {
    let model = try TrainedModel(path)
    // All are read before the first is answered, so that a bad one leaves no half answer.
    let samples = try inputs.map { ($0, try loadSamples($0, model.recipe)) }
    for (input, x) in samples {
      let outputs = noGrad { model.net(x) }
      for row in 0..<outputs.shape[0] {
        let name = outputs.shape[0] == 1 ? input : "\(input)[\(row)]"
        print(
          model.recipe.isClassifier
            ? classes(name, outputs[row], model.recipe.task.classNames) : numbers(name, outputs[row]))
      }
    }
  }

  private func numbers(_ name: String, _ outputs: Tensor) -> String {
    let values = outputs.toArray(Double.self)
    if json { return JSON.object(["input": .text(name), "value": .number(values[0])]).line }
    return "\(name): " + values.map { String(format: "%.4g", $0) }.joined(separator: ", ")
  }

  /// The three most probable classes.
  private func classes(_ name: String, _ scores: Tensor, _ names: [String]) -> String {
    let (values, indices) = noGrad { scores.to(.float64).softmax(dim: 0).topk(min(3, names.count)) }
    let top = zip(indices.toArray(Int.self), values.toArray(Double.self)).map { ($0, $1) }
    if json {
      func object(_ entry: (Int, Double)) -> KeyValuePairs<String, JSON> {
        ["class": .integer(entry.0), "label": .text(names[entry.0]), "probability": .number(entry.1)]
      }
      return JSON.object([
        "input": .text(name), "class": .integer(top[0].0), "label": .text(names[top[0].0]),
        "probability": .number(top[0].1), "top": .list(top.map { .object(object($0)) }),
      ]).line
    }
    func percent(_ p: Double) -> String { p.isNaN ? "nan" : String(format: "%.1f %%", 100 * p) }
    let others = top.dropFirst().map { "\(names[$0.0]) \(percent($0.1))" }.joined(separator: ", ")
    return "\(name): \(names[top[0].0]), \(percent(top[0].1)) (then \(others))"
  }
}
