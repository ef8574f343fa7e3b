import CPUKernelAPI
import FirecrestCPU

/// x²
struct Square: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.square
  static let cost = 1
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { x * x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (saved.x * 2) }
}

/// √x
struct Sqrt: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.sqrt
  var saves: Saves { .y }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g / (saved.y * 2) }
}

/// 1 / √x
struct Rsqrt: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.rsqrt
  var saves: Saves { .y }
  func decomposed(_ x: Tensor) -> Tensor? { x.sqrt().reciprocal() }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * -0.5 * saved.y.pow(3) }
}

/// 1 / x
struct Reciprocal: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.reciprocal
  static let cost = 1
  var saves: Saves { .y }
  func decomposed(_ x: Tensor) -> Tensor? { apply(Div(), Tensor.scalar(.int(1), x.dtype), x) }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { -g * saved.y.square() }
}

/// aᵇ
struct Pow: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.pow
  static let cost = 16
  var saves: Saves { [.a, .b, .y] }
  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec {
    let spec = try broadcastSpec(a, b)
    if spec.dtype == .bool { throw OpError("is not defined for bool", help: "convert one side with to(.int64)") }
    return spec
  }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let (a, b) = (saved.a, saved.b)
    var ga: Tensor?
    var gb: Tensor?
    if saved.needsA {
      let slope = b * a.pow(b - 1)
      ga = (g * slope).zeroed(where: b .== 0)
    }
    if saved.needsB {
      // 0 to a power is 0 whatever the power, as long as it is not negative.
      let slope = (saved.y * a.log()).zeroed(where: (a .== 0) & (b .>= 0))
      gb = g * slope
    }
    return (ga, gb)
  }
}

/// xⁿ for one number n, which is representable in x's type
struct PowNumber: UnaryOp {
  let exponent: Scalar
  var name: String { "pow" }
  var saves: Saves { .x }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { x }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    let n = exponent.doubleValue
    let special: UnaryKernel? =
      switch n {
      case 2: .square
      case 0.5: .sqrt
      case -0.5: .rsqrt
      case -1: .reciprocal
      default: nil
      }
    if let special, x.dtype.isFloatingPoint || n == 2 { return runUnary(special, x, y, cpu, cost: 2) }
    if n == 0 { return y.fillElements(.int(1)) }
    if n == 1 { return copyElements(x, y, cpu) }
    if n == 3 && x.dtype.size >= 4 {
      runUnary(.square, x, y, cpu, cost: 1)
      return runBinary(.mul, y, x, y, cpu, cost: 1)
    }
    if n == 4 && x.dtype.size >= 4 {
      runUnary(.square, x, y, cpu, cost: 1)
      return runUnary(.square, y, y, cpu, cost: 1)
    }
    if n == -2 && (x.dtype == .float32 || x.dtype == .float64) {
      runUnary(.square, x, y, cpu, cost: 1)
      return runUnary(.reciprocal, y, y, cpu, cost: 2)
    }
    runBinary(.pow, x, Tensor.scalar(exponent, x.dtype), y, cpu, cost: 16)
  }

  func decomposed(_ x: Tensor) -> Tensor? {
    exponent.doubleValue == 2 ? x * x : apply(Pow(), x, Tensor.scalar(exponent, x.dtype))
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let x = saved.x
    switch exponent.doubleValue {
    case 0: return g.zerosLike
    case 1: return g
    case 2: return g * (x * 2)
    case let n: return g * (x.pow(n - 1) * n)
    }
  }
}

extension Tensor {
  /// The square of each element (PyTorch's `square`).
  public consuming func square() -> Tensor {
    dtype == .bool ? apply(Square(), to(.int64)) : apply(Square(), reusing: self)
  }
  /// The square root (PyTorch's `sqrt`); NaN below 0. Integers give float32.
  public consuming func sqrt() -> Tensor { inFloating(Sqrt()) }
  /// 1 / √x (PyTorch's `rsqrt`).
  public consuming func rsqrt() -> Tensor { inFloating(Rsqrt()) }
  /// 1 / x (PyTorch's `reciprocal`); integers give float32.
  public consuming func reciprocal() -> Tensor { inFloating(Reciprocal()) }

  /// Each element to a power, element by element; shapes broadcast and types promote (PyTorch's `pow`). Integers stay
  /// integers and wrap; negative powers of them are 1/aⁿ without its fraction.
  public func pow(_ exponent: Tensor) -> Tensor { combined(Pow(), exponent) }

  /// Each element to the power of one number (PyTorch's `pow`). Integers take no negative whole power.
  public func pow(_ exponent: some TensorScalar) -> Tensor {
    let number = exponent.scalar
    let x = to(dtype.promoted(with: number))
    if !x.dtype.isFloatingPoint {
      x.refuseBool("pow", help: "convert it with to(.int64)")
      if number.doubleValue < 0 {
        stop("pow", "integers to negative integer powers are no integers", [self], help: "convert it with to(.float32)")
      }
    }
    return apply(PowNumber(exponent: number), x)
  }

  /// One number to the power of each element (PyTorch's `pow(number, tensor)`): `Tensor.pow(2, x)`.
  public static func pow(_ base: some TensorScalar, _ exponent: Tensor) -> Tensor {
    let (exponent, base) = promote(exponent, base)
    return apply(Pow(), base, exponent)
  }

  /// Each element to a power, in float64 whatever the type (PyTorch's `float_power`).
  public func floatPower(_ exponent: some TensorOperand) -> Tensor {
    if let number = exponent as? any TensorScalar { return to(.float64).pow(number.scalar.doubleValue) }
    return to(.float64).combined(Pow(), (exponent as? Tensor)?.to(.float64) ?? self)
  }

  /// x · 2ⁿ (PyTorch's `ldexp`); integers give float32.
  public func ldexp(_ n: Tensor) -> Tensor { self * Tensor.pow(2.0, n) }

  /// Zeros of this tensor's shape and type: the derivative of what jumps.
  package var zerosLike: Tensor { Tensor.zeros(shape, dtype: dtype) }
}
