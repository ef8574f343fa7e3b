import CPUKernelAPI

/// sin x
struct Sin: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.sin
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.x.cos() }
}

/// cos x
struct Cos: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.cos
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * -saved.x.sin() }
}

/// tan x
struct Tan: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.tan
  var saves: Saves { .y }
  func decomposed(_ x: Tensor) -> Tensor? { x.sin() / x.cos() }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (saved.y.square() + 1) }
}

/// arcsin x
struct Asin: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.asin
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (1 - saved.x.square()).rsqrt() }
}

/// arccos x
struct Acos: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.acos
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { 1.5707963267948966 - x.asin() }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * -(1 - saved.x.square()).rsqrt() }
}

/// arctan x
struct Atan: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.atan
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g / (saved.x.square() + 1) }
}

/// The angle of the point (b, a)
struct Atan2: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.atan2
  static let cost = 8
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let square = saved.a.square() + saved.b.square()
    // Dividing by 1 where both are 0 makes the derivative 0 there.
    let scaled = g / square.where(square .!= 0, 1)
    return (scaled * saved.b, saved.needsB ? scaled * -saved.a : nil)
  }
}

/// sinh x
struct Sinh: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.sinh
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { (x.exp() - (-x).exp()) / 2 }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.x.cosh() }
}

/// cosh x
struct Cosh: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.cosh
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { (x.exp() + (-x).exp()) / 2 }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.x.sinh() }
}

/// tanh x
struct Tanh: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.tanh
  var saves: Saves { .y }
  func decomposed(_ x: Tensor) -> Tensor? { (x * 2).sigmoid() * 2 - 1 }
  func vjp(_ g: consuming Tensor, _ saved: UnarySaved) -> Tensor? { apply(TanhBackward(), reusing: g, saved.y) }
}

/// g · (1 − y²), where y = tanh x
struct TanhBackward: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.tanhBackward
  var saves: Saves { [.a, .b] }
  func decomposed(_ g: Tensor, _ y: Tensor) -> Tensor? { g * (1 - y.square()) }
  func vjp(_ gg: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let gy = saved.needsB ? gg * saved.a * saved.b * -2 : nil
    return (apply(TanhBackward(), gg, saved.b), gy)
  }
}

/// The inverse of sinh
struct Asinh: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.asinh
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (saved.x.square() + 1).rsqrt() }
}

/// The inverse of cosh
struct Acosh: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.acosh
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (saved.x.square() - 1).rsqrt() }
}

/// The inverse of tanh
struct Atanh: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.atanh
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g / (1 - saved.x.square()) }
}

/// sqrt(a² + b²)
struct Hypot: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.hypot
  static let cost = 2
  var saves: Saves { [.a, .b, .y] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (g * (saved.a / saved.y), saved.needsB ? g * (saved.b / saved.y) : nil)
  }
}

/// sin(πx) / (πx), 1 at 0
struct Sinc: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.sinc
  static let cost = 16
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? {
    let a = (x * Double.pi).where(x .!= 0, 1)
    return (a.sin() / a).where(x .!= 0, 1)
  }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    // With a = πx: π (a cos a − sin a) / a².
    let a = (saved.x * Double.pi).where(saved.x .!= 0, 1)
    let slope = (a * a.cos() - a.sin()) / a.square() * Double.pi
    return (g * slope).zeroed(where: saved.x .== 0)
  }
}

/// Degrees as radians
struct Deg2rad: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.deg2rad
  static let cost = 1
  func decomposed(_ x: Tensor) -> Tensor? { x * (Double.pi / 180) }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g.deg2rad() }
}

/// Radians as degrees
struct Rad2deg: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.rad2deg
  static let cost = 1
  func decomposed(_ x: Tensor) -> Tensor? { x * (180 / Double.pi) }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g.rad2deg() }
}

/// The angle of a real number in the complex plane: 0, π where it is negative
struct Angle: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.angle
  static let cost = 1
  func decomposed(_ x: Tensor) -> Tensor? {
    let isNegative = (x .< 0).to(x.dtype)
    return (isNegative * Double.pi).where(x .== x, Double.nan)
  }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g.zerosLike }
}

extension Tensor {
  /// The sine of each angle in radians (PyTorch's `sin`).
  public consuming func sin() -> Tensor { inFloating(Sin()) }
  /// The cosine (PyTorch's `cos`).
  public consuming func cos() -> Tensor { inFloating(Cos()) }
  /// The tangent (PyTorch's `tan`).
  public consuming func tan() -> Tensor { inFloating(Tan()) }
  /// The angle in −π/2...π/2 with this sine (PyTorch's `asin`); NaN outside of −1...1.
  public consuming func asin() -> Tensor { inFloating(Asin()) }
  /// The angle in 0...π with this cosine (PyTorch's `acos`).
  public consuming func acos() -> Tensor { inFloating(Acos()) }
  /// The angle in −π/2...π/2 with this tangent (PyTorch's `atan`).
  public consuming func atan() -> Tensor { inFloating(Atan()) }
  /// The angle in −π...π of the point (x, this) (PyTorch's `atan2`).
  public func atan2(_ x: some TensorOperand) -> Tensor { combinedFloating(Atan2(), x) }
  /// The hyperbolic sine (PyTorch's `sinh`).
  public consuming func sinh() -> Tensor { inFloating(Sinh()) }
  /// The hyperbolic cosine (PyTorch's `cosh`).
  public consuming func cosh() -> Tensor { inFloating(Cosh()) }
  /// The hyperbolic tangent (PyTorch's `tanh`).
  public consuming func tanh() -> Tensor { inFloating(Tanh()) }
  /// The inverse hyperbolic sine (PyTorch's `asinh`).
  public consuming func asinh() -> Tensor { inFloating(Asinh()) }
  /// The inverse hyperbolic cosine (PyTorch's `acosh`); NaN below 1.
  public consuming func acosh() -> Tensor { inFloating(Acosh()) }
  /// The inverse hyperbolic tangent (PyTorch's `atanh`); NaN outside of −1...1.
  public consuming func atanh() -> Tensor { inFloating(Atanh()) }
  /// sqrt(a² + b²) without overflow (PyTorch's `hypot`).
  public func hypot(_ other: some TensorOperand) -> Tensor { combinedFloating(Hypot(), other) }
  /// sin(πx) / (πx), 1 at 0 (PyTorch's `sinc`).
  public consuming func sinc() -> Tensor { inFloating(Sinc()) }
  /// Degrees as radians (PyTorch's `deg2rad`).
  public consuming func deg2rad() -> Tensor { inFloating(Deg2rad()) }
  /// Radians as degrees (PyTorch's `rad2deg`).
  public consuming func rad2deg() -> Tensor { inFloating(Rad2deg()) }
  /// The angle of each element in the complex plane, in radians (PyTorch's `angle`): 0, π where it is negative, NaN
  /// where it is NaN. Its derivative is 0.
  public consuming func angle() -> Tensor { inFloating(Angle()) }
}
