import CPUKernelAPI
import FirecrestCPU

private let rootPi = 1.772453850905516

/// The error function
struct Erf: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.erf
  static let cost = 8
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * ((-saved.x.square()).exp() * (2 / rootPi)) }
}

/// 1 − erf x
struct Erfc: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.erfc
  static let cost = 8
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { 1 - x.erf() }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * ((-saved.x.square()).exp() * (-2 / rootPi)) }
}

/// The inverse of erf
struct Erfinv: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.erfinv
  static let cost = 32
  var saves: Saves { .y }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (saved.y.square().exp() * (rootPi / 2)) }
}

/// e^(x²) erfc x
struct Erfcx: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.erfcx
  static let cost = 32
  var saves: Saves { [.x, .y] }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (saved.x * 2 * saved.y - 2 / rootPi) }
}

/// ln |Γ(x)|
struct Lgamma: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.lgamma
  static let cost = 32
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.x.digamma() }
}

/// ψ(x), the derivative of ln Γ
struct Digamma: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.digamma
  static let cost = 32
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.x.polygamma(1) }
}

/// The n-th derivative of ψ
struct Polygamma: UnaryOp {
  let n: Int
  var saves: Saves { .x }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { x }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    if n == 1 { return runUnary(.trigamma, x, y, cpu, cost: 32) }
    runBinary(.polygamma, Tensor.scalar(.int(n), x.dtype), x, y, cpu, cost: 32)
  }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.x.polygamma(n + 1) }
}

/// ζ(s, q) = Σ (q + k)⁻ˢ
struct Zeta: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.zeta
  static let cost = 64
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    if saved.needsA { stop("zeta", "has no derivative for its first argument", [saved.a, saved.b]) }
    return (nil, g * -saved.a * (saved.a + 1).zeta(saved.b))
  }
}

/// The regularized incomplete gamma functions, lower (P) and upper (Q)
struct Igamma: BinaryOp {
  let upper: Bool
  var name: String { upper ? "igammac" : "igamma" }
  var saves: Saves { [.a, .b] }
  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec { try broadcastSpec(a, b).requireFloat() }
  func run(_ a: Tensor, _ b: Tensor, into y: Tensor, on cpu: CPU) {
    runBinary(upper ? .igammac : .igamma, a, b, y, cpu, cost: 64)
  }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let (a, x) = (saved.a, saved.b)
    if saved.needsA { stop(name, "has no derivative for its first argument", [a, x]) }
    let density = ((a - 1) * x.log() - x - a.lgamma()).exp()
    return (nil, g * (upper ? -density : density))
  }
}

/// −x ln x
struct Entr: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.entr
  static let cost = 16
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (-1 - saved.x.log()) }
}

/// Φ(x), the cumulative normal distribution
struct Ndtr: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.ndtr
  static let cost = 32
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { (x * -0.5.squareRoot()).erfc() * 0.5 }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.x.normalDensity }
}

/// The inverse of Φ
struct Ndtri: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.ndtri
  static let cost = 32
  var saves: Saves { .y }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    g * ((saved.y.square() * 0.5).exp() * (2 * Double.pi).squareRoot())
  }
}

/// ln Φ(x)
struct LogNdtr: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.logNdtr
  static let cost = 32
  var name: String { "logNdtr" }
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    g / (saved.x * -0.5.squareRoot()).erfcx() * (2 / Double.pi).squareRoot()
  }
}

extension Tensor {
  /// The error function (PyTorch's `erf`).
  public consuming func erf() -> Tensor { inFloating(Erf()) }
  /// 1 − erf(x), accurate where that is small (PyTorch's `erfc`).
  public consuming func erfc() -> Tensor { inFloating(Erfc()) }
  /// The inverse of `erf` (PyTorch's `erfinv`); NaN outside of −1...1.
  public consuming func erfinv() -> Tensor { inFloating(Erfinv()) }
  /// e^(x²) erfc(x) (PyTorch's `special.erfcx`).
  public consuming func erfcx() -> Tensor { inFloating(Erfcx()) }
  /// ln |Γ(x)| (PyTorch's `lgamma`).
  public consuming func lgamma() -> Tensor { inFloating(Lgamma()) }
  /// ψ(x), the derivative of `lgamma` (PyTorch's `digamma`).
  public consuming func digamma() -> Tensor { inFloating(Digamma()) }
  /// The n-th derivative of `digamma`, n ≥ 0 (PyTorch's `polygamma`).
  public func polygamma(_ n: Int) -> Tensor {
    if n < 0 { stop("polygamma", "n must be at least 0, not \(n)", [self]) }
    return n == 0 ? digamma() : apply(Polygamma(n: n), floating)
  }
  /// The logarithm of the multivariate gamma function of dimension `p` (PyTorch's `mvlgamma`).
  public func mvlgamma(p: Int) -> Tensor {
    if p < 1 { stop("mvlgamma", "p must be at least 1, not \(p)", [self]) }
    let x = floating
    var sum = x.lgamma()
    for i in 1..<Swift.max(p, 2) where i < p { sum = sum + (x - Double(i) / 2).lgamma() }
    let offset: Double = Double(p * (p - 1)) / 4
    return sum + offset * 1.1447298858494002
  }
  /// The Hurwitz zeta function Σ (q + k)⁻ˢ of s (this tensor) and q; differentiable in q (PyTorch's `special.zeta`).
  public func zeta(_ q: some TensorOperand) -> Tensor { combinedFloating(Zeta(), q) }
  /// The lower regularized incomplete gamma function P(a, x) of a (this tensor); differentiable in x (PyTorch's
  /// `igamma`, `special.gammainc`).
  public func igamma(_ x: Tensor) -> Tensor { combined(Igamma(upper: false), x) }
  /// The upper regularized incomplete gamma function Q(a, x) = 1 − P(a, x) (PyTorch's `igammac`).
  public func igammac(_ x: Tensor) -> Tensor { combined(Igamma(upper: true), x) }

  /// −x ln x, 0 at 0 and −∞ below (PyTorch's `special.entr`).
  public consuming func entr() -> Tensor { inFloating(Entr()) }
  /// The cumulative normal distribution (PyTorch's `special.ndtr`).
  public consuming func ndtr() -> Tensor { inFloating(Ndtr()) }
  /// The inverse of `ndtr`: the quantiles of the normal distribution (PyTorch's `special.ndtri`).
  public consuming func ndtri() -> Tensor { inFloating(Ndtri()) }
  /// The logarithm of `ndtr`, without underflow (PyTorch's `special.log_ndtr`).
  public consuming func logNdtr() -> Tensor { inFloating(LogNdtr()) }

  /// ln(x / (1 − x)), the inverse of `sigmoid`; with `eps`, x is first clamped to eps...1 − eps (PyTorch's `logit`).
  public func logit(eps: Double? = nil) -> Tensor {
    let x = floating
    guard let eps else { return apply(Logit(), x) }
    return apply(Logit(), x.clamp(min: eps, max: 1 - eps))
  }

  /// This tensor with NaN, +∞ and −∞ replaced: by 0 and the type's largest and smallest numbers where nothing else is
  /// given (PyTorch's `nan_to_num`).
  public func nanToNum(nan: Double = 0, posInf: Double? = nil, negInf: Double? = nil) -> Tensor {
    if !dtype.isFloatingPoint { return clone() }
    let largest: Double =
      switch dtype {
      case .float64: Double.greatestFiniteMagnitude
      case .float16: 65504
      case .bfloat16: 3.3895313892515355e38
      default: Double(Float.greatestFiniteMagnitude)
      }
    func number(_ value: Double) -> Tensor { Tensor.scalar(.double(value), dtype) }
    let real = apply(Where(), [isNaN(), number(nan), self])[0]
    let below = apply(Where(), [isPosInf(), number(posInf ?? largest), real])[0]
    return apply(Where(), [isNegInf(), number(negInf ?? -largest), below])[0]
  }
}

/// ln(x / (1 − x))
struct Logit: UnaryOp {
  var saves: Saves { .x }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { try x.requireFloat() }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    runBinary(.sub, Tensor.scalar(.int(1), x.dtype), x, y, cpu, cost: 1)
    runBinary(.div, x, y, y, cpu, cost: 1)
    runUnary(.log, y, y, cpu, cost: 4)
  }
  func decomposed(_ x: Tensor) -> Tensor? {
    // The factor makes the gradient NaN outside of 0...1, where the logarithms' own formulas go on.
    let domain = Tensor.ones(like: x).where((x .>= 0) & (x .<= 1), Double.nan)
    let inside = x * domain
    return inside.log() - (1 - inside).log()
  }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let x = saved.x
    let slope = g / (x * (1 - x))
    // Outside of 0...1 there is no function to have a slope.
    return slope.where((x .>= 0) & (x .<= 1), Double.nan)
  }
}
