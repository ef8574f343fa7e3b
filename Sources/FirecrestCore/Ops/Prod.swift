import CPUKernelAPI
import FirecrestCPU

/// Π x over `dims`
struct Prod: UnaryOp {
  let dims: DimSet
  let keepDim: Bool
  var saves: Saves { [.x, .y] }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(x.dtype.isFloatingPoint ? x.dtype : .int64, dims.reduced(x.shape, keepDim: keepDim))
  }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) { reduce(.prod, x, dims, into: y, cpu) }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let x = saved.x
    let hasZero = noGrad { (x .== 0).any().item(as: Bool.self) }
    if !hasZero { return (g * saved.y).restored(dims, keepDim: keepDim, to: x.shape) / x }
    return g.restored(dims, keepDim: keepDim, to: x.shape) * others(x)
  }

  /// For each element the product of all others: of those before it and of those after it, so that zeros do no harm.
  private func others(_ x: Tensor) -> Tensor {
    if x.rank == 0 { return Tensor.ones(x.shape, dtype: x.dtype) }
    let order = (0..<x.rank).filter { !dims.contains($0) } + (0..<x.rank).filter { dims.contains($0) }
    let moved = x.permute(order)
    let count = dims.count(x.shape)
    let rows = moved.reshape(Shape([x.elementCount / count, count]))
    let one = Tensor.ones([rows.shape[0], 1], dtype: x.dtype)
    func before(_ rows: Tensor) -> Tensor {
      cat([one, rows.narrow(dim: 1, start: 0, length: count - 1)], dim: 1).cumprod(dim: 1)
    }
    let after = before(rows.flip(dims: [1])).flip(dims: [1])
    let all = before(rows) * after
    var inverse = order
    for (i, d) in order.enumerated() { inverse[d] = i }
    return all.reshape(moved.shape).permute(inverse)
  }
}

extension Tensor {
  /// The product of all elements, 1 where there are none. Integers and bool are multiplied as int64 (PyTorch's `prod`).
  public func prod(dtype: DType? = nil) -> Tensor { prod(dims: [], dtype: dtype) }

  /// The product over one dimension.
  public func prod(dim: Int, keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
    prod(dims: [dim], keepDim: keepDim, dtype: dtype)
  }

  /// The product over several dimensions; an empty list means all.
  public func prod(dims: [Int], keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
    let y = apply(Prod(dims: dimSet(dims, "prod"), keepDim: keepDim), dtype.map { to($0) } ?? self)
    return dtype.map { y.to($0) } ?? y
  }
}
