import CPUKernelAPI
import FirecrestCPU

/// The mean over `dims`
struct Mean: UnaryOp {
  let dims: DimSet
  let keepDim: Bool

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(try x.requireFloat().dtype, dims.reduced(x.shape, keepDim: keepDim))
  }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    inAccumulator(y, cpu) { y in
      reduce(.sum, x, dims, into: y, cpu)
      y.divideElements(by: Double(dims.count(x.shape)), cpu)
    }
  }

  func decomposed(_ x: Tensor) -> Tensor? { apply(Sum(dims: dims, keepDim: keepDim), x) / dims.count(x.shape) }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let share = g / dims.count(saved.xSpec.shape)
    return share.restored(dims, keepDim: keepDim, to: saved.xSpec.shape)
  }
}

/// How many elements are not 0
struct CountNonzero: UnaryOp {
  let dims: DimSet
  var name: String { "countNonzero" }
  var isDifferentiable: Bool { false }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(.int64, dims.reduced(x.shape, keepDim: false))
  }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) { reduce(.countNonzero, x, dims, into: y, cpu) }
  func decomposed(_ x: Tensor) -> Tensor? { apply(Sum(dims: dims, keepDim: false), x .!= 0) }
}

extension Tensor {
  /// The mean of all elements, NaN where there are none; floating types only, or with `dtype` (PyTorch's `mean`).
  public func mean(dtype: DType? = nil) -> Tensor { mean(dims: [], dtype: dtype) }

  /// The mean over one dimension.
  public func mean(dim: Int, keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
    mean(dims: [dim], keepDim: keepDim, dtype: dtype)
  }

  /// The mean over several dimensions; an empty list means all.
  public func mean(dims: [Int], keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
    apply(Mean(dims: dimSet(dims, "mean"), keepDim: keepDim), dtype.map { to($0) } ?? self)
  }

  /// The sum over dimensions (all without `dims`), NaN counted as 0 (PyTorch's `nansum`).
  public func nansum(dims: [Int] = [], keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
    let x = dtype.map { to($0) } ?? self
    let numbers = x.dtype.isFloatingPoint ? x.zeroed(where: x.isNaN()) : x
    return numbers.sum(dims: dims, keepDim: keepDim, dtype: dtype)
  }

  /// The mean over dimensions (all without `dims`) of the elements that are not NaN (PyTorch's `nanmean`).
  public func nanmean(dims: [Int] = [], keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
    let x = dtype.map { to($0) } ?? self
    if !x.dtype.isFloatingPoint { return x.mean(dims: dims, keepDim: keepDim) }
    let count = x.isNaN().logicalNot().sum(dims: dims, keepDim: keepDim)
    return x.nansum(dims: dims, keepDim: keepDim) / count
  }

  /// How many elements are not 0, over dimensions or, without `dims`, in all (PyTorch's `count_nonzero`).
  public func countNonzero(dims: [Int] = []) -> Tensor {
    apply(CountNonzero(dims: dimSet(dims, "countNonzero")), self)
  }
}
