import Firecrest

/// A training job that is ready to run: data, network, loss and good settings.
///
/// One file each, with the settings at its top. To add one, conform a type and list it in `recipes`.
protocol Recipe: SendableMetatype {
  /// The name on the command line.
  static var name: String { get }
  /// Settings that the command line can change.
  static var defaults: Hyperparameters { get }
  /// What the network predicts.
  static var task: Task { get }
  /// The shape of one sample.
  static var inputShape: Shape { get }
  /// The pixel value that becomes 1; nil where samples are not pictures.
  static var largestPixel: Int? { get }

  /// Loads the data.
  ///
  /// - Parameters:
  ///   - data: The folder that `--data` names.
  ///   - seed: For data that is made, not read.
  init(data: String?, seed: UInt64) throws

  /// Batches of training samples in a new order each epoch.
  func trainLoader(_ settings: Hyperparameters, seed: UInt64, workers: Int) -> DataLoader<(Tensor, Tensor)>
  /// Batches of all test samples in order.
  func testLoader() -> DataLoader<(Tensor, Tensor)>

  /// A new network with initial weights from the shared random generator.
  static func network() -> any Layer
  /// The mean loss of a batch.
  static func loss(_ outputs: Tensor, _ targets: Tensor) -> Tensor
}

/// Settings that the command line can change.
struct Hyperparameters: Equatable {
  /// How often all training samples are gone through.
  var epochs: Int
  /// Samples a step.
  var batchSize: Int
  /// The highest learning rate of the cycle.
  var lr: Double
}

/// What a network predicts.
enum Task {
  /// One of several classes, from scores for each.
  case classes([String])
  /// Numbers.
  case numbers

  /// The classes' names; none where numbers are predicted.
  var classNames: [String] {
    switch self {
    case .classes(let names): names
    case .numbers: []
    }
  }
}

/// All recipes, the default of `make run` first.
let recipes: [any Recipe.Type] = [DigitsRecipe.self, MNISTRecipe.self, RegressionRecipe.self]

/// The recipe of that name.
func recipe(named name: String) throws -> any Recipe.Type {
  guard let recipe = recipes.first(where: { $0.name == name }) else {
    throw UserError("there is no recipe '\(name)'; there are: \(recipes.map { $0.name }.joined(separator: ", "))")
  }
  return recipe
}

extension Recipe {
  /// Adam, under a learning rate that rises and falls once (Smith and Topin 2017, PyTorch's `OneCycleLR`).
  static func optimizer(_ net: any Layer, _ settings: Hyperparameters, steps: Int) -> (Adam, OneCycleLR) {
    let optimizer = Adam(net.parameters())
    return (optimizer, OneCycleLR(optimizer, maxLR: settings.lr, totalSteps: steps))
  }
}
