import CSIMD

/// Copies a block of A or B into the order in which the tiles read it, from any strides, converting elements to the
/// accumulator's type.
enum MatmulPack<E: MatmulElement> {
  typealias S = E.Scalar

  /// Packs a block of A into panels of `MatmulTiling.packedRows` rows; the last may be lower.
  @inline(__always)
  static func a(
    _ x: UnsafePointer<E>, _ rowStride: Int, _ stepStride: Int, rows: Int, depth: Int, _ y: UnsafeMutablePointer<S>
  ) {
    guard MatmulTiling.repeatsA else {
      return panels(
        x, laneStride: rowStride, stepStride: stepStride, count: rows, depth: depth, width: MatmulTiling.packedRows,
        unit: 1,
        y)
    }
    var i = 0
    while i < rows {
      let height = min(MatmulTiling.packedRows, rows - i), target = y + i * depth * S.lanes
      var p = 0
      if stepStride == 1 {
        // Several steps of a row at a time.
        while p + S.lanes <= depth {
          for r in 0..<height {
            let steps = E.widen(x + ((i + r) * rowStride + p)), place = target + (p * height + r) * S.lanes
            for q in 0..<S.lanes { S.store(S.splat(steps[q]), place + q * height * S.lanes) }
          }
          p += S.lanes
        }
      }
      while p < depth {
        for r in 0..<height {
          S.store(S.splat(E.widen(x[(i + r) * rowStride + p * stepStride])), target + (p * height + r) * S.lanes)
        }
        p += 1
      }
      i += height
    }
  }

  /// Packs `depth` steps of k of `count` rows of A or columns of B, called lanes here, into panels: a panel holds,
  /// for each step, its lanes. A panel is `width` wide or, at the end, what is left rounded up to
  /// `unit`, the rest zeros.
  @inline(__always)
  static func panels(
    _ x: UnsafePointer<E>, laneStride: Int, stepStride: Int, count: Int, depth: Int, width: Int, unit: Int,
    _ y: UnsafeMutablePointer<S>
  ) {
    if laneStride == 1 {
      rows(x, stepStride, count, depth, width, unit, y)
    } else {
      var i = 0
      while i < count {
        let height = min(width, count - i), padded = height == width ? width : (height + unit - 1) / unit * unit
        let target = y + i * depth
        if height < padded {
          for p in 0..<depth {
            for r in height..<padded { target[p * padded + r] = 0 }
          }
        }
        interleave(x + i * laneStride, laneStride, stepStride, height, depth, target, padded)
        i += height
      }
    }
  }

  /// Adjacent lanes: reads whole rows, so that memory arrives in order.
  @inline(never)
  private static func rows(
    _ x: UnsafePointer<E>, _ stepStride: Int, _ count: Int, _ depth: Int, _ width: Int, _ unit: Int,
    _ y: UnsafeMutablePointer<S>
  ) {
    let full = count / width, rest = count - full * width
    let padded = (rest + unit - 1) / unit * unit
    for p in 0..<depth {
      let source = x + p * stepStride
      var target = y + p * width, i = 0
      while i < full {
        copy(source + i * width, target, width)
        target += width * depth
        i += 1
      }
      if rest > 0 {
        let from = source + full * width, to = y + (full * width * depth + p * padded)
        copy(from, to, rest)
        var r = rest
        while r < padded {
          to[r] = 0
          r += 1
        }
      }
    }
  }

  @inline(__always)
  private static func copy(_ x: UnsafePointer<E>, _ y: UnsafeMutablePointer<S>, _ count: Int) {
    var i = 0
    while i + S.lanes <= count {
      S.store(E.widen(x + i), y + i)
      i += S.lanes
    }
    if i < count { S.store(E.widen(x + i, count - i), y + i, count - i) }
  }

  /// y[p · width + r] = x[r · rowStride + p · stepStride] for r < rows, p < depth.
  @inline(never)
  private static func interleave(
    _ x: UnsafePointer<E>, _ rowStride: Int, _ stepStride: Int, _ rows: Int, _ depth: Int,
    _ y: UnsafeMutablePointer<S>, _ width: Int
  ) {
    var p = 0
    if stepStride == 1, E.isScalar {
      // Rows lie along k. A vector of them at a time, whole rows, which the CPU's prefetcher can follow.
      let x = UnsafeRawPointer(x).assumingMemoryBound(to: S.self)
      p = depth / 4 * 4
      var r = 0
      while r + S.lanes <= rows {
        transpose(x + r * rowStride, rowStride, p, y + r, width, rows: S.lanes)
        r += S.lanes
      }
      while r + 4 <= rows {
        transpose(x + r * rowStride, rowStride, p, y + r, width, rows: 4)
        r += 4
      }
      while r < rows {
        for step in 0..<p { y[step * width + r] = x[r * rowStride + step] }
        r += 1
      }
    }
    while p < depth {
      for r in 0..<rows { y[p * width + r] = E.widen(x[r * rowStride + p * stepStride]) }
      p += 1
    }
  }

  @inline(__always)
  private static func transpose(
    _ x: UnsafePointer<S>, _ rowStride: Int, _ columns: Int, _ y: UnsafeMutablePointer<S>, _ width: Int, rows: Int
  ) {
    for p in stride(from: 0, to: columns, by: 4) {
      S.transpose(x + p, rowStride, y + p * width, width, rows: rows, columns: 4)
    }
  }
}
