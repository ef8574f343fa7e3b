private func maxUnpool(
  _ x: Tensor, _ indices: Tensor, _ spatial: Int, kernel: some SpatialSizes, stride: (some SpatialSizes)?,
  padding: some SpatialSizes, outputSize: [Int]?
) -> Tensor {
  let operation = "maxUnpool\(spatial)d", all = [x, indices]
  if x.rank != spatial + 1 && x.rank != spatial + 2 {
    stop(operation, "the input must have \(spatial + 2) or \(spatial + 1) dimensions, not \(x.rank)", all)
  }
  if indices.dtype != .int64 || indices.shape != x.shape {
    stop(operation, "the indices must be int64 and of the input's shape", all)
  }
  let kernel = spatialSizes(kernel, count: spatial, otherwise: 1, least: 1, operation, "kernelSize", all)
  let step = stride.map { spatialSizes($0, count: spatial, otherwise: 1, least: 1, operation, "stride", all) } ?? kernel
  let padding = spatialSizes(padding, count: spatial, otherwise: 0, least: 0, operation, "padding", all)
  let input = spatialVector(Array(x.shape.dropFirst(x.rank - spatial)), otherwise: 1)
  var size = (input &- 1) &* step &+ kernel &- 2 &* padding
  if let outputSize {
    if outputSize.count < spatial {
      stop(operation, "outputSize \(outputSize) does not fit \(spatial) spatial dimensions", all)
    }
    size = spatialVector(Array(outputSize.suffix(spatial)), otherwise: 1)
  }
  if size.min() < 0 { stop(operation, "the output would have size \(size.last(spatial))", all) }
  let planes = x.shape.dropLast(spatial).reduce(1, *)
  let start = Tensor.zeros(Shape([planes, size.volume]), dtype: x.dtype)
  let flat = Shape([planes, input.volume])
  return start.scatter(dim: 1, indices.reshape(flat), x.reshape(flat))
    .reshape(Shape(Array(x.shape.dropLast(spatial)) + size.last(spatial)))
}

/// The inverse of `maxPool1dWithIndices` as far as there is one: maxima at their positions, zeros elsewhere (PyTorch's
/// `nn.functional.max_unpool1d`); see `maxUnpool2d`.
public func maxUnpool1d(
  _ input: Tensor, _ indices: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, outputSize: [Int]? = nil
) -> Tensor {
  maxUnpool(input, indices, 1, kernel: kernelSize, stride: stride, padding: padding, outputSize: outputSize)
}

/// The inverse of `maxPool2dWithIndices` as far as there is one: maxima at their positions, zeros elsewhere (PyTorch's
/// `nn.functional.max_unpool2d`).
///
/// - Parameters:
///   - input: [N, C, H, W] or [C, H, W].
///   - indices: Positions in the output's planes, int64, of the input's shape.
///   - kernelSize: The pooling's window.
///   - stride: The pooling's stride; the kernel size if not given.
///   - padding: The pooling's padding.
///   - outputSize: The output's shape, of which the last two count; needed where several sizes pool to the input's.
public func maxUnpool2d(
  _ input: Tensor, _ indices: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, outputSize: [Int]? = nil
) -> Tensor {
  maxUnpool(input, indices, 2, kernel: kernelSize, stride: stride, padding: padding, outputSize: outputSize)
}

/// The inverse of `maxPool3dWithIndices` as far as there is one: maxima at their positions, zeros elsewhere (PyTorch's
/// `nn.functional.max_unpool3d`); see `maxUnpool2d`.
public func maxUnpool3d(
  _ input: Tensor, _ indices: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, outputSize: [Int]? = nil
) -> Tensor {
  maxUnpool(input, indices, 3, kernel: kernelSize, stride: stride, padding: padding, outputSize: outputSize)
}
