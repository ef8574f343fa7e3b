import FirecrestCPU

/// Dimensions of size 1 removed.
struct Squeeze: ViewOp {
  let dims: DimSet
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    var shape = Shape()
    var strides = Shape()
    for d in 0..<x.rank where !(dims.contains(d) && x.shape[d] == 1) {
      shape.append(x.shape[d])
      strides.append(x.strides[d])
    }
    return (shape, strides, x.offset)
  }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g.reshape(saved.xSpec.shape) }
}

/// A new dimension of size 1.
struct Unsqueeze: ViewOp {
  let dim: Int
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    var shape = x.shape
    var strides = x.strides
    strides.insert(dim < x.rank ? max(1, x.shape[dim]) * x.strides[dim] : 1, at: dim)
    shape.insert(1, at: dim)
    return (shape, strides, x.offset)
  }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    var dims = DimSet()
    dims.insert(dim)
    return apply(Squeeze(dims: dims), g)
  }
}

extension Tensor {
  /// Without the dimensions of size 1, as a view (PyTorch's `squeeze`).
  public func squeeze() -> Tensor { apply(Squeeze(dims: .all(rank)), self) }

  /// Without dimension `dim`, if its size is 1; unchanged otherwise.
  public func squeeze(dim: Int) -> Tensor { squeeze(dims: [dim]) }

  /// Without those of the named dimensions whose size is 1. An empty list removes none.
  public func squeeze(dims: [Int]) -> Tensor {
    if rank == 0 {
      for dim in dims { _ = resolve(dim, "squeeze") }
      return view(shape)
    }
    return apply(Squeeze(dims: dims.isEmpty ? DimSet() : dimSet(dims, "squeeze")), self)
  }

  /// With a new dimension of size 1 at position `dim`, as a view; −1 puts it last (PyTorch's `unsqueeze`).
  public func unsqueeze(dim: Int) -> Tensor {
    let position = dim < 0 ? dim + rank + 1 : dim
    if position < 0 || position > rank {
      stop(
        "unsqueeze", "position \(dim) is out of range for \(rank) dimensions", [self],
        help: "use \(-rank - 1)...\(rank)")
    }
    return apply(Unsqueeze(dim: position), self)
  }

  /// The dimensions from `start` through `end` as one: a view where the strides allow it, else a copy (PyTorch's
  /// `flatten`; without arguments also its `ravel`). A scalar becomes a tensor of one dimension.
  public func flatten(from start: Int = 0, through end: Int = -1) -> Tensor {
    let first = resolve(start, "flatten")
    let last = resolve(end, "flatten")
    if rank == 0 { return unsqueeze(dim: 0) }
    if first > last { stop("flatten", "dim \(start) comes after dim \(end)", [self]) }
    if first == last { return self }
    var target = Shape()
    var merged = 1
    for d in 0..<rank {
      if d >= first && d <= last { merged *= shape[d] }
      if d < first || d > last { target.append(shape[d]) } else if d == last { target.append(merged) }
    }
    return reshape(target)
  }

  /// One dimension cut into several, as a view; one of `sizes` may be −1 (PyTorch's `unflatten`).
  public func unflatten(dim: Int, _ sizes: Shape) -> Tensor {
    let d = resolve(dim, "unflatten")
    if rank == 0 || sizes.count == 0 { stop("unflatten", "needs a dimension, and sizes to cut it into", [self]) }
    var target = Shape()
    do throws(OpError) {
      let resolved = try sizes.resolved(for: shape[d])
      for i in 0..<d { target.append(shape[i]) }
      for size in resolved { target.append(size) }
      for i in d + 1..<rank { target.append(shape[i]) }
    } catch {
      stop("unflatten", "dim \(d) of size \(shape[d]) cannot be cut into \(sizes)", [self])
    }
    return view(target)
  }

  /// Dimension `source` moved to position `destination`, the others in order, as a view (PyTorch's `movedim`, `moveaxis`).
  public func movedim(_ source: Int, to destination: Int) -> Tensor { movedim([source], to: [destination]) }

  /// Several dimensions moved to new positions, the others in order.
  public func movedim(_ sources: [Int], to destinations: [Int]) -> Tensor {
    if sources.count != destinations.count {
      stop("movedim", "\(sources.count) dimensions named but \(destinations.count) positions", [self])
    }
    if rank == 0 || sources.isEmpty {
      _ = (sources + destinations).map { resolve($0, "movedim") }
      return view(shape)
    }
    let from = dimSet(sources, "movedim")
    _ = dimSet(destinations, "movedim")
    var order = Array(repeating: -1, count: rank)
    for (source, destination) in zip(sources, destinations) {
      order[resolve(destination, "movedim")] = resolve(source, "movedim")
    }
    var rest = (0..<rank).filter { !from.contains($0) }.makeIterator()
    return permute(order.map { $0 >= 0 ? $0 : rest.next()! })
  }

  /// The last two dimensions swapped: each matrix transposed (PyTorch's `mT`).
  public var mT: Tensor {
    if rank < 2 { stop("mT", "needs at least two dimensions", [self]) }
    return transpose(-2, -1)
  }

  /// At least one dimension: a scalar gets one (PyTorch's `atleast_1d`).
  public func atleast1d() -> Tensor { rank == 0 ? unsqueeze(dim: 0) : self }

  /// At least two dimensions: a vector becomes a row (PyTorch's `atleast_2d`).
  public func atleast2d() -> Tensor { rank >= 2 ? self : atleast1d().unsqueeze(dim: 0) }

  /// At least three dimensions: a vector of n becomes [1, n, 1], a matrix gets a last dimension (PyTorch's
  /// `atleast_3d`).
  public func atleast3d() -> Tensor { rank >= 3 ? self : atleast2d().unsqueeze(dim: -1) }
}

/// Tensors expanded to their common shape, as views (PyTorch's `broadcast_tensors`).
public func broadcastTensors(_ tensors: [Tensor]) -> [Tensor] {
  var shape = Shape()
  for tensor in tensors {
    do { shape = try broadcastShapes(shape, tensor.shape) } catch { stop("broadcastTensors", error, tensors) }
  }
  return tensors.map { $0.expand(shape) }
}

/// The shape that broadcasting gives: aligned at the last dimension, sizes equal or 1 (PyTorch's `broadcast_shapes`).
public func broadcastShapes(_ shapes: [Shape]) -> Shape {
  var result = Shape()
  for shape in shapes {
    do { result = try broadcastShapes(result, shape) } catch { stop("broadcastShapes", error, []) }
  }
  return result
}
