import CPUKernelAPI

extension Kernels: MatmulKernels {
  package func matmul(
    _ type: DType, m: Int, n: Int, k: Int, alpha: Double, _ a: Matrix, _ b: Matrix, _ c: Matrix, adding d: Matrix?,
    wholeM: Int, wholeN: Int, workspace: UnsafeMutableRawPointer
  ) {
    if m <= 0 || n <= 0 { return }
    @inline(__always) func floating<E: MatmulElement>(_: E.Type) -> MatmulProblem<E, E> {
      MatmulProblem(
        m: m, n: n, k: k, alpha: E.Scalar(alpha), a, b, c, adding: d, wholeM: wholeM, wholeN: wholeN)
    }
    @inline(__always) func integer<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) {
      MatmulInteger<T>.multiply(m: m, n: n, k: k, alpha: alpha, a, b, c, adding: d, workspace: workspace)
    }
    switch type {
    case .float32: floating(Float.self).multiply(workspace)
    case .float64: floating(Double.self).multiply(workspace)
    case .float16: MatmulHalf<Float16>.multiply(floating(Float16.self), workspace)
    case .bfloat16: MatmulHalf<MatmulBFloat16>.multiply(floating(MatmulBFloat16.self), workspace)
    case .int64: integer(Int64.self)
    case .int32: integer(Int32.self)
    case .int16: integer(Int16.self)
    case .int8, .uint8, .bool: integer(UInt8.self)
    }
  }

  package func matmulWorkspace(_ type: DType, m: Int, n: Int, k: Int) -> Int {
    if m <= 0 || n <= 0 { return 0 }
    switch type {
    case .float32, .float64: return MatmulBlocks.workspace(m: m, n: n, k: k, elementSize: type.size)
    case .float16, .bfloat16:
      let rows = min(m, MatmulHalf<Float16>.rows), columns = min(n, MatmulHalf<Float16>.columns)
      return (rows * columns * 4 + 63) / 64 * 64
        + MatmulBlocks.workspace(m: rows, n: columns, k: k, elementSize: 4)
    default: return (MatmulInteger<UInt8>.columns * (MatmulInteger<UInt8>.depth + 1)) * type.size
    }
  }

  package func peakFMA(_ type: DType, iterations: Int) -> Double {
    if type == .float64 {
      let (operations, check) = MatmulPeak.run(Double.self, iterations)
      return check.isNaN ? 0 : operations
    }
    let (operations, check) = MatmulPeak.run(Float.self, iterations)
    return check.isNaN ? 0 : operations
  }
}

extension MatmulProblem where C == E {
  /// Takes the operands as the caller gives them. A dimension of size 1 has no meaningful stride; it gets the one
  /// that suits the fast paths.
  @inline(__always)
  init(
    m: Int, n: Int, k: Int, alpha: E.Scalar, _ a: Matrix, _ b: Matrix, _ c: Matrix, adding d: Matrix?,
    wholeM: Int, wholeN: Int
  ) {
    self.init(
      m: m, n: n, k: k, alpha: alpha, a: UnsafePointer(a.pointer.assumingMemoryBound(to: E.self)),
      aRow: wholeM == 1 ? 1 : a.rowStride, aStep: k == 1 ? 1 : a.columnStride,
      b: UnsafePointer(b.pointer.assumingMemoryBound(to: E.self)), bStep: k == 1 ? 1 : b.rowStride,
      bColumn: wholeN == 1 ? 1 : b.columnStride, c: c.pointer.assumingMemoryBound(to: E.self),
      cRow: wholeM == 1 ? 1 : c.rowStride, cColumn: wholeN == 1 ? 1 : c.columnStride,
      d: d.map { UnsafePointer($0.pointer.assumingMemoryBound(to: E.self)) }, dRow: wholeM == 1 ? 1 : d?.rowStride ?? 0,
      dColumn: wholeN == 1 ? 1 : d?.columnStride ?? 0, wholeM: wholeM, wholeN: wholeN)
  }
}

extension MatmulProblem where C == E.Scalar {
  /// Chooses how to compute the product, by the size of the whole of which this may be a piece.
  @inline(__always)
  func multiply(_ workspace: UnsafeMutableRawPointer) {
    if cColumn != 1 && cRow == 1 || wholeN == 1 && wholeM > 1 {
      transposed.multiplyRows(workspace)
    } else {
      multiplyRows(workspace)
    }
  }

  @inline(__always)
  private func multiplyRows(_ workspace: UnsafeMutableRawPointer) {
    let scratch = workspace.assumingMemoryBound(to: S.self)
    if wholeM == 1 || k <= 4 {
      if bStep == 1 && aStep == 1 && (wholeN == 1 || bColumn != 1) { return dots() }
      if bColumn == 1 && cColumn == 1 { return started.sumOfRows() }
    }
    if aStep == 1 && bStep == 1 && wholeM <= 8 { return dots() }
    started.blocked(scratch)
  }

  /// Vectors of C need vectors of D beside each other: else C starts as a copy of D.
  @inline(__always)
  private var started: Self {
    guard let d, cColumn == 1 && dColumn != 1 else { return self }
    var result = self
    for i in 0..<m {
      for j in 0..<n { c[i * cRow + j] = d[i * dRow + j * dColumn] }
    }
    result.d = UnsafePointer(c)
    result.dRow = cRow
    result.dColumn = 1
    return result
  }
}
