import CPUKernelAPI
import Testing

@testable import FirecrestCPU
@testable import FirecrestCore

/// Batch normalization by its kernels against its definition.
@Suite(.serialized) struct BatchNormTests {
  private let generator = Generator(seed: 9)
  private func random(_ sizes: [Int], _ dtype: DType = .float64) -> Tensor {
    Tensor.randn(Shape(sizes), dtype: dtype, generator: generator) + 3
  }

  /// Channels of one element, of few, of more than a vector and of more than a block.
  private static let shapes = [
    [5, 3], [200, 37], [4, 6, 5], [3, 5, 4, 7], [2, 3, 40, 41], [1, 2, 70, 71], [2, 1, 100, 100],
  ]

  private func results(_ x: Tensor, _ w: Tensor?, _ b: Tensor?, training: Bool = true) -> [Tensor] {
    let leaves = ([x] + [w, b].compactMap { $0 }).map { $0.detach().clone().requiresGrad(true) }
    let mean = Tensor.zeros([x.shape[1]], dtype: x.dtype), variance = Tensor.ones([x.shape[1]], dtype: x.dtype)
    let y = leaves[0].batchNorm(
      runningMean: mean, runningVar: variance, weight: w == nil ? nil : leaves[1],
      bias: b == nil ? nil : leaves[leaves.count - 1], training: training, momentum: 0.3)
    let g = Tensor.arange(y.elementCount, dtype: y.dtype).view(y.shape).sin()
    return [y.detach(), mean, variance] + grad(of: [y], wrt: leaves, gradients: [g]).map { $0! }
  }

  @Test func agreesWithItsDefinition() {
    for shape in Self.shapes {
      for (hasWeight, hasBias) in [(true, true), (false, false), (true, false), (false, true)] {
        for training in [true, false] {
          let x = random(shape), w = hasWeight ? random([shape[1]]) : nil, b = hasBias ? random([shape[1]]) : nil
          let actual = results(x, w, b, training: training)
          let expected = Decomposition.preferred { results(x, w, b, training: training) }
          let single = results(
            x.to(.float32), w?.to(.float32), b?.to(.float32), training: training)
          for (i, (a, e)) in zip(actual, expected).enumerated() {
            #expect(a.allClose(e, rtol: 1e-9, atol: 1e-9), "\(shape) \(hasWeight) \(hasBias) \(training): \(i)")
            #expect(
              single[i].to(.float64).allClose(e, rtol: 1e-3, atol: 2e-3),
              "\(shape) \(hasWeight) \(hasBias) \(training): \(i) in float32")
          }
        }
      }
    }
  }

  @Test func everyInstructionSetAgrees() {
    for shape in Self.shapes {
      for dtype in [DType.float32, .float64] {
        let inputs = [random(shape, dtype), random([shape[1]], dtype), random([shape[1]], dtype)]
        let op = BatchNorm(eps: 1e-5, hasWeight: true, hasBias: true)
        let expected = op.decomposed(inputs)!
        for kernels in availableKernels() {
          let actual = expected.map { Tensor(empty: $0.shape, dtype) }
          op.run(inputs, into: actual, on: CPU(kernels: kernels))
          for (a, e) in zip(actual, expected) {
            #expect(
              a.allClose(e, rtol: dtype == .float64 ? 1e-10 : 1e-4, atol: dtype == .float64 ? 1e-10 : 1e-4),
              "\(kernels.name) \(dtype) \(shape)")
          }
        }
      }
    }
  }

  @Test func threadsChangeNoBit() {
    let before = ThreadPool.shared.count
    defer { ThreadPool.shared.count = before }
    for shape in [[16, 24, 20, 20], [3000, 50], [64, 40, 3]] {
      let x = random(shape, .float32), w = random([shape[1]], .float32), b = random([shape[1]], .float32)
      var first: [[Float]]?
      for count in 1...3 {
        ThreadPool.shared.count = count
        let all = results(x, w, b).map { $0.toArray(Float.self) }
        #expect(first == nil || first! == all, "\(shape), \(count) threads")
        first = first ?? all
      }
    }
  }

  @Test func anEmptyBatchLeavesTheStatistics() {
    let (mean, variance) = (Tensor.zeros(2), Tensor.ones(2))
    let y = Tensor.ones(0, 2).batchNorm(runningMean: mean, runningVar: variance, training: true)
    #expect(y.shape == [0, 2])
    #expect(mean.toArray(Float.self) == [0, 0] && variance.toArray(Float.self) == [1, 1])
  }

  @Test func derivativesOfDerivatives() {
    let inputs = [random([3, 2, 4]), random([2]), random([2])]
    for training in [true, false] {
      func call(_ i: [Tensor]) -> Tensor {
        i[0].batchNorm(
          runningMean: Tensor.zeros([2], dtype: .float64), runningVar: Tensor.full([2], 2.0, dtype: .float64),
          weight: i[1], bias: i[2], training: training)
      }
      gradcheck({ [call($0)] }, inputs)
      gradcheck(
        { i in
          let y = call(i)
          return grad(of: [y.square()], wrt: i, gradients: [y.detach() * 0 + 1], createGraph: true).map { $0! }
        }, inputs)
    }
  }
}
