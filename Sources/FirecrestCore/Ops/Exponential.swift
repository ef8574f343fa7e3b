import CPUKernelAPI

private let ln2 = 0.6931471805599453
private let ln10 = 2.302585092994046

/// eˣ
struct Exp: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.exp
  var saves: Saves { .y }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.y }
}

/// 2ˣ
struct Exp2: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.exp2
  var saves: Saves { .y }
  func decomposed(_ x: Tensor) -> Tensor? { (x * ln2).exp() }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * saved.y * ln2 }
}

/// eˣ − 1, exact near 0
struct Expm1: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.expm1
  var saves: Saves { .y }
  func decomposed(_ x: Tensor) -> Tensor? { x.exp() - 1 }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g * (saved.y + 1) }
}

/// ln x
struct Log: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.log
  var saves: Saves { .x }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g / saved.x }
}

/// log₂ x
struct Log2: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.log2
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { x.log() / ln2 }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g / (saved.x * ln2) }
}

/// log₁₀ x
struct Log10: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.log10
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { x.log() / ln10 }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g / (saved.x * ln10) }
}

/// ln(1 + x), exact near 0
struct Log1p: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.log1p
  var saves: Saves { .x }
  func decomposed(_ x: Tensor) -> Tensor? { (x + 1).log() }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g / (saved.x + 1) }
}

/// ln(eᵃ + eᵇ)
struct Logaddexp: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.logaddexp
  static let cost = 8
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let d = saved.a - saved.b
    return (g / ((-d).exp() + 1), g / (d.exp() + 1))
  }
}

/// log₂(2ᵃ + 2ᵇ)
struct Logaddexp2: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.logaddexp2
  static let cost = 8
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let d = saved.a - saved.b
    return (g / ((-d).exp2() + 1), g / (d.exp2() + 1))
  }
}

/// a ln b, 0 where a is 0
struct Xlogy: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.xlogy
  static let cost = 4
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let (a, b) = (saved.a, saved.b)
    let ga = saved.needsA ? g.xlogy(b).zeroed(where: (a .== 0) & (b .<= 0)) : nil
    return (ga, saved.needsB ? g * a / b : nil)
  }
}

/// a ln(1 + b), 0 where a is 0
struct Xlog1py: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.xlog1py
  static let cost = 4
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let (a, b) = (saved.a, saved.b)
    let ga = saved.needsA ? g.xlog1py(b).zeroed(where: (a .== 0) & (b .<= -1)) : nil
    return (ga, saved.needsB ? g * a / (b + 1) : nil)
  }
}

extension Tensor {
  /// eˣ of each element (PyTorch's `exp`); integers give float32.
  public consuming func exp() -> Tensor { inFloating(Exp()) }
  /// 2ˣ of each element (PyTorch's `exp2`).
  public consuming func exp2() -> Tensor { inFloating(Exp2()) }
  /// eˣ − 1, accurate near 0 (PyTorch's `expm1`).
  public consuming func expm1() -> Tensor { inFloating(Expm1()) }
  /// The natural logarithm (PyTorch's `log`); −∞ at 0, NaN below.
  public consuming func log() -> Tensor { inFloating(Log()) }
  /// The logarithm to base 2 (PyTorch's `log2`).
  public consuming func log2() -> Tensor { inFloating(Log2()) }
  /// The logarithm to base 10 (PyTorch's `log10`).
  public consuming func log10() -> Tensor { inFloating(Log10()) }
  /// ln(1 + x), accurate near 0 (PyTorch's `log1p`).
  public consuming func log1p() -> Tensor { inFloating(Log1p()) }

  /// ln(eᵃ + eᵇ) without overflow (PyTorch's `logaddexp`).
  public func logaddexp(_ other: some TensorOperand) -> Tensor { combinedFloating(Logaddexp(), other) }
  /// log₂(2ᵃ + 2ᵇ) without overflow (PyTorch's `logaddexp2`).
  public func logaddexp2(_ other: some TensorOperand) -> Tensor { combinedFloating(Logaddexp2(), other) }
  /// x ln y, which is 0 where x is 0 and y is not NaN (PyTorch's `xlogy`).
  public func xlogy(_ y: some TensorOperand) -> Tensor { combinedFloating(Xlogy(), y) }
  /// x ln(1 + y), which is 0 where x is 0 and y is not NaN (PyTorch's `special.xlog1py`).
  public func xlog1py(_ y: some TensorOperand) -> Tensor { combinedFloating(Xlog1py(), y) }
}
