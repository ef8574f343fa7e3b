import CPUKernelAPI
import FirecrestCPU

/// The product of two matrices, or of two batches of matrices whose leading dimensions broadcast.
struct Matmul: BinaryOp {
  var name = "matmul"
  var saves: Saves { [.a, .b] }
  func saves(needsA: Bool, needsB: Bool) -> Saves { .factors(needsA: needsA, needsB: needsB) }

  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec {
    if a.dtype != b.dtype { throw OpError("types differ: \(a.dtype) and \(b.dtype)", help: "convert one with to(_:)") }
    if a.dtype == .bool { throw OpError("is not defined for bool", help: "convert to an integer or floating type") }
    let (m, k) = (a.shape.sizes[a.shape.count - 2], a.shape.sizes[a.shape.count - 1])
    let (k2, n) = (b.shape.sizes[b.shape.count - 2], b.shape.sizes[b.shape.count - 1])
    if k != k2 {
      throw OpError(
        "inner dimensions differ: \(k) (left, dim \(a.shape.count - 1)), \(k2) (right, dim \(b.shape.count - 2))",
        help: k == n
          ? "Linear weights are [out, in]; multiply by weight.T, or use linear(x, weight)"
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
    if y.rank == 2 { return multiply(y.dtype, m: m, n: n, k: k, a.matrix, b.matrix, into: y.matrix, cpu) }
    let batch = y.shape.batch
    let left = MatrixBatch(a, batch)
    let right = MatrixBatch(b, batch)
    let target = MatrixBatch(y, batch)
    forEachMatrix(batch.elementCount, work: m * n * k, cpu) { index in
      multiply(y.dtype, m: m, n: n, k: k, left[index], right[index], into: target[index], cpu)
    }
  }

  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (
      saved.needsA ? apply(Matmul(), g, saved.b.transpose(-2, -1)) : nil,
      saved.needsB ? apply(Matmul(), saved.a.transpose(-2, -1), g) : nil
    )
  }
}

extension Tensor {
  /// A tensor of two dimensions as the kernels take it.
  package var matrix: Matrix { Matrix(pointer, rowStride: strides[0], columnStride: strides[1]) }

  /// A vector as the kernels take a matrix of which it is each row.
  var eachRow: Matrix { Matrix(pointer, rowStride: 0, columnStride: strides[0]) }

  /// The matrix product (PyTorch's `matmul`): of vectors the dot product, of matrices the product, of more dimensions
  /// a batch of products whose leading dimensions broadcast. A vector on the left is a row, on the right a column.
  public func matmul(_ other: Tensor) -> Tensor { product(other, "matmul") }

  /// `matmul` in the name of what was called.
  private func product(_ other: Tensor, _ operation: String) -> Tensor {
    if rank == 2 && other.rank == 2 { return apply(Matmul(name: operation), self, other) }
    if rank == 0 || other.rank == 0 { stop(operation, "needs at least one dimension on both sides", [self, other]) }
    if rank == 1 || other.rank == 1 {
      let inner = other.rank == 1 ? 0 : other.rank - 2
      if shape[-1] != other.shape[inner] {
        stop(
          operation,
          "inner dimensions differ: \(shape[-1]) (left, dim \(rank - 1)), \(other.shape[inner]) (right, dim \(inner))",
          [self, other], help: "the left's last size must be the right's \(inner == 0 ? "first" : "last but one")")
      }
      let a = rank == 1 ? view([1, shape[0]]) : self
      let b = other.rank == 1 ? other.view([other.shape[0], 1]) : other
      let y = a.product(b, operation)
      var shape = y.shape
      if other.rank == 1 { shape.remove(at: shape.count - 1) }
      if rank == 1 { shape.remove(at: shape.count - (other.rank == 1 ? 1 : 2)) }
      return y.view(shape)
    }
    if other.rank == 2 && rank > 2 && shape[-1] == other.shape[0] {
      // One tall product instead of many small ones.
      var shape = shape
      let flat = reshape([shape.dropLast().reduce(1, *), shape[-1]])
      shape[-1] = other.shape[1]
      return apply(Matmul(name: operation), flat, other).view(shape)
    }
    return apply(Matmul(name: operation), self, other)
  }

  /// The product of two matrices (PyTorch's `mm`).
  public func mm(_ other: Tensor) -> Tensor {
    if rank != 2 || other.rank != 2 { stop("mm", "needs two matrices", [self, other], help: "use matmul or bmm") }
    return apply(Matmul(name: "mm"), self, other)
  }

  /// The products of two batches of matrices, [b, m, k] and [b, k, n] (PyTorch's `bmm`).
  public func bmm(_ other: Tensor) -> Tensor {
    if rank != 3 || other.rank != 3 || shape[0] != other.shape[0] {
      stop("bmm", "needs two batches of as many matrices", [self, other], help: "use matmul to broadcast batches")
    }
    return apply(Matmul(name: "bmm"), self, other)
  }

  /// A matrix times a vector (PyTorch's `mv`).
  public func mv(_ vector: Tensor) -> Tensor {
    if rank != 2 || vector.rank != 1 { stop("mv", "needs a matrix and a vector", [self, vector]) }
    return product(vector, "mv")
  }

  /// The inner product of two vectors (PyTorch's `dot`).
  public func dot(_ other: Tensor) -> Tensor {
    if rank != 1 || other.rank != 1 {
      stop("dot", "needs two vectors", [self, other], help: "use matmul for matrices")
    }
    return product(other, "dot")
  }
}
