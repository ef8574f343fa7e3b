import FirecrestCPU

/// Which of `meshgrid`'s first two tensors varies along which dimension.
public enum GridIndexing: Sendable {
  /// The i-th tensor varies along dim i, as matrices are indexed.
  case ij
  /// The first tensor varies along dim 1 and the second along dim 0, as plots are drawn.
  case xy
}

/// For each vector a view that repeats it along the dimensions of all the others (PyTorch's `meshgrid`); scalars count
/// as vectors of one element.
public func meshgrid(_ tensors: [Tensor], indexing: GridIndexing = .ij) -> [Tensor] {
  if tensors.isEmpty { stop("meshgrid", "needs at least one tensor", []) }
  for tensor in tensors where tensor.rank > 1 { stop("meshgrid", "needs vectors", [tensor]) }
  var order = Array(tensors.indices)
  if indexing == .xy && order.count > 1 { order.swapAt(0, 1) }
  var shape = Shape(repeating: 1, count: tensors.count)
  for (d, i) in order.enumerated() { shape[d] = tensors[i].elementCount }
  return tensors.indices.map { i in
    var own = Shape(repeating: 1, count: shape.count)
    let d = order.firstIndex(of: i)!
    own[d] = shape[d]
    return tensors[i].view(own).expand(shape)
  }
}

/// All combinations of one element of each vector, as the rows of a matrix; one vector stays as it is (PyTorch's
/// `cartesian_prod`).
public func cartesianProd(_ tensors: [Tensor]) -> Tensor {
  if tensors.count == 1 { return tensors[0] }
  return stack(meshgrid(tensors).map { $0.flatten() }, dim: 1)
}

extension Tensor {
  /// The matrix whose columns are the powers of a vector's elements, x⁰ first if `increasing`, else last (PyTorch's
  /// `vander`; `linalg.vander` increases). Further dimensions in front are a batch. Without `columns` it is square.
  public func vander(columns: Int? = nil, increasing: Bool = false) -> Tensor {
    let x = atleast1d()
    let count = columns ?? x.shape[-1]
    if count < 0 { stop("vander", "negative number of columns: \(count)", [self]) }
    let dtype: DType = dtype == .bool ? .int64 : dtype
    let shape = Array(x.shape)
    if count == 0 { return Tensor.zeros(Shape(shape + [0]), dtype: dtype) }
    let ones = Tensor.ones(Shape(shape + [1]), dtype: dtype)
    if count == 1 { return ones }
    let factors = x.to(dtype).unsqueeze(dim: -1).expand(Shape(shape + [count - 1]))
    let powers = cat([ones, factors.cumprod(dim: -1)], dim: -1)
    return increasing ? powers : powers.flip(dims: [-1])
  }
}
