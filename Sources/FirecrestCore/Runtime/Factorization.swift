import CPUKernelAPI
import FirecrestCPU

// Factorizations of one matrix in memory: blocked, so that nearly all work is in the matrix product.

/// Rows and columns that are factored before the rest of the matrix is brought up to date by a product.
private let blockSize = 48

/// The floating types that matrices are factored in.
package protocol FactorElement: BinaryFloatingPoint, BitwiseCopyable, TensorElement {}
extension Float: FactorElement {}
extension Double: FactorElement {}

/// Computations on matrices of `T`. Matrices that are written are row-major with `stride` elements from row to row.
package struct Factorization<T: FactorElement> {
  let cpu: CPU
  package init(_ cpu: CPU) { self.cpu = cpu }

  private func matrix(_ p: UnsafeMutablePointer<T>, _ stride: Int) -> Matrix {
    Matrix(UnsafeMutableRawPointer(p), rowStride: stride, columnStride: 1)
  }

  /// c −= a b
  private func subtract(_ m: Int, _ n: Int, _ k: Int, _ a: Matrix, _ b: Matrix, _ c: Matrix) {
    multiply(T.dtype, m: m, n: n, k: k, alpha: -1, a, b, into: c, adding: c, cpu)
  }

  /// y −= f x, `count` elements
  @inline(__always)
  private func subtractRow(_ y: UnsafeMutablePointer<T>, _ f: T, _ x: UnsafeMutablePointer<T>, _ count: Int) {
    for j in 0..<count { y[j] -= f * x[j] }
  }

  /// P A = L U in place, with partial pivoting: L below the diagonal with an implied diagonal of ones, U from it on.
  /// `rows[i]` is the row of A that came to stand in row i.
  ///
  /// - Returns: the number (from 1) of the first pivot that is 0, else 0; and the sign of the permutation.
  package func lu(_ a: UnsafeMutablePointer<T>, _ n: Int, rows: UnsafeMutablePointer<Int>) -> (zero: Int, sign: Int) {
    var (zero, sign) = (0, 1)
    for i in 0..<n { rows[i] = i }
    var start = 0
    while start < n {
      let end = min(n, start + blockSize)
      for k in start..<end {
        var pivot = k
        for i in k + 1..<max(n, k + 1) where abs(a[i * n + k]) > abs(a[pivot * n + k]) { pivot = i }
        if pivot != k {
          for j in 0..<n { swap(&a[k * n + j], &a[pivot * n + j]) }
          swap(&rows[k], &rows[pivot])
          sign = -sign
        }
        let value = a[k * n + k]
        if value == 0 {
          if zero == 0 { zero = k + 1 }
          continue
        }
        for i in k + 1..<max(n, k + 1) {
          let factor = a[i * n + k] / value
          a[i * n + k] = factor
          if factor != 0 { subtractRow(a + i * n + k + 1, factor, a + k * n + k + 1, end - k - 1) }
        }
      }
      if end < n {
        // The block's rows right of it, then everything below and right of both.
        for k in start..<end {
          for i in k + 1..<max(end, k + 1) { subtractRow(a + i * n + end, a[i * n + k], a + k * n + end, n - end) }
        }
        subtract(
          n - end, n - end, end - start, matrix(a + end * n + start, n), matrix(a + start * n + end, n),
          matrix(a + end * n + end, n))
      }
      start = end
    }
    return (zero, sign)
  }

  /// X = A⁻¹ X in place for a triangular A, of which only that triangle is read; X is [n, k].
  package func solveTriangular(
    _ a: UnsafePointer<T>, row: Int, column: Int, _ n: Int, _ x: UnsafeMutablePointer<T>, _ k: Int, upper: Bool,
    unit: Bool
  ) {
    if n == 0 || k == 0 { return }
    let whole = Matrix(UnsafeMutableRawPointer(mutating: a), rowStride: row, columnStride: column)
    let size = MemoryLayout<T>.size
    let blocks = (n + blockSize - 1) / blockSize
    for number in 0..<blocks {
      let start = (upper ? blocks - 1 - number : number) * blockSize
      let end = min(n, start + blockSize)
      // What is solved already: rows before the block, or after it.
      let done = upper ? end..<n : 0..<start
      if !done.isEmpty {
        subtract(
          end - start, k, done.count, whole.moved(rows: start, columns: done.lowerBound, size),
          matrix(x + done.lowerBound * k, k), matrix(x + start * k, k))
      }
      for step in 0..<end - start {
        let i = upper ? end - 1 - step : start + step
        for p in upper ? i + 1..<end : start..<i { subtractRow(x + i * k, a[i * row + p * column], x + p * k, k) }
        if !unit {
          let pivot = a[i * row + i * column]
          for j in 0..<k { x[i * k + j] /= pivot }
        }
      }
    }
  }

  /// A = L Lᵀ in place; reads the lower triangle and leaves zeros above it.
  ///
  /// - Returns: the order of the first leading minor that is not positive, else 0.
  package func cholesky(_ a: UnsafeMutablePointer<T>, _ n: Int) -> Int {
    var start = 0
    while start < n {
      let end = min(n, start + blockSize)
      for i in start..<n {
        // Row i of the block's columns; products of earlier blocks are subtracted already.
        for j in start..<min(i + 1, end) {
          var sum = a[i * n + j]
          for p in start..<j { sum -= a[i * n + p] * a[j * n + p] }
          if i == j {
            if !(sum > 0) { return i + 1 }
            a[i * n + i] = sum.squareRoot()
          } else {
            a[i * n + j] = sum / a[j * n + j]
          }
        }
      }
      if end < n {
        let panel = matrix(a + end * n + start, n)
        subtract(n - end, n - end, end - start, panel, panel.transposed, matrix(a + end * n + end, n))
      }
      start = end
    }
    for i in 0..<n {
      for j in i + 1..<max(n, i + 1) { a[i * n + j] = 0 }
    }
    return 0
  }
}

extension TensorSpec {
  /// Refuses what is not a batch of square float32 or float64 matrices.
  package func requireSquare() throws(OpError) {
    if dtype != .float32 && dtype != .float64 {
      throw OpError("needs float32 or float64, not \(dtype)", help: "convert it with to(.float32)")
    }
    if shape.count < 2 || shape[-1] != shape[-2] { throw OpError("needs square matrices, not \(shape)") }
  }
}
