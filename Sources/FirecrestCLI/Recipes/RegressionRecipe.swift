import Firecrest

/// `regression`: a network with two hidden layers on Friedman's function of ten numbers, five of which do not matter:
///
///     y = 10 sin(π x₁ x₂) + 20 (x₃ − ½)² + 10 x₄ + 5 x₅ + noise of standard deviation 1
///
/// for x uniform in [0, 1)¹⁰ (J. Friedman, "Multivariate Adaptive Regression Splines", 1991). The noise bounds the mean
/// squared error on the test data from below by 1.
struct RegressionRecipe: Recipe {
  static let name = "regression"
  static let defaults = Hyperparameters(epochs: 40, batchSize: 64, lr: 0.01)
  static let task = Task.numbers
  static let inputShape: Shape = [10]
  static let largestPixel: Int? = nil

  static func network() -> any Layer { Sequential(Linear(10, 64), ReLU(), Linear(64, 64), ReLU(), Linear(64, 1)) }

  static func loss(_ outputs: Tensor, _ targets: Tensor) -> Tensor { mseLoss(outputs, targets) }

  private let points: (train: TensorDataset<(Tensor, Tensor)>, test: TensorDataset<(Tensor, Tensor)>)

  init(data: String?, seed: UInt64) throws {
    if data != nil { throw UserError("regression makes its data; leave --data out") }
    let generator = Generator(seed: seed)
    // Far from the numbers of this seed that become weights.
    generator.state.offset = 1 << 40
    points = (Self.points(4000, generator), Self.points(1000, generator))
  }

  private static func points(_ count: Int, _ generator: Generator) -> TensorDataset<(Tensor, Tensor)> {
    let x = Tensor.rand(count, 10, generator: generator)
    let noise = Tensor.randn(count, generator: generator)
    let bend = 10 * (Double.pi * x[.all, 0] * x[.all, 1]).sin() + 20 * (x[.all, 2] - 0.5).square()
    let y = bend + 10 * x[.all, 3] + 5 * x[.all, 4] + noise
    return TensorDataset(x, y.unsqueeze(dim: 1))
  }

  func trainLoader(_ settings: Hyperparameters, seed: UInt64, workers: Int) -> DataLoader<(Tensor, Tensor)> {
    DataLoader(points.train, batchSize: settings.batchSize, shuffle: true, workers: workers, seed: seed)
  }

  func testLoader() -> DataLoader<(Tensor, Tensor)> { DataLoader(points.test, batchSize: 500) }
}
