extension Tensor {
  /// A tensor without dimensions as one of one element, which is how these operations treat it.
  private var atLeastVector: Tensor { rank == 0 ? view(Shape([1])) : self }

  /// The plan of an operation that combines slices of `source` into those of this tensor, and the source with them.
  func indexPlan(_ dim: Int, _ index: Tensor, _ source: Tensor, _ operation: String) -> (IndexPlan, Tensor) {
    let d = resolve(dim, operation)
    let plan = slicePlan(d, index, operation)
    if source.dtype != dtype {
      stop(operation, "the source must have the tensor's type", [self, source], help: "convert it with to(.\(dtype))")
    }
    var expected = plan.shape
    if source.rank == 0 && rank <= 1 && index.elementCount == 1 { expected = Shape() }
    if source.shape != expected && source.atLeastVector.shape != expected {
      stop(
        operation, "the source must have shape \(plan.shape): one slice along dim \(d) for each index", [self, source])
    }
    return (plan, source)
  }

  private func slicePlan(_ d: Int, _ index: Tensor, _ operation: String) -> IndexPlan {
    if index.rank > 1 { stop(operation, "the index must be a vector", [self, index]) }
    let shape = rank == 0 ? Shape([1]) : self.shape
    return IndexPlan(shape, dim: d, index, operation, allowNegative: false)
  }

  /// The slices along `dim` that the vector `index` names, in its order (PyTorch's `index_select`).
  public func indexSelect(dim: Int, _ index: Tensor) -> Tensor {
    let plan = slicePlan(resolve(dim, "indexSelect"), index, "indexSelect")
    if rank == 0 && index.elementCount != 1 {
      stop("indexSelect", "a scalar takes an index of one element", [self, index])
    }
    return taking(plan.offsets, plan.layout, rank == 0 ? shape : plan.shape, "indexSelect")
  }

  /// The tensor with `alpha` times the slices of `source` along `dim` added to those that the vector `index` names, also
  /// several to the same (PyTorch's `index_add`).
  public func indexAdd(dim: Int, _ index: Tensor, _ source: Tensor, alpha: some TensorScalar = 1) -> Tensor {
    let (plan, source) = indexPlan(dim, index, source, "indexAdd")
    let scaled = alpha.scalar == .int(1) ? source : (source * alpha).to(dtype)
    return putting(scaled, plan.offsets, plan.layout, "indexAdd", adds: true)
  }

  /// The tensor with the slices of `source` along `dim` in place of those that the vector `index` names (PyTorch's
  /// `index_copy`).
  public func indexCopy(dim: Int, _ index: Tensor, _ source: Tensor) -> Tensor {
    let (plan, source) = indexPlan(dim, index, source, "indexCopy")
    return putting(source, plan.offsets, plan.layout, "indexCopy")
  }

  /// The tensor with `value`, a tensor of one element, in the slices along `dim` that the vector `index` names
  /// (PyTorch's `index_fill`); negative indices count from the end.
  public func indexFill(dim: Int, _ index: Tensor, _ value: Tensor) -> Tensor {
    let d = resolve(dim, "indexFill")
    if value.rank != 0 { stop("indexFill", "the value must be a tensor without dimensions", [self, value]) }
    if index.rank > 1 { stop("indexFill", "the index must be a vector", [self, index]) }
    let size = rank == 0 ? 1 : shape[d]
    let positions = Tensor(empty: index.shape, .int64)
    positions.accumulateIndex(index, stride: 1, size: size, dim: d, "indexFill", allowNegative: true, first: true)
    // A mask, not a scatter: a slice named twice is filled once and passes its gradient to the value once.
    let mask = Tensor.zeros([size], dtype: .bool)
    mask.withElements(Bool.self) { mask in
      positions.withElements(Int64.self) { for i in $0 { mask[Int(i)] = true } }
    }
    var broadcast = Shape(repeating: 1, count: rank)
    if rank > 0 { broadcast[d] = size }
    return value.to(dtype).where(mask.view(broadcast), self)
  }

  /// The tensor with the number `value` in the slices along `dim` that the vector `index` names.
  public func indexFill(dim: Int, _ index: Tensor, _ value: some TensorScalar) -> Tensor {
    dtype.refuse(value.scalar, "indexFill")
    return indexFill(dim: dim, index, Tensor.scalar(value.scalar, dtype))
  }

  /// The elements at positions of the tensor taken flat, in the index's shape (PyTorch's `take`); negative positions
  /// count from the end.
  public func take(_ index: Tensor) -> Tensor {
    taking(flatOffsets(index, "take"), RunLayout(shape), index.shape, "take")
  }

  /// The tensor with `source` at positions of the tensor taken flat, or added there with `accumulate` (PyTorch's
  /// `put`). Source and index have equally many elements.
  public func put(_ index: Tensor, _ source: Tensor, accumulate: Bool = false) -> Tensor {
    if source.dtype != dtype { stop("put", "the source must have the tensor's type", [self, source]) }
    if source.elementCount != index.elementCount {
      stop("put", "source and index must have equally many elements", [source, index])
    }
    return putting(source, flatOffsets(index, "put"), RunLayout(shape), "put", adds: accumulate)
  }

  private func flatOffsets(_ index: Tensor, _ operation: String) -> Tensor {
    let offsets = Tensor(empty: index.shape, .int64)
    offsets.accumulateIndex(
      index, stride: 1, size: elementCount, dim: 0, operation, allowNegative: true, first: true)
    return offsets
  }
}
