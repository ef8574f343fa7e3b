import CPUKernelAPI

/// The larger of two, NaN if either is
struct Maximum: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.maximum
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    // Equal elements share the gradient.
    let (a, b) = (saved.a, saved.b)
    let shared = (g / 2).where(a .== b, g)
    return (shared.zeroed(where: a .< b), saved.needsB ? shared.zeroed(where: a .> b) : nil)
  }
}

/// The smaller of two, NaN if either is
struct Minimum: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.minimum
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let (a, b) = (saved.a, saved.b)
    let shared = (g / 2).where(a .== b, g)
    return (shared.zeroed(where: a .> b), saved.needsB ? shared.zeroed(where: a .< b) : nil)
  }
}

/// The larger of two, the other if one is NaN
struct Fmax: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.fmax
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let first = (saved.a .>= saved.b) | saved.b.isNaN()
    return (g.kept(where: first), saved.needsB ? g.zeroed(where: first) : nil)
  }
}

/// The smaller of two, the other if one is NaN
struct Fmin: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.fmin
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let first = (saved.a .<= saved.b) | saved.b.isNaN()
    return (g.kept(where: first), saved.needsB ? g.zeroed(where: first) : nil)
  }
}

/// 0 below 0, 1 above, b at 0
struct Heaviside: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.heaviside
  var isDifferentiable: Bool { false }
}

extension Tensor {
  /// The larger of two elements, NaN where either is; equal ones share the gradient (PyTorch's `maximum`).
  public func maximum(_ other: some TensorOperand) -> Tensor { combined(Maximum(), other) }
  /// The smaller of two elements, NaN where either is; equal ones share the gradient (PyTorch's `minimum`).
  public func minimum(_ other: some TensorOperand) -> Tensor { combined(Minimum(), other) }
  /// The larger of two elements; the other where one is NaN (PyTorch's `fmax`).
  public func fmax(_ other: some TensorOperand) -> Tensor { combined(Fmax(), other) }
  /// The smaller of two elements; the other where one is NaN (PyTorch's `fmin`).
  public func fmin(_ other: some TensorOperand) -> Tensor { combined(Fmin(), other) }
  /// 0 for negative elements, 1 for positive ones, `values` at 0 (PyTorch's `heaviside`). Has no gradient.
  public func heaviside(_ values: some TensorOperand) -> Tensor { combined(Heaviside(), values) }
}
