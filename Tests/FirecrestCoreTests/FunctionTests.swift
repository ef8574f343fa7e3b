import FirecrestCore
import Testing

/// Operations with derivatives of the user's own.
@Suite struct FunctionTests {
  /// eˣ, from its saved result.
  enum Exp: Function {
    static func forward(_ context: FunctionContext, _ inputs: [Tensor]) -> [Tensor] {
      let y = inputs[0].exp()
      context.save(y)
      return [y]
    }
    static func backward(_ context: FunctionContext, _ gradients: [Tensor?]) -> [Tensor?] {
      [gradients[0]! * context.saved[0]]
    }
  }

  /// a · b scaled by the number in `options`, and a + b.
  enum ProductAndSum: Function {
    static func forward(_ context: FunctionContext, _ inputs: [Tensor]) -> [Tensor] {
      context.save(inputs[0], inputs[1])
      return [inputs[0] * inputs[1] * (context.options as! Double), inputs[0] + inputs[1]]
    }
    static func backward(_ context: FunctionContext, _ gradients: [Tensor?]) -> [Tensor?] {
      let saved = context.saved
      let product = gradients[0] ?? Tensor.zeros(saved[0].shape, dtype: saved[0].dtype)
      let sum = gradients[1] ?? Tensor.zeros(saved[0].shape, dtype: saved[0].dtype)
      let scaled = product * (context.options as! Double)
      return [
        context.needsInputGradient[0] ? scaled * saved[1] + sum : nil,
        context.needsInputGradient[1] ? scaled * saved[0] + sum : nil,
      ]
    }
  }

  /// x itself, with the gradient reversed.
  enum Reverse: Function {
    static func forward(_ context: FunctionContext, _ inputs: [Tensor]) -> [Tensor] { inputs }
    static func backward(_ context: FunctionContext, _ gradients: [Tensor?]) -> [Tensor?] {
      gradients.map { $0.map { -$0 } }
    }
  }

  /// The largest element and its position.
  enum Largest: Function {
    static func forward(_ context: FunctionContext, _ inputs: [Tensor]) -> [Tensor] {
      let values = inputs[0].toArray(Double.self)
      let index = Tensor(values.indices.max { values[$0] < values[$1] }!)
      context.save(inputs[0], index)
      let constant = inputs[0] * 0
      context.markNonDifferentiable(constant)
      return [inputs[0][index.item(as: Int.self)].clone(), index, constant]
    }
    static func backward(_ context: FunctionContext, _ gradients: [Tensor?]) -> [Tensor?] {
      let g = Tensor.zeros(context.saved[0].shape, dtype: .float64)
      g[context.saved[1].item(as: Int.self)] = gradients[0]!
      return [g]
    }
  }

  enum WrongCount: Function {
    static func forward(_ context: FunctionContext, _ inputs: [Tensor]) -> [Tensor] { [inputs[0] * 2] }
    static func backward(_ context: FunctionContext, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }
  }

  enum WrongShape: Function {
    static func forward(_ context: FunctionContext, _ inputs: [Tensor]) -> [Tensor] { [inputs[0] * 2] }
    static func backward(_ context: FunctionContext, _ gradients: [Tensor?]) -> [Tensor?] { [Tensor.ones(5)] }
  }

  /// Claims that the derivative of x² is x.
  enum WrongSquare: Function {
    static func forward(_ context: FunctionContext, _ inputs: [Tensor]) -> [Tensor] {
      context.save(inputs[0])
      return [inputs[0] * inputs[0]]
    }
    static func backward(_ context: FunctionContext, _ gradients: [Tensor?]) -> [Tensor?] {
      [gradients[0]! * context.saved[0]]
    }
  }

  static func double(_ values: [Double]) -> Tensor { Tensor(values, dtype: .float64) }

  @Test func oneResult() {
    let x = Self.double([0.5, -1]).requiresGrad(true)
    let y: Tensor = Exp.apply(x)
    #expect(y.gradFn == "ExpBackward")
    y.sum().backward()
    #expect(x.grad!.toArray(Double.self) == y.toArray(Double.self))
    #expect(gradcheck({ [Exp.apply($0[0])] }, [Self.double([0.5, -1, 2])]))
  }

  @Test func secondDerivative() {
    let x = Self.double([0.5, -1]).requiresGrad(true)
    let y: Tensor = Exp.apply(x)
    let first = grad(of: y.sum(), wrt: x, createGraph: true)
    let second = grad(of: first.sum(), wrt: x, createGraph: true)
    let third = grad(of: second.sum(), wrt: x)
    #expect(third.toArray(Double.self) == y.toArray(Double.self))
  }

  @Test func twoResults() {
    let a = Self.double([1, 2]).requiresGrad(true)
    let b = Self.double([3, 4]).requiresGrad(true)
    let outputs: [Tensor] = ProductAndSum.apply([a, b], options: 2.0)
    #expect(outputs[1].outputIndex == 1)
    outputs[1].sum().backward(retainGraph: true)
    #expect(a.grad!.toArray(Double.self) == [1, 1])
    (outputs[0] + outputs[1]).sum().backward()
    #expect(a.grad!.toArray(Double.self) == [8, 10])
    #expect(gradcheck({ ProductAndSum.apply($0, options: 0.5) }, [Self.double([1, 2]), Self.double([3, 4])]))
    // One input is a constant.
    let c = Self.double([5, 6])
    let product = ProductAndSum.apply([c, b], options: 1.0)[0]
    #expect(grad(of: product.sum(), wrt: b).toArray(Double.self) == [5, 6])
  }

  @Test func resultThatIsAnInput() {
    let x = Tensor([1.0, 2], requiresGrad: true)
    let y: Tensor = Reverse.apply(x)
    #expect(y !== x && x.isLeaf && y.storage !== x.storage)
    (y * 3).sum().backward()
    #expect(x.grad!.toArray(Float.self) == [-3, -3])
    y += 1
    #expect(x.toArray(Float.self) == [1, 2])
    // The same tensor twice.
    let both: [Tensor] = Reverse.apply([x, x])
    (both[0] * 2 + both[1]).sum().backward()
    #expect(x.grad!.toArray(Float.self) == [-6, -6])
  }

  @Test func resultsWithoutGradient() {
    let x = Self.double([1, 7, 3]).requiresGrad(true)
    let outputs: [Tensor] = Largest.apply([x])
    #expect(outputs[0].requiresGrad && !outputs[1].requiresGrad && !outputs[2].requiresGrad)
    outputs[0].backward()
    #expect(x.grad!.toArray(Double.self) == [0, 1, 0])
  }

  @Test func notRecorded() {
    let x = Tensor([1.0, 2], requiresGrad: true)
    let y: Tensor = noGrad { Exp.apply(x) }
    #expect(!y.requiresGrad)
    #expect(!(Exp.apply(x.detach()) as Tensor).requiresGrad)
  }

  @Test func gradcheckFindsMistake() {
    #expect(gradcheckFailure({ [WrongSquare.apply($0[0])] }, [Self.double([1.5, -2])]) != nil)
    #expect(gradcheckFailure({ [$0[0] * $0[0]] }, [Self.double([1.5, -2])]) == nil)
    #expect(gradcheckFailure({ $0 }, [Tensor([1.0])])!.contains("float64"))
  }

  @Test func misuseStops() async throws {
    var result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { (WrongCount.apply(Tensor.ones(2, requiresGrad: true)) as Tensor).sum().backward() }
    expectMessage(result, "Firecrest: WrongCount: backward returned 2 gradients for 1 inputs")
    result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { (WrongShape.apply(Tensor.ones(2, requiresGrad: true)) as Tensor).sum().backward() }
    expectMessage(result, "WrongShape: backward returned float32[5] as the gradient of input 0, which is float32[2]")
    result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let y: Tensor = Exp.apply(Tensor.ones(2, requiresGrad: true))
      noGrad { y.fill(3) }
      y.sum().backward()
    }
    expectMessage(result, "a value that Exp saved for its gradient was changed in place")
    result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let y = (Exp.apply(Tensor.ones(2, requiresGrad: true)) as Tensor).sum()
      y.backward()
      y.backward()
    }
    expectMessage(result, "the values that Exp saved were released")
  }
}

/// What a stopped process wrote must contain `text`.
func expectMessage(_ result: ExitTest.Result?, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
  let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  #expect(message.contains(text), "\(message)", sourceLocation: sourceLocation)
}
