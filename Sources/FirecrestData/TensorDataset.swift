import FirecrestCore

/// Tensors of equal first size; a sample is one slice of each (PyTorch's `TensorDataset`).
///
/// ```swift
/// let data = TensorDataset(x, y)            // samples (Tensor, Tensor)
/// let (image, label) = data[0]
/// ```
///
/// A sample is a view of the tensors; a batch is a copy.
public struct TensorDataset<Sample>: BatchedDataset {
  /// The tensors, as given.
  public let tensors: [Tensor]
  private let assemble: @Sendable ([Tensor]) -> Sample

  private init(_ tensors: [Tensor], _ assemble: @escaping @Sendable ([Tensor]) -> Sample) {
    for tensor in tensors where tensor.rank == 0 || tensor.shape[0] != tensors[0].shape[0] {
      stop(
        "TensorDataset", "all tensors need the same first size, the number of samples", tensors,
        help: "a scalar has no samples; unsqueeze it")
    }
    self.tensors = tensors
    self.assemble = assemble
  }

  /// The first size of the tensors.
  public var count: Int { tensors[0].shape[0] }

  /// One slice of each tensor. Stops where `index` is not in `0 ..< count`.
  public subscript(index: Int) -> Sample {
    if index < 0 || index >= count { stop("TensorDataset", "sample \(index) is not in 0..<\(count)", tensors) }
    return assemble(tensors.map { $0.select(dim: 0, index) })
  }

  /// The slices at `indices` of each tensor, copied.
  public func batch(_ indices: [Int]) -> Sample {
    let index = Tensor(indices, shape: [indices.count])
    return assemble(tensors.map { $0.indexSelect(dim: 0, index) })
  }
}

extension TensorDataset where Sample == Tensor {
  /// Samples that are slices of one tensor.
  public init(_ x: Tensor) { self.init([x]) { $0[0] } }
}

extension TensorDataset where Sample == (Tensor, Tensor) {
  /// Samples of two parts, usually input and target.
  public init(_ x: Tensor, _ y: Tensor) { self.init([x, y]) { ($0[0], $0[1]) } }
}

extension TensorDataset where Sample == (Tensor, Tensor, Tensor) {
  /// Samples of three parts.
  public init(_ x: Tensor, _ y: Tensor, _ z: Tensor) { self.init([x, y, z]) { ($0[0], $0[1], $0[2]) } }
}
