import Firecrest
import Foundation
import TestSupport
import Testing

/// Fifty steps of training lead where PyTorch's lead: same weights, same batches, losses within 1e-4 of PyTorch's. The
/// formulas and the losses are those of `make_trajectories.py`.
@Suite struct TrajectoryTests {
  final class MLP: Layer {
    let fc1 = Linear(784, 128), fc2 = Linear(128, 10)
    func forward(_ x: Tensor) -> Tensor { fc2(fc1(x).relu()) }
  }

  final class LeNet: Layer {
    let conv1 = Conv2d(3, 6, kernelSize: 5), conv2 = Conv2d(6, 16, kernelSize: 5)
    let fc1 = Linear(400, 120), fc2 = Linear(120, 84), fc3 = Linear(84, 10)

    func forward(_ x: Tensor) -> Tensor {
      var x = maxPool2d(conv1(x).relu(), kernelSize: 2)
      x = maxPool2d(conv2(x).relu(), kernelSize: 2).flatten(from: 1)
      return fc3(fc2(fc1(x).relu()).relu())
    }
  }

  final class CNN: Layer {
    let conv1 = Conv2d(1, 32, kernelSize: 3, padding: 1), conv2 = Conv2d(32, 64, kernelSize: 3, padding: 1)
    let fc1 = Linear(3136, 128), fc2 = Linear(128, 10)

    func forward(_ x: Tensor) -> Tensor {
      var x = maxPool2d(conv1(x).relu(), kernelSize: 2)
      x = maxPool2d(conv2(x).relu(), kernelSize: 2).flatten(from: 1)
      return fc2(fc1(x).relu())
    }
  }

  enum Network: String, CaseIterable, Sendable {
    case mlp, lenet, cnn

    func make() -> any Layer {
      switch self {
      case .mlp: MLP()
      case .lenet: LeNet()
      case .cnn: CNN()
      }
    }
    var sample: [Int] {
      switch self {
      case .mlp: [784]
      case .lenet: [3, 32, 32]
      case .cnn: [1, 28, 28]
      }
    }
    var batchSize: Int {
      switch self {
      case .mlp: 32
      case .lenet: 4
      case .cnn: 2
      }
    }
  }

  enum Rule: String, CaseIterable, Sendable {
    case sgd, adam, adamw, rmsprop

    func make(_ parameters: [Tensor]) -> Optimizer {
      switch self {
      case .sgd: SGD(parameters, lr: 0.01, momentum: 0.9)
      case .adam: Adam(parameters, lr: 1e-3)
      case .adamw: AdamW(parameters, lr: 1e-3, weightDecay: 0.05)
      case .rmsprop: RMSprop(parameters, lr: 2e-4)
      }
    }
  }

  /// Numbers in [−1, 1), multiples of 2⁻²³: splitmix64 of seed and position.
  private static func noise(_ seed: Int, _ count: Int, from start: Int = 0) -> [Double] {
    (0..<count).map { i in
      var z = (UInt64(seed) << 32 &+ UInt64(start + i + 1)) &* 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      z ^= z >> 31
      return Double(z >> 40) / 0x1p23 - 1
    }
  }

  private static func initialise(_ net: any Layer, _ variant: Int) {
    var fan = 1
    for (k, parameter) in net.parameters().enumerated() {
      if parameter.rank > 1 { fan = parameter.elementCount / parameter.shape[0] }
      let factor = 2 / Double(fan).squareRoot()
      let values = noise(10 * variant + k + 1, parameter.elementCount).map { Float($0 * factor) }
      noGrad { parameter.copy(from: Tensor(values, shape: parameter.shape)) }
    }
  }

  typealias Batch = (x: Tensor, y: Tensor)

  /// The fifty batches of each network.
  private static let batches: [Network: [Batch]] = Dictionary(
    uniqueKeysWithValues: Network.allCases.map { ($0, makeBatches($0)) })

  private static func makeBatches(_ network: Network) -> [Batch] {
    let (count, size) = (network.batchSize, network.sample.reduce(1, *))
    let patterns = (0..<10).map { noise(200 + $0, size) }
    return (0..<50).map { step -> Batch in
      let classes = noise(100, count, from: step * count).map { Int((($0 + 1) * 5).rounded(.down)) }
      var pixels: [Float] = []
      for (i, label) in classes.enumerated() {
        let own = noise(1000 + step * count + i, size)
        pixels += zip(patterns[label], own).map { Float($0 / 2 + $1 / 2) }
      }
      return (Tensor(pixels, shape: Shape([count] + network.sample)), Tensor(classes))
    }
  }

  struct Run: Sendable, CustomTestStringConvertible {
    let network: Network
    let rule: Rule
    let variant: Int
    let losses: [Double]
    var testDescription: String { "\(network) \(rule)" }

    /// The runs in `trajectories.json`.
    static let all: [Run] = {
      let data = try! Data(contentsOf: fixtures.appendingPathComponent("trajectories.json"))
      let json = try! JSONSerialization.jsonObject(with: data) as! [String: Any]
      return (json["runs"] as! [[String: Any]]).map { run in
        Run(
          network: Network(rawValue: run["network"] as! String)!, rule: Rule(rawValue: run["optimizer"] as! String)!,
          variant: run["variant"] as! Int, losses: (run["losses"] as! [NSNumber]).map(\.doubleValue))
      }
    }()
  }

  @Test func allRuns() {
    #expect(Run.all.count == Network.allCases.count * Rule.allCases.count)
    #expect(Run.all.allSatisfy { $0.losses.count == 50 })
  }

  @Test(arguments: Run.all) func followsPyTorch(_ run: Run) throws {
    let net = run.network.make()
    Self.initialise(net, run.variant)
    let optimizer = run.rule.make(net.parameters())
    for (step, (expected, (x, y))) in zip(run.losses, Self.batches[run.network]!).enumerated() {
      optimizer.zeroGrad()
      let loss = crossEntropy(net(x), y)
      loss.backward()
      optimizer.step()
      try #require(abs(loss.item() / expected - 1) < 1e-4, "step \(step): \(loss.item()), PyTorch \(expected)")
    }
  }
}
