import CPUKernelAPI
import FirecrestCPU

/// max(x, 0)
struct Relu: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.relu
  static let cost = 1
  var saves: Saves { .y }
  func decomposed(_ x: Tensor) -> Tensor? { x.where(x .> 0, x.kept(where: x.isNaN())) }
  func vjp(_ g: consuming Tensor, _ saved: UnarySaved) -> Tensor? { apply(ReluBackward(), reusing: g, saved.y) }
}

/// g where y > 0, else 0
struct ReluBackward: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.reluBackward
  var saves: Saves { .b }
  func decomposed(_ g: Tensor, _ y: Tensor) -> Tensor? { g.zeroed(where: y .<= 0) }
  func vjp(_ gg: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) { (apply(ReluBackward(), gg, saved.b), nil) }
}

/// 1 / (1 + e⁻ˣ)
struct Sigmoid: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.sigmoid
  var saves: Saves { .y }
  func decomposed(_ x: Tensor) -> Tensor? { 1 / ((-x).exp() + 1) }
  func vjp(_ g: consuming Tensor, _ saved: UnarySaved) -> Tensor? { apply(SigmoidBackward(), reusing: g, saved.y) }
}

/// g · (1 − y) · y, where y = sigmoid x
struct SigmoidBackward: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.sigmoidBackward
  var saves: Saves { [.a, .b] }
  func decomposed(_ g: Tensor, _ y: Tensor) -> Tensor? { g * (1 - y) * y }
  func vjp(_ gg: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let gy = saved.needsB ? gg * saved.a * (1 - saved.b * 2) : nil
    return (apply(SigmoidBackward(), gg, saved.b), gy)
  }
}

/// ln sigmoid x
struct LogSigmoid: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.logSigmoid
  static let cost = 8
  var name: String { "logSigmoid" }
  var saves: Saves { .x }
  // `minimum` shares the gradient at 0, as the slope ½ there asks; a clamp would not.
  func decomposed(_ x: Tensor) -> Tensor? { x.minimum(0) - (-x.abs()).exp().log1p() }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (-saved.x).sigmoid() }
}

/// x · sigmoid x
struct Silu: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.silu
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { x * x.sigmoid() }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { apply(SiluBackward(), g, saved.x) }
}

/// g · s · (1 + x (1 − s)), where s = sigmoid x
struct SiluBackward: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.siluBackward
  static let cost = 4
  var saves: Saves { [.a, .b] }
  func decomposed(_ g: Tensor, _ x: Tensor) -> Tensor? {
    let s = x.sigmoid()
    return g * s * (x * (1 - s) + 1)
  }
  func vjp(_ gg: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let x = saved.b
    var gx: Tensor?
    if saved.needsB {
      let s = x.sigmoid()
      let curve = s * (1 - s) * (x * (1 - s * 2) + 2)
      gx = gg * saved.a * curve
    }
    return (apply(SiluBackward(), gg, x), gx)
  }
}

/// x Φ(x), Φ the normal distribution
struct Gelu: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.gelu
  static let cost = 8
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { x * 0.5 * ((x * 0.5.squareRoot()).erf() + 1) }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { apply(GeluBackward(), g, saved.x) }
}

/// g · (Φ(x) + x φ(x))
struct GeluBackward: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.geluBackward
  static let cost = 8
  var saves: Saves { [.a, .b] }
  func decomposed(_ g: Tensor, _ x: Tensor) -> Tensor? {
    let cumulative = ((x * 0.5.squareRoot()).erf() + 1) * 0.5
    return g * (cumulative + x * x.normalDensity)
  }
  func vjp(_ gg: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let x = saved.b
    var gx: Tensor?
    if saved.needsB {
      let curve = x.normalDensity * (2 - x.square())
      gx = gg * saved.a * curve
    }
    return (apply(GeluBackward(), gg, x), gx)
  }
}

/// x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))
struct GeluTanh: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.geluTanh
  static let cost = 6
  var name: String { "gelu" }
  var saves: Saves { .x }
  private static let scale = 0.7978845608028654
  private func angle(_ x: Tensor) -> Tensor { (x + x.pow(3) * 0.044715) * GeluTanh.scale }
  func decomposed(_ x: Tensor) -> Tensor? { x * 0.5 * (angle(x).tanh() + 1) }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let x = saved.x.wide
    let t = angle(x).tanh()
    let slope = (x.square() * (3 * 0.044715) + 1) * GeluTanh.scale
    let inner = (1 - t.square()) * slope * x
    return (g.wide * ((t + 1 + inner) * 0.5)).to(g.dtype)
  }
}

/// ln(1 + eˣ), x itself above 20
struct Softplus: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.softplus
  static let cost = 8
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { x.where(x .> 20, x.clamp(max: 20).exp().log1p()) }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { (g * saved.x.sigmoid()).where(saved.x .<= 20, g) }
}

/// x · tanh(softplus x)
struct Mish: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.mish
  static let cost = 8
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { x * x.softplus().tanh() }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let x = saved.x.wide
    let t = x.softplus().tanh()
    return (g.wide * (t + x * x.sigmoid() * (1 - t.square()))).to(g.dtype)
  }
}

/// x where positive, else x · slope
struct LeakyRelu: UnaryOp {
  let slope: Double
  var name: String { "leakyRelu" }
  var saves: Saves { .x }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { try x.requireFloat() }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    runBinary(.leakyRelu, x, Tensor.scalar(.double(slope), x.dtype), y, cpu, cost: 1)
  }
  func decomposed(_ x: Tensor) -> Tensor? { x.where(x .> 0, x * slope) }
  func vjp(_ g: consuming Tensor, _ saved: UnarySaved) -> Tensor? {
    apply(LeakyReluBackward(slope: slope), reusing: g, saved.x)
  }
}

/// g where x > 0, else g · slope
struct LeakyReluBackward: BinaryOp {
  let slope: Double
  var name: String { "leakyReluBackward" }
  var saves: Saves { .b }
  func infer(_ g: TensorSpec, _ x: TensorSpec) throws(OpError) -> TensorSpec { try broadcastSpec(g, x) }
  func run(_ g: Tensor, _ x: Tensor, into y: Tensor, on cpu: CPU) {
    runTernary(.leakyReluBackward, [g, x, Tensor.scalar(.double(slope), g.dtype)], y, cpu)
  }
  func decomposed(_ g: Tensor, _ x: Tensor) -> Tensor? { g.where(x .> 0, g * slope) }
  func vjp(_ gg: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (apply(LeakyReluBackward(slope: slope), gg, saved.b), nil)
  }
}

extension Tensor {
  /// The density of the normal distribution.
  package var normalDensity: Tensor { (square() * -0.5).exp() * 0.3989422804014327 }

  /// max(x, 0); the derivative at 0 is 0 (PyTorch's `relu`).
  public consuming func relu() -> Tensor {
    refuseBool("relu", help: "convert it with to(.float32)")
    return apply(Relu(), reusing: self)
  }
  /// 1 / (1 + e⁻ˣ) (PyTorch's `sigmoid`).
  public consuming func sigmoid() -> Tensor { inFloating(Sigmoid()) }
  /// The logarithm of `sigmoid`, without underflow (PyTorch's `logsigmoid`).
  public consuming func logSigmoid() -> Tensor { inFloating(LogSigmoid()) }
  /// x · sigmoid(x), also called swish (PyTorch's `silu`).
  public consuming func silu() -> Tensor { inFloating(Silu()) }
  /// x Φ(x), Φ the cumulative normal distribution (PyTorch's `gelu`). `approximate`: by tanh, as GPT-2 has it.
  public consuming func gelu(approximate: Bool = false) -> Tensor {
    approximate ? inFloating(GeluTanh()) : inFloating(Gelu())
  }
  /// ln(1 + e^(βx)) / β; x itself where βx > `threshold` (PyTorch's `softplus`).
  public consuming func softplus(beta: Double = 1, threshold: Double = 20) -> Tensor {
    if beta == 1 && threshold == 20 { return inFloating(Softplus()) }
    return floating.inFull { x in
      let scaled = x * beta
      return x.where(scaled .> threshold, scaled.clamp(max: threshold).exp().log1p() / beta)
    }
  }
  /// x · tanh(softplus(x)) (PyTorch's `mish`).
  public consuming func mish() -> Tensor { inFloating(Mish()) }
  /// x where positive, else x · `negativeSlope` (PyTorch's `leaky_relu`).
  public consuming func leakyRelu(negativeSlope: Double = 0.01) -> Tensor {
    inFloating(LeakyRelu(slope: negativeSlope))
  }
}
