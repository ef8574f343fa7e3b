import CPUKernelAPI

/// Products of integer matrices, with the wrapping arithmetic of the type. Blocks of B are copied to adjacent
/// memory; rows of C are summed in a buffer, in loops that the compiler vectorises.
enum MatmulInteger<T: FixedWidthInteger & BitwiseCopyable> {
  /// Columns and steps of k in a block of B.
  static var columns: Int { 256 }
  static var depth: Int { 64 }

  @inline(__always)
  static func multiply(
    m: Int, n: Int, k: Int, alpha: Double, _ a: Matrix, _ b: Matrix, _ c: Matrix, adding d: Matrix?,
    workspace: UnsafeMutableRawPointer
  ) {
    let pa = UnsafePointer(a.pointer.assumingMemoryBound(to: T.self))
    let pb = UnsafePointer(b.pointer.assumingMemoryBound(to: T.self))
    let pc = c.pointer.assumingMemoryBound(to: T.self)
    let panel = workspace.assumingMemoryBound(to: T.self)
    let sums = panel + columns * depth
    let scale = T(truncatingIfNeeded: Int64(alpha))
    var jc = 0
    while jc < n {
      let width = min(columns, n - jc)
      var pc0 = 0
      repeat {
        let steps = min(depth, k - pc0)
        for p in 0..<steps {
          let source = pb + ((pc0 + p) * b.rowStride + jc * b.columnStride), target = panel + p * width
          if b.columnStride == 1 {
            for j in 0..<width { target[j] = source[j] }
          } else {
            for j in 0..<width { target[j] = source[j * b.columnStride] }
          }
        }
        let old = pc0 > 0 ? c : d
        for i in 0..<m {
          let row = pa + (i * a.rowStride + pc0 * a.columnStride)
          for j in 0..<width { sums[j] = 0 }
          var p = 0
          while p + 4 <= steps {
            let x0 = row[p * a.columnStride], x1 = row[(p + 1) * a.columnStride]
            let x2 = row[(p + 2) * a.columnStride], x3 = row[(p + 3) * a.columnStride]
            let y0 = panel + p * width, y1 = y0 + width, y2 = y1 + width, y3 = y2 + width
            for j in 0..<width { sums[j] &+= x0 &* y0[j] &+ x1 &* y1[j] &+ (x2 &* y2[j] &+ x3 &* y3[j]) }
            p += 4
          }
          while p < steps {
            let x = row[p * a.columnStride], y = panel + p * width
            for j in 0..<width { sums[j] &+= x &* y[j] }
            p += 1
          }
          let target = pc + (i * c.rowStride + jc * c.columnStride)
          if let old {
            let start =
              UnsafePointer(old.pointer.assumingMemoryBound(to: T.self)) + (i * old.rowStride + jc * old.columnStride)
            for j in 0..<width { target[j * c.columnStride] = start[j * old.columnStride] &+ scale &* sums[j] }
          } else {
            for j in 0..<width { target[j * c.columnStride] = scale &* sums[j] }
          }
        }
        pc0 += steps
      } while pc0 < k
      jc += width
    }
  }
}
