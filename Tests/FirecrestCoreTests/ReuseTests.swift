import Testing

@testable import FirecrestCore

/// Results written over their inputs: only where nobody can tell.
@Suite struct ReuseTests {
  private let values: [Float] = [-2, -1, 0, 1, 2, 3]
  private func fresh() -> Tensor { Tensor(values) * 1 }

  @Test func expressionsWorkInOnePlace() {
    var address: UnsafeMutableRawPointer?
    func made() -> Tensor {
      let x = fresh()
      address = x.pointer
      return x
    }
    let y = -(2 * (made() * 2 + 1) - 3).relu().sigmoid() / 4
    #expect(y.pointer == address)
    let expected = values.map { (v: Float) -> Float in -0.25 / (1 + (-Double(max(0, 4 * v - 1))).exponential) }
    for (y, e) in zip(y.toArray(Float.self), expected) { #expect(abs(y - e) < 1e-6) }
    // What a variable holds, or an array, or a tensor that lives on, stays.
    let x = fresh(), list = [fresh()]
    _ = (x * 2, x + 1, -x, 1 - x, x.exp(), list[0] * 3, list[0].sqrt())
    #expect(x.toArray(Float.self) == values && list[0].toArray(Float.self) == values)
    // Another type needs other memory.
    func whole() -> Tensor { Tensor([1, 2, 3]) * 1 }
    #expect(
      (whole() / 2).toArray(Float.self) == [0.5, 1, 1.5] && (whole() * 0.5).toArray(Float.self) == [0.5, 1, 1.5])
    // A part of larger memory would keep all of it.
    func large() -> Tensor { Tensor.ones(1000)[0..<2] }
    #expect((noGrad { large() } * 3).storage.byteCount == 8)
    // A result's strides are those of new memory.
    func column() -> Tensor { Tensor([1, 2] as [Float]).unsqueeze(dim: 0).T }
    #expect((noGrad { column() } * 3).strides == [1, 1])
  }

  private typealias Function = (String, @Sendable (consuming Tensor) -> Tensor)

  private static let forFloats: [Function] = [("frac", { $0.frac() })]
  private static let functions: [Function] = [
    ("neg", { -$0 }), ("add", { $0 + 3 }), ("sub", { $0 - 3 }), ("mul", { $0 * 3 }), ("div", { $0 / 3 }),
    ("square", { $0.square() }), ("sqrt", { $0.sqrt() }), ("rsqrt", { $0.rsqrt() }),
    ("reciprocal", { $0.reciprocal() }), ("sin", { $0.sin() }), ("cos", { $0.cos() }), ("tan", { $0.tan() }),
    ("asin", { $0.asin() }), ("acos", { $0.acos() }), ("atan", { $0.atan() }), ("sinh", { $0.sinh() }),
    ("cosh", { $0.cosh() }), ("tanh", { $0.tanh() }), ("asinh", { $0.asinh() }), ("acosh", { $0.acosh() }),
    ("atanh", { $0.atanh() }), ("sinc", { $0.sinc() }), ("deg2rad", { $0.deg2rad() }), ("rad2deg", { $0.rad2deg() }),
    ("angle", { $0.angle() }), ("exp", { $0.exp() }), ("exp2", { $0.exp2() }), ("expm1", { $0.expm1() }),
    ("log", { $0.log() }), ("log2", { $0.log2() }), ("log10", { $0.log10() }), ("log1p", { $0.log1p() }),
    ("erf", { $0.erf() }), ("erfc", { $0.erfc() }), ("erfinv", { $0.erfinv() }), ("erfcx", { $0.erfcx() }),
    ("lgamma", { $0.lgamma() }), ("digamma", { $0.digamma() }), ("entr", { $0.entr() }), ("ndtr", { $0.ndtr() }),
    ("ndtri", { $0.ndtri() }), ("logNdtr", { $0.logNdtr() }), ("i0", { $0.i0() }), ("i0e", { $0.i0e() }),
    ("i1", { $0.i1() }), ("i1e", { $0.i1e() }), ("besselJ0", { $0.besselJ0() }), ("besselJ1", { $0.besselJ1() }),
    ("besselY0", { $0.besselY0() }), ("besselY1", { $0.besselY1() }), ("abs", { $0.abs() }), ("sign", { $0.sign() }),
    ("ceil", { $0.ceil() }), ("floor", { $0.floor() }), ("trunc", { $0.trunc() }), ("round", { $0.round() }),
    ("relu", { $0.relu() }), ("relu6", { $0.relu6() }), ("hardtanh", { $0.hardtanh() }),
    ("sigmoid", { $0.sigmoid() }), ("logSigmoid", { $0.logSigmoid() }), ("silu", { $0.silu() }),
    ("gelu", { $0.gelu() }), ("gelu tanh", { $0.gelu(approximate: true) }), ("softplus", { $0.softplus() }),
    ("mish", { $0.mish() }), ("leakyRelu", { $0.leakyRelu() }),
  ]

  /// Kernels must not read again what they have overwritten: tails, elements that take a slower way.
  @Test(arguments: [DType.float32, .float64, .float16, .bfloat16, .int64, .int8])
  func inPlaceIsTheSameFunction(_ dtype: DType) {
    let special = Tensor(
      [0, -0.0, 1, -1, 0.5, -0.25, 3, -3, 20, -20, 88, -88, 100, -120, 1e-5, -1e-5, .infinity, -.infinity, .nan])
    for size in [1, 7, 16, 37, 700] {
      let random = Tensor.randn(size, dtype: .float64, generator: Generator(seed: UInt64(size))) * 10
      let huge = random * 1e8
      let all = cat([special, random, special, huge, special.flip(dims: [0])])
      let x = (dtype.isFloatingPoint ? all : cat([random, random * 3])).to(dtype)
      for (name, function) in Self.functions + (dtype.isFloatingPoint ? Self.forFloats : []) {
        let expected = function(x)
        // On memory that nobody else sees.
        let input = x * 1
        let address = input.pointer
        let got = function(consume input)
        #expect(got.dtype == expected.dtype && same(got, expected), "\(name), \(size)")
        if dtype.isFloatingPoint { #expect(got.pointer == address, "\(name)") }
      }
    }
  }

  private func same(_ a: Tensor, _ b: Tensor) -> Bool {
    ((a .== b) | (a.isNaN() & b.isNaN())).all().item(as: Bool.self)
  }

  /// Random programs give the same values and gradients whether or not somebody holds all that they compute.
  @Test(arguments: [false, true])
  func programsCannotTell(_ recording: Bool) {
    for seed in 0..<300 as Range<UInt64> {
      let plain = run(seed, recording, holding: false), held = run(seed, recording, holding: true)
      #expect(
        plain.count == held.count && zip(plain, held).allSatisfy { $0.shape == $1.shape && same($0, $1) }, "\(seed)")
    }
  }

  /// A program of 30 steps on a stack of tensors: what is left on the stack, the leaves, and their gradients.
  private func run(_ seed: UInt64, _ recording: Bool, holding: Bool) -> [Tensor] {
    let random = Generator(seed: seed)
    func pick(_ n: Int) -> Int { Tensor.randint(high: n, [1], generator: random).item(as: Int.self) }
    let leaves = (0..<3).map { _ in Tensor.randn(4, 4, dtype: .float64, generator: random, requiresGrad: recording) }
    var stack = leaves, held: [Tensor] = []
    func step() {
      let x = stack.removeLast()
      if holding { held.append(x) }
      switch pick(12) {
      case 0: stack += [x, x]
      case 1: stack += [x.T, x]
      case 2: stack.append(x.T)
      case 3: stack.append((x[0..<2] * 0.5).repeat(2, 1) + 1)
      case 4: stack.append(noGrad { x.sin() * 2 })
      case 5: stack.append(x.detach())
      case 6: stack.append((x * 0.5 - 1).cos() * x)
      case 7: stack += [leaves[pick(3)], x]
      case 8:
        let y = stack.popLast() ?? leaves[0]
        if holding { held.append(y) }
        stack.append(x * y + 0.25)
      case 9:
        let y = x.reshape(16)
        stack += [y.view(4, 4), x]
      default:
        let smooth = Self.functions.filter { ["neg", "mul", "sin", "tanh", "sigmoid", "silu", "atan"].contains($0.0) }
        stack.append(smooth[pick(smooth.count)].1(consume x))
      }
    }
    for _ in 0..<30 { step() }
    if recording {
      let sum = stack.reduce(leaves[0].sum()) { $0 + $1.sum() }
      if holding { held.append(sum) }
      sum.backward()
    }
    return stack.map { $0.detach() } + leaves.map { $0.detach() } + leaves.compactMap(\.grad)
  }

  @Test func whatNobodySeesIsOverwritten() {
    var address: UnsafeMutableRawPointer?
    func made() -> Tensor {
      let x = fresh()
      address = x.pointer
      return x
    }
    let y = made().relu()
    #expect(y.pointer == address)
    #expect(y.toArray(Float.self) == [0, 0, 0, 1, 2, 3])
  }

  @Test func whatSomeoneSeesStays() {
    let x = fresh()
    let y = x.relu()
    #expect(x.toArray(Float.self) == values && y.toArray(Float.self) == [0, 0, 0, 1, 2, 3])
    // A view keeps the memory.
    var base: Tensor? = fresh()
    let view = base!.narrow(dim: 0, start: 0, length: 3)
    func given() -> Tensor {
      defer { base = nil }
      return base!
    }
    _ = given().relu()
    #expect(view.toArray(Float.self) == [-2, -1, 0])
  }

  @Test func whatTheGradientNeedsStays() {
    let x = Tensor(values).requiresGrad(true)
    // exp saves its output.
    x.exp().relu().sum().backward()
    for (g, v) in zip(x.grad!.toArray(Float.self), x.exp().toArray(Float.self)) { #expect(abs(g - v) <= 1e-6 * v) }
    x.grad = nil
    // leaky relu keeps its input, whatever its slope: its output may be changed.
    let y = (x * 1).leakyRelu(negativeSlope: -0.5)
    y += 1
    y.sum().backward()
    #expect(x.grad!.toArray(Float.self) == [-0.5, -0.5, -0.5, 1, 1, 1])
    // A leaf is never written over.
    let leaf = Tensor(values).requiresGrad(true).relu()
    #expect(leaf.requiresGrad)
  }

  @Test func gradientsThatOthersHoldStay() {
    let x = Tensor(values).requiresGrad(true)
    // The gradient that the caller gave.
    let g = Tensor([1, 2, 3, 4, 5, 6] as [Float])
    x.relu().backward(gradient: g)
    #expect(g.toArray(Float.self) == [1, 2, 3, 4, 5, 6])
    #expect(x.grad!.toArray(Float.self) == [0, 0, 0, 4, 5, 6])
    // One that goes two ways.
    x.grad = nil
    (x.relu() + x.sigmoid() * 0 + x.relu()).backward(gradient: g)
    #expect(x.grad!.toArray(Float.self) == [0, 0, 0, 8, 10, 12])
    // One that a hook or retainGrad kept.
    x.grad = nil
    let y = x.relu()
    y.retainGrad()
    var seen: Tensor?
    y.registerHook {
      seen = $0; return nil
    }
    (y * 2).sum().backward()
    #expect(y.grad!.toArray(Float.self) == [2, 2, 2, 2, 2, 2] && seen!.toArray(Float.self) == [2, 2, 2, 2, 2, 2])
    #expect(x.grad!.toArray(Float.self) == [0, 0, 0, 2, 2, 2])
    // One that grad(of:wrt:) returns.
    let z = x.relu()
    let both = grad(of: [(z * 3).sum()], wrt: [z, x])
    #expect(both[0]!.toArray(Float.self) == [3, 3, 3, 3, 3, 3] && both[1]!.toArray(Float.self) == [0, 0, 0, 3, 3, 3])
    // A second pass through the same graph.
    x.grad = nil
    let w = (x.leakyRelu(negativeSlope: 0.5) * 2).tanh().sum()
    w.backward(retainGraph: true)
    let once = x.grad!.toArray(Float.self)
    w.backward()
    #expect(x.grad!.toArray(Float.self) == once.map { $0 * 2 })
  }

  /// A fully connected layer adds its weight's gradient to `.grad` itself, where nothing else wants to see it.
  @Test func weightGradientsAreAddedInPlace() {
    let weight = Tensor.randn(5, 7, dtype: .float64).requiresGrad(true)
    let x = Tensor.randn(2, 3, 7, dtype: .float64)
    func pass(_ scale: Double) { (linear(x * scale, weight).square().sum()).backward() }
    func gradient(_ scale: Double) -> Tensor { grad(of: [linear(x * scale, weight).square().sum()], wrt: [weight])[0]! }
    func isClose(_ a: Tensor, _ b: Tensor) -> Bool { a.allClose(b, rtol: 1e-12, atol: 1e-12) }
    pass(1)
    let sum = weight.grad!
    let (address, version) = (sum.pointer, sum.storage.version)
    pass(2)
    #expect(weight.grad === sum && sum.pointer == address && sum.storage.version == version + 1)
    #expect(isClose(sum, gradient(1) + gradient(2)))
    // The same weight twice in one graph, and `grad`, which leaves `.grad` alone.
    let square = Tensor.randn(4, 4, dtype: .float64).requiresGrad(true)
    let y = Tensor.randn(3, 4, dtype: .float64)
    func twice() -> Tensor { linear(linear(y, square), square).square().sum() }
    let once = grad(of: [twice()], wrt: [square])[0]!
    #expect(square.grad == nil)
    for count in [1.0, 2] {
      twice().backward()
      #expect(isClose(square.grad!, once * count))
    }
    // The layer's input is the very `.grad`: it is read before it changes.
    let large = Tensor.randn(300, 200, dtype: .float64).requiresGrad(true)
    large.grad = Tensor.ones(300, 200, dtype: .float64)
    linear(large.grad!, large).sum().backward()
    #expect(isClose(large.grad!, Tensor.full([300, 200], 301, dtype: .float64)))
    // Its `.grad` shares memory with the weight, from which the input's gradient is computed.
    let input = Tensor.ones(3, 200, dtype: .float64).requiresGrad(true)
    let before = large.detach().clone()
    large.grad = large.detach()
    linear(input, large).sum().backward()
    #expect(isClose(input.grad!, before.sum(dim: 0).expand(3, 200)) && isClose(large.detach(), before + 3))
    // A `.grad` that is not contiguous, a hook, and a recorded gradient take the usual way.
    let (first, second) = (gradient(1), gradient(2))
    weight.grad = Tensor.ones(7, 5, dtype: .float64).T
    pass(1)
    #expect(isClose(weight.grad!, first + 1) && !weight.grad!.isContiguous)
    weight.grad = nil
    pass(1)
    let recorded = linear(x * 2, weight).square().sum()
    recorded.backward(createGraph: true)
    #expect(isClose(weight.grad!, first + second) && weight.grad!.requiresGrad)
    weight.grad = Tensor.ones(5, 7, dtype: .float64)
    var seen: Tensor?
    weight.registerHook {
      seen = $0
      return $0 * 3
    }
    pass(1)
    #expect(seen.map { isClose($0, first) } == true && isClose(weight.grad!, first * 3 + 1))
  }

  @Test func sharedGradientsOfAnAddition() {
    // Both sides of the sum get the same gradient tensor; relu must not write over the one that sigmoid still needs.
    let x = Tensor(values).requiresGrad(true)
    let a = x.relu(), b = x.tanh()
    (a + b).sum().backward()
    let expected = values.map { v in (v > 0 ? 1 : 0) + 1 - Float.tanh(v) * Float.tanh(v) }
    for (g, e) in zip(x.grad!.toArray(Float.self), expected) { #expect(abs(g - e) < 1e-6) }
  }
}

extension Double {
  fileprivate var exponential: Float { Tensor([Float(self)]).exp().toArray(Float.self)[0] }
}

extension Float {
  fileprivate static func tanh(_ x: Float) -> Float { Tensor([x]).tanh().toArray(Float.self)[0] }
}
