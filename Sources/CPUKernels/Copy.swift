import CPUKernelAPI
import CSIMD

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Kernels: MovementKernels {
  package func copy(
    size: Int, rows: Int, columns: Int, _ x: UnsafeRawPointer, rowStride: Int, columnStride: Int,
    _ y: UnsafeMutableRawPointer, rowStride yRowStride: Int, columnStride yColumnStride: Int
  ) {
    guard rows > 0, columns > 0 else { return }
    var plan = CopyPlan(
      rows: rows, columns: columns, xRow: rowStride, xColumn: columnStride, yRow: yRowStride, yColumn: yColumnStride)
    plan.normalize()
    if plan.yColumn == 1 && plan.xColumn == 1 {
      copyRows(size: size, plan, x, y)
      return
    }
    switch size {
    case 1: copyElements(UInt8.self, plan, x, y) { csimd_transpose_u8($0, $1, $2, $3) }
    case 2: copyElements(UInt16.self, plan, x, y) { csimd_transpose_u16($0, $1, $2, $3) }
    case 4: copyElements(UInt32.self, plan, x, y) { csimd_transpose_u32($0, $1, $2, $3) }
    default: copyElements(UInt64.self, plan, x, y) { csimd_transpose_u64($0, $1, $2, $3) }
    }
  }
}

/// The two loops of a copy and how far each moves in the source and in the destination, in elements.
private struct CopyPlan {
  var rows: Int, columns: Int
  var xRow: Int, xColumn: Int
  var yRow: Int, yColumn: Int

  /// Makes the destination's denser loop the inner one, and one loop of two where the layouts allow it.
  mutating func normalize() {
    if columns == 1 || (rows > 1 && abs(yRow) < abs(yColumn)) {
      swap(&rows, &columns)
      swap(&xRow, &xColumn)
      swap(&yRow, &yColumn)
    }
    if rows == 1 || (xRow == columns &* xColumn && yRow == columns &* yColumn) {
      columns &*= rows
      rows = 1
    }
    // A loop of one trip may have any stride.
    if columns == 1 { (xColumn, yColumn) = (1, 1) }
  }
}

private func copyRows(size: Int, _ plan: CopyPlan, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer) {
  let bytes = plan.columns &* size
  for row in 0..<plan.rows {
    copyBytes(y + row &* plan.yRow &* size, x + row &* plan.xRow &* size, bytes)
  }
}

/// memcpy that spares the call for what fits two overlapping vectors.
@inline(__always)
func copyBytes(_ y: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ bytes: Int) {
  if bytes > 64 {
    memcpy(y, x, bytes)
  } else if bytes >= 32 {
    copyEnds(SIMD32<UInt8>.self, y, x, bytes)
  } else if bytes >= 16 {
    copyEnds(SIMD16<UInt8>.self, y, x, bytes)
  } else if bytes >= 8 {
    copyEnds(UInt64.self, y, x, bytes)
  } else if bytes >= 4 {
    copyEnds(UInt32.self, y, x, bytes)
  } else if bytes > 0 {
    // The first, middle and last byte are all there are of one to three.
    let middle = bytes &>> 1
    let (a, b, c) = (
      x.load(as: UInt8.self), x.load(fromByteOffset: middle, as: UInt8.self),
      x.load(fromByteOffset: bytes &- 1, as: UInt8.self)
    )
    y.storeBytes(of: a, as: UInt8.self)
    y.storeBytes(of: b, toByteOffset: middle, as: UInt8.self)
    y.storeBytes(of: c, toByteOffset: bytes &- 1, as: UInt8.self)
  }
}

/// Copies n bytes, one to two V long, as the first V and the last V of them.
@inline(__always)
private func copyEnds<V>(_: V.Type, _ y: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ n: Int) {
  let last = n &- MemoryLayout<V>.size
  let a = x.loadUnaligned(as: V.self)
  let b = x.loadUnaligned(fromByteOffset: last, as: V.self)
  y.storeBytes(of: a, as: V.self)
  y.storeBytes(of: b, toByteOffset: last, as: V.self)
}

private typealias TransposeTile = (UnsafeRawPointer, Int, UnsafeMutableRawPointer, Int) -> Void

@inline(__always)
private func copyElements<T: FixedWidthInteger>(
  _: T.Type, _ plan: CopyPlan, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ tile: TransposeTile
) {
  let x = x.assumingMemoryBound(to: T.self)
  let y = y.assumingMemoryBound(to: T.self)
  if plan.xColumn == 0 && plan.yColumn == 1 {
    for row in 0..<plan.rows {
      let value = x[row &* plan.xRow]
      let target = y + row &* plan.yRow
      if MemoryLayout<T>.size == 1 || value == 0 {
        memset(target, Int32(truncatingIfNeeded: value), plan.columns &* MemoryLayout<T>.size)
      } else {
        for column in 0..<plan.columns { target[column] = value }
      }
    }
  } else if plan.xRow == 1 && plan.yColumn == 1 {
    transpose(plan, x, y, tile)
  } else {
    for row in 0..<plan.rows {
      let source = x + row &* plan.xRow
      let target = y + row &* plan.yRow
      if plan.yColumn == 1 && plan.xColumn == -1 {
        for column in 0..<plan.columns { target[column] = source[0 &- column] }
      } else if plan.yColumn == 1 {
        for column in 0..<plan.columns { target[column] = source[column &* plan.xColumn] }
      } else {
        for column in 0..<plan.columns { target[column &* plan.yColumn] = source[column &* plan.xColumn] }
      }
    }
  }
}

/// The source is dense along the rows, the destination along the columns.
@inline(__always)
private func transpose<T>(
  _ plan: CopyPlan, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ tile: TransposeTile
) {
  let size = MemoryLayout<T>.size
  let edge = size == 1 ? 16 : size == 8 ? 4 : 8
  // A square of whole cache lines on both sides, so that each line is read and written once; squares go through
  // the matrix in panels, narrow enough for the translation buffer.
  let line = 64 / size
  let panel = 256
  let (wholeRows, wholeColumns) = (plan.rows / line &* line, plan.columns / line &* line)
  var first = 0
  while first < wholeColumns {
    let end = min(first &+ panel, wholeColumns)
    for r in stride(from: 0, to: wholeRows, by: line) {
      for c in stride(from: first, to: end, by: line) {
        // The lines of both sides that come next: too many streams for the processor to foresee.
        if c &+ 2 &* line <= end {
          for j in (c &+ line)..<(c &+ 2 &* line) { csimd_prefetch_read(x + (j &* plan.xColumn &+ r)) }
          for i in r..<(r &+ line) { csimd_prefetch_write(y + (i &* plan.yRow &+ c &+ line)) }
        }
        for i in stride(from: r, to: r &+ line, by: edge) {
          for j in stride(from: c, to: c &+ line, by: edge) {
            tile(x + (j &* plan.xColumn &+ i), plan.xColumn, y + (i &* plan.yRow &+ j), plan.yRow)
          }
        }
      }
    }
    first = end
  }
  // What is left on the right and below.
  for r in 0..<plan.rows {
    for c in (r < wholeRows ? wholeColumns : 0)..<plan.columns {
      y[r &* plan.yRow &+ c] = x[c &* plan.xColumn &+ r]
    }
  }
}
