import CPUKernelAPI
import FirecrestCPU

/// Multiply-adds below which waking another thread does not pay.
private let matmulGrain = 400_000

/// C = alpha · A B + D in memory (D is C itself, another matrix, a vector for each row with a row stride of 0, or
/// nothing), cut by rows or columns of C among the threads. Pieces start at even rows and know the size of the whole, so
/// that the result does not depend on the cut.
package func multiply(
  _ dtype: DType, m: Int, n: Int, k: Int, alpha: Double = 1, _ a: Matrix, _ b: Matrix, into c: Matrix,
  adding d: Matrix? = nil, _ cpu: CPU
) {
  if m == 0 || n == 0 { return }
  if m * n <= 64 && k >= 2 * longSum && (dtype == .float32 || dtype == .float64) {
    return multiplyLong(dtype, m: m, n: n, k: k, alpha: alpha, a, b, into: c, adding: d, cpu)
  }
  let size = dtype.size
  // That of the whole is enough for each piece.
  let bytes = cpu.kernels.matmulWorkspace(dtype, m: m, n: n, k: k)
  func block(_ rows: Range<Int>, _ columns: Range<Int>, _ workspace: UnsafeMutableRawPointer) {
    cpu.kernels.matmul(
      dtype, m: rows.count, n: columns.count, k: k, alpha: alpha,
      a.moved(rows: rows.lowerBound, columns: 0, size), b.moved(rows: 0, columns: columns.lowerBound, size),
      c.moved(rows: rows.lowerBound, columns: columns.lowerBound, size),
      adding: d?.moved(rows: rows.lowerBound, columns: columns.lowerBound, size), wholeM: m, wholeN: n,
      workspace: workspace)
  }
  let isSmall = m * n * k < 2 * matmulGrain
  // Each piece may pack the operand that all of them share.
  let perThread = min(m, n) * k <= 65_536 ? 4 : 1
  // Where its columns are shared the threads meet on a cache line of every row of C; with few steps of k that takes
  // longer than the products.
  let isThin = k <= 4 && m >= 96
  if n >= m && !isThin {
    let grain = isSmall ? n : max(16, matmulGrain / (m * max(1, k)))
    cpu.parallel(n, grain: grain, multiple: 64, perThread: perThread, scratch: bytes) { block(0..<m, $0, $1) }
  } else {
    let grain = isSmall ? m : max(4, matmulGrain / (n * max(1, k)))
    cpu.parallel(m, grain: grain, multiple: 24, perThread: perThread, scratch: bytes) { block($0, 0..<n, $1) }
  }
}

/// Steps of k that one thread sums where there are few sums for many steps.
private let longSum = 65_536

/// The product of few rows and columns with many steps of k, which are what the threads share: sums of `longSum` steps
/// each, added up in the end.
private func multiplyLong(
  _ dtype: DType, m: Int, n: Int, k: Int, alpha: Double, _ a: Matrix, _ b: Matrix, into c: Matrix, adding d: Matrix?,
  _ cpu: CPU
) {
  let size = dtype.size, parts = (k + longSum - 1) / longSum
  let (partial, ones) = (Tensor(empty: [parts, m, n], dtype), Tensor.ones(parts, dtype: dtype))
  let bytes = max(
    cpu.kernels.matmulWorkspace(dtype, m: m, n: n, k: longSum), cpu.kernels.matmulWorkspace(dtype, m: 1, n: n, k: parts)
  )
  cpu.parallel(parts, grain: 1, multiple: 1, scratch: bytes) { range, workspace in
    for part in range {
      let start = part * longSum
      cpu.kernels.matmul(
        dtype, m: m, n: n, k: min(longSum, k - start), alpha: 1, a.moved(rows: 0, columns: start, size),
        b.moved(rows: start, columns: 0, size),
        Matrix(partial.pointer + part * m * n * size, rowStride: n, columnStride: 1),
        adding: nil, workspace: workspace)
    }
  }
  cpu.parallel(1, grain: 1, multiple: 1, scratch: bytes) { _, workspace in
    for row in 0..<m {
      cpu.kernels.matmul(
        dtype, m: 1, n: n, k: parts, alpha: alpha, Matrix(ones.pointer, rowStride: parts, columnStride: 1),
        Matrix(partial.pointer + row * n * size, rowStride: m * n, columnStride: 1),
        c.moved(rows: row, columns: 0, size), adding: d?.moved(rows: row, columns: 0, size), workspace: workspace)
    }
  }
}

/// Calls `body` for each of `count` matrices that cost `work` multiply-adds each: whole matrices a thread where there
/// are enough of them; what `body` itself splits then runs inline.
package func forEachMatrix(_ count: Int, work: Int, _ cpu: CPU, _ body: (Int) -> Void) {
  if count == 1 { return body(0) }
  cpu.parallel(count, grain: max(1, matmulGrain / max(1, work)), multiple: 1) { range in
    for index in range { body(index) }
  }
}

extension Matrix {
  /// The part of this matrix from an element on.
  package func moved(rows: Int, columns: Int, _ size: Int) -> Matrix {
    Matrix(
      pointer + (rows * rowStride + columns * columnStride) * size, rowStride: rowStride, columnStride: columnStride)
  }

  /// The same memory with rows and columns exchanged.
  package var transposed: Matrix { Matrix(pointer, rowStride: columnStride, columnStride: rowStride) }
}

/// The matrices in the last two dimensions of a tensor, its leading dimensions broadcast to those of a batch.
package struct MatrixBatch {
  private let tensor: Tensor
  private let batch: Shape
  private let strides: Shape

  package init(_ tensor: Tensor, _ batch: Shape) {
    self.tensor = tensor
    self.batch = batch
    var strides = Shape(repeating: 0, count: batch.count)
    let lead = batch.count - (tensor.rank - 2)
    for d in 0..<max(0, tensor.rank - 2) where tensor.shape[d] != 1 { strides[lead + d] = tensor.strides[d] }
    self.strides = strides
  }

  /// Matrix number `index` of the batch in row-major order.
  package subscript(index: Int) -> Matrix {
    var (rest, offset) = (index, 0)
    var d = batch.count - 1
    while d >= 0 {
      offset += rest % batch[d] * strides[d]
      rest /= batch[d]
      d -= 1
    }
    return Matrix(
      tensor.pointer + offset * tensor.dtype.size, rowStride: tensor.strides[-2], columnStride: tensor.strides[-1])
  }
}

extension Shape {
  /// All dimensions but the last two.
  package var batch: Shape { Shape(dropLast(2)) }
}
