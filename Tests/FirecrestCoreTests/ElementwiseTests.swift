import FirecrestCore
import Foundation
import TestSupport
import Testing

/// What PyTorch's samples do not reach: numbers as operands, types other than float64, numbers on the left.
@Suite struct ElementwiseTests {
  @Test func numbersOnEitherSide() {
    let x = Tensor([1, 2, 3])
    #expect((x .> 2).toArray(Bool.self) == [false, false, true])
    #expect((2 .> x).toArray(Bool.self) == [true, false, false])
    #expect((2.5 .<= x).toArray(Bool.self) == [false, false, true])
    #expect((x .== 2).toArray(Bool.self) == [false, true, false])
    #expect(Tensor.pow(2, x).toArray(Int.self) == [2, 4, 8])
    #expect((x.pow(3)).toArray(Int.self) == [1, 8, 27])
    #expect(x.pow(4).toArray(Int.self) == [1, 16, 81])
    #expect(Tensor([-1.5, 2, .infinity]).pow(4).toArray(Float.self) == [5.0625, 16, .infinity])
    #expect((x & 1).toArray(Int.self) == [1, 0, 1])
    #expect((x << 2).toArray(Int.self) == [4, 8, 12])
    #expect((~(x .> 1) | (x .== 3)).toArray(Bool.self) == [true, false, true])
    #expect(x.clamp(min: 2).toArray(Int.self) == [2, 2, 3])
    #expect(x.clamp(min: 1.5, max: 2.5).toArray(Float.self) == [1.5, 2, 2.5])
    #expect(x.div(2, roundingMode: .floor).toArray(Int.self) == [0, 1, 1])
    #expect((-x).div(2, roundingMode: .floor).toArray(Int.self) == [-1, -1, -2])
    #expect((-x).div(2, roundingMode: .trunc).toArray(Int.self) == [0, -1, -1])
    #expect((-x).remainder(2).toArray(Int.self) == [1, 0, 1])
    #expect((-x).fmod(2).toArray(Int.self) == [-1, 0, -1])
    #expect(x.where(x .> 1, 0).toArray(Int.self) == [0, 2, 3])
  }

  @Test func powersOfNumbers() {
    let x = Tensor([0.25, 1, 4], dtype: .float64, requiresGrad: true)
    let cases: [(Double, [Double])] = [
      (0, [0, 0, 0]), (1, [1, 1, 1]), (2, [0.5, 2, 8]), (3, [0.1875, 3, 48]), (0.5, [1, 0.5, 0.25]),
      (-1, [-16, -1, -0.0625]), (-0.5, [-4, -0.5, -0.0625]), (-2, [-128, -2, -0.03125]), (1.5, [0.75, 1.5, 3]),
    ]
    for (n, slope) in cases {
      let y = x.pow(n)
      let expected = x.detach().pow(Tensor.full([3], n, dtype: .float64))
      #expect(difference(y, expected, relative: 1e-14) == nil, "x to the \(n)")
      let g = grad(of: [y.sum()], wrt: [x], gradients: [Tensor.ones([], dtype: .float64)], allowUnused: true)
      let wanted = Tensor(slope, dtype: .float64)
      #expect(difference(g[0]!, wanted, relative: 1e-14) == nil, "slope of x to the \(n)")
    }
  }

  @Test func untakenBranchesDoNotPoisonGradients() {
    let x = Tensor([-1000.0, 0, 1000], requiresGrad: true)
    for y in [
      x.elu(), x.selu(), x.celu(alpha: 2), x.softplus(), x.softplus(beta: 2, threshold: 5), x.mish(), x.gelu(),
      x.gelu(approximate: true), x.silu(), x.logSigmoid(), x.hardswish(),
    ] {
      let g = grad(of: [y.sum()], wrt: [x], gradients: [Tensor.ones([])], allowUnused: false)[0]!
      #expect(y.isFinite().all().item(as: Bool.self) && g.isFinite().all().item(as: Bool.self))
    }
  }

  @Test func halfPrecisionComputesInFloat() {
    for dtype in [DType.float16, .bfloat16] {
      let x = Tensor([0.5, 1, 2, -3], dtype: dtype)
      #expect(difference(x.sigmoid(), x.to(.float32).sigmoid().to(dtype)) == nil)
      #expect(difference(x.gelu(), x.to(.float32).gelu().to(dtype)) == nil)
      #expect(difference(x.pow(2), x.to(.float32).pow(2).to(dtype)) == nil)
      #expect(difference(x.nanToNum(), x) == nil)
    }
    let inf = Tensor([Double.infinity, -.infinity, .nan], dtype: .float16).nanToNum()
    #expect(inf.toArray(Double.self) == [65504, -65504, 0])
  }
  @Test func anglesOfRealNumbers() {
    for dtype in [DType.float16, .bfloat16, .float32, .float64] {
      let x = Tensor([-2.0, -0.0, 3, .nan], dtype: dtype, requiresGrad: true)
      let y = x.angle()
      #expect(difference(y, Tensor([Double.pi, 0, 0, .nan], dtype: dtype)) == nil)
      #expect(grad(of: [y.sum()], wrt: [x])[0]!.toArray(Double.self) == [0, 0, 0, 0])
      #expect(!x.isReal().requiresGrad && x.isReal().toArray(Bool.self) == [true, true, true, true])
    }
    #expect(Tensor([-1, 0]).angle().dtype == .float32 && Tensor([true]).angle().dtype == .float32)
    #expect(Tensor([-1, 0]).isReal().dtype == .bool)
  }

  @Test func binaryCrossEntropyOfCertainty() {
    // PyTorch's results: logarithms end at -100, and so does what the gradient divides by, at 1e-12.
    for dtype in [DType.float32, .float64] {
      let x = Tensor([0.0, 1, 0, 1, 0.25], dtype: dtype, requiresGrad: true)
      let t = Tensor([0, 0, 1, 1, 0.5], dtype: dtype)
      let loss = binaryCrossEntropy(x, t, reduction: .none)
      #expect(loss.allClose(Tensor([0, 100, 100, 0, 0.8369882106781006], dtype: dtype), rtol: 1e-6))
      let slope = grad(of: [loss.sum()], wrt: [x])[0]!
      #expect(slope.allClose(Tensor([0, 1e12, -1e12, 0, -4.0 / 3], dtype: dtype), rtol: 1e-6))
    }
  }

  @Test func incompleteGammaOfSmallNumbers() {
    // True values, from 60 digits; 1 - P would be nothing but rounding errors, and is in PyTorch.
    let a = Tensor([1e-20, 1e-10, 1e-3, 0.2, 0.5], dtype: .float64)
    let x = Tensor([0.01, 0.5, 1.05, 0.5, 0.7], dtype: .float64)
    let upper = [
      4.037929576538113e-20, 5.597735948054988e-11, 2.0208671632562252e-4, 0.12122516696379561, 0.23672357063785737,
    ]
    for (q, want) in zip(a.igammac(x).toArray(Double.self), upper) { #expect(abs(q / want - 1) < 1e-14) }
    #expect(abs(a.igamma(x).toArray(Double.self)[1] - (1 - upper[1])) < 1e-15)
    let p = Tensor([25.194079586146184], dtype: .float64).igamma(Tensor([2.329163506971816e-6], dtype: .float64))
    #expect(abs(p.item() / 4.195997656234719e-168 - 1) < 1e-12)
  }

  @Test func binaryCrossEntropyRefusesWhatIsNoProbability() async {
    let x = Tensor([0.5, 0.25])
    // Not the fault of input or target: as in PyTorch the result is NaN.
    #expect(binaryCrossEntropy(x, x, weight: Tensor([.nan, 1])).item().isNaN)
    #expect(binaryCrossEntropy(Tensor.zeros(0), Tensor.zeros(0)).item().isNaN)
    var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = binaryCrossEntropy(Tensor([0.5, 1.25]), Tensor([0.0, 1]))
    }
    expectMessage(result, "the input must be probabilities, from 0 to 1; it goes from 0.5 to 1.25")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = binaryCrossEntropy(Tensor([0.5, -0.25]), Tensor([0.0, 0]), reduction: .none)
    }
    expectMessage(result, "binaryCrossEntropy: the input must be probabilities")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = binaryCrossEntropy(Tensor([0.5, 0.5]), Tensor([2.0, -1]), reduction: .sum)
    }
    expectMessage(result, "the target must be probabilities, from 0 to 1; it goes from -1.0 to 2.0")
  }

  @Test func lossesRefuseWhatPyTorchRefuses() async {
    var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = binaryCrossEntropyWithLogits(Tensor.ones(4, 1), Tensor.ones(4))
    }
    expectMessage(result, "binaryCrossEntropyWithLogits: input and target differ in shape")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = softMarginLoss(Tensor.ones(4, 1), Tensor.ones(4))
    }
    expectMessage(result, "softMarginLoss: input and target differ in shape")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = marginRankingLoss(Tensor.ones(4, 1), Tensor.ones(4, 1), Tensor.ones(4))
    }
    expectMessage(result, "marginRankingLoss: inputs and target differ in the number of dimensions")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = smoothL1Loss(Tensor.ones(2), Tensor.ones(2), beta: -1)
    }
    expectMessage(result, "smoothL1Loss: beta must not be negative")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = huberLoss(Tensor.ones(2), Tensor.ones(2), delta: 0)
    }
    expectMessage(result, "huberLoss: delta must be positive")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = gaussianNLLLoss(Tensor.ones(2), Tensor.ones(2), variance: Tensor([1.0, -1]))
    }
    expectMessage(result, "gaussianNLLLoss: the variance has negative elements")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = crossEntropy(Tensor.ones(1, 3), Tensor([[0.0, 1, 0]]), weight: Tensor([2.0]))
    }
    expectMessage(result, "crossEntropy: the weight must have one element for each of the 3 classes")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = crossEntropy(Tensor.ones(2, 3), Tensor([1, 3]))
    }
    expectMessage(result, "crossEntropy: target 3 is not one of the input's 3 classes")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = crossEntropy(Tensor.ones(1, 3), Tensor([[0.0, 1, 0]]), ignoreIndex: 1)
    }
    expectMessage(result, "crossEntropy: ignoreIndex is 1, but the target holds probabilities")
    result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      for _ in 0..<2 { _ = mseLoss(Tensor.ones(4, 1), Tensor.ones(4)) }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(
      text.components(separatedBy: "mseLoss: warning: the target's shape [4] is not the input's [4, 1]").count == 2)
  }

  @Test func threeOperandsHaveOneType() {
    // PyTorch's results.
    let bounded = Tensor(1.0).clamp(min: Tensor([1.0, 2], dtype: .float64), max: Tensor([3.0, 4]))
    #expect(bounded.dtype == .float64 && bounded.toArray(Double.self) == [1, 2])
    let one = Tensor(1.0, dtype: .float64)
    #expect(one.addcmul(Tensor([1.0, 2]), one).dtype == .float32)
    let bytes = Tensor(1, dtype: .int8)
    #expect(bytes.addcmul(Tensor([1, 2], dtype: .uint8), Tensor(1, dtype: .int16)).dtype == .uint8)
    let half = Tensor([1.0, 2], dtype: .float16)
    let sum = half.addcmul(Tensor([1, 2]), Tensor([3, 4]), value: 0.5)
    #expect(sum.dtype == .float16 && sum.toArray(Float.self) == [2.5, 6])
    let whole = Tensor([1, 2]).addcmul(Tensor([3, 4]), Tensor([5, 6]), value: 1.5)
    #expect(whole.dtype == .int64 && whole.toArray(Int.self) == [16, 26])
  }

  @Test func halfTypesRoundOnce() {
    for type in [DType.float16, .bfloat16] {
      let x = (Tensor.rand(1000, generator: Generator(seed: 1)) - 0.5).to(type)
      let y = (Tensor.rand(1000, generator: Generator(seed: 2)) * 0.01).to(type)
      let (a, b) = (x.to(.float32), y.to(.float32))
      func check(_ result: Tensor, _ expected: Tensor, _ what: String) {
        #expect(result.dtype == type)
        #expect(result.toArray(Float.self) == expected.to(type).toArray(Float.self), "\(what) \(type)")
      }
      check(x.lerp(y, 0.3), a.lerp(b, 0.3), "lerp")
      check(x.addcmul(y, y, value: 0.001), a.addcmul(b, b, value: 0.001), "addcmul")
      check(x.addcdiv(y, x, value: 0.001), a.addcdiv(b, a, value: 0.001), "addcdiv")
      check(x.round(decimals: 5), a.round(decimals: 5), "round")
    }
  }

  @Test func gradientsOfNaNAreNotHidden() {
    func gradient(_ function: (Tensor) -> Tensor) -> Double {
      let x = Tensor([Double.nan], requiresGrad: true)
      function(x).sum().backward()
      return x.grad!.item()
    }
    #expect(gradient { $0.elu() } == 1)
    #expect(abs(gradient { $0.selu() } - 1.0507) < 1e-4)
    #expect(gradient { $0.celu() } == 1)
    #expect(gradient { $0.hardtanh() } == 1)
    #expect(gradient { $0.relu6() } == 1)
  }

  @Test func numbersAreNotRoundedToTheTensorsTypeFirst() {
    // PyTorch's results, except that it takes 70000 times the rounded reciprocal.
    let bytes = Tensor([1, 50, 200], dtype: .uint8)
    #expect(difference(bytes / 256, Tensor([0.00390625, 0.1953125, 0.78125])) == nil)
    #expect(difference(bytes / -2, Tensor([-0.5, -25, -100])) == nil)
    #expect(difference(1000 / Tensor([2, 4], dtype: .uint8), Tensor([500.0, 250])) == nil)
    #expect(difference(bytes / Tensor(300), Tensor([1.0 / 300, 50.0 / 300, 200.0 / 300])) == nil)
    #expect(difference(bytes.clamp(min: -5, max: 100.5), Tensor([1, 50, 100.5])) == nil)
    #expect(
      difference(Tensor([1], dtype: .int64) / Tensor([3.0], dtype: .float64), Tensor([1.0 / 3], dtype: .float64)) == nil
    )
    func numbers(_ x: Tensor) -> [Float] { x.to(.float32).toArray(Float.self) }
    let h = Tensor([0.001, 0.5], dtype: .float16)
    #expect(numbers(h * 70000) == [70, 35008])
    #expect(numbers(h * Tensor(70000.0)) == [70, 35008])
    #expect(numbers(Tensor([1.0, 3, 1000], dtype: .float16) / 65536.0) == [1.5258789e-05, 4.5776367e-05, 0.015258789])
    #expect(numbers(70000 / Tensor([30000.0], dtype: .float16)) == [2.3339844])
    #expect(numbers(Tensor([3.0], dtype: .bfloat16) * 1.005) == [3.015625])
    h *= 70000
    #expect(numbers(h) == [70, 35008])
    h /= 70000
    #expect(numbers(h) == [0.0010004044, 0.5])
    let w = Tensor([0.001, 0.5], dtype: .float16, requiresGrad: true)
    (w * 1000.3).sum().backward()
    #expect(numbers(w.grad!) == [1000.5, 1000.5])
    // Recorded in place: the gradient of both factors.
    let v = Tensor([0.001, 0.5], dtype: .float16, requiresGrad: true)
    let y = v * 2
    y *= 1000.3
    y.sum().backward()
    #expect(numbers(v.grad!) == [2001, 2001])
  }

  @Test func cosineEmbeddingLossRefusesOtherRanks() async {
    // Neither alike nor apart: counts 0. A vector of zeros has no direction, and no slope that is not finite.
    let x = Tensor([[0.0, 0], [1, 0], [1, 0]], requiresGrad: true)
    let loss = cosineEmbeddingLoss(x, Tensor([[3.0, 4], [3, 4], [3, 4]]), Tensor([1, 0, -1]), reduction: .none)
    #expect(difference(loss, Tensor([1, 0, 0.6])) == nil)
    #expect(grad(of: [loss.sum()], wrt: [x])[0]!.isFinite().all().item(as: Bool.self))
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = cosineEmbeddingLoss(Tensor.ones(2, 3), Tensor.ones(2, 3), Tensor.ones([]))
    }
    expectMessage(result, "cosineEmbeddingLoss: needs vectors and a target of rank 0")
  }

  /// Steps of an operation that leave float16's range, or lose what is left in the end; PyTorch rounds once.
  @Test func halfTypesAreRoundedOnce() {
    func gradient(_ value: Double, _ dtype: DType, _ body: (Tensor) -> Tensor) -> (value: Double, gradient: Double) {
      let x = Tensor([value], dtype: dtype).requiresGrad(true)
      let y = body(x)
      y.sum().backward()
      return (y.item(), x.grad!.item())
    }
    let ones = Tensor.ones([70_000], dtype: .float16), zeros = Tensor.zeros([70_000], dtype: .float16)
    #expect(l1Loss(ones, zeros).item() == 1 && mseLoss(ones, zeros).item() == 1)
    #expect(gradient(256, .float16) { $0.gelu(approximate: true) }.gradient == 1)
    #expect(abs(gradient(-3, .bfloat16) { $0.gelu(approximate: true) }.gradient + 0.0116) < 1e-4)
    let softplus = gradient(6, .float16) { $0.softplus(beta: 2) }
    #expect(softplus.value == 6 && softplus.gradient == 1)
    #expect(abs(gradient(2.984375, .bfloat16) { $0.hardsigmoid() }.gradient - 0.167) < 1e-3)
    #expect(abs(gradient(2.984375, .bfloat16) { $0.hardswish() }.gradient - 1.4922) < 1e-3)
  }

  /// Activations made of several steps: value and gradient are those of float32, rounded.
  @Test(arguments: [DType.float16, .bfloat16]) func activationsOfHalfTypes(_ dtype: DType) {
    let bodies: [(String, (Tensor) -> Tensor)] = [
      ("gelu", { $0.gelu(approximate: true) }), ("mish", { $0.mish() }), ("elu", { $0.elu(alpha: 0.7) }),
      ("selu", { $0.selu() }), ("celu", { $0.celu(alpha: 2) }), ("softplus", { $0.softplus(beta: 2) }),
      ("hardsigmoid", { $0.hardsigmoid() }), ("hardswish", { $0.hardswish() }),
    ]
    let values = Tensor.linspace(-9, 9, 501).to(dtype)
    for (name, body) in bodies {
      let x = values.clone().requiresGrad(true), wide = values.to(.float32).requiresGrad(true)
      let (y, exact) = (body(x), body(wide))
      y.sum().backward()
      exact.sum().backward()
      // Kernels and steps may differ in the last bit of float32, and so, rarely, in that of the half type.
      let slack = dtype == .float16 ? 0x1p-10 : 0x1p-7
      #expect(y.to(.float32).allClose(exact.detach(), rtol: slack, atol: 1e-6), "\(name)")
      #expect(x.grad!.to(.float32).allClose(wide.grad!, rtol: slack, atol: 1e-6), "\(name)'s gradient")
    }
  }

  @Test func infiniteDifferencesHaveGradients() {
    for loss in [{ huberLoss($0, $1, reduction: .sum) }, { smoothL1Loss($0, $1, reduction: .sum) }]
      as [(Tensor, Tensor) -> Tensor]
    {
      let x = Tensor([Float.infinity, -.infinity, 1, 0.5]).requiresGrad(true)
      loss(x, Tensor.zeros(4)).backward()
      #expect(x.grad!.toArray(Float.self) == [1, -1, 1, 0.5])
    }
  }
}
