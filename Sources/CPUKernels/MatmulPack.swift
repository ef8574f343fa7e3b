import CSIMD

/// Copies blocks of A and B into the order in which the tiles read them, from any strides, converting elements to the
/// accumulator's type.
enum MatmulPack<E: MatmulElement> {
  typealias S = E.Scalar

  /// Packs `rows` × `depth` of A into panels of `panel` rows (the last panel may be lower): a panel holds,
  /// for each step of k, its rows.
  @inline(never)
  static func a(
    _ x: UnsafePointer<E>, _ rowStride: Int, _ stepStride: Int, rows: Int, depth: Int, panel: Int,
    _ y: UnsafeMutablePointer<S>
  ) {
    let repeats = MatmulTiling.repeatsA ? S.lanes : 1
    var i = 0
    while i < rows {
      let height = min(panel, rows - i)
      let source = x + i * rowStride, target = y + i * depth * repeats
      if MatmulTiling.repeatsA {
        for p in 0..<depth {
          for r in 0..<height {
            S.store(S.splat(E.widen(source[r * rowStride + p * stepStride])), target + (p * height + r) * S.lanes)
          }
        }
      } else {
        interleave(source, rowStride, stepStride, height, depth, target, height)
      }
      i += height
    }
  }

  /// Packs `depth` × `columns` of B into panels of two vectors' columns (the last panel may be one vector wide),
  /// padded with zeros.
  @inline(never)
  static func b(
    _ x: UnsafePointer<E>, _ stepStride: Int, _ columnStride: Int, depth: Int, columns: Int,
    _ y: UnsafeMutablePointer<S>
  ) {
    let lanes = S.lanes
    var j = 0
    while j < columns {
      let count = min(2 * lanes, columns - j)
      let width = count > lanes ? 2 * lanes : lanes
      let source = x + j * columnStride, target = y + j * depth
      if columnStride == 1, count == 2 * lanes {
        for p in 0..<depth {
          S.store(E.widen(source + p * stepStride), target + p * width)
          S.store(E.widen(source + (p * stepStride + lanes)), target + (p * width + lanes))
        }
      } else {
        if count < width {
          for p in 0..<depth {
            for c in count..<width { target[p * width + c] = 0 }
          }
        }
        interleave(source, columnStride, stepStride, count, depth, target, width)
      }
      j += count
    }
  }

  /// y[p · width + r] = x[r · rowStride + p · stepStride] for r < rows, p < depth.
  @inline(__always)
  private static func interleave(
    _ x: UnsafePointer<E>, _ rowStride: Int, _ stepStride: Int, _ rows: Int, _ depth: Int,
    _ y: UnsafeMutablePointer<S>, _ width: Int
  ) {
    var p = 0
    if stepStride == 1, E.isScalar {
      // Rows lie along k: transpose 4 by 4.
      let x = UnsafeRawPointer(x).assumingMemoryBound(to: S.self)
      while p + 4 <= depth {
        var r = 0
        while r + 4 <= rows {
          S.transpose4(x + (r * rowStride + p), rowStride, y + (p * width + r), width)
          r += 4
        }
        while r < rows {
          let source = x + (r * rowStride + p), target = y + (p * width + r)
          target[0] = source[0]
          target[width] = source[1]
          target[2 * width] = source[2]
          target[3 * width] = source[3]
          r += 1
        }
        p += 4
      }
    }
    while p < depth {
      for r in 0..<rows { y[p * width + r] = E.widen(x[r * rowStride + p * stepStride]) }
      p += 1
    }
  }
}
