import CPUKernelAPI

/// The modified Bessel function of the first kind, order 0
struct I0: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.i0
  static let cost = 32
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.x.i1() }
}

/// e^(−|x|) I₀(x)
struct I0e: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.i0e
  static let cost = 32
  var saves: Saves { [.x, .y] }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (saved.x.i1e() - saved.x.sign() * saved.y) }
}

/// The modified Bessel function of the first kind, order 1
struct I1: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.i1
  static let cost = 32
  var saves: Saves { [.x, .y] }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let x = saved.x
    let isSmall = x.abs() .<= x.dtype.epsilon
    let slope = x.i0() - saved.y / x.where(~isSmall, 1)
    return g * slope.where(~isSmall, 0.5)
  }
}

/// e^(−|x|) I₁(x)
struct I1e: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.i1e
  static let cost = 32
  var saves: Saves { [.x, .y] }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let x = saved.x
    let isSmall = x.abs() .<= x.dtype.epsilon
    let safe = x.where(~isSmall, 1)
    let slope = x.i0e() - saved.y * (safe.sign() + safe.reciprocal())
    return g * slope.where(~isSmall, 0.5)
  }
}

/// The Bessel function of the first kind, order 0
struct BesselJ0: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.besselJ0
  static let cost = 64
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * -saved.x.besselJ1() }
}

/// The Bessel function of the first kind, order 1
struct BesselJ1: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.besselJ1
  static let cost = 64
  var saves: Saves { [.x, .y] }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let isZero = saved.x .== 0
    let slope = saved.x.besselJ0() - saved.y / saved.x.where(~isZero, 1)
    return g * slope.where(~isZero, 0.5)
  }
}

/// The Bessel function of the second kind, order 0
struct BesselY0: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.besselY0
  static let cost = 64
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * -saved.x.besselY1() }
}

/// The Bessel function of the second kind, order 1
struct BesselY1: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.besselY1
  static let cost = 64
  var saves: Saves { [.x, .y] }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (saved.x.besselY0() - saved.y / saved.x) }
}

extension DType {
  /// The distance from 1 to the next number of a floating type (PyTorch's `finfo.eps`).
  package var epsilon: Double {
    switch self {
    case .float16: 0x1p-10
    case .bfloat16: 0x1p-7
    case .float64: 0x1p-52
    default: 0x1p-23
    }
  }
}

extension Tensor {
  /// The modified Bessel function of the first kind of order 0 (PyTorch's `i0`).
  public consuming func i0() -> Tensor { inFloating(I0()) }
  /// e^(−|x|) i0(x), which does not overflow (PyTorch's `special.i0e`).
  public consuming func i0e() -> Tensor { inFloating(I0e()) }
  /// The modified Bessel function of the first kind of order 1 (PyTorch's `special.i1`).
  public consuming func i1() -> Tensor { inFloating(I1()) }
  /// e^(−|x|) i1(x), which does not overflow (PyTorch's `special.i1e`).
  public consuming func i1e() -> Tensor { inFloating(I1e()) }
  /// The Bessel function of the first kind of order 0 (PyTorch's `special.bessel_j0`).
  public consuming func besselJ0() -> Tensor { inFloating(BesselJ0()) }
  /// The Bessel function of the first kind of order 1 (PyTorch's `special.bessel_j1`).
  public consuming func besselJ1() -> Tensor { inFloating(BesselJ1()) }
  /// The Bessel function of the second kind of order 0 (PyTorch's `special.bessel_y0`).
  public consuming func besselY0() -> Tensor { inFloating(BesselY0()) }
  /// The Bessel function of the second kind of order 1 (PyTorch's `special.bessel_y1`).
  public consuming func besselY1() -> Tensor { inFloating(BesselY1()) }
}
