import CPUKernelAPI

extension PoolingPlan {
  /// Whether windows are pairs of columns that lie side by side from the first column on, and no row of elements
  /// belongs to two rows of outputs.
  var isPairwise: Bool {
    if size.x != 1 || output.x != 1 || taps != 2 || columnStride != 2 || columnOrigin != 0 { return false }
    if whole != 0..<output.z || planes(0).isEmpty { return false }
    for oy in 1..<max(1, output.y) where rows(oy).lowerBound < rows(oy - 1).upperBound { return false }
    return true
  }
}

/// Gradients of averages, added to the elements that were averaged: to each in the order of the windows.
struct PoolingSpread<S: PoolingScalar> {
  let plan: PoolingPlan
  let y: UnsafeMutablePointer<S>

  @inline(never)
  func run(_ planes: Int, _ g: UnsafePointer<S>) {
    if plan.isPairwise { pairs(planes, g) } else { windows(planes, g) }
  }

  /// Each element is written once, from the first to the last: what is written too much is overwritten.
  @inline(__always)
  private func pairs(_ planes: Int, _ g: UnsafePointer<S>) {
    let width = plan.output.z, lanes = S.lanes
    let size = plan.size.y * plan.size.z, end = planes * size - 2 * lanes
    var g = g, written = 0, rest = planes * plan.output.y * width - lanes
    for plane in 0..<planes {
      for oy in 0..<plan.output.y {
        let divisor = S(plan.count(0, oy) * plan.count(column: 0)), splat = S.splat(divisor)
        for row in plan.rows(oy) {
          let start = plane * size + row * plan.size.z
          zero(&written, start)
          var ox = 0
          while ox < width {
            let target = start + 2 * ox
            if ox <= rest && target <= end {
              let v = S.add(S.divide(S.load(g + ox), splat), S.Vector()), (low, high) = S.zip(v, v)
              S.store(low, y + target)
              S.store(high, y + (target + lanes))
            } else {
              for i in 0..<min(lanes, width - ox) {
                let value = g[ox + i] / divisor + 0
                (y[target + 2 * i], y[target + 2 * i + 1]) = (value, value)
              }
            }
            ox += lanes
          }
          written = start + 2 * width
        }
        g += width
        rest -= width
      }
    }
    zero(&written, planes * size)
  }

  @inline(__always)
  private func zero(_ written: inout Int, _ end: Int) {
    while written < end {
      y[written] = 0
      written += 1
    }
  }

  @inline(__always)
  private func windows(_ planes: Int, _ g: UnsafePointer<S>) {
    let o = plan.output, size = plan.size.x * plan.size.y * plan.size.z
    // Fewer columns are not worth a vector.
    let whole = plan.whole.count < 3 ? 0..<0 : plan.whole
    var g = g
    // The quotients of whole windows, in whole vectors.
    withUnsafeTemporaryAllocation(of: S.self, capacity: o.z + S.lanes) { buffer in
      let quotients = buffer.baseAddress!
      for plane in 0..<planes {
        let y = y + plane * size
        for i in 0..<size { y[i] = 0 }
        for oz in 0..<o.x {
          for oy in 0..<o.y {
            let count = plan.count(oz, oy)
            for ox in 0..<whole.lowerBound { one(y, g[ox] / S(count * plan.count(column: ox)), oz, oy, ox) }
            if !whole.isEmpty {
              divide(g + whole.lowerBound, whole.count, S(count * plan.count(column: whole.lowerBound)), quotients)
              let column = whole.lowerBound * plan.columnStride + plan.columnOrigin
              plan.forEachRow(oz, oy) { row in
                let start = row + column
                add(quotients, y + start)
              }
            }
            for ox in whole.upperBound..<o.z { one(y, g[ox] / S(count * plan.count(column: ox)), oz, oy, ox) }
            g += o.z
          }
        }
      }
    }
  }

  @inline(never)
  private func one(_ y: UnsafeMutablePointer<S>, _ value: S, _ oz: Int, _ oy: Int, _ ox: Int) {
    let columns = plan.columns(ox)
    plan.forEachRow(oz, oy) { start in
      for i in columns { y[start + i] += value }
    }
  }

  @inline(__always)
  private func divide(_ g: UnsafePointer<S>, _ count: Int, _ divisor: S, _ quotients: UnsafeMutablePointer<S>) {
    let divisor = S.splat(divisor)
    var i = 0
    while i < count {
      let rest = count - i
      S.store(S.divide(rest < S.lanes ? S.load(g + i, rest) : S.load(g + i), divisor), quotients + i)
      i += S.lanes
    }
  }

  /// Adds the quotients to a row of elements. Whole vectors only: what overlapped the next row would hold up its loads.
  @inline(__always)
  private func add(_ quotients: UnsafePointer<S>, _ y: UnsafeMutablePointer<S>) {
    let count = plan.whole.count, taps = plan.taps, lanes = S.lanes
    // The last columns first: then each element gets its windows' quotients in their order.
    var tap = taps
    switch plan.columnStride {
    case 1:
      while tap > 0 {
        tap -= 1
        var ox = 0
        while ox + lanes <= count {
          let target = y + (tap + ox)
          S.store(S.add(S.load(target), S.load(quotients + ox)), target)
          ox += lanes
        }
        for ox in ox..<count { y[tap + ox] += quotients[ox] }
      }
    case 2 where taps > 1:
      while tap > 0 {
        let pair = min(tap, 2)
        tap -= pair
        var ox = 0
        while ox + lanes <= count {
          let target = y + (tap + 2 * ox), v = S.load(quotients + ox)
          let (low, high) = S.zip(v, pair == 2 ? v : S.Vector())
          S.store(S.add(S.load(target), low), target)
          S.store(S.add(S.load(target + lanes), high), target + lanes)
          ox += lanes
        }
        if pair == 1 {
          for ox in ox..<count { y[tap + 2 * ox] += quotients[ox] }
        } else {
          for ox in ox..<count {
            y[tap + 2 * ox] += quotients[ox]
            y[tap + 2 * ox + 1] += quotients[ox]
          }
        }
      }
    default:
      for ox in 0..<count {
        let target = y + ox * plan.columnStride
        for i in 0..<taps { target[i] += quotients[ox] }
      }
    }
  }
}
