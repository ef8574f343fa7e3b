import FirecrestCPU

/// The parts of a tensor along one dimension, made together: their gradients meet here and are joined once, where
/// views made one by one would each add a tensor of zeros.
private final class SplitNode: Node {
  private let dim: Int
  private let spec: TensorSpec
  private let sizes: [Int]
  /// True where each part is one index and has lost the dimension.
  private let removesDim: Bool

  init(_ x: Tensor, dim: Int, sizes: [Int], removesDim: Bool) {
    self.dim = dim
    self.sizes = sizes
    self.removesDim = removesDim
    spec = x.spec
    let edge = x.edge
    super.init()
    edge0 = edge
  }

  override var name: String { removesDim ? "unbind" : "split" }

  override func propagate(_ gradient: consuming Tensor?, _ engine: Engine) {
    var parts: [Tensor] = []
    for (index, size) in sizes.enumerated() {
      if let g = index == 0 ? gradient : morePending[index] {
        parts.append(removesDim ? g.unsqueeze(dim: dim) : g)
      } else {
        var shape = spec.shape
        shape[dim] = size
        parts.append(Tensor.zeros(shape, dtype: spec.dtype))
      }
    }
    let joined = cat(parts, dim: dim)
    engine.inspect(joined, name, input: 0)
    engine.send(joined, to: edge0)
  }
}

extension Tensor {
  /// Views of consecutive runs of indices along a dimension; the runs cover it.
  private func parts(_ dim: Int, _ sizes: [Int], removesDim: Bool = false) -> [Tensor] {
    let records = GradMode.isEnabled
    let node =
      records && requiresGrad && !sizes.isEmpty ? SplitNode(self, dim: dim, sizes: sizes, removesDim: removesDim) : nil
    var start = 0
    return sizes.enumerated().map { index, size in
      var shape = shape
      var strides = strides
      if removesDim {
        shape.remove(at: dim)
        strides.remove(at: dim)
      } else {
        shape[dim] = size
      }
      let part = window(shape, strides: strides, offset: size == 0 ? offset : offset + start * self.strides[dim])
      if records {
        let extras = TensorExtras()
        extras.base = viewBase
        extras.baseVersion = storage.version
        part.extras = extras
        part.node = node
        part.outputIndex = index
      } else {
        part.rememberUnrecorded(viewOf: self)
      }
      start += size
      return part
    }
  }

  private func splitDim(_ dim: Int, _ operation: String) -> Int {
    let d = resolve(dim, operation)
    if rank == 0 { stop(operation, "a scalar has no dimension to split", [self]) }
    return d
  }

  /// Pieces of `size` indices along a dimension, the last one smaller where they do not divide it, as views (PyTorch's
  /// `split`).
  public func split(_ size: Int, dim: Int = 0) -> [Tensor] {
    let d = splitDim(dim, "split")
    let length = shape[d]
    if size < 0 || (size == 0 && length != 0) {
      stop("split", "pieces of \(size) cannot cover \(length) indices", [self])
    }
    if length == 0 { return parts(d, [0]) }
    return parts(d, stride(from: 0, to: length, by: size).map { Swift.min(size, length - $0) })
  }

  /// Pieces of the given sizes along a dimension, as views; the sizes must add up to it (PyTorch's `split_with_sizes`).
  public func split(_ sizes: [Int], dim: Int = 0) -> [Tensor] {
    let d = splitDim(dim, "split")
    if sizes.contains(where: { $0 < 0 || $0 > shape[d] }) || sizes.reduce(0, +) != shape[d] {
      stop("split", "the sizes \(sizes) do not add up to dim \(d) of size \(shape[d])", [self])
    }
    return parts(d, sizes)
  }

  /// At most `count` pieces of equal size along a dimension, the last one smaller or missing, as views (PyTorch's
  /// `chunk`; `tensorSplit` always gives `count`).
  public func chunk(_ count: Int, dim: Int = 0) -> [Tensor] {
    let d = splitDim(dim, "chunk")
    if count <= 0 { stop("chunk", "the number of pieces must be positive, not \(count)", [self]) }
    let length = shape[d]
    if length == 0 {
      refuseMany(count, "chunk")
      return parts(d, Array(repeating: 0, count: count))
    }
    return split(length / count + (length % count == 0 ? 0 : 1), dim: d)
  }

  /// Exactly `count` pieces along a dimension, the first ones larger by 1 where they do not divide it, as views
  /// (PyTorch's `tensor_split`).
  public func tensorSplit(_ count: Int, dim: Int = 0) -> [Tensor] {
    let d = splitDim(dim, "tensorSplit")
    if count <= 0 { stop("tensorSplit", "the number of pieces must be positive, not \(count)", [self]) }
    refuseMany(count, "tensorSplit")
    let (size, extra) = shape[d].quotientAndRemainder(dividingBy: count)
    return parts(d, (0..<count).map { size + ($0 < extra ? 1 : 0) })
  }

  /// The pieces between the given positions of a dimension, as views; negative positions count from the end, those
  /// outside are clamped, and a piece that would end before it begins is empty (PyTorch's `tensor_split`).
  public func tensorSplit(at positions: [Int], dim: Int = 0) -> [Tensor] {
    let d = splitDim(dim, "tensorSplit")
    let length = shape[d]
    let cuts = [0] + positions.map { Swift.max(0, Swift.min(length, $0 < 0 ? $0 + length : $0)) } + [length]
    let sizes = zip(cuts, cuts.dropFirst()).map { Swift.max(0, $1 - $0) }
    if sizes.reduce(0, +) == length { return parts(d, sizes) }
    return zip(cuts, sizes).map { narrow(dim: d, start: $0, length: $1) }
  }

  /// Stops before memory for the pieces alone would run out.
  private func refuseMany(_ count: Int, _ operation: String) {
    if count > 1 << 28 { stop(operation, "\(count) pieces are too many", [self]) }
  }

  /// The slices at each index of a dimension, which goes away, as views (PyTorch's `unbind`).
  public func unbind(dim: Int = 0) -> [Tensor] {
    let d = splitDim(dim, "unbind")
    return parts(d, Array(repeating: 1, count: shape[d]), removesDim: true)
  }

  private func equalParts(_ count: Int, _ dim: Int, _ operation: String) -> [Tensor] {
    if count <= 0 || shape[dim] % count != 0 {
      stop(
        operation, "dim \(dim) of size \(shape[dim]) cannot be cut into \(count) equal pieces", [self],
        help: "use tensorSplit for pieces of unequal size")
    }
    return tensorSplit(count, dim: dim)
  }

  private func requireRank(_ least: Int, _ operation: String) {
    if rank < least { stop(operation, "needs at least \(least) dimension\(least == 1 ? "" : "s")", [self]) }
  }

  /// Equal pieces side by side: along dim 1, of a vector along dim 0 (PyTorch's `hsplit`).
  public func hsplit(_ count: Int) -> [Tensor] {
    requireRank(1, "hsplit")
    return equalParts(count, rank == 1 ? 0 : 1, "hsplit")
  }
  /// The pieces side by side between the given columns.
  public func hsplit(at positions: [Int]) -> [Tensor] {
    requireRank(1, "hsplit")
    return tensorSplit(at: positions, dim: rank == 1 ? 0 : 1)
  }
  /// Equal pieces one below the other: along dim 0 (PyTorch's `vsplit`).
  public func vsplit(_ count: Int) -> [Tensor] {
    requireRank(2, "vsplit")
    return equalParts(count, 0, "vsplit")
  }
  /// The pieces one below the other between the given rows.
  public func vsplit(at positions: [Int]) -> [Tensor] {
    requireRank(2, "vsplit")
    return tensorSplit(at: positions, dim: 0)
  }
  /// Equal pieces along dim 2 (PyTorch's `dsplit`).
  public func dsplit(_ count: Int) -> [Tensor] {
    requireRank(3, "dsplit")
    return equalParts(count, 2, "dsplit")
  }
  /// The pieces along dim 2 between the given positions.
  public func dsplit(at positions: [Int]) -> [Tensor] {
    requireRank(3, "dsplit")
    return tensorSplit(at: positions, dim: 2)
  }
}
