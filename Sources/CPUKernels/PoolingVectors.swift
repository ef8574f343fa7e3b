import CPUKernelAPI

/// A type that is pooled many outputs at a time.
protocol PoolingScalar: MatmulScalar {
  /// Positions in a plane.
  associatedtype Places
  static func places(_ start: Int, step: Int) -> Places
  /// Takes over `v` and its places where it is larger than `best` or NaN.
  static func improve(_ best: inout Vector, _ places: inout Places, _ v: Vector, _ new: Places)
  /// The even elements of two vectors.
  static func even(_ a: Vector, _ b: Vector) -> Vector
  static func divide(_ a: Vector, _ b: Vector) -> Vector
  static func store(_ places: Places, _ p: UnsafeMutablePointer<Int64>)
}

extension Float: PoolingScalar {
  @inline(__always)
  static func places(_ start: Int, step: Int) -> VInt32 {
    var ramp = VInt32()
    for i in 0..<VInt32.scalarCount { ramp[i] = Int32(truncatingIfNeeded: i) }
    return VInt32(repeating: Int32(truncatingIfNeeded: start)) &+ ramp
      &* VInt32(repeating: Int32(truncatingIfNeeded: step))
  }

  @inline(__always)
  static func improve(_ best: inout VFloat, _ places: inout VInt32, _ v: VFloat, _ new: VInt32) {
    let better = (v .> best) .| (v .!= v)
    best.replace(with: v, where: better)
    places.replace(with: new, where: better)
  }

  @inline(__always)
  static func even(_ a: VFloat, _ b: VFloat) -> VFloat { VFloat(lowHalf: a.evenHalf, highHalf: b.evenHalf) }
  @inline(__always)
  static func divide(_ a: VFloat, _ b: VFloat) -> VFloat { a / b }

  @inline(__always)
  static func store(_ places: VInt32, _ p: UnsafeMutablePointer<Int64>) {
    let target = UnsafeMutableRawPointer(p), low = places.lowHalf, high = places.highHalf
    target.storeBytes(of: VInt64(truncatingIfNeeded: low), as: VInt64.self)
    (target + MemoryLayout<VInt64>.size).storeBytes(of: VInt64(truncatingIfNeeded: high), as: VInt64.self)
  }
}

extension Double: PoolingScalar {
  @inline(__always)
  static func places(_ start: Int, step: Int) -> VInt64 {
    var ramp = VInt64()
    for i in 0..<VInt64.scalarCount { ramp[i] = Int64(i) }
    return VInt64(repeating: Int64(start)) &+ ramp &* VInt64(repeating: Int64(step))
  }

  @inline(__always)
  static func improve(_ best: inout VDouble, _ places: inout VInt64, _ v: VDouble, _ new: VInt64) {
    let better = (v .> best) .| (v .!= v)
    best.replace(with: v, where: better)
    places.replace(with: new, where: better)
  }

  @inline(__always)
  static func even(_ a: VDouble, _ b: VDouble) -> VDouble {
    #if KERNELS_AVX512 || KERNELS_AVX2
      VDouble(lowHalf: a.evenHalf, highHalf: b.evenHalf)
    #else
      VDouble(a.x, b.x)
    #endif
  }
  @inline(__always)
  static func divide(_ a: VDouble, _ b: VDouble) -> VDouble { a / b }

  @inline(__always)
  static func store(_ places: VInt64, _ p: UnsafeMutablePointer<Int64>) {
    UnsafeMutableRawPointer(p).storeBytes(of: places, as: VInt64.self)
  }
}

/// Poolings a vector of output columns at a time, where their windows are whole and lie 1 or 2 elements apart; the
/// others one after the other.
struct PoolingVectors<S: PoolingScalar> {
  let plan: PoolingPlan
  let x: UnsafePointer<S>

  private var size: Int { plan.size.x * plan.size.y * plan.size.z }
  private var vectorized: Range<Int> {
    plan.columnStride <= 2 && !plan.whole.isEmpty ? plan.whole : plan.output.z..<plan.output.z
  }

  /// `count` elements `stride` (1 or 2) apart; nothing behind the last is read.
  @inline(__always)
  private func load(_ p: UnsafePointer<S>, _ count: Int, _ stride: Int) -> S.Vector {
    let lanes = S.lanes
    if stride == 1 { return count == lanes ? S.load(p) : S.load(p, count) }
    let length = 2 * count - 1
    if length < lanes { return S.even(S.load(p, length), S.Vector()) }
    if length == lanes { return S.even(S.load(p), S.Vector()) }
    return S.even(S.load(p), S.load(p + lanes, length - lanes))
  }

  @inline(never)
  func maximum(_ planes: Int, _ y: UnsafeMutablePointer<S>, _ indices: UnsafeMutablePointer<Int64>?) {
    if plan.columnStride == 2 {
      maximum(planes, y, indices, stride: 2)
    } else {
      maximum(planes, y, indices, stride: 1)
    }
  }

  @inline(never)
  private func maximum(
    _ planes: Int, _ y: UnsafeMutablePointer<S>, _ indices: UnsafeMutablePointer<Int64>?, stride: Int
  ) {
    let o = plan.output, vectorized = vectorized, lowest = -S.infinity
    let single = PoolingMaximum<S>(plan: plan, x: x, lowest: lowest)
    // Whole vectors are stored where there is room: what is too much is overwritten by the outputs that follow.
    let room = planes * o.x * o.y * o.z - S.lanes
    var out = 0
    for plane in 0..<planes {
      let x = x + plane * size
      for oz in 0..<o.x {
        for oy in 0..<o.y {
          func one(_ ox: Int) {
            let (best, place) = single.window(x, oz, oy, ox)
            y[out + ox] = best
            if let indices { indices[out + ox] = Int64(place) }
          }
          for ox in 0..<vectorized.lowerBound { one(ox) }
          let first = (plan.planes(oz).lowerBound * plan.size.y + plan.rows(oy).lowerBound) * plan.size.z
          var ox = vectorized.lowerBound
          while ox < vectorized.upperBound {
            let count = min(S.lanes, vectorized.upperBound - ox), column = ox * stride + plan.columnOrigin
            var best = S.splat(lowest), places = S.places(first + column, step: stride)
            plan.forEachRow(oz, oy) { start in
              for tap in 0..<plan.taps {
                let place = start + column + tap * plan.dilation.z
                S.improve(&best, &places, load(x + place, count, stride), S.places(place, step: stride))
              }
            }
            if out + ox <= room {
              S.store(best, y + (out + ox))
              if let indices { S.store(places, indices + (out + ox)) }
            } else {
              S.store(best, y + (out + ox), count)
              if let indices {
                withUnsafeTemporaryAllocation(of: Int64.self, capacity: S.lanes) { last in
                  S.store(places, last.baseAddress!)
                  for i in 0..<count { indices[out + ox + i] = last[i] }
                }
              }
            }
            ox += count
          }
          while ox < o.z {
            one(ox)
            ox += 1
          }
          out += o.z
        }
      }
    }
  }

  @inline(never)
  func average(_ planes: Int, _ y: UnsafeMutablePointer<S>) {
    if plan.columnStride == 2 { average(planes, y, stride: 2) } else { average(planes, y, stride: 1) }
  }

  @inline(never)
  private func average(_ planes: Int, _ y: UnsafeMutablePointer<S>, stride: Int) {
    let o = plan.output, vectorized = vectorized
    let single = PoolingSum<S>(plan: plan, x: x)
    var y = y
    for plane in 0..<planes {
      let x = x + plane * size
      for oz in 0..<o.x {
        for oy in 0..<o.y {
          let rowCount = plan.count(oz, oy)
          func one(_ ox: Int) { y[ox] = single.window(x, oz, oy, ox) / S(rowCount * plan.count(column: ox)) }
          for ox in 0..<vectorized.lowerBound { one(ox) }
          // Whole windows count alike.
          let divisor = S.splat(S(vectorized.isEmpty ? 1 : rowCount * plan.count(column: vectorized.lowerBound)))
          var ox = vectorized.lowerBound
          while ox < vectorized.upperBound {
            let count = min(S.lanes, vectorized.upperBound - ox), column = ox * stride + plan.columnOrigin
            var sum = S.Vector()
            plan.forEachRow(oz, oy) { start in
              for tap in 0..<plan.taps { sum = S.add(sum, load(x + (start + column + tap), count, stride)) }
            }
            let mean = S.divide(sum, divisor)
            if count == S.lanes { S.store(mean, y + ox) } else { S.store(mean, y + ox, count) }
            ox += count
          }
          while ox < o.z {
            one(ox)
            ox += 1
          }
          y += o.z
        }
      }
    }
  }
}
