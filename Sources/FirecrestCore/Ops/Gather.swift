extension Tensor {
  /// y[i, j, k] = x[i, index[i, j, k], k] for `dim` 1: along `dim`, the elements that the index names (PyTorch's
  /// `gather`). The index has as many dimensions as the tensor, is not larger in the others, and gives the shape.
  public func gather(dim: Int, _ index: Tensor) -> Tensor {
    gather(dim: resolve(dim, "gather"), index, "gather", refuse: nil)
  }

  /// The same for another operation, which may say itself what is wrong with an index.
  func gather(dim: Int, _ index: Tensor, _ operation: String, refuse: ((Int64) -> Never)?) -> Tensor {
    taking(gatherOffsets(dim: dim, index, operation, refuse: refuse), RunLayout(shape), index.shape, operation)
  }

  /// Like `gather`, but index and tensor broadcast in the other dimensions, and negative indices count from the end;
  /// without `dim` both are taken flat (PyTorch's `take_along_dim`, NumPy's `take_along_axis`).
  public func takeAlongDim(_ index: Tensor, dim: Int? = nil) -> Tensor {
    guard let dim else { return reshape(-1).takeAlongDim(index.reshape(-1), dim: 0) }
    let d = resolve(dim, "takeAlongDim")
    if rank != index.rank {
      stop("takeAlongDim", "the index must have as many dimensions as the tensor", [self, index])
    }
    var (left, right) = (shape, index.shape)
    if rank > 0 {
      left[d] = 1
      right[d] = 1
    }
    var common: Shape
    do { common = try broadcastShapes(left, right) } catch { stop("takeAlongDim", error, [self, index]) }
    var indexShape = common
    if rank > 0 {
      common[d] = shape[d]
      indexShape[d] = index.shape[d]
    }
    let wrapped = Tensor(empty: indexShape, .int64)
    wrapped.accumulateIndex(
      index, stride: 1, size: rank == 0 ? 1 : shape[d], dim: d, "takeAlongDim", allowNegative: true, first: true)
    return expand(common).gather(dim: d, wrapped)
  }

  /// The tensor with the elements of `source` put where `index` names them along `dim`: y[i, index[i, j, k], k] =
  /// source[i, j, k] for `dim` 1 (PyTorch's `scatter`). Where several go to one place the last one stays.
  public func scatter(dim: Int, _ index: Tensor, _ source: Tensor) -> Tensor {
    scattering(dim, index, source, "scatter", adds: false)
  }

  /// The tensor with `value` put where `index` names places along `dim`.
  public func scatter(dim: Int, _ index: Tensor, _ value: some TensorScalar) -> Tensor {
    dtype.refuse(value.scalar, "scatter")
    return scatter(dim: dim, index, Tensor.scalar(value.scalar, dtype).expand(index.shape))
  }

  /// Like `scatter`, but added to what is there (PyTorch's `scatter_add`).
  public func scatterAdd(dim: Int, _ index: Tensor, _ source: Tensor) -> Tensor {
    scattering(dim, index, source, "scatterAdd", adds: true)
  }

  private func scattering(_ dim: Int, _ index: Tensor, _ source: Tensor, _ operation: String, adds: Bool) -> Tensor {
    let offsets = gatherOffsets(dim: resolve(dim, operation), index, operation)
    let source = scatterSource(index, source, operation)
    return putting(source, offsets, RunLayout(shape), operation, adds: adds)
  }

  /// The part of a scatter's source for which there are indices.
  func scatterSource(_ index: Tensor, _ source: Tensor, _ operation: String) -> Tensor {
    if source.dtype != dtype {
      stop(operation, "the source must have the tensor's type", [self, source], help: "convert it with to(.\(dtype))")
    }
    if source.shape == index.shape { return source }
    if index.elementCount == 0 { return Tensor(empty: index.shape, dtype) }
    if source.elementCount == 1 && index.elementCount == 1 { return source.view(index.shape) }
    var part = source
    for d in 0..<index.rank {
      if source.rank != index.rank || index.shape[d] > source.shape[d] {
        stop(operation, "the index must not be larger than the source in any dimension", [source, index])
      }
      if index.shape[d] < source.shape[d] { part = part.narrow(dim: d, start: 0, length: index.shape[d]) }
    }
    return part
  }
}
