import CPUKernelAPI
import FirecrestCPU

/// The product of two matrices, or of two batches of matrices whose leading dimensions broadcast.
struct Matmul: BinaryOp {
  var saves: Saves { [.a, .b] }

  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec {
    if a.dtype != b.dtype { throw OpError("types differ: \(a.dtype) and \(b.dtype)", help: "convert one with to(_:)") }
    if a.dtype == .bool { throw OpError("is not defined for bool", help: "convert to an integer or floating type") }
    let (m, k) = (a.shape.sizes[a.shape.count - 2], a.shape.sizes[a.shape.count - 1])
    let (k2, n) = (b.shape.sizes[b.shape.count - 2], b.shape.sizes[b.shape.count - 1])
    if k != k2 {
      throw OpError(
        "inner dimensions differ: \(k) (left, dim \(a.shape.count - 1)), \(k2) (right, dim \(b.shape.count - 2))",
        help: k == n
          ? "multiply by the transposed right matrix, x.matmul(weight.T); Linear weights are [out, in]"
          : "the left matrix's columns must be as many as the right one's rows")
    }
    if a.shape.count == 2 && b.shape.count == 2 { return TensorSpec(a.dtype, [m, n]) }
    var shape = try broadcastShapes(a.shape.batch, b.shape.batch)
    shape.append(m)
    shape.append(n)
    return TensorSpec(a.dtype, shape)
  }

  func run(_ a: Tensor, _ b: Tensor, into y: Tensor, on cpu: CPU) {
    let (m, n, k) = (y.shape[-2], y.shape[-1], a.shape[-1])
    if y.rank == 2 { return multiply(a, a.offset, b, b.offset, y, 0, m, n, k, cpu) }
    let batch = y.shape.batch
    let aStrides = a.batchStrides(batch)
    let bStrides = b.batchStrides(batch)
    let count = batch.elementCount
    func one(_ index: Int, _ cpu: CPU) {
      var rest = index
      var (ao, bo) = (a.offset, b.offset)
      var d = batch.count - 1
      while d >= 0 {
        let i = rest % batch[d]
        rest /= batch[d]
        ao += i * aStrides[d]
        bo += i * bStrides[d]
        d -= 1
      }
      multiply(a, ao, b, bo, y, index * m * n, m, n, k, cpu)
    }
    // Whole matrices a thread where there are enough of them; a nested split would run inline anyway.
    cpu.parallel(count, grain: max(1, Self.grain / max(1, m * n * k)), multiple: 1) { range in
      for index in range { one(index, cpu) }
    }
  }

  /// Multiply-adds below which waking another thread does not pay.
  private static let grain = 400_000

  /// One product, split by rows or columns of the result among the threads.
  private func multiply(
    _ a: Tensor, _ aOffset: Int, _ b: Tensor, _ bOffset: Int, _ y: Tensor, _ yOffset: Int, _ m: Int, _ n: Int,
    _ k: Int, _ cpu: CPU
  ) {
    if m == 0 || n == 0 { return }
    let size = y.dtype.size
    let left = a.storage.pointer + aOffset * size
    let right = b.storage.pointer + bOffset * size
    let target = y.pointer + yOffset * size
    let (ar, ac) = (a.strides[-2], a.strides[-1])
    let (br, bc) = (b.strides[-2], b.strides[-1])
    func block(_ rows: Range<Int>, _ columns: Range<Int>) {
      let bytes = cpu.kernels.matmulWorkspace(y.dtype, m: rows.count, n: columns.count, k: k)
      let workspace = Allocator.shared.allocate(max(bytes, 64))
      cpu.kernels.matmul(
        y.dtype, m: rows.count, n: columns.count, k: k, alpha: 1,
        Matrix(left + rows.lowerBound * ar * size, rowStride: ar, columnStride: ac),
        Matrix(right + columns.lowerBound * bc * size, rowStride: br, columnStride: bc),
        Matrix(target + (rows.lowerBound * n + columns.lowerBound) * size, rowStride: n, columnStride: 1),
        accumulate: false, workspace: workspace)
      Allocator.shared.release(workspace, max(bytes, 64))
    }
    if m * n * k < 2 * Self.grain { return block(0..<m, 0..<n) }
    if n >= m {
      cpu.parallel(n, grain: max(16, Self.grain / (m * max(1, k))), multiple: 64) { block(0..<m, $0) }
    } else {
      cpu.parallel(m, grain: max(4, Self.grain / (n * max(1, k))), multiple: 24) { block($0, 0..<n) }
    }
  }

  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (
      saved.needsA ? apply(Matmul(), g, saved.b.transpose(-2, -1)) : nil,
      saved.needsB ? apply(Matmul(), saved.a.transpose(-2, -1), g) : nil
    )
  }
}

extension Shape {
  /// All dimensions but the last two.
  fileprivate var batch: Shape { Shape(dropLast(2)) }
}

extension Tensor {
  /// The strides of the leading dimensions, broadcast to `batch`.
  fileprivate func batchStrides(_ batch: Shape) -> Shape {
    var result = Shape(repeating: 0, count: batch.count)
    let lead = batch.count - (rank - 2)
    for d in 0..<Swift.max(0, rank - 2) where shape[d] != 1 { result[lead + d] = strides[d] }
    return result
  }

  /// The matrix product (PyTorch's `matmul`): of vectors the dot product, of matrices the product, of more dimensions
  /// a batch of products whose leading dimensions broadcast. A vector on the left is a row, on the right a column.
  public func matmul(_ other: Tensor) -> Tensor {
    if rank == 2 && other.rank == 2 { return apply(Matmul(), self, other) }
    if rank == 0 || other.rank == 0 { stop("matmul", "needs at least one dimension on both sides", [self, other]) }
    if rank == 1 || other.rank == 1 {
      let a = rank == 1 ? view([1, shape[0]]) : self
      let b = other.rank == 1 ? other.view([other.shape[0], 1]) : other
      let y = a.matmul(b)
      var shape = y.shape
      if other.rank == 1 { shape.remove(at: shape.count - 1) }
      if rank == 1 { shape.remove(at: shape.count - (other.rank == 1 ? 1 : 2)) }
      return y.view(shape)
    }
    if other.rank == 2 && rank > 2 && shape[-1] == other.shape[0] {
      // One tall product instead of many small ones.
      var shape = shape
      let flat = reshape([elementCount / Swift.max(1, shape[-1]), shape[-1]])
      shape[-1] = other.shape[1]
      return apply(Matmul(), flat, other).view(shape)
    }
    return apply(Matmul(), self, other)
  }

  /// The product of two matrices (PyTorch's `mm`).
  public func mm(_ other: Tensor) -> Tensor {
    if rank != 2 || other.rank != 2 { stop("mm", "needs two matrices", [self, other], help: "use matmul or bmm") }
    return apply(Matmul(), self, other)
  }

  /// The products of two batches of matrices, [b, m, k] and [b, k, n] (PyTorch's `bmm`).
  public func bmm(_ other: Tensor) -> Tensor {
    if rank != 3 || other.rank != 3 || shape[0] != other.shape[0] {
      stop("bmm", "needs two batches of as many matrices", [self, other], help: "use matmul to broadcast batches")
    }
    return apply(Matmul(), self, other)
  }

  /// A matrix times a vector (PyTorch's `mv`).
  public func mv(_ vector: Tensor) -> Tensor {
    if rank != 2 || vector.rank != 1 { stop("mv", "needs a matrix and a vector", [self, vector]) }
    return matmul(vector)
  }

  /// The inner product of two vectors (PyTorch's `dot`).
  public func dot(_ other: Tensor) -> Tensor {
    if rank != 1 || other.rank != 1 { stop("dot", "needs two vectors", [self, other], help: "use matmul for matrices") }
    return matmul(other)
  }
}
