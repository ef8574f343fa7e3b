import Firecrest
import Testing

/// Which way gradients go where tensors are changed, frozen, detached or let go of. The numbers are PyTorch 2.13's.
@Suite struct GraphTests {
  private func leaf(_ values: [Double]) -> Tensor { Tensor(values, requiresGrad: true) }
  private func values(_ x: Tensor?) -> [Double]? { x?.toArray(Double.self) }

  @Test func aDetachedPartPutBackStopsItsGradient() {
    let x = leaf([1, 2, 3, 4])
    let h = x * 2
    h[0] = h[0].detach()
    h[2...] = h.detach()[2...]
    h.sum().backward()
    #expect(values(x.grad) == [0, 2, 0, 0])
    let d = (x * 3).detach()
    d[0...1] = x[0...1]
    #expect(d.requiresGrad)
    // What was changed through the subscript is not assigned a second time.
    let y = x * 1
    y[1] *= 5
    y.sum().backward()
    #expect(values(x.grad) == [1, 7, 1, 1])
  }

  @Test func infiniteGradientsOfWhatIsOverwritten() {
    let overwrites: [(Tensor) -> Void] = [
      { $0[0] = 0 }, { $0[0..<1].fill(0) }, { $0[[0]] = 0 }, { $0[$0 .== 1] = 0 },
      { $0.view(2, 2)[0, 0].copy(from: Tensor(0.0)) }, { $0.view(4)[0..<1].zero() },
    ]
    for overwrite in overwrites {
      let x = leaf([1, 4, 16, 0])
      let h = x * 1
      overwrite(h)
      h.sqrt().sum().backward()
      #expect(values(x.grad) == [0, 0.25, 0.125, .infinity])
    }
    // Twice differentiable.
    let x = leaf([1, 2])
    let h = x * x
    h[0] = 3
    let g = grad(of: (h * h).sum(), wrt: x, createGraph: true)
    #expect(values(g) == [0, 32])
    g.sum().backward()
    #expect(values(x.grad) == [0, 48])
  }

  @Test(arguments: [false, true])
  func viewsMadeWithoutRecording(_ inInference: Bool) async {
    let c = Tensor.zeros(4), parts = noGrad { c.split(2) }
    parts[1].copy(from: Tensor([1.0, 2]))
    #expect(values(c) == [0, 0, 1, 2])
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [inInference] in
      let w = Tensor([5.0, 6], requiresGrad: true), y = Tensor.zeros(4)
      if inInference {
        let part = inferenceMode { y[0..<2] }
        part[0...] = w
      } else {
        let parts = noGrad { y.split(2) }
        parts[0].copy(from: w)
      }
    }
    expectMessage(result, "a view that was made inside of noGrad { } is changed in place outside of it")
  }

  /// Neither hooks that hold the tensor before nor what a Function keeps makes a graph's release recursive.
  @Test func deepGraphsAreLetGo() async {
    await #expect(processExitsWith: .success) {
      enum Next: Function {
        static func forward(_ context: FunctionContext, _ inputs: [Tensor]) -> [Tensor] {
          context.options = inputs[0]
          return [inputs[0] + 1]
        }
        static func backward(_ context: FunctionContext, _ gradients: [Tensor?]) -> [Tensor?] { gradients }
      }
      for _ in 0..<2 {
        var y = Tensor([1.0], requiresGrad: true)
        for _ in 0..<100_000 {
          let before = y
          y = y + 1
          y.registerHook { _ in
            _ = before
            return nil
          }
        }
        y = Tensor([1.0], requiresGrad: true)
        for _ in 0..<100_000 { y = Next.apply(y) }
        y.backward()
      }
    }
  }

  @Test func frozenBeforeBackward() {
    let x = leaf([1, 2]), w = leaf([3, 4])
    let y = (x * x * w).sum()
    x.requiresGrad = false
    y.backward()
    #expect(x.grad == nil && values(w.grad) == [1, 4])
    // With a sum that is there already.
    let weight = Tensor.ones(2, 2).requiresGrad(true), input = Tensor.ones(1, 2).requiresGrad(true)
    linear(input, weight).sum().backward()
    let z = linear(input, weight).sum()
    weight.requiresGrad = false
    z.backward()
    #expect(values(weight.grad) == [1, 1, 1, 1] && values(input.grad) == [4, 4])
  }

  @Test func aRetainedGradientStaysAsItWas() {
    let x = leaf([1, 2])
    let y = x * 2
    y.retainGrad()
    y.square().sum().backward(retainGraph: true)
    let first = y.grad!
    (y * 1).sum().backward()
    #expect(values(first) == [4, 8] && values(y.grad) == [5, 9])
  }

  @Test func whatLooksTheSameIsAnotherTensor() {
    let x = leaf([1, 2]), y = x * 1
    let e = y.expand(2)
    e.registerHook { $0 * 10 }
    y.sum().backward()
    #expect(values(x.grad) == [1, 1])
    let scalar = Tensor(1.0)
    for other in [scalar.transpose(0, 0), scalar.squeeze(dims: [0]), scalar.movedim([0], to: [0])] {
      #expect(other !== scalar && other.storage === scalar.storage)
    }
    let c = Tensor.ones(1, 1, 2, 2)
    let copies = [
      c.diff(n: 0), c.pad([0, 0], mode: .reflect), c.pad([0, 0], mode: .circular), c.pad([0, 0], mode: .replicate),
      c.pixelShuffle(1), c.pixelUnshuffle(1),
    ]
    for copy in copies { #expect(copy.storage !== c.storage) }
  }

  /// Values that the wanted gradients do not read may change.
  @Test func nothingIsKeptThatNoGradientReads() {
    let x = leaf([1, 2])
    var h = x * 1
    var y = 1 / h
    h *= 2
    y.sum().backward()
    #expect(values(x.grad) == [-1, -0.25])
    x.grad = nil
    let end = Tensor([5.0, 7])
    h = x * 1
    y = h.lerp(end, 0.5)
    h *= 2
    end.fill(0)
    y.sum().backward()
    #expect(values(x.grad) == [0.5, 0.5])
    x.grad = nil
    let a = Tensor([3.0, 4])
    y = x.addcmul(a, a)
    a.fill(0)
    y.sum().backward()
    #expect(values(x.grad) == [1, 1])
    x.grad = nil
    h = x * 1
    y = h.fmod(0.7)
    h *= 2
    y.sum().backward()
    #expect(values(x.grad) == [1, 1])
  }

  /// Two cheap steps instead of a general power, with the gradient of the power below.
  @Test(arguments: [DType.float32, .float64])
  func inverseSquares(_ dtype: DType) {
    let x = Tensor([0.5, -2, 4, 0], dtype: dtype, requiresGrad: true)
    let y = x.pow(-2)
    #expect(values(y) == [4, 0.25, 0.0625, .infinity])
    y[..<3].sum().backward()
    #expect(values(x.grad)?[..<3] == [-16, 0.25, -0.03125])
    let inverse = Tensor([0.5, -2], dtype: dtype, requiresGrad: true)
    inverse.pow(-1).sum().backward()
    #expect(values(inverse.grad) == [-4, -0.25])
  }

  @Test func theOnlyDevice() {
    let x = leaf([1, 2])
    #expect(x.to(Device.cpu) === x)
    #expect(Tensor.ones(2, 3).sumToSize(1, 3).toArray(Float.self) == [2, 2, 2])
  }

  @Test func recordingInsideOfInferenceMode() {
    let x = leaf([1, 2])
    let y = inferenceMode { enableGrad { x * 2 } }
    #expect(!y.requiresGrad && values(y) == [2, 4])
  }
}
