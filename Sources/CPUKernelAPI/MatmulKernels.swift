/// A matrix operand: any strides (in elements), so that a transposed or sliced matrix needs no copy.
package struct Matrix {
  package var pointer: UnsafeMutableRawPointer
  package var rowStride: Int
  package var columnStride: Int

  package init(_ pointer: UnsafeMutableRawPointer, rowStride: Int, columnStride: Int) {
    self.pointer = pointer
    self.rowStride = rowStride
    self.columnStride = columnStride
  }
}

package protocol MatmulKernels: Sendable {
  /// C = alpha · A B + D, with A [m, k], B [k, n], C and D [m, n] of `type`; k may be 0. D is C itself, a matrix that
  /// does not overlap it, a vector for each row (`rowStride` 0), or nothing. float16 and bfloat16 sum in float32.
  /// `workspace` has `matmulWorkspace` bytes, 64-byte aligned.
  ///
  /// A caller that cuts a product among threads passes the size of the whole: how each element is summed follows from
  /// `k` and that size alone, as long as pieces start at even rows, so that the cut does not change a bit.
  func matmul(
    _ type: DType, m: Int, n: Int, k: Int, alpha: Double, _ a: Matrix, _ b: Matrix, _ c: Matrix, adding d: Matrix?,
    wholeM: Int, wholeN: Int, workspace: UnsafeMutableRawPointer)
  /// Bytes of scratch memory that `matmul` needs for this problem.
  func matmulWorkspace(_ type: DType, m: Int, n: Int, k: Int) -> Int
  /// Runs `iterations` rounds of independent multiply-adds in registers and returns how many floating-point
  /// operations (a multiply-add counts two) that were: the machine's limit, against which `matmul` is measured.
  /// `type` is float32 or float64; the half types compute in float32.
  func peakFMA(_ type: DType, iterations: Int) -> Double
}

extension MatmulKernels {
  /// A product that is not cut.
  package func matmul(
    _ type: DType, m: Int, n: Int, k: Int, alpha: Double, _ a: Matrix, _ b: Matrix, _ c: Matrix, adding d: Matrix?,
    workspace: UnsafeMutableRawPointer
  ) {
    matmul(
      type, m: m, n: n, k: k, alpha: alpha, a, b, c, adding: d, wholeM: m, wholeN: n,
      workspace: workspace)
  }
}
