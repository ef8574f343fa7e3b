import CPUKernelAPI
import FirecrestCPU

/// Σ x over `dims`
struct Sum: UnaryOp {
  let dims: DimSet
  let keepDim: Bool
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(x.dtype.isFloatingPoint ? x.dtype : .int64, dims.reduced(x.shape, keepDim: keepDim))
  }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) { reduce(.sum, x, dims, into: y, cpu) }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    g.restored(dims, keepDim: keepDim, to: saved.xSpec.shape)
  }
}

extension Tensor {
  /// The sum of all elements. Integers and bool are summed as int64 (PyTorch's `sum`).
  public func sum(dtype: DType? = nil) -> Tensor {
    sum(dims: [], dtype: dtype)
  }

  /// The sum over one dimension.
  public func sum(dim: Int, keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
    sum(dims: [dim], keepDim: keepDim, dtype: dtype)
  }

  /// The sum over several dimensions; an empty list means all.
  public func sum(dims: [Int], keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
    let y = apply(Sum(dims: dimSet(dims, "sum"), keepDim: keepDim), dtype.map { to($0) } ?? self)
    return dtype.map { y.to($0) } ?? y
  }

  /// The sum over the dimensions in which this tensor is larger than `shape`, the inverse of broadcasting (PyTorch's
  /// `sum_to_size`).
  public func sumToSize(_ shape: Shape) -> Tensor { sum(to: shape) }
  /// The same: `x.sumToSize(3, 1)`.
  public func sumToSize(_ sizes: Int...) -> Tensor { sum(to: Shape(sizes)) }

  package func sum(to shape: Shape) -> Tensor {
    if shape == self.shape && (rank > 0 || dtype.isFloatingPoint) { return self }
    var dims = DimSet()
    let lead = rank - shape.count
    for d in 0..<rank where d < lead || (shape[d - lead] == 1 && self.shape[d] != 1) { dims.insert(d) }
    let kept = apply(Sum(dims: dims, keepDim: true), self)
    return lead == 0 ? kept : kept.view(shape)
  }

  /// The dimensions `dims` of this tensor, or the program stops in the name of `operation`.
  package func dimSet(_ dims: [Int]?, _ operation: String) -> DimSet {
    do { return try DimSet(dims, rank: rank) } catch { stop(operation, error, [self]) }
  }

  /// A reduction's gradient (or result) spread over the reduced dimensions again, as a view.
  package func restored(_ dims: DimSet, keepDim: Bool, to shape: Shape) -> Tensor {
    keepDim || dims.bits == 0 ? expand(shape) : view(dims.reduced(shape, keepDim: true)).expand(shape)
  }
}
