import CPUKernelAPI
import FirecrestCPU

/// Operations that are constant between jumps: |their derivative| is 0. Integers and bool are left as they are.
struct Step: UnaryOp {
  let kernel: UnaryKernel
  var name: String { "\(kernel)" }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { x }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) { runUnary(kernel, x, y, cpu, cost: 1) }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g.zerosLike }
}

/// x − trunc(x)
struct Frac: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.frac
  static let cost = 1
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { try x.requireFloat() }
  func decomposed(_ x: Tensor) -> Tensor? { x - x.trunc() }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g }
}

/// |x|
struct Abs: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.abs
  static let cost = 1
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.x.sign() }
}

/// The quotient without its fraction, or the next integer below
struct RoundedDiv: BinaryOp {
  let kernel: BinaryKernel
  var name: String { "div" }
  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec { try broadcastSpec(a, b) }
  func run(_ a: Tensor, _ b: Tensor, into y: Tensor, on cpu: CPU) { runBinary(kernel, a, b, y, cpu, cost: 4) }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) { (g.zerosLike, g.zerosLike) }
}

/// a − b·floor(a / b)
struct Remainder: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.remainder
  static let cost = 8
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (g, saved.needsB ? -g * saved.a.div(saved.b, roundingMode: .floor) : nil)
  }
}

/// a − b·trunc(a / b)
struct Fmod: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.fmod
  static let cost = 8
  var saves: Saves { [.a, .b] }
  func saves(needsA: Bool, needsB: Bool) -> Saves { needsB ? saves : [] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (g, saved.needsB ? -g * saved.a.div(saved.b, roundingMode: .trunc) : nil)
  }
}

/// The magnitude of a with the sign of b
struct Copysign: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.copysign
  var saves: Saves { [.a, .y] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    // ±1 where the sign was kept or turned, 0 at 0.
    let ga = saved.needsA ? g * (saved.a.sign() * saved.y.sign()) : nil
    return (ga, saved.needsB ? g.zerosLike : nil)
  }
}

/// The number next to a towards b
struct Nextafter: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.nextafter
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let same = saved.a .== saved.b
    return (g.zeroed(where: same), saved.needsB ? g.zerosLike : nil)
  }
}

/// How `div` rounds.
public enum RoundingMode: Sendable {
  /// To the next integer below, as Python's `//`.
  case floor
  /// Towards 0, as division of integers in Swift.
  case trunc
}

extension Tensor {
  /// The absolute value (PyTorch's `abs`); its derivative at 0 is 0.
  public consuming func abs() -> Tensor {
    refuseBool("abs", help: "it is its own absolute value")
    return apply(Abs(), reusing: self)
  }
  /// −1, 0 or 1 (PyTorch's `sign`, and `sgn` of real numbers); 0 for NaN.
  public consuming func sign() -> Tensor { apply(Step(kernel: .sign), reusing: self) }
  /// The next integer above (PyTorch's `ceil`), in the same type.
  public consuming func ceil() -> Tensor { rounded(.ceil) }
  /// The next integer below (PyTorch's `floor`), in the same type.
  public consuming func floor() -> Tensor { rounded(.floor) }
  /// The number without its fraction (PyTorch's `trunc` and `fix`), in the same type.
  public consuming func trunc() -> Tensor { rounded(.trunc) }
  /// The nearest integer, halves to even (PyTorch's `round`), in the same type.
  public consuming func round() -> Tensor { rounded(.round) }
  /// The nearest number with `decimals` digits after the point; negative: before it (PyTorch's `round(decimals:)`).
  public func round(decimals: Int) -> Tensor {
    if decimals == 0 || !dtype.isFloatingPoint { return round() }
    if dtype.isHalf { return inFull { $0.round(decimals: decimals) } }
    var power = 1.0
    for _ in 0..<Swift.min(decimals.magnitude, 400) { power *= 10 }
    return decimals > 0 ? (self * power).round() / power : (self / power).round() * power
  }
  /// The fraction with the number's sign (PyTorch's `frac`); floating types only.
  public consuming func frac() -> Tensor { apply(Frac(), reusing: self) }

  private consuming func rounded(_ kernel: UnaryKernel) -> Tensor {
    refuseBool("\(kernel)", help: "it is whole already")
    return apply(Step(kernel: kernel), reusing: self)
  }

  /// The quotient rounded to a whole number, in the operands' type (PyTorch's `div` with `rounding_mode`, and
  /// `floor_divide`). Integers stop the program at a divisor 0.
  public func div(_ other: some TensorOperand, roundingMode: RoundingMode) -> Tensor {
    let (a, b) = other.promoted(beside: self)
    a.refuseBadDivisor(b, "div")
    return apply(RoundedDiv(kernel: roundingMode == .floor ? .floorDivide : .truncDivide), a, b)
  }

  /// The remainder of floor division, with the divisor's sign, as Python's `%` (PyTorch's `remainder`).
  public func remainder(_ other: some TensorOperand) -> Tensor {
    let (a, b) = other.promoted(beside: self)
    a.refuseBadDivisor(b, "remainder")
    return apply(Remainder(), a, b)
  }

  /// The remainder of division towards 0, with the dividend's sign, as Swift's `%` (PyTorch's `fmod`).
  public func fmod(_ other: some TensorOperand) -> Tensor {
    let (a, b) = other.promoted(beside: self)
    a.refuseBadDivisor(b, "fmod")
    return apply(Fmod(), a, b)
  }

  private func refuseBadDivisor(_ divisor: Tensor, _ operation: String) {
    if dtype.isFloatingPoint { return }
    refuseBool(operation, help: "convert one side with to(.int64)")
    if (divisor .== 0).any().item(as: Bool.self) {
      stop(operation, "division of integers by 0", [self, divisor], help: "floating types give inf and NaN instead")
    }
  }

  /// The magnitudes of this tensor with the signs of `other`, that of −0.0 too (PyTorch's `copysign`).
  public func copysign(_ other: some TensorOperand) -> Tensor { combinedFloating(Copysign(), other) }
  /// The next representable number towards `other` (PyTorch's `nextafter`).
  public func nextafter(_ other: Tensor) -> Tensor { combinedFloating(Nextafter(), other) }
}
