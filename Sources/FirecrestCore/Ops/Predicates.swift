import CPUKernelAPI
import FirecrestCPU

/// A question about each element, truth out.
struct Predicate: UnaryOp {
  let kernel: PredicateKernel
  var name: String { "\(kernel)" }
  var isDifferentiable: Bool { false }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { TensorSpec(.bool, x.shape) }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    ElementwiseLoop(x, into: y).run(cpu) { cpu.kernels.predicate(kernel, x.dtype, $0, $1[0], $1[1]) }
  }
}

extension Tensor {
  /// Where elements are NaN (PyTorch's `isnan`).
  public func isNaN() -> Tensor { apply(Predicate(kernel: .isNan), self) }
  /// Where elements are +∞ or −∞ (PyTorch's `isinf`).
  public func isInf() -> Tensor { apply(Predicate(kernel: .isInf), self) }
  /// Where elements are +∞ (PyTorch's `isposinf`).
  public func isPosInf() -> Tensor { apply(Predicate(kernel: .isPosInf), self) }
  /// Where elements are −∞ (PyTorch's `isneginf`).
  public func isNegInf() -> Tensor { apply(Predicate(kernel: .isNegInf), self) }
  /// Where elements are neither infinite nor NaN (PyTorch's `isfinite`).
  public func isFinite() -> Tensor { apply(Predicate(kernel: .isFinite), self) }
  /// Where the sign bit is set, that of −0.0 too (PyTorch's `signbit`).
  public func signbit() -> Tensor { apply(Predicate(kernel: .signbit), self) }
  /// True for every element, as Firecrest has no complex numbers (PyTorch's `isreal`).
  public func isReal() -> Tensor { Tensor.ones(like: self, dtype: .bool) }
  /// Where elements are 0 or false (PyTorch's `logical_not`).
  public func logicalNot() -> Tensor { apply(Predicate(kernel: .logicalNot), self) }
}

/// Whether any, or every, element of `dims` is not 0.
struct AnyAll: UnaryOp {
  let kernel: ReduceKernel
  let dims: DimSet
  let keepDim: Bool
  var name: String { "\(kernel)" }
  var isDifferentiable: Bool { false }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(.bool, dims.reduced(x.shape, keepDim: keepDim))
  }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) { reduce(kernel, x, dims, into: y, cpu) }
}

extension Tensor {
  /// Whether any element is not 0 (PyTorch's `any`).
  public func any() -> Tensor { apply(AnyAll(kernel: .any, dims: .all(rank), keepDim: false), self) }
  /// Whether any element along a dimension is not 0.
  public func any(dim: Int, keepDim: Bool = false) -> Tensor { any(dims: [dim], keepDim: keepDim) }
  /// Whether any element along several dimensions is not 0.
  public func any(dims: [Int], keepDim: Bool = false) -> Tensor {
    apply(AnyAll(kernel: .any, dims: dimSet(dims, "any"), keepDim: keepDim), self)
  }
  /// Whether all elements are other than 0 (PyTorch's `all`).
  public func all() -> Tensor { apply(AnyAll(kernel: .all, dims: .all(rank), keepDim: false), self) }
  /// Whether all elements along a dimension are other than 0.
  public func all(dim: Int, keepDim: Bool = false) -> Tensor { all(dims: [dim], keepDim: keepDim) }
  /// Whether all elements along several dimensions are other than 0.
  public func all(dims: [Int], keepDim: Bool = false) -> Tensor {
    apply(AnyAll(kernel: .all, dims: dimSet(dims, "all"), keepDim: keepDim), self)
  }
}
