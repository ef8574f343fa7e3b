// Products of vectors and small forms of matrix products.

extension Tensor {
  /// The matrix of all products of two vectors' elements (PyTorch's `outer`, `ger`).
  public func outer(_ other: Tensor) -> Tensor {
    if rank != 1 || other.rank != 1 { stop("outer", "needs two vectors", [self, other]) }
    return unsqueeze(dim: 1) * other
  }

  /// The sum of products over the last dimension of both, for all pairs of what is in front (PyTorch's `inner`).
  public func inner(_ other: Tensor) -> Tensor {
    if rank == 0 || other.rank == 0 { return self * other }
    if shape[-1] != other.shape[-1] {
      stop("inner", "last dimensions differ: \(shape[-1]) and \(other.shape[-1])", [self, other])
    }
    return tensordot(self, other, dims: ([-1], [-1]))
  }

  /// The inner products of the vectors along `dim`; shapes broadcast (PyTorch's `linalg.vecdot`; `vdot` is `dot`).
  public func vecdot(_ other: Tensor, dim: Int = -1) -> Tensor {
    let product = self * other
    return product.sum(dim: product.resolve(dim, "vecdot"))
  }

  /// The Kronecker product: each element of this tensor times all of `other`, as blocks (PyTorch's `kron`).
  public func kron(_ other: Tensor) -> Tensor {
    let count = Swift.max(rank, other.rank)
    let a = reshape(Shape(Array(repeating: 1, count: count - rank) + Array(shape)))
    let b = other.reshape(Shape(Array(repeating: 1, count: count - other.rank) + Array(other.shape)))
    // Interleaving needs twice as many dimensions for a moment.
    if 2 * count > Shape.maximumRank {
      stop("kron", "more than \(Shape.maximumRank / 2) dimensions", [self, other])
    }
    var (left, right, merged) = (Shape(), Shape(), Shape())
    for d in 0..<count {
      left.append(a.shape[d])
      left.append(1)
      right.append(1)
      right.append(b.shape[d])
      merged.append(a.shape[d] * b.shape[d])
    }
    return (a.reshape(left) * b.reshape(right)).reshape(merged)
  }

  /// The sum of a matrix's diagonal (PyTorch's `trace`).
  public func trace() -> Tensor {
    if rank != 2 { stop("trace", "needs a matrix", [self], help: "use diagonal(dim1:dim2:).sum(dim: -1)") }
    return diagonal().sum()
  }

  /// The cross products of the 3-vectors along `dim`; shapes broadcast (PyTorch's `linalg.cross`).
  public func cross(_ other: Tensor, dim: Int = -1) -> Tensor {
    let pair = broadcastTensors([self, other])
    let d = pair[0].resolve(dim, "cross")
    if rank != other.rank || pair[0].shape[d] != 3 || shape[d] != 3 || other.shape[d] != 3 {
      stop("cross", "needs size 3 in dim \(dim) of both", [self, other])
    }
    let (a, b) = promote(pair[0], pair[1])
    let first = a.roll(-1, dim: d) * b.roll(-2, dim: d)
    let second = a.roll(-2, dim: d) * b.roll(-1, dim: d)
    return first - second
  }

  /// The matrix multiplied `n` times with itself; negative powers are those of the inverse (PyTorch's
  /// `linalg.matrix_power`).
  public func matrixPower(_ n: Int) -> Tensor {
    if rank < 2 || shape[-1] != shape[-2] { stop("matrixPower", "needs square matrices", [self]) }
    if n == 0 {
      // A part of the graph, as all other powers are: its gradient is 0.
      return Tensor.eye(shape[-1], dtype: dtype).where(Tensor(true), self)
    }
    var base = n < 0 ? inverse() : self
    var rest = n.magnitude
    var y: Tensor?
    while true {
      if rest & 1 == 1 { y = y?.matmul(base) ?? base }
      rest >>= 1
      if rest == 0 { break }
      base = base.matmul(base)
    }
    return n == 1 ? clone() : y!
  }
}

/// The product of several matrices, in the order that needs the fewest multiplications; the first and the last may be
/// vectors (PyTorch's `linalg.multi_dot`).
public func multiDot(_ tensors: [Tensor]) -> Tensor {
  if tensors.count < 2 { stop("multiDot", "needs at least two tensors", tensors) }
  let last = tensors.count - 1
  for (i, tensor) in tensors.enumerated() where tensor.rank != 2 && !(tensor.rank == 1 && (i == 0 || i == last)) {
    stop("multiDot", "input \(i) must be a matrix", tensors, help: "only the first and the last may be vectors")
  }
  let rowFirst = tensors[0].rank == 1
  let columnLast = tensors[last].rank == 1
  var matrices = tensors
  if rowFirst { matrices[0] = tensors[0].unsqueeze(dim: 0) }
  if columnLast { matrices[last] = tensors[last].unsqueeze(dim: 1) }
  for i in 0..<last where matrices[i].shape[1] != matrices[i + 1].shape[0] {
    stop("multiDot", "inner dimensions of inputs \(i) and \(i + 1) differ", tensors)
  }
  let cuts = cheapestOrder(matrices.map { $0.shape[0] } + [matrices[last].shape[1]])
  func product(_ i: Int, _ j: Int) -> Tensor {
    i == j ? matrices[i] : product(i, cuts[i][j]).mm(product(cuts[i][j] + 1, j))
  }
  var y = product(0, last)
  if columnLast { y = y.squeeze(dim: 1) }
  if rowFirst { y = y.squeeze(dim: 0) }
  return y
}

/// Where to cut the product of matrices i ... j into two, by dynamic programming over their sizes.
private func cheapestOrder(_ sizes: [Int]) -> [[Int]] {
  let count = sizes.count - 1
  var cost = Array(repeating: Array(repeating: 0.0, count: count), count: count)
  var cut = Array(repeating: Array(repeating: 0, count: count), count: count)
  for length in 1..<max(2, count) {
    for i in 0..<max(0, count - length) {
      let j = i + length
      cost[i][j] = .infinity
      for s in i..<j {
        let own = Double(sizes[i]) * Double(sizes[s + 1]) * Double(sizes[j + 1])
        let total = cost[i][s] + cost[s + 1][j] + own
        if total < cost[i][j] {
          cost[i][j] = total
          cut[i][j] = s
        }
      }
    }
  }
  return cut
}
