import FirecrestCore
import Testing

/// Changes in place, as autograd sees them.
@Suite struct InPlaceTests {
  private func leaf(_ values: [Double]) -> Tensor { Tensor(values, dtype: .float64, requiresGrad: true) }
  private func values(_ x: Tensor?) -> [Double] { x!.toArray(Double.self) }

  @Test func bitsInPlace() async {
    let mask = Tensor([true, true, false])
    mask &= Tensor([true, false, true])
    #expect(mask.toArray(Bool.self) == [true, false, false])
    mask |= true
    #expect(mask.toArray(Bool.self) == [true, true, true])
    var bits = Tensor([[1, 2], [3, 4]])
    bits[0] ^= 3
    bits[.all, 1] <<= 2
    #expect(bits.toArray(Int.self) == [2, 4, 3, 16])
    bits >>= Tensor([1, 2])
    #expect(bits.toArray(Int.self) == [1, 1, 1, 4])
    await #expect(processExitsWith: .failure) { Tensor([true]) &= Tensor([1]) }
    await #expect(processExitsWith: .failure) { Tensor([1.0]) |= 1 }
  }

  @Test func changedResult() {
    let x = leaf([1, 2, 3])
    let y = x * 2
    y += 1
    #expect(y.gradFn == "AddBackward0")
    y *= x
    #expect(y.gradFn == "MulBackward0")
    y -= x
    y /= 4
    // ((2x + 1)·x − x) / 4
    y.sum().backward()
    #expect(values(y) == [0.5, 2, 4.5])
    #expect(values(x.grad) == [1, 2, 3])
  }

  @Test func timesItself() {
    let x = leaf([1, 2, 3])
    let y = x * 1
    y *= y
    y.sum().backward()
    #expect(values(x.grad) == [2, 4, 6])
    let z = x * 1
    z /= z
    #expect(values(grad(of: z.sum(), wrt: x)) == [0, 0, 0])
  }

  @Test func constantBecomesRecorded() {
    let x = leaf([1, 2])
    let y = Tensor.zeros(2, dtype: .float64)
    y += x
    #expect(y.requiresGrad && !y.isLeaf)
    y.sum().backward()
    #expect(values(x.grad) == [1, 1])
  }

  @Test func broadcastOperand() {
    let x = leaf([1, 2])
    let y = Tensor.ones(3, 2, dtype: .float64)
    y *= x
    y.sum().backward()
    #expect(values(x.grad) == [3, 3])
  }

  @Test func fillCutsTheGraph() {
    let x = leaf([1, 2])
    let y = x * 3
    y.fill(5)
    (y * x).sum().backward()
    #expect(values(x.grad) == [5, 5])
  }

  @Test func copySendsGradientToSource() {
    let x = leaf([1, 2])
    let w = leaf([7, 8])
    let y = x * 3
    y.copy(from: w * 2)
    y.sum().backward()
    #expect(values(w.grad) == [2, 2])
    #expect(x.grad.map(values) ?? [0, 0] == [0, 0])
  }

  @Test func viewChanged() {
    let x = leaf([1, 2, 3, 4])
    let y = (x * 1).view(2, 2)
    let row = y[0]
    row *= 10
    #expect(values(y) == [10, 20, 3, 4])
    #expect(row.gradFn != nil)
    (y.sum() + row.sum()).backward()
    #expect(values(x.grad) == [20, 20, 1, 1])
  }

  @Test func baseChangedAfterView() {
    let x = leaf([1, 2, 3, 4])
    let y = x * 1
    let half = y.narrow(dim: 0, start: 0, length: 2)
    y *= 3
    half.sum().backward()
    #expect(values(half) == [3, 6])
    #expect(values(x.grad) == [3, 3, 0, 0])
  }

  @Test func otherViewSeesChange() {
    let x = leaf([1, 2, 3, 4])
    let y = (x * 1).view(2, 2)
    let (row, column) = (y[0], y.T[1])
    row *= 5
    column += 1
    // y = [[5x0, 5x1 + 1], [x2, x3 + 1]]
    (row * row).sum().backward()
    #expect(values(row) == [5, 11])
    #expect(values(x.grad) == [50, 110, 0, 0])
  }

  @Test func viewOfConstantChangedWithGradient() {
    let w = leaf([2, 3])
    let base = Tensor.zeros(2, 2, dtype: .float64)
    let early = base[0]
    base[1] += w
    base[0] = w * w
    #expect(base.requiresGrad && early.requiresGrad)
    (early.sum() + base.sum()).backward()
    #expect(values(w.grad) == [9, 13])
  }

  @Test func viewMovedWithinTensor() {
    let x = leaf([1, 2, 3, 4])
    let y = (x * 1).view(2, 2)
    y[0] = y[1]
    y.sum().backward()
    #expect(values(x.grad) == [0, 0, 2, 2])
  }

  @Test func splitParts() {
    let x = leaf([1, 2, 3, 4])
    let y = x * 1
    let parts = y.split(2)
    parts[0] *= 2
    (parts[1] * parts[1]).sum().backward()
    #expect(values(x.grad) == [0, 0, 6, 8])
  }

  @Test func retainedGradientFollows() {
    let x = leaf([1, 2])
    let y = x * 3
    y.retainGrad()
    y *= 2
    (y * 5).sum().backward()
    #expect(values(y.grad) == [5, 5])
    #expect(values(x.grad) == [30, 30])
  }

  @Test func hookStaysWithOldValue() {
    let x = leaf([1, 2])
    let y = x * 3
    nonisolated(unsafe) var seen: [Double] = []
    y.registerHook {
      seen = $0.toArray(Double.self)
      return nil
    }
    y *= 2
    (y * 5).sum().backward()
    #expect(seen == [10, 10])
  }

  @Test func notRecordedOutsideOfGraph() {
    let w = leaf([1, 2])
    let transposed = w.view(1, 2).T
    noGrad { w -= 1 }
    #expect(w.isLeaf && values(transposed) == [0, 1])
    transposed.sum().backward()
    #expect(values(w.grad) == [1, 1])
    w.detach()[0] = 9
    #expect(values(w) == [9, 1] && w.isLeaf)
  }

  @Test func leafThatIsATransposedView() {
    let w = Tensor.arange(6.0, dtype: .float64).view(2, 3).T.requiresGrad(true)
    let row = w[1]
    noGrad { w *= 2 }
    (row * row).sum().backward()
    #expect(values(w.grad) == [0, 0, 4, 16, 0, 0])
  }

  @Test func secondDerivativeThroughChange() {
    #expect(
      gradcheck(
        { inputs in
          let y = inputs[0] * inputs[0]
          y[0] *= inputs[0][1]
          let first = grad(of: y.sum(), wrt: inputs[0], createGraph: true)
          return [first]
        }, [Tensor([1.5, -2, 0.5], dtype: .float64)]))
  }

  @Test func leavesAreRefused() async {
    func expectRefusal(_ result: ExitTest.Result?) {
      expectMessage(result, "a leaf that requires a gradient cannot be changed in place")
    }
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.ones(2, requiresGrad: true)
        x += 1
      })
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Tensor.ones(2, requiresGrad: true)[0] = 3
      })
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Tensor.ones(2, requiresGrad: true).zero()
      })
    // A leaf that is a view of a constant.
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let part = Tensor.ones(2, 2)[0].requiresGrad(true)
        part += 1
      })
    // A view of such a leaf.
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let part = Tensor.ones(2, 2).T.requiresGrad(true)
        part[0].fill(1)
      })
  }

  /// Only what a derivative reads is kept; the rest may be changed, as in PyTorch.
  /// The tensor below the view is transposed, and a view of nothing itself.
  @Test func viewsOfTransposedTensors() {
    let x = Tensor([[1.0, 2, 3], [4, 5, 6]], requiresGrad: true)
    let base = Tensor.ones(2, 3).T.detach()
    let row = base[0]
    row *= x[.all, 0]
    (base * Tensor([[1.0, 2], [3, 4], [5, 6]])).sum().backward()
    #expect(x.grad!.toArray(Float.self) == [1, 0, 0, 2, 0, 0])
    let cube = Tensor.arange(24.0).view(2, 3, 4).permute(2, 0, 1).detach()
    let factor = Tensor(2.0, requiresGrad: true)
    let part = cube[1, 1]
    part *= factor
    #expect(cube[1].toArray(Float.self) == [1, 5, 9, 26, 34, 42])
    cube.square().sum().backward()
    // d/df Σ (f x)² = 2 f Σ x²
    #expect(factor.grad!.item() == 3596)
  }

  @Test func whatNoGradientNeedsMayChange() {
    let w = leaf([1, 2])
    var loss = mseLoss(w, Tensor.zeros([2], dtype: .float64))
    loss += 0.5 * (w * w).sum()
    loss.backward()
    #expect(values(w.grad) == [2, 4])

    let (x, frozen) = (leaf([1, 2, 3]), Tensor.eye(3, dtype: .float64))
    let h = x * 1
    let y = linear(h.view(1, 3), frozen)
    h += y[0]
    h.sum().backward()
    #expect(values(x.grad) == [2, 2, 2])

    let (v, data) = (leaf([3, 4]), Tensor([1.0, 2], dtype: .float64))
    let sum = (v * data).sum() + v.dot(data)
    noGrad { v -= 0.1 }
    sum.backward()
    #expect(values(v.grad) == [2, 4])
  }

  @Test func placesThatOverlapAreRefused() async {
    func expectRefusal(_ result: ExitTest.Result?, _ name: String) {
      expectMessage(result, "\(name): several elements of the tensor to be changed lie at the same place")
    }
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.zeros(1, 3).expand(4, 3)
        x += 1
      }, "add")
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Tensor.zeros(1, 3).expand(4, 3).copy(from: Tensor.ones(4, 3))
      }, "copy")
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Tensor.zeros(1, 3).expand(4, 3)[[0, 1]] = 3
      }, "indexPut")
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var truth = Tensor([true, false])
      truth -= true
    }
    expectMessage(result, "sub: is not defined for bool")
  }

  @Test func viewsMadeWithoutRecordingAreRefusedWhileRecording() async {
    let x = leaf([1, 2, 3])
    let y = x * 2
    noGrad {
      let part = y[0..<2]
      part *= 3
    }
    #expect(values(y) == [6, 12, 6])
    func expectRefusal(_ result: ExitTest.Result?, _ name: String) {
      expectMessage(result, "\(name): a view that was made inside of noGrad { } is changed in place outside of it")
    }
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let y = Tensor.ones(3, requiresGrad: true) * 2
        let part = noGrad { y[0..<2] }
        part *= 3
      }, "mul")
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let y = Tensor.ones(4, requiresGrad: true) * 2
        let part = noGrad { y.view(2, 2).split(1)[0] }
        part[0].fill(3)
      }, "fill")
  }

  @Test func changedSavedValuesAreRefused() async {
    func expectRefusal(_ result: ExitTest.Result?, _ name: String) {
      expectMessage(result, "a value that \(name) saved for its gradient was changed in place afterwards")
    }
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.ones(2, requiresGrad: true)
        let y = x.exp()
        y += 1
        y.sum().backward()
      }, "exp")
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.ones(2, requiresGrad: true)
        let w = Tensor.ones(2)
        let y = x * w
        w[0] = 2
        y.sum().backward()
      }, "mul")
    // Through a view, without recording.
    expectRefusal(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.ones(2, requiresGrad: true)
        let y = x * x
        noGrad { x.view(1, 2)[0] *= 2 }
        y.sum().backward()
      }, "mul")
  }

  @Test func copyOfItselfIsNothing() {
    let x = Tensor([1.0]).expand([3])
    x.copy(from: x)
    #expect(x.toArray(Float.self) == [1, 1, 1])
  }
}
