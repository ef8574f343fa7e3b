import CPUKernelAPI
import FirecrestCPU

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A⁻¹ B by LU factorization, and the number of the first pivot that is 0 (0 where there is none).
struct LinearSolve: MultiOp {
  var name: String { "solve" }
  var savedInputs: [Int] { [0] }
  var savedOutputs: [Int] { [0] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let (a, b) = (inputs[0], inputs[1])
    try a.requireSquare()
    if a.dtype != b.dtype { throw OpError("types differ: \(a.dtype) and \(b.dtype)", help: "convert one with to(_:)") }
    if b.shape.count < 2 || b.shape[-2] != a.shape[-1] {
      throw OpError("the right side needs \(a.shape[-1]) rows, has shape \(b.shape)")
    }
    let batch = try broadcastShapes(a.shape.batch, b.shape.batch)
    return [TensorSpec(b.dtype, batch + [b.shape[-2], b.shape[-1]]), TensorSpec(.int32, a.shape.batch)]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    if outputs[0].dtype == .float32 {
      solve(Factorization<Float>(cpu), inputs[0], inputs[1], outputs[0], outputs[1], cpu)
    } else {
      solve(Factorization<Double>(cpu), inputs[0], inputs[1], outputs[0], outputs[1], cpu)
    }
  }

  private func solve<T>(
    _ factorization: Factorization<T>, _ a: Tensor, _ b: Tensor, _ y: Tensor, _ info: Tensor, _ cpu: CPU
  ) {
    let (n, k) = (y.shape[-2], y.shape[-1])
    let batch = y.shape.batch
    // Factors stand in a copy of A's own batch; each right side finds its own.
    let lu = a.copied(cpu)
    let permutations = Tensor(empty: a.shape.batch + [n], .int64)
    let rows = permutations.pointer.assumingMemoryBound(to: Int.self)
    let infos = info.pointer.assumingMemoryBound(to: Int32.self)
    let factors = lu.pointer.assumingMemoryBound(to: T.self)
    forEachMatrix(a.shape.batch.elementCount, work: n * n * n / 3, cpu) { index in
      infos[index] = Int32(factorization.lu(factors + index * n * n, n, rows: rows + index * n).zero)
    }
    let left = MatrixBatch(lu, batch)
    let orders = permutations.window(a.shape.batch + [n, 1], strides: permutations.strides + [1], offset: 0)
    let permuted = MatrixBatch(orders, batch)
    let right = MatrixBatch(b, batch)
    forEachMatrix(batch.elementCount, work: n * n * k, cpu) { index in
      let l = left[index].pointer.assumingMemoryBound(to: T.self)
      let order = permuted[index].pointer.assumingMemoryBound(to: Int.self)
      let source = right[index]
      let from = source.pointer.assumingMemoryBound(to: T.self)
      let x = y.pointer.assumingMemoryBound(to: T.self) + index * n * k
      for i in 0..<n {
        for j in 0..<k { x[i * k + j] = from[order[i] * source.rowStride + j * source.columnStride] }
      }
      factorization.solveTriangular(l, row: n, column: 1, n, x, k, upper: false, unit: true)
      factorization.solveTriangular(l, row: n, column: 1, n, x, k, upper: true, unit: false)
    }
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil, nil] }
    let gb = apply(LinearSolve(), [saved.input(0).mT, g])[0]
    return [saved.needs[0] ? -gb.matmul(saved.output(0).mT) : nil, gb]
  }
}

/// Sign and logarithm of the absolute value of the determinant.
struct SignedLogDet: MultiOp {
  var name: String { "slogdet" }
  var savedInputs: [Int] { [0] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    try inputs[0].requireSquare()
    let spec = TensorSpec(inputs[0].dtype, inputs[0].shape.batch)
    return [spec, spec]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    if outputs[0].dtype == .float32 {
      compute(Factorization<Float>(cpu), inputs[0], outputs[0], outputs[1])
    } else {
      compute(Factorization<Double>(cpu), inputs[0], outputs[0], outputs[1])
    }
  }

  private func compute<T>(
    _ factorization: Factorization<T>, _ a: Tensor, _ sign: Tensor, _ logarithm: Tensor
  ) {
    let n = a.shape[-1]
    let lu = a.copied(factorization.cpu)
    let rows = Tensor(empty: [sign.elementCount, n], .int64)
    let signs = sign.pointer.assumingMemoryBound(to: T.self)
    let logarithms = logarithm.pointer.assumingMemoryBound(to: T.self)
    let factors = lu.pointer.assumingMemoryBound(to: T.self)
    let orders = rows.pointer.assumingMemoryBound(to: Int.self)
    forEachMatrix(sign.elementCount, work: n * n * n / 3, factorization.cpu) { index in
      let matrix = factors + index * n * n
      var s = T(factorization.lu(matrix, n, rows: orders + index * n).sign)
      var sum = 0.0
      for i in 0..<n {
        let pivot = matrix[i * n + i]
        s *= pivot == 0 ? 0 : pivot < 0 ? -1 : pivot > 0 ? 1 : .nan
        sum += log(Double(abs(pivot)))
      }
      signs[index] = s
      logarithms[index] = T(sum)
    }
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    // The sign does not change with A.
    guard let g = g[1] else { return [nil] }
    return [inverseTransposed(saved.input(0)) * g.unsqueeze(dim: -1).unsqueeze(dim: -1)]
  }
}

/// The determinant.
struct Det: UnaryOp {
  var saves: Saves { [.x, .y] }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    try x.requireSquare()
    return TensorSpec(x.dtype, x.shape.batch)
  }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    if y.dtype == .float32 {
      compute(Factorization<Float>(cpu), x, y)
    } else {
      compute(Factorization<Double>(cpu), x, y)
    }
  }

  private func compute<T>(_ factorization: Factorization<T>, _ x: Tensor, _ y: Tensor) {
    let n = x.shape[-1]
    let lu = x.copied(factorization.cpu)
    let rows = Tensor(empty: [y.elementCount, n], .int64)
    let results = y.pointer.assumingMemoryBound(to: T.self)
    let factors = lu.pointer.assumingMemoryBound(to: T.self)
    let orders = rows.pointer.assumingMemoryBound(to: Int.self)
    forEachMatrix(y.elementCount, work: n * n * n / 3, factorization.cpu) { index in
      let matrix = factors + index * n * n
      var product = T(factorization.lu(matrix, n, rows: orders + index * n).sign)
      for i in 0..<n { product *= matrix[i * n + i] }
      results[index] = product
    }
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let (x, y) = (saved.x, saved.y)
    let scale = g.unsqueeze(dim: -1).unsqueeze(dim: -1)
    if !y.toArray(Double.self).contains(0) {
      return inverseTransposed(x) * (y.unsqueeze(dim: -1).unsqueeze(dim: -1) * scale)
    }
    // A singular matrix has no inverse, but its determinant has a derivative, the cofactors.
    if GradMode.isEnabled && x.requiresGrad {
      stop("det", "has no second derivative here at a singular matrix", [x])
    }
    return cofactors(x) * scale
  }
}

/// The transposed inverse for a derivative, where a singular matrix gives infinities instead of an error.
private func inverseTransposed(_ x: Tensor) -> Tensor {
  let eye = Tensor.eye(x.shape[-1], dtype: x.dtype)
  return apply(LinearSolve(), [x.mT, eye])[0]
}

/// The cofactors of each matrix, each a determinant of the matrix without a row and a column. Slow, for the rare case
/// of a singular matrix.
private func cofactors(_ x: Tensor) -> Tensor {
  let n = x.shape[-1]
  if n == 0 { return x }
  if n == 1 { return Tensor.ones(like: x) }
  let indices = (0..<n).map { skipped in Tensor((0..<n).filter { $0 != skipped }) }
  let rows = (0..<n).map { i in
    let without = x.indexSelect(dim: -2, indices[i])
    let row = (0..<n).map { j in
      let minor = apply(Det(), without.indexSelect(dim: -1, indices[j]))
      return (i + j) % 2 == 0 ? minor : -minor
    }
    return stack(row, dim: -1)
  }
  return stack(rows, dim: -2)
}

extension Tensor {
  /// A contiguous copy of the values, unknown to autograd.
  func copied(_ cpu: CPU) -> Tensor {
    let y = Tensor(empty: shape, dtype)
    copyElements(self, y, cpu)
    return y
  }

  /// Stops where `info` tells that a matrix of a batch could not be factored.
  func refuse(_ info: Tensor, _ operation: String, help: String, _ reason: (Int) -> String) {
    for (index, number) in info.toArray(Int.self).enumerated() where number != 0 {
      let which = info.elementCount > 1 ? "matrix \(index): " : ""
      stop(operation, which + reason(number), [self], help: help)
    }
  }

  /// The solution X of self · X = `b` (PyTorch's `linalg.solve`). A `b` of shape [n], or of a batch of vectors
  /// [..., n], is a vector; else it is [..., n, k]. Stops where a matrix is singular; see `solveChecked`.
  public func solve(_ b: Tensor) -> Tensor {
    let (x, info) = solveChecked(b)
    refuse(info, "solve", help: "solveChecked tells instead of stopping") { "is singular: pivot \($0) is zero" }
    return x
  }

  /// The solution of self · X = `b`, and for each matrix 0, or the number of the first pivot that is zero, in which case
  /// its solution means nothing (PyTorch's `linalg.solve_ex`).
  public func solveChecked(_ b: Tensor) -> (result: Tensor, info: Tensor) {
    let isVector = b.rank == 1 || (b.rank == rank - 1 && b.shape == Shape(shape.dropLast()))
    let results = apply(LinearSolve(), [self, isVector ? b.unsqueeze(dim: -1) : b])
    return (isVector ? results[0].squeeze(dim: -1) : results[0], results[1])
  }

  /// The inverse of each matrix (PyTorch's `linalg.inv`). Stops where one is singular; see `inverseChecked`. To solve
  /// equations `solve` is faster and more exact.
  public func inverse() -> Tensor {
    let (y, info) = inverseChecked()
    refuse(info, "inverse", help: "inverseChecked tells instead of stopping") { "is singular: pivot \($0) is zero" }
    return y
  }

  /// The inverse of each matrix and, as in `solveChecked`, whether there is one (PyTorch's `linalg.inv_ex`).
  public func inverseChecked() -> (result: Tensor, info: Tensor) {
    do { try spec.requireSquare() } catch { stop("inverse", error, [self]) }
    let results = apply(LinearSolve(), [self, Tensor.eye(shape[-1], dtype: dtype)])
    return (results[0], results[1])
  }

  /// The determinant of each matrix (PyTorch's `linalg.det`).
  public func det() -> Tensor { apply(Det(), self) }

  /// Sign and logarithm of the absolute value of each matrix's determinant, which itself may be too large or small for
  /// its type (PyTorch's `linalg.slogdet`).
  public func slogdet() -> (sign: Tensor, logAbsDet: Tensor) {
    let results = apply(SignedLogDet(), [self])
    return (results[0], results[1])
  }

  /// The logarithm of each matrix's determinant, NaN where that is negative (PyTorch's `logdet`).
  public func logdet() -> Tensor {
    let (sign, logarithm) = slogdet()
    return logarithm.where(sign .>= 0, Double.nan)
  }

  /// The inverse of this tensor as a map from its last dimensions to its first `ind` (PyTorch's `linalg.tensorinv`).
  public func tensorinv(ind: Int = 2) -> Tensor {
    if ind <= 0 || ind > rank { stop("tensorinv", "ind \(ind) must be positive and at most \(rank)", [self]) }
    let first = Array(shape.prefix(ind))
    let last = Array(shape.dropFirst(ind))
    let (m, n) = (first.reduce(1, *), last.reduce(1, *))
    if m != n { stop("tensorinv", "sizes before and after dim \(ind) have products \(m) and \(n)", [self]) }
    return reshape([m, n]).inverse().reshape(Shape(last + first))
  }

  /// The X with tensordot(self, X, X's rank) = `b`; `dims` of this tensor are moved to its end first (PyTorch's
  /// `linalg.tensorsolve`).
  public func tensorsolve(_ b: Tensor, dims: [Int]? = nil) -> Tensor {
    var a = self
    if let dims {
      let moved = dims.map { resolve($0, "tensorsolve") }
      a = permute((0..<rank).filter { !moved.contains($0) } + moved)
    }
    let unknown = Shape(a.shape.dropFirst(b.rank))
    if unknown.elementCount != b.elementCount || a.elementCount != b.elementCount * b.elementCount {
      stop("tensorsolve", "needs as many equations as unknowns", [self, b])
    }
    let matrix = a.reshape([b.elementCount, b.elementCount])
    return matrix.solve(b.reshape([b.elementCount])).reshape(unknown)
  }
}

extension Shape {
  /// This shape with further dimensions.
  static func + (shape: Shape, more: [Int]) -> Shape {
    var result = shape
    for size in more { result.append(size) }
    return result
  }
}
