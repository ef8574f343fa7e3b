import CPUKernelAPI
import Testing

@testable import FirecrestCPU
@testable import FirecrestCore

/// The pooling of 2 by 2 elements against the one for any windows, and its short way past `relu`.
@Suite struct MaxPoolPairsTests {
  private let generator = Generator(seed: 6)

  private static let sizes = [
    [2, 2], [2, 3], [3, 2], [5, 7], [4, 10], [14, 14], [28, 28], [9, 31], [6, 32], [7, 33], [3, 66], [2, 130], [65, 4],
  ]

  /// Values of which many are equal, some NaN and some −∞.
  private func sample(_ shape: Shape, _ dtype: DType) -> Tensor {
    let x = (Tensor.randn(shape, dtype: dtype, generator: generator) * 2).round()
    x.view(-1).narrow(dim: 0, start: 0, length: 1).fill(Double.nan)
    if x.elementCount > 9 { x.view(-1).narrow(dim: 0, start: 4, length: 5).fill(-Double.infinity) }
    return x
  }

  private func isSame(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape == b.shape && a.isNaN().equal(b.isNaN()) && a.nanToNum().equal(b.nanToNum())
  }

  @Test func everyInstructionSetAgreesWithAnyWindows() throws {
    for size in Self.sizes {
      for dtype in [DType.float32, .float64] {
        let x = sample(Shape([2, 3] + size), dtype)
        let geometry = RegularWindows(
          x, 2, "max_pool2d", kernel: 2, stride: 2 as Int?, padding: 0, dilation: 1, ceilMode: false
        ).geometry(x, 2)
        let pairs = try #require(geometry.pairs)
        let g = Tensor.randn(geometry.yShape, dtype: dtype, generator: generator)
        for isRectified in [false, true] {
          let source = isRectified ? x.relu() : x
          let (y, indices) = maxPool2dWithIndices(source, kernelSize: 2)
          let planes = Tensor.zeros(Shape([6, size[0] * size[1]]), dtype: dtype)
            .scatterAdd(dim: 1, indices.view(6, -1), g.view(6, -1))
          let expected = isRectified ? planes.view(x.shape).maskedFill(source .<= 0, 0) : planes.view(x.shape)
          let op = MaxPoolPairs(geometry: geometry, pairs: pairs, isRectified: isRectified, isRecorded: true)
          for kernels in availableKernels() {
            let cpu = CPU(kernels: kernels), note = "\(kernels.name) \(dtype) \(size) rectified: \(isRectified)"
            let results = [Tensor(empty: y.shape, dtype), Tensor(empty: y.shape, .uint8)]
            op.run([x], into: results, on: cpu)
            #expect(isSame(results[0], y), "\(note)")
            let back = Tensor.full(x.shape, 7, dtype: dtype)
            cpu.kernels.unpool(
              dtype, pairs, planes: 6, g.pointer, results[1].pointer.assumingMemoryBound(to: UInt8.self), back.pointer)
            #expect(isSame(back, expected), "\(note)")
            let alone = Tensor(empty: y.shape, dtype)
            MaxPoolPairs(geometry: geometry, pairs: pairs, isRectified: isRectified, isRecorded: false)
              .run([x], into: [alone], on: cpu)
            #expect(isSame(alone, y), "\(note)")
          }
        }
      }
    }
  }

  @Test func otherWindowsKeepTheirKernel() {
    let x = Tensor.randn(1, 1, 6, 6, generator: generator)
    func pairs(_ kernel: [Int], _ stride: [Int], _ padding: Int, _ dilation: Int, _ ceil: Bool, _ x: Tensor) -> Bool {
      RegularWindows(
        x, 2, "max_pool2d", kernel: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceil
      ).geometry(x, 2).pairs != nil
    }
    #expect(pairs([2, 2], [2, 2], 0, 1, false, x))
    #expect(pairs([2, 2], [2, 2], 0, 1, true, x))
    #expect(!pairs([2, 2], [2, 2], 0, 1, true, x.narrow(dim: 3, start: 0, length: 5)))
    #expect(!pairs([2, 2], [2, 2], 1, 1, false, x))
    #expect(!pairs([2, 2], [2, 2], 0, 2, false, x))
    #expect(!pairs([2, 2], [1, 2], 0, 1, false, x))
    #expect(!pairs([2, 3], [2, 2], 0, 1, false, x))
  }

  @Test func gradientsGoPastReluWhereNobodySeesIt() {
    for dtype in [DType.float32, .float64] {
      let x = Tensor.randn(2, 3, 9, 20, dtype: dtype, generator: generator).requiresGrad(true)
      let short = maxPool2d(x.relu(), kernelSize: 2)
      guard case .leaf(let leaf) = short.node!.moreEdges[0] else { Issue.record("relu is still there"); continue }
      #expect(leaf === x)
      let kept = x.relu()
      let long = maxPool2d(kept, kernelSize: 2)
      guard case .node(let node, _) = long.node!.moreEdges[0] else { Issue.record("relu is gone"); continue }
      #expect(node === kept.node!)
      #expect(short.equal(long))
      let g = Tensor.randn(short.shape, dtype: dtype, generator: generator)
      let (a, b) = (grad(of: [short], wrt: [x], gradients: [g])[0]!, grad(of: [long], wrt: [x], gradients: [g])[0]!)
      #expect(a.equal(b))
    }
  }

  @Test func whoeverLooksAtReluGetsItsGradient() {
    let x = Tensor.randn(1, 2, 4, 4, generator: generator).requiresGrad(true)
    // Hooks and retained gradients stay with the node, even where the tensor itself is gone.
    var seen: Tensor?
    func hooked() -> Tensor {
      let r = x.relu()
      r.registerHook {
        seen = $0; return nil
      }
      return r
    }
    maxPool2d(hooked(), kernelSize: 2).sum().backward()
    #expect(seen?.shape == x.shape)
    let r = x.relu()
    r.retainGrad()
    (maxPool2d(r, kernelSize: 2).sum() + r.sum()).backward()
    #expect(r.grad!.sum().item(as: Float.self) == 32 + 8)
  }

  @Test func derivativesOfDerivatives() {
    let x = Tensor.randn(1, 2, 5, 6, dtype: .float64, generator: generator)
    for pool in [{ maxPool2d($0, kernelSize: 2) }, { maxPool2d($0.relu(), kernelSize: 2) }] as [(Tensor) -> Tensor] {
      gradcheck({ [pool($0[0])] }, [x])
      gradcheck(
        { i in
          let y = pool(i[0])
          return grad(of: [y.square()], wrt: i, gradients: [y.detach() * 0 + 1], createGraph: true).map { $0! }
        }, [x])
    }
  }
}
