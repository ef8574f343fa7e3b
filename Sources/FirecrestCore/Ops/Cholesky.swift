import CPUKernelAPI
import FirecrestCPU

/// X with A X = B for triangular A, of which only that triangle is read.
struct TriangularSolve: BinaryOp {
  let upper: Bool
  let unit: Bool
  var name: String { "solveTriangular" }
  var saves: Saves { [.a, .y] }

  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec {
    try a.requireSquare()
    if a.dtype != b.dtype { throw OpError("types differ: \(a.dtype) and \(b.dtype)", help: "convert one with to(_:)") }
    if b.shape.count < 2 || b.shape[-2] != a.shape[-1] {
      throw OpError("the right side needs \(a.shape[-1]) rows, has shape \(b.shape)")
    }
    return TensorSpec(b.dtype, try broadcastShapes(a.shape.batch, b.shape.batch) + [b.shape[-2], b.shape[-1]])
  }

  func run(_ a: Tensor, _ b: Tensor, into y: Tensor, on cpu: CPU) {
    copyElements(b, y, cpu)
    if y.dtype == .float32 {
      solve(Factorization<Float>(cpu), a, y)
    } else {
      solve(Factorization<Double>(cpu), a, y)
    }
  }

  private func solve<T>(_ factorization: Factorization<T>, _ a: Tensor, _ y: Tensor) {
    let (n, k) = (y.shape[-2], y.shape[-1])
    let batch = y.shape.batch
    let left = MatrixBatch(a, batch)
    let start = y.pointer.assumingMemoryBound(to: T.self)
    forEachMatrix(batch.elementCount, work: n * n * k / 2, factorization.cpu) { index in
      let matrix = left[index]
      factorization.solveTriangular(
        UnsafePointer(matrix.pointer.assumingMemoryBound(to: T.self)), row: matrix.rowStride,
        column: matrix.columnStride, n, start + index * n * k, k, upper: upper, unit: unit)
    }
  }

  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let gb = apply(TriangularSolve(upper: !upper, unit: unit), saved.a.mT, g)
    if !saved.needsA { return (nil, gb) }
    let ga = -gb.matmul(saved.y.mT)
    return (upper ? ga.triu(diagonal: unit ? 1 : 0) : ga.tril(diagonal: unit ? -1 : 0), gb)
  }
}

/// The lower triangular L with A = L Lᵀ, from A's lower triangle; and the order of the first leading minor that is not
/// positive (0 where there is none).
struct Cholesky: MultiOp {
  var savedOutputs: [Int] { [0] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    try inputs[0].requireSquare()
    return [inputs[0], TensorSpec(.int32, inputs[0].shape.batch)]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    copyElements(inputs[0], outputs[0], cpu)
    if outputs[0].dtype == .float32 {
      factor(Factorization<Float>(cpu), outputs[0], outputs[1])
    } else {
      factor(Factorization<Double>(cpu), outputs[0], outputs[1])
    }
  }

  private func factor<T>(_ factorization: Factorization<T>, _ y: Tensor, _ info: Tensor) {
    let n = y.shape[-1]
    let start = y.pointer.assumingMemoryBound(to: T.self)
    let infos = info.pointer.assumingMemoryBound(to: Int32.self)
    forEachMatrix(info.elementCount, work: n * n * n / 3, factorization.cpu) { index in
      infos[index] = Int32(factorization.cholesky(start + index * n * n, n))
    }
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil] }
    // L⁻ᵀ Φ(Lᵀ g) L⁻¹, made symmetric; Φ takes the lower triangle and half of the diagonal (Murray 2016).
    let l = saved.output(0)
    let product = l.mT.matmul(g)
    let half = product.tril() - product.diagonal(dim1: -2, dim2: -1).diagEmbed() * 0.5
    let left = apply(TriangularSolve(upper: true, unit: false), l.mT, half)
    let both = apply(TriangularSolve(upper: true, unit: false), l.mT, left.mT).mT
    return [(both + both.mT) * 0.5]
  }
}

extension Tensor {
  /// The Cholesky factor L of each symmetric positive definite matrix A = L Lᵀ, or with `upper` the U of A = Uᵀ U
  /// (PyTorch's `linalg.cholesky`). Reads only that triangle of A. Stops where a matrix is not positive definite; see
  /// `choleskyChecked`.
  public func cholesky(upper: Bool = false) -> Tensor {
    let (y, info) = choleskyChecked(upper: upper)
    refuse(info, "cholesky", help: "choleskyChecked tells instead of stopping") {
      "is not positive definite: its leading minor of order \($0) is not positive"
    }
    return y
  }

  /// The Cholesky factor, and for each matrix 0, or the order of the first leading minor that is not positive, in which
  /// case its factor means nothing (PyTorch's `linalg.cholesky_ex`).
  public func choleskyChecked(upper: Bool = false) -> (result: Tensor, info: Tensor) {
    if rank < 2 { stop("cholesky", "needs square matrices", [self]) }
    let results = apply(Cholesky(), [upper ? mT : self])
    return (upper ? results[0].mT : results[0], results[1])
  }

  /// The X with A · X = self, A given by its Cholesky factor (PyTorch's `cholesky_solve`).
  public func choleskySolve(_ factor: Tensor, upper: Bool = false) -> Tensor {
    if factor.rank < 2 { stop("choleskySolve", "needs a matrix", [factor]) }
    let l = upper ? factor.mT : factor
    let middle = apply(TriangularSolve(upper: false, unit: false), l, self)
    return apply(TriangularSolve(upper: true, unit: false), l.mT, middle)
  }

  /// The inverse of the matrix whose Cholesky factor this is (PyTorch's `cholesky_inverse`).
  public func choleskyInverse(upper: Bool = false) -> Tensor {
    do { try spec.requireSquare() } catch { stop("choleskyInverse", error, [self]) }
    return Tensor.eye(shape[-1], dtype: dtype).choleskySolve(self, upper: upper)
  }

  /// The X with self · X = `b`, or with `left` false X · self = `b`, for a triangular matrix of which only that triangle
  /// is read; with `unitriangular` its diagonal counts as ones (PyTorch's `linalg.solve_triangular`). A zero on the
  /// diagonal gives infinities.
  public func solveTriangular(_ b: Tensor, upper: Bool, left: Bool = true, unitriangular: Bool = false) -> Tensor {
    if left { return apply(TriangularSolve(upper: upper, unit: unitriangular), self, b) }
    if rank < 2 || b.rank < 2 { stop("solveTriangular", "needs matrices", [self, b]) }
    return apply(TriangularSolve(upper: !upper, unit: unitriangular), mT, b.mT).mT
  }
}
