import FirecrestCore
import Foundation
import Testing

/// The engine: accumulation, graphs kept and released, gradient modes, hooks, derivatives of higher order.
@Suite struct AutogradTests {
  private func leaf(_ values: [Double]) -> Tensor { Tensor(values, dtype: .float64, requiresGrad: true) }
  private func values(_ x: Tensor?) -> [Double] { x!.toArray(Double.self) }

  @Test func accumulates() {
    let x = leaf([1, 2])
    (x * 3).sum().backward()
    #expect(values(x.grad) == [3, 3])
    let held = x.grad!
    (x * x).sum().backward()
    #expect(values(x.grad) == [5, 7] && x.grad === held)
    x.grad = nil
    x.sum().backward()
    #expect(values(x.grad) == [1, 1] && values(held) == [5, 7])
  }

  @Test func diamond() {
    let x = leaf([2, 3])
    let a = x * x
    let (b, c) = (a * 2, a.exp())
    let d = b * c
    (d + b + a).sum().backward()
    // a = x², f = 2a·eᵃ + 3a, f' = (2eᵃ + 2a·eᵃ + 3)·2x
    let expected = [2.0, 3.0].map { v in
      let e = Tensor([v * v], dtype: .float64).exp().item()
      return (2 * e + 2 * v * v * e + 3) * 2 * v
    }
    for (g, e) in zip(values(x.grad), expected) { #expect(abs(g - e) <= 1e-12 * e) }
  }

  @Test func manyPathsThroughOneNode() {
    var y = leaf([1]) * 1
    let root = y
    for _ in 0..<40 { y = y + y }
    #expect(grad(of: y.sum(), wrt: root).item() == 0x1p40)
  }

  @Test func gradientsDoNotAlias() {
    let (a, b) = (leaf([1, 2]), leaf([3, 4]))
    (a + b).sum().backward()
    a.grad!.fill(9)
    #expect(values(b.grad) == [1, 1])
    let (c, d) = (leaf([1, 2]), leaf([3, 4]))
    let seed = Tensor([1.0, 2], dtype: .float64)
    (c + d).backward(gradient: seed)
    c.grad!.fill(9)
    #expect(values(d.grad) == [1, 2] && values(seed) == [1, 2])
    let e = leaf([1, 2])
    e.backward(gradient: seed)
    e.grad! += 1
    #expect(values(seed) == [1, 2])
  }

  @Test func givenGradient() {
    let x = leaf([1, 2])
    let y = x * x
    y.backward(gradient: Tensor([1.0, 10], dtype: .float64), retainGraph: true)
    #expect(values(x.grad) == [2, 40])
    y.backward(gradient: Tensor([1.0, 1], dtype: .float32))
    #expect(values(x.grad) == [4, 44] && x.grad!.dtype == .float64)
  }

  @Test func graphWithoutSavedValuesTwice() {
    let x = leaf([1, 2])
    let y = (x + x).sum()
    y.backward()
    y.backward()
    #expect(values(x.grad) == [4, 4])
  }

  @Test func retainedGraph() {
    let x = leaf([3])
    let y = (x * x).sum()
    y.backward(retainGraph: true)
    y.backward()
    #expect(values(x.grad) == [12])
  }

  @Test func gradientModes() {
    let x = leaf([1])
    #expect(isGradEnabled && (x * 2).requiresGrad)
    noGrad {
      #expect(!isGradEnabled && !(x * 2).requiresGrad && x.requiresGrad)
      enableGrad { #expect((x * 2).requiresGrad) }
      #expect(!isGradEnabled)
    }
    for recorded in [true, false] { setGradEnabled(recorded) { #expect((x * 2).requiresGrad == recorded) } }
    inferenceMode { setGradEnabled(true) { #expect(!(x * 2).requiresGrad) } }
    struct Stop: Error {}
    #expect(throws: Stop.self) { try noGrad { throw Stop() } }
    #expect(isGradEnabled)
    let y = inferenceMode { x * 2 }
    #expect(!y.requiresGrad && y.isInference && y.detach().isInference && y[0].isInference)
    #expect((y.clone() * x).requiresGrad)
    // A view of a recorded tensor stays one.
    let part = inferenceMode { x[0] }
    #expect(!part.isInference)
    // Backward works inside of noGrad on what was recorded outside.
    let z = (x * x).sum()
    noGrad { z.backward() }
    #expect(values(x.grad) == [2])
  }

  @Test func detached() {
    let x = leaf([2])
    let y = x * x
    let z = y.detach()
    #expect(z.isLeaf && !z.requiresGrad && z.storage === y.storage)
    (z * x).sum().backward()
    #expect(values(x.grad) == [4])
  }

  @Test func leaves() {
    let x = leaf([1])
    #expect(x.isLeaf && x.gradFn == nil)
    let y = x * 2
    #expect(!y.isLeaf && y.gradFn == "MulBackward0")
    #expect(y.view(1, -1).logSoftmax(dim: 1).gradFn == "LogSoftmaxBackward0")
    #expect(maxPool2d(y.view(1, 1, 1, 1), kernelSize: 1).gradFn == "MaxPool2DWithIndicesBackward0")
    let plane = y.view(1, 1, 1, 1)
    #expect(conv2d(plane, Tensor.ones(1, 1, 1, 1, dtype: y.dtype)).gradFn == "ConvolutionBackward0")
    #expect(avgPool2d(plane, kernelSize: 1).gradFn == "AvgPool2DBackward0")
    #expect(plane.view(1, 1).mm(plane.view(1, 1)).gradFn == "MmBackward0")
    y.sum().backward()
    #expect(y.grad == nil)
    x.requiresGrad = false
    #expect((x * 2).isLeaf)
  }

  @Test func hookOfLeaf() {
    let x = leaf([1, 2])
    nonisolated(unsafe) var seen: [[Double]] = []
    let handle = x.registerHook {
      seen.append($0.toArray(Double.self))
      return $0 * 10
    }
    (x * 2 + x * x).sum().backward()
    // Once, with the whole gradient.
    #expect(seen == [[4, 6]])
    #expect(values(x.grad) == [40, 60])
    #expect(values(grad(of: (x * 3).sum(), wrt: x)) == [30, 30])
    handle.remove()
    x.grad = nil
    (x * 2).sum().backward()
    #expect(seen.count == 2 && values(x.grad) == [2, 2])
  }

  @Test func hookOfResult() {
    let x = leaf([1, 2])
    let y = x * 3
    nonisolated(unsafe) var order: [Int] = []
    y.registerHook { _ in
      order.append(1)
      return nil
    }
    let second = y.registerHook {
      order.append(2)
      return $0 * 2
    }
    y.retainGrad()
    let z = (y * 5).sum()
    z.backward(retainGraph: true)
    #expect(order == [1, 2])
    #expect(values(y.grad) == [10, 10] && values(x.grad) == [30, 30])
    second.remove()
    z.backward()
    #expect(order == [1, 2, 1])
    #expect(values(y.grad) == [15, 15] && values(x.grad) == [45, 45])
  }

  @Test func hookThatRemovesItself() {
    let x = leaf([1])
    nonisolated(unsafe) var count = 0
    nonisolated(unsafe) var handle: HookHandle?
    handle = x.registerHook { _ in
      count += 1
      handle?.remove()
      return nil
    }
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    #expect(count == 1)
  }

  @Test func hookOfSecondResult() {
    let x = leaf([1, 2, 3, 4])
    let parts = (x * 1).split(2)
    parts[1].registerHook { $0 * 100 }
    (parts[0].sum() + parts[1].sum()).backward()
    #expect(values(x.grad) == [1, 1, 100, 100])
  }

  @Test func retainsGradient() {
    let x = leaf([1, 2])
    let y = x * x
    y.retainGrad()
    y.retainGrad()
    (y * 3).sum().backward()
    #expect(values(y.grad) == [3, 3])
    x.retainGrad()
  }

  @Test func gradOfInputs() {
    let (x, w) = (leaf([1, 2]), leaf([3, 4]))
    let h = x * w
    let loss = (h * h).sum()
    let results = grad(of: [loss], wrt: [x, h, w, x], retainGraph: true)
    #expect(values(results[0]) == [18, 64] && values(results[3]) == [18, 64])
    #expect(values(results[1]) == [6, 16])
    #expect(values(results[2]) == [6, 32])
    #expect(x.grad == nil && w.grad == nil)
    #expect(values(grad(of: loss, wrt: loss, retainGraph: true)) == [1])
    let unused = leaf([1])
    let partial = grad(of: [loss], wrt: [unused, x], allowUnused: true)
    #expect(partial[0] == nil && values(partial[1]) == [18, 64])
  }

  @Test func gradLeavesTheRestOfTheGraph() {
    let x = leaf([1, 2])
    let h = x * x
    let loss = (h * h).sum()
    // What h was computed from is not gone through, so it can still be.
    #expect(values(grad(of: loss, wrt: h)) == [2, 8])
    h.sum().backward()
    #expect(values(x.grad) == [2, 4])
  }

  @Test func severalOutputs() {
    let x = leaf([1, 2])
    let (a, b) = (x * x, x.sum())
    let seeds = [Tensor([1.0, 10], dtype: .float64), nil]
    #expect(values(grad(of: [a, b], wrt: [x], gradients: seeds)[0]) == [3, 41])
  }

  @Test func higherDerivatives() {
    let x = leaf([2, -1])
    let y = (x * x * x * x).sum()
    let first = grad(of: y, wrt: x, createGraph: true)
    let second = grad(of: first.sum(), wrt: x, createGraph: true)
    let third = grad(of: second.sum(), wrt: x, createGraph: true)
    let fourth = grad(of: third.sum(), wrt: x)
    #expect(values(first) == [32, -4])
    #expect(values(second) == [48, 12])
    #expect(values(third) == [48, -24])
    #expect(values(fourth) == [24, 24])
  }

  @Test func backwardThroughGradients() {
    let x = leaf([3])
    let slope = grad(of: (x * x * x).sum(), wrt: x, createGraph: true)
    (slope * slope).sum().backward()
    // d/dx (3x²)² = 36x³
    #expect(values(x.grad) == [972])
    let z = leaf([2])
    (z * z).sum().backward(createGraph: true)
    #expect(z.grad!.requiresGrad)
    // The gradient refers to the graph and the graph to the leaf.
    z.grad = nil
  }

  @Test func savedResultsInSecondDerivatives() {
    #expect(
      gradcheck(
        { [grad(of: ($0[0].exp() * $0[0].sigmoid() / $0[1]).sum(), wrt: $0[0], createGraph: true)] },
        [Tensor([0.5, -1], dtype: .float64), Tensor([1.5, 2], dtype: .float64)]))
  }

  @Test func anomalies() async {
    // Nothing to complain about.
    let x = leaf([4])
    detectAnomaly { x.sqrt().sum().backward() }
    #expect(values(x.grad) == [0.25])
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let x = Tensor([0.0, 1], requiresGrad: true)
      detectAnomaly { (x.sqrt() * 0).sum().backward() }
    }
    expectMessage(result, "sqrt computed NaN as the gradient of its input 0")
  }

  @Test func misuseStops() async {
    var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let x = Tensor.ones(2, requiresGrad: true)
      x.grad = x
    }
    expectMessage(result, "a tensor cannot be its own gradient")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let y = (Tensor.ones(2, requiresGrad: true) * 2).exp().sum()
      y.backward()
      y.backward()
    }
    expectMessage(result, "Firecrest: backward: the values that exp saved were released by an earlier backward pass")
    expectMessage(result, "help:  call backward(retainGraph: true)")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      (Tensor.ones(2, requiresGrad: true) * 2).backward()
    }
    expectMessage(result, "only a tensor of one element has a gradient without being given one")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      (Tensor.ones(2, requiresGrad: true) * 2).backward(gradient: Tensor.ones(3))
    }
    expectMessage(result, "the given gradient has another shape")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      Tensor.ones(2).sum().backward()
    }
    expectMessage(result, "does not require a gradient")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let (x, w) = (Tensor.ones(2, requiresGrad: true), Tensor.ones(2, requiresGrad: true))
      _ = grad(of: x.sum(), wrt: w)
    }
    expectMessage(result, "input 0 does not take part")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let y = inferenceMode { Tensor.ones(2) }
      _ = y * Tensor.ones(2, requiresGrad: true)
    }
    expectMessage(result, "a tensor made in inferenceMode cannot be saved for backward")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let y = inferenceMode { Tensor.ones(2) }
      _ = y.detach() * Tensor.ones(2, requiresGrad: true)
    }
    expectMessage(result, "a tensor made in inferenceMode cannot be saved for backward")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let x = Tensor.ones(2, requiresGrad: true)
      x.registerHook { $0.sum() }
      (x * 2).sum().backward()
    }
    expectMessage(result, "a hook returned a gradient of another shape")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      Tensor.ones(2, dtype: .int64).requiresGrad = true
    }
    expectMessage(result, "only floating-point tensors have gradients")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      (Tensor.ones(2, requiresGrad: true) * 2).requiresGrad = false
    }
    expectMessage(result, "only leaf tensors can change it; this one was computed by mul")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      gradcheck({ [$0[0].detach() * $0[0]] }, [Tensor([1.5], dtype: .float64)])
    }
    expectMessage(result, "gradcheck: output 0, input 0, element 0: backward gives 0.75, differences give 1.49999")
  }
}

/// Deep graphs, and memory that comes back. Each check runs in a process of its own, since other tests use memory at
/// the same time.
@Suite(.serialized) struct GraphMemoryTests {
  /// Runs `body` twice, the first time to fill what is kept (scratch memory, generators), and stops where the second
  /// time does not give back all memory.
  static func expectNothingLeft(_ body: () -> Void) {
    body()
    let before = Memory.statistics.inUse
    body()
    let after = Memory.statistics.inUse
    if after != before { fatalError("\(after - before) bytes left") }
  }

  static func chain(_ count: Int, _ step: (Tensor) -> Tensor) -> (Tensor, Tensor) {
    let x = Tensor([1.0], requiresGrad: true)
    var y = x
    for _ in 0..<count { y = step(y) }
    return (x, y)
  }

  @Test func deepSum() async {
    await #expect(processExitsWith: .success) {
      Self.expectNothingLeft {
        let (x, y) = Self.chain(100_000) { $0 + 1 }
        y.backward()
        if x.grad!.item() != 1 { fatalError("gradient") }
      }
      Self.expectNothingLeft { _ = Self.chain(100_000) { $0 + 1 } }
    }
  }

  @Test func deepProduct() async {
    await #expect(processExitsWith: .success) {
      Self.expectNothingLeft {
        let w = Tensor([1.0], requiresGrad: true)
        let (x, y) = Self.chain(100_000) { $0 * w }
        y.backward()
        if x.grad!.item() != 1 || w.grad!.item() != 100_000 { fatalError("gradient") }
      }
      Self.expectNothingLeft {
        let w = Tensor([1.0], requiresGrad: true)
        _ = Self.chain(100_000) { $0 * w }
      }
      // Kept, and released only afterwards.
      Self.expectNothingLeft {
        let (x, y) = Self.chain(100_000) { $0 * $0 }
        y.backward(retainGraph: true)
        _ = grad(of: y, wrt: x)
      }
    }
  }

  @Test func deepExponential() async {
    await #expect(processExitsWith: .success) {
      Self.expectNothingLeft {
        let (_, y) = Self.chain(100_000) { ($0 * -1).exp() }
        y.backward()
      }
      Self.expectNothingLeft { _ = Self.chain(100_000) { ($0 * -1).exp() } }
    }
  }

  @Test func deepViewsAndChanges() async {
    await #expect(processExitsWith: .success) {
      Self.expectNothingLeft {
        let (_, y) = Self.chain(50_000) { $0.view(1, 1).T.exp().view([1]) * 0.1 }
        y.backward()
      }
      Self.expectNothingLeft { _ = Self.chain(50_000) { $0.view(1, 1).T.exp().view([1]) * 0.1 } }
      Self.expectNothingLeft {
        let x = Tensor([1.0, 2], requiresGrad: true)
        let y = x * 1
        for _ in 0..<50_000 { y[0] += 1 }
        y.sum().backward()
      }
    }
  }

  @Test func deepSecondDerivative() async {
    await #expect(processExitsWith: .success) {
      Self.expectNothingLeft {
        let (x, y) = Self.chain(20_000) { $0 * 1.0001 }
        let g = grad(of: (y * y).sum(), wrt: x, createGraph: true)
        g.sum().backward()
      }
    }
  }

  @Test func hooksAndRetainedGradients() async {
    await #expect(processExitsWith: .success) {
      Self.expectNothingLeft {
        let x = Tensor.ones(100, requiresGrad: true)
        let y = x * 2
        y.retainGrad()
        y.registerHook { $0 * 2 }
        x.registerHook { $0 * 2 }
        let part = y[0]
        y *= 3
        let parts = y.split(10)
        (parts[3].sum() + part).backward()
        _ = grad(of: (x * x).sum(), wrt: x, createGraph: true)
      }
      Self.expectNothingLeft {
        let y: Tensor = FunctionTests.Exp.apply(Tensor.ones(100, requiresGrad: true))
        y.sum().backward(retainGraph: true)
      }
    }
  }

  @Test func asksForTheGradientOfWhatIsNoLeaf() async {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      let x = Tensor.ones(2, requiresGrad: true)
      let y = x * 2, z = x * 3
      z.retainGrad()
      if z.grad != nil || x.grad != nil { exit(1) }
      y.sum().backward()
      if y.grad != nil { exit(1) }
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.hasPrefix("Firecrest: grad: warning: this tensor was computed by MulBackward0; only leaves"))
    #expect(message.split(separator: "\n").count == 2, "\(message)")
  }
}
