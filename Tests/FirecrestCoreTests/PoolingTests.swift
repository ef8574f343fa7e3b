import CPUKernelAPI
import Testing

@testable import FirecrestCPU
@testable import FirecrestCore

/// Poolings against windows taken one by one, over shapes that reach every path of the kernels.
@Suite(.serialized) struct PoolingTests {
  private let generator = Generator(seed: 5)
  private func random(_ sizes: [Int], _ dtype: DType = .float64) -> Tensor {
    Tensor.randn(Shape(sizes), dtype: dtype, generator: generator)
  }

  private struct Case {
    var size = [9, 40], kernel = [2, 2], stride = [2, 2], padding = [0, 0], dilation = [1, 1], ceil = false
  }

  private static let cases: [Case] = [
    Case(), Case(size: [28, 28]), Case(size: [7, 33], kernel: [3, 3], padding: [1, 1]),
    Case(size: [6, 70], kernel: [3, 2], stride: [1, 1], padding: [1, 1]),
    Case(size: [11, 37], kernel: [3, 3], stride: [2, 2], padding: [1, 1], ceil: true),
    Case(size: [10, 50], kernel: [2, 3], stride: [3, 3], dilation: [2, 3]),
    Case(size: [12, 45], kernel: [3, 3], stride: [2, 2], padding: [2, 2], dilation: [2, 2], ceil: true),
    Case(size: [5, 5], kernel: [5, 5]), Case(size: [4, 130], kernel: [1, 2], stride: [1, 2]),
    // Rows that share a vector, an odd number of them too; windows far apart; edges of many rows.
    Case(size: [14, 14]), Case(size: [10, 10]), Case(size: [15, 11], kernel: [3, 3]), Case(size: [6, 6]),
    Case(size: [28, 28], kernel: [4, 4], stride: [4, 4]), Case(size: [13, 12], kernel: [3, 3], stride: [3, 3]),
    Case(size: [40, 9], kernel: [3, 3], stride: [1, 1], padding: [1, 1]),
  ]

  /// What each window holds, its positions in the plane, in order.
  private func windows(_ k: Case, _ outputs: [Int]) -> [[Int]] {
    (0..<outputs[0] * outputs[1]).map { o in
      let (top, left) = (o / outputs[1] * k.stride[0] - k.padding[0], o % outputs[1] * k.stride[1] - k.padding[1])
      return (0..<k.kernel[0] * k.kernel[1]).compactMap { t in
        let (y, x) = (top + t / k.kernel[1] * k.dilation[0], left + t % k.kernel[1] * k.dilation[1])
        return y >= 0 && x >= 0 && y < k.size[0] && x < k.size[1] ? y * k.size[1] + x : nil
      }
    }
  }

  @Test func maximaAndTheirPositions() {
    for k in Self.cases {
      for dtype in [DType.float32, .float64, .float16, .int64, .int32] {
        let x = (random([2, 3] + k.size) * 3).to(dtype)
        let (y, indices) = maxPool2dWithIndices(
          x, kernelSize: k.kernel, stride: k.stride, padding: k.padding, dilation: k.dilation, ceilMode: k.ceil)
        #expect(y.dtype == dtype && indices.dtype == .int64)
        #expect(
          maxPool2d(
            x, kernelSize: k.kernel, stride: k.stride, padding: k.padding, dilation: k.dilation, ceilMode: k.ceil
          ).equal(y))
        let all = windows(k, [y.shape[2], y.shape[3]])
        let values = x.to(.float64).toArray(Double.self)
        let (maxima, places) = (y.to(.float64).toArray(Double.self), indices.toArray(Int.self))
        let size = k.size[0] * k.size[1]
        for plane in 0..<6 {
          for (o, window) in all.enumerated() {
            let best = window.max { values[plane * size + $0] < values[plane * size + $1] }!
            let first = window.first { values[plane * size + $0] == values[plane * size + best] }!
            #expect(maxima[plane * all.count + o] == values[plane * size + best], "\(k) \(dtype)")
            #expect(places[plane * all.count + o] == first, "\(k) \(dtype)")
          }
        }
      }
    }
  }

  @Test func means() {
    for k in Self.cases where k.dilation == [1, 1] {
      let x = random([2, 3] + k.size)
      let y = avgPool2d(
        x, kernelSize: k.kernel, stride: k.stride, padding: k.padding, ceilMode: k.ceil, countIncludePad: false)
      let all = windows(k, [y.shape[2], y.shape[3]]), size = k.size[0] * k.size[1]
      let values = x.toArray(Double.self)
      for dtype in [DType.float32, .float64] {
        let actual = avgPool2d(
          x.to(dtype), kernelSize: k.kernel, stride: k.stride, padding: k.padding, ceilMode: k.ceil,
          countIncludePad: false
        ).to(.float64).toArray(Double.self)
        for plane in 0..<6 {
          for (o, window) in all.enumerated() {
            let mean = window.reduce(0) { $0 + values[plane * size + $1] } / Double(window.count)
            #expect(abs(actual[plane * all.count + o] - mean) < (dtype == .float64 ? 1e-12 : 1e-5), "\(k) \(dtype)")
          }
        }
      }
    }
  }

  @Test func everyInstructionSetAgrees() {
    for k in Self.cases {
      for dtype in [DType.float32, .float64] {
        let x = random([2, 3] + k.size, dtype)
        let windows = RegularWindows(
          x, 2, "max_pool2d", kernel: k.kernel, stride: k.stride, padding: k.padding, dilation: k.dilation,
          ceilMode: k.ceil)
        let geometry = windows.geometry(x, 2)
        let op = MaxPool(geometry: geometry, spatial: 2, withIndices: true)
        let expected = apply(op, [x])
        for kernels in availableKernels() {
          let actual = expected.map { Tensor(empty: $0.shape, $0.dtype) }
          op.run([x], into: actual, on: CPU(kernels: kernels))
          #expect(actual[0].equal(expected[0]) && actual[1].equal(expected[1]), "\(kernels.name) \(dtype) \(k)")
        }
      }
    }
  }

  @Test func nanIsLargest() {
    for width in [8, 80] {
      for dtype in [DType.float32, .float64] {
        let x = Tensor.full([1, 1, 4, width], -Double.infinity, dtype: dtype)
        x.select(dim: 2, 1).select(dim: 2, 3).fill(Double.nan)
        let (y, indices) = maxPool2dWithIndices(x, kernelSize: 2)
        #expect(y.isNaN().sum().item(as: Int.self) == 1)
        #expect(indices[0, 0, 0, 1].item(as: Int.self) == width + 3)
        // Where nothing is larger than −∞, the first position.
        #expect(indices[0, 0, 1, 2].item(as: Int.self) == 2 * width + 4)
      }
    }
  }

  @Test func threadsChangeNoBit() {
    let before = ThreadPool.shared.count
    defer { ThreadPool.shared.count = before }
    let x = random([7, 9, 40, 40], .float32).requiresGrad(true)
    var first: [[Float]]?
    for count in 1...3 {
      ThreadPool.shared.count = count
      let a = maxPool2d(x, kernelSize: 3, stride: 2, padding: 1), b = avgPool2d(x, kernelSize: 3, stride: 2, padding: 1)
      let g = grad(of: [a * b], wrt: [x], gradients: [(a * b).detach()])[0]!
      let all = [a, b, g].map { $0.toArray(Float.self) }
      #expect(first == nil || first! == all)
      first = first ?? all
    }
  }

  @Test func derivativesOfDerivatives() {
    let x = random([1, 2, 5, 6])
    func check(_ pool: @escaping (Tensor) -> Tensor) {
      gradcheck({ [pool($0[0])] }, [x])
      gradcheck(
        { i in
          let y = pool(i[0])
          return grad(of: [y.square()], wrt: i, gradients: [y.detach() * 0 + 1], createGraph: true).map { $0! }
        }, [x])
    }
    check { maxPool2d($0, kernelSize: 3, stride: 2, padding: 1) }
    check { avgPool2d($0, kernelSize: [3, 2], stride: [2, 1], padding: 1, countIncludePad: false) }
    check { adaptiveAvgPool2d($0, outputSize: [2, nil]) }
    check { adaptiveMaxPool2d($0, outputSize: [nil, 4]).values }
  }

  @Test func emptyBatch() {
    let x = Tensor.zeros([0, 3, 8, 8]).requiresGrad(true)
    maxPool2d(x, kernelSize: 2).sum().backward()
    #expect(x.grad!.shape == [0, 3, 8, 8])
    #expect(avgPool2d(x, kernelSize: 2).shape == [0, 3, 4, 4])
    #expect(adaptiveAvgPool2d(x, outputSize: 3).shape == [0, 3, 3, 3])
  }

  @Test func unpoolUndoesPool() {
    let x = random([2, 3, 6, 8])
    let (y, indices) = maxPool2dWithIndices(x, kernelSize: 2)
    let back = maxUnpool2d(y, indices, kernelSize: 2)
    #expect(back.shape == x.shape)
    #expect(maxPool2d(back.abs(), kernelSize: 2).equal(y.abs()))
    #expect((back - x)[back .!= 0].abs().sum().item(as: Double.self) == 0)
  }

  @Test func misuseStops() async {
    let padding = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = maxPool2d(Tensor.ones([1, 1, 8, 8]), kernelSize: 2, padding: 2)
    }
    #expect(text(padding).contains("padding 2 is more than half of what the kernel reaches over, 2"))
    let small = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = avgPool2d(Tensor.ones([1, 1, 2, 8]), kernelSize: 3)
    }
    #expect(text(small).contains("does not fit dim of size 2"))
    let rank = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = maxPool2d(Tensor.ones([8, 8]), kernelSize: 2)
    }
    #expect(text(rank).contains("must have 4 dimensions"))
  }

  private func text(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  }
}
