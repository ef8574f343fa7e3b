import FirecrestCPU

/// The order of indices reversed in some dimensions.
struct Flip: UnaryOp {
  let dims: DimSet
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { x }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    if y.elementCount == 0 { return }
    // Read backwards, by negative strides from the last index.
    var strides = x.strides
    var start = x.offset
    for d in 0..<x.rank where dims.contains(d) {
      start += (x.shape[d] - 1) * strides[d]
      strides[d] = -strides[d]
    }
    copyElements(x.window(x.shape, strides: strides, offset: start), y, cpu)
  }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { apply(self, g) }
}

extension Tensor {
  /// A copy with the order of indices reversed in the named dimensions (PyTorch's `flip`).
  public func flip(dims: [Int]) -> Tensor {
    apply(Flip(dims: dims.isEmpty ? DimSet() : rank == 0 ? scalarDims(dims) : dimSet(dims, "flip")), self)
  }

  private func scalarDims(_ dims: [Int]) -> DimSet {
    for dim in dims { _ = resolve(dim, "flip") }
    return DimSet()
  }

  /// A copy with dim 1 reversed, left for right (PyTorch's `fliplr`).
  public func fliplr() -> Tensor {
    if rank < 2 { stop("fliplr", "needs at least two dimensions", [self]) }
    return flip(dims: [1])
  }

  /// A copy with dim 0 reversed, up for down (PyTorch's `flipud`).
  public func flipud() -> Tensor {
    if rank < 1 { stop("flipud", "needs at least one dimension", [self]) }
    return flip(dims: [0])
  }

  /// A copy turned by `k` times 90 degrees in the plane of two dimensions, from the first towards the second (PyTorch's
  /// `rot90`).
  public func rot90(_ k: Int = 1, dims: (Int, Int) = (0, 1)) -> Tensor {
    if rank < 2 { stop("rot90", "needs at least two dimensions", [self]) }
    let (a, b) = (resolve(dims.0, "rot90"), resolve(dims.1, "rot90"))
    if a == b { stop("rot90", "the dimensions \(dims) are the same", [self]) }
    switch k & 3 {
    case 1: return flip(dims: [b]).transpose(a, b)
    case 2: return flip(dims: [a, b])
    case 3: return flip(dims: [a]).transpose(a, b)
    default: return clone()
    }
  }

  /// A copy with all elements moved on by `shift` in row-major order, the last ones coming in front (PyTorch's `roll`).
  public func roll(_ shift: Int) -> Tensor { flatten().roll(shift, dim: 0).view(shape) }

  /// A copy with indices moved on by `shift` along a dimension, the last ones coming in front.
  public func roll(_ shift: Int, dim: Int) -> Tensor {
    let d = resolve(dim, "roll")
    if rank == 0 || elementCount == 0 { return clone() }
    let size = shape[d]
    let first = (size - shift % size) % size
    if first == 0 { return clone() }
    return cat([narrow(dim: d, start: first, length: size - first), narrow(dim: d, start: 0, length: first)], dim: d)
  }

  /// A copy with indices moved on along several dimensions.
  public func roll(_ shifts: [Int], dims: [Int]) -> Tensor {
    if shifts.count != dims.count {
      stop("roll", "\(shifts.count) shifts but \(dims.count) dimensions", [self])
    }
    if dims.isEmpty { return clone() }
    return zip(shifts, dims).reduce(self) { $0.roll($1.0, dim: $1.1) }
  }
}
