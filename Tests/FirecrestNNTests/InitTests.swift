import Firecrest
import Foundation
import TestSupport
import Testing

/// Initial values by their statistics, and the initialisers.
@Suite struct InitTests {
  private struct Statistics {
    let mean: Double, std: Double, min: Double, max: Double
    init(_ x: Tensor) {
      let values = x.toArray(Double.self)
      let mean = values.reduce(0, +) / Double(values.count)
      self.mean = mean
      std = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
      min = values.min()!
      max = values.max()!
    }
  }

  /// Uniform in ±bound: reaches almost to the bounds, never beyond, with the deviation bound/√3.
  private static func expectUniform(_ x: Tensor, _ bound: Double, sourceLocation: SourceLocation = #_sourceLocation) {
    let s = Statistics(x)
    let n = Double(x.elementCount)
    #expect(s.max <= bound && s.min >= -bound, sourceLocation: sourceLocation)
    #expect(s.max > bound * (1 - 20 / n) && s.min < -bound * (1 - 20 / n), sourceLocation: sourceLocation)
    #expect(abs(s.std / bound * 3.0.squareRoot() - 1) < 4 / n.squareRoot(), sourceLocation: sourceLocation)
    #expect(abs(s.mean) < 5 * bound / (3 * n).squareRoot(), sourceLocation: sourceLocation)
  }

  /// Normal around 0: a third of the numbers lie beyond one deviation, a twentieth beyond two.
  private static func expectNormal(
    _ x: Tensor, mean: Double = 0, std: Double, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let s = Statistics(x)
    let n = Double(x.elementCount)
    #expect(abs(s.mean - mean) < 5 * std / n.squareRoot(), sourceLocation: sourceLocation)
    #expect(abs(s.std / std - 1) < 4 / n.squareRoot(), sourceLocation: sourceLocation)
    let values = x.toArray(Double.self)
    for (reach, share) in [(1.0, 0.3173), (2.0, 0.0455)] {
      let beyond = Double(values.count { abs($0 - mean) > reach * std }) / n
      #expect(abs(beyond - share) < 4 * (share / n).squareRoot(), sourceLocation: sourceLocation)
    }
  }

  @Test func layers() async {
    // In a process of its own, where no other test draws from the shared generator.
    await #expect(processExitsWith: .success) {
      manualSeed(11)
      let linear = Linear(300, 200)
      InitTests.expectUniform(linear.weight, 1 / 300.0.squareRoot())
      InitTests.expectUniform(linear.bias!, 1 / 300.0.squareRoot())
      let conv = Conv2d(16, 64, kernelSize: 3, groups: 2)
      #expect(conv.weight.shape == [64, 8, 3, 3])
      InitTests.expectUniform(conv.weight, 1 / 72.0.squareRoot())
      InitTests.expectUniform(conv.bias!, 1 / 72.0.squareRoot())
      let signal = Conv1d(30, 40, kernelSize: 5)
      InitTests.expectUniform(signal.weight, 1 / 150.0.squareRoot())
      let bilinear = Bilinear(25, 30, 20)
      InitTests.expectUniform(bilinear.weight, 0.2)
      InitTests.expectUniform(bilinear.bias!, 0.2)
      InitTests.expectNormal(Embedding(200, 100).weight, std: 1)
      #expect(PReLU(3).weight.toArray(Float.self) == [0.25, 0.25, 0.25])
      let norm = BatchNorm2d(2)
      #expect(norm.weight!.toArray(Float.self) == [1, 1] && norm.bias!.toArray(Float.self) == [0, 0])
      #expect(norm.runningMean!.toArray(Float.self) == [0, 0] && norm.runningVar!.toArray(Float.self) == [1, 1])
      #expect([linear.weight, linear.bias!, conv.weight, conv.bias!].allSatisfy { $0.requiresGrad && $0.isLeaf })
    }
  }

  /// The weight is drawn before the bias, layer after layer: the same seed gives the same network.
  @Test func order() async {
    // In a process of its own, where no other test draws from the shared generator.
    await #expect(processExitsWith: .success) {
      manualSeed(5)
      let layer = Linear(3, 4)
      let next = Linear(3, 4)
      manualSeed(5)
      let bound = 1 / 3.0.squareRoot()
      let weight = Init.uniform(Tensor.empty(4, 3), from: -bound, to: bound)
      let bias = Init.uniform(Tensor.empty(4), from: -bound, to: bound)
      #expect(difference(layer.weight, weight, relative: 1e-6) == nil)
      #expect(difference(layer.bias!, bias, relative: 1e-6) == nil)
      #expect(layer.weight.toArray(Float.self) != next.weight.toArray(Float.self))
    }
  }

  @Test func withoutInputs() {
    #expect(Linear(0, 3)(Tensor.ones(2, 0)).toArray(Float.self) == [0, 0, 0, 0, 0, 0])
  }

  @Test func distributions() {
    let generator = Generator(seed: 7)
    let w = Tensor.empty(200, 50, 3)
    InitTests.expectUniform(Init.uniform(w, from: -2, to: 2, generator: generator), 2)
    InitTests.expectNormal(Init.normal(w, mean: 3, std: 0.5, generator: generator), mean: 3, std: 0.5)
    // fanIn 150, fanOut 600
    InitTests.expectUniform(Init.xavierUniform(w, gain: 2, generator: generator), 2 * (6.0 / 750).squareRoot())
    InitTests.expectNormal(Init.xavierNormal(w, generator: generator), std: (2.0 / 750).squareRoot())
    InitTests.expectUniform(
      Init.kaimingUniform(w, nonlinearity: .relu, generator: generator), (6.0 / 150).squareRoot())
    InitTests.expectUniform(
      Init.kaimingUniform(w, a: 3, mode: .fanOut, generator: generator), (0.6 / 600).squareRoot())
    InitTests.expectNormal(
      Init.kaimingNormal(w, mode: .fanOut, nonlinearity: .relu, generator: generator), std: (2.0 / 600).squareRoot())
    InitTests.expectNormal(Init.kaimingNormal(w, a: 1, generator: generator), std: (1.0 / 150).squareRoot())
  }

  @Test func truncatedNormal() {
    let generator = Generator(seed: 3)
    let x = Init.truncNormal(Tensor.empty(40_000), generator: generator)
    let s = Statistics(x)
    #expect(s.min >= -2 && s.max <= 2 && s.min < -1.99 && s.max > 1.99)
    // The deviation of a normal number cut off at two deviations.
    #expect(abs(s.std - 0.8796) < 0.01 && abs(s.mean) < 0.02)
    let half = Init.truncNormal(Tensor.empty(40_000), mean: 1, std: 0.5, from: 1, to: 9, generator: generator)
    let t = Statistics(half)
    #expect(t.min >= 1 && abs(t.mean - (1 + 0.5 * (2 / Double.pi).squareRoot())) < 0.01)
    let small = Statistics(Init.truncNormal(Tensor.empty(1000), std: 0.02, from: -0.04, to: 0.04))
    #expect(small.max <= Double(Float(0.04)) && small.min >= -Double(Float(0.04)))
  }

  @Test func orthogonal() {
    let generator = Generator(seed: 4)
    for shape in [[6, 4], [4, 6], [5, 5], [3, 2, 4], [1, 3]] as [Shape] {
      let w = Init.orthogonal(Tensor.empty(shape, dtype: .float64), gain: 2, generator: generator)
      let flat = w.reshape([shape[0], -1])
      let square = flat.shape[0] <= flat.shape[1] ? flat.matmul(flat.T) : flat.T.matmul(flat)
      let identity = Tensor.eye(square.shape[0], dtype: .float64) * 4
      #expect(difference(square, identity, absolute: 1e-12) == nil, "\(shape)")
    }
    // Every direction is as likely: entries of a 2×2 rotation or reflection have mean 0 and mean square ½.
    var (sum, squares) = (0.0, 0.0)
    for _ in 0..<400 {
      let entry = Init.orthogonal(Tensor.empty(2, 2), generator: generator)[0, 0].item()
      sum += entry / 400
      squares += entry * entry / 400
    }
    #expect(abs(sum) < 0.15 && abs(squares - 0.5) < 0.1)
  }

  @Test func fixedValues() {
    let w = Linear(3, 2).weight
    #expect(Init.constant(w, 0.5) === w && w.toArray(Float.self) == [0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    #expect(Init.ones(w).sum().item() == 6 && Init.zeros(w).abs().sum().item() == 0)
    #expect(Init.eye(w).toArray(Float.self) == [1, 0, 0, 0, 1, 0])
    #expect(w.isLeaf && w.requiresGrad && w.grad == nil)
  }

  @Test func sparse() {
    let w = Init.sparse(Tensor.empty(100, 30), sparsity: 0.25, std: 0.5, generator: Generator(seed: 2))
    let zeros = (w .== 0).to(.int64).sum(dim: 0).toArray(Int.self)
    #expect(zeros == Array(repeating: 25, count: 30))
    let kept = w.toArray(Double.self).filter { $0 != 0 }
    #expect(abs(Statistics(Tensor(kept)).std - 0.5) < 0.04)
    // Not the same rows in all columns.
    #expect(Set((w .== 0).to(.int64).sum(dim: 1).toArray(Int.self)).count > 3)
  }

  @Test func gains() {
    #expect(Init.calculateGain(.linear) == 1 && Init.calculateGain(.sigmoid) == 1)
    #expect(Init.calculateGain(.tanh) == 5.0 / 3 && Init.calculateGain(.relu) == 2.0.squareRoot())
    #expect(Init.calculateGain(.selu) == 0.75)
    #expect(abs(Init.calculateGain(.leakyReLU, negativeSlope: 0.2) - 1.3867504905630728) < 1e-15)
  }

  @Test func misuse() async {
    var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      Init.xavierUniform(Tensor.ones(3))
    }
    expectMessage(result, "Firecrest: xavierUniform: a tensor with fewer than 2 dimensions has no fan")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      Init.truncNormal(Tensor.ones(3), from: 100, to: 101)
    }
    expectMessage(result, "truncNormal: 100.0 to 101.0 is too far from the mean 0.0 for std 1.0")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      Init.sparse(Tensor.ones(3, 3), sparsity: 2)
    }
    expectMessage(result, "sparse: 2.0 is not a part of 1")
  }
}
