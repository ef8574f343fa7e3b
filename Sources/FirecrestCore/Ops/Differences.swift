import CPUKernelAPI
import FirecrestCPU

/// a ≠ b of truth values: their difference.
private struct Xor: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.bitwiseXor
  var isDifferentiable: Bool { false }
}

extension Tensor {
  /// The differences of neighbours along a dimension, taken `n` times, each of which makes it one index shorter
  /// (PyTorch's `diff`). `prepend` and `append` are joined to it before. Truth values differ by exclusive or.
  public func diff(n: Int = 1, dim: Int = -1, prepend: Tensor? = nil, append: Tensor? = nil) -> Tensor {
    let d = resolve(dim, "diff")
    if rank == 0 { stop("diff", "needs at least one dimension", [self]) }
    if n < 0 { stop("diff", "the order \(n) is negative", [self]) }
    if n == 0 { return clone() }
    let all = [prepend, self, append].compactMap { $0 }
    var x = all.count == 1 ? self : cat(all, dim: d)
    for _ in 0..<Swift.min(n, x.shape[d]) {
      let length = x.shape[d] - 1
      let after = x.narrow(dim: d, start: 1, length: length)
      let before = x.narrow(dim: d, start: 0, length: length)
      x = x.dtype == .bool ? apply(Xor(), after, before) : after - before
    }
    return x
  }

  /// The areas of the trapezia between neighbours along a dimension, doubled.
  private func trapezia(_ x: Tensor?, _ dx: Double, _ d: Int, _ operation: String) -> Tensor {
    if rank == 0 { stop(operation, "needs at least one dimension", [self]) }
    let length = Swift.max(0, shape[d] - 1)
    func ends(_ t: Tensor, _ dim: Int) -> (Tensor, Tensor) {
      (
        t.narrow(dim: dim, start: 1, length: Swift.max(0, t.shape[dim] - 1)),
        t.narrow(dim: dim, start: 0, length: Swift.max(0, t.shape[dim] - 1))
      )
    }
    let (after, before) =
      length == 0 ? (narrow(dim: d, start: 0, length: 0), narrow(dim: d, start: 0, length: 0)) : ends(self, d)
    let sums = after + before
    guard let x else { return dx == 1 ? sums : sums * dx }
    var points = x
    if x.rank == 1 && rank > 1 {
      var shape = Shape(repeating: 1, count: rank)
      shape[d] = x.shape[0]
      points = x.view(shape)
    }
    let place = d + points.rank - rank
    if place < 0 || points.shape[place] != shape[d] {
      stop(operation, "the points do not fit dim \(d) of size \(shape[d])", [self, x])
    }
    if length == 0 { return sums * points.narrow(dim: place, start: 0, length: 0) }
    let (later, earlier) = ends(points, place)
    return sums * (later - earlier)
  }

  /// The integral along a dimension by the trapezoidal rule (PyTorch's `trapezoid`): over the points `x`, a vector or a
  /// tensor of this one's shape, or over points `dx` apart.
  public func trapezoid(x: Tensor? = nil, dx: Double = 1, dim: Int = -1) -> Tensor {
    let d = resolve(dim, "trapezoid")
    return trapezia(x, dx, d, "trapezoid").sum(dim: d) / 2
  }

  /// The integrals from the first point of a dimension to each further one by the trapezoidal rule (PyTorch's
  /// `cumulative_trapezoid`); the points as for `trapezoid`.
  public func cumulativeTrapezoid(x: Tensor? = nil, dx: Double = 1, dim: Int = -1) -> Tensor {
    let d = resolve(dim, "cumulativeTrapezoid")
    return trapezia(x, dx, d, "cumulativeTrapezoid").cumsum(dim: d) / 2
  }
}
