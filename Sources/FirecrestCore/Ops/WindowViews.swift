import FirecrestCPU

/// The elements whose indices in two dimensions differ by `offset`, as a new last dimension.
struct Diagonal: ViewOp {
  let offset: Int
  let dim1: Int
  let dim2: Int
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    let rows = x.shape[dim1]
    let columns = x.shape[dim2]
    // Further out there is nothing either.
    let offset = max(-rows, min(columns, offset))
    let length = max(0, offset >= 0 ? min(rows, columns - offset) : min(rows + offset, columns))
    var shape = Shape()
    var strides = Shape()
    for d in 0..<x.rank where d != dim1 && d != dim2 {
      shape.append(x.shape[d])
      strides.append(x.strides[d])
    }
    shape.append(length)
    strides.append(x.strides[dim1] + x.strides[dim2])
    let start = offset >= 0 ? offset * x.strides[dim2] : -offset * x.strides[dim1]
    return (shape, strides, length == 0 ? x.offset : x.offset + start)
  }
}

/// Windows of `size` indices of one dimension, `step` apart; the indices within a window become the last dimension.
struct Unfold: ViewOp {
  let dim: Int
  let size: Int
  let step: Int
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    var shape = x.shape
    var strides = x.strides
    let length = x.rank == 0 ? 1 : shape[dim]
    guard size >= 0, size <= length else { throw OpError("windows of \(size) do not fit dim \(dim) of size \(length)") }
    guard step > 0 else { throw OpError("the step must be positive, not \(step)") }
    if x.rank == 0 { return ([size], [1], x.offset) }
    shape[dim] = (length - size) / step + 1
    shape.append(size)
    strides.append(strides[dim])
    strides[dim] &*= step
    return (shape, strides, x.offset)
  }
}

extension Tensor {
  /// Every `step`-th index of dimension `dim` from `start` up to, not including, `end`, as a view (PyTorch's `slice`).
  /// Negative positions count from the end; positions outside are clamped, as in `x[start..<end]` of Python.
  public func slice(dim: Int = 0, start: Int? = nil, end: Int? = nil, step: Int = 1) -> Tensor {
    let (d, range) = sliceRange(dim, start, end, step, "slice")
    return apply(Slice(dim: d, start: range.start, count: range.count, step: step), self)
  }

  /// The dimension, first index and number of indices that `slice` means.
  func sliceRange(
    _ dim: Int, _ start: Int?, _ end: Int?, _ step: Int, _ operation: String
  ) -> (dim: Int, (start: Int, count: Int)) {
    let d = resolve(dim, operation)
    if rank == 0 { stop(operation, "a scalar has no dimension to slice", [self]) }
    if step <= 0 { stop(operation, "the step must be positive, not \(step)", [self], help: "flip(dims:) reverses") }
    let size = shape[d]
    func clamp(_ position: Int) -> Int { Swift.max(0, Swift.min(size, position < 0 ? position + size : position)) }
    let first = clamp(start ?? 0)
    let last = clamp(end ?? size)
    return (d, (first, last > first ? (last - first - 1) / step + 1 : 0))
  }

  /// The elements of each matrix of dimensions `dim1` and `dim2` whose column minus row is `offset`, as the last
  /// dimension of a view (PyTorch's `diagonal`).
  public func diagonal(offset: Int = 0, dim1: Int = 0, dim2: Int = 1) -> Tensor {
    apply(diagonalView(offset, dim1, dim2, "diagonal"), self)
  }

  func diagonalView(_ offset: Int, _ dim1: Int, _ dim2: Int, _ operation: String) -> Diagonal {
    if rank < 2 { stop(operation, "needs at least two dimensions", [self]) }
    let first = resolve(dim1, operation)
    let second = resolve(dim2, operation)
    if first == second { stop(operation, "dimensions \(dim1) and \(dim2) are the same", [self]) }
    return Diagonal(offset: offset, dim1: first, dim2: second)
  }

  /// All windows of `size` indices of dimension `dim`, `step` apart, as a view: the dimension counts the windows, and
  /// a new last one the indices within a window (PyTorch's `Tensor.unfold`).
  public func unfold(dim: Int, size: Int, step: Int) -> Tensor {
    apply(Unfold(dim: resolve(dim, "unfold"), size: size, step: step), self)
  }

  /// A vector as the diagonal of a new square matrix; of a matrix, a copy of its diagonal (PyTorch's `diag`).
  public func diag(offset: Int = 0) -> Tensor {
    switch rank {
    case 1: return diagEmbed(offset: offset)
    case 2: return diagonal(offset: offset).clone()
    default: stop("diag", "needs a vector or a matrix", [self], help: "use diagonal or diagEmbed")
    }
  }

  /// The last dimension as the diagonals of new matrices, zeros elsewhere; `dim1` and `dim2` are the matrices'
  /// dimensions in the result (PyTorch's `diag_embed`).
  public func diagEmbed(offset: Int = 0, dim1: Int = -2, dim2: Int = -1) -> Tensor {
    if rank == 0 { stop("diagEmbed", "needs at least one dimension", [self]) }
    let first: Int
    let second: Int
    do throws(OpError) {
      first = try resolveDim(dim1, rank: rank + 1)
      second = try resolveDim(dim2, rank: rank + 1)
    } catch { stop("diagEmbed", error, [self]) }
    if first == second { stop("diagEmbed", "dimensions \(dim1) and \(dim2) are the same", [self]) }
    if offset.magnitude > 1 << 40 { stop("diagEmbed", "the offset \(offset) is too large", [self]) }
    let size = shape[rank - 1] + Swift.abs(offset)
    var target = shape
    target.remove(at: rank - 1)
    target.insert(size, at: Swift.min(first, second))
    target.insert(size, at: Swift.max(first, second))
    return apply(Embed(view: Diagonal(offset: offset, dim1: first, dim2: second), shape: target), self)
  }

  /// All elements as the diagonal of a new square matrix (PyTorch's `diagflat`).
  public func diagflat(offset: Int = 0) -> Tensor { flatten().diagEmbed(offset: offset) }
}
