import CPUKernelAPI

extension Kernels: PoolingKernels {
  package func maxPool(
    _ type: DType, _ plan: PoolingPlan, planes: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    _ indices: UnsafeMutablePointer<Int64>?
  ) {
    @inline(__always) func floating<S: PoolingScalar>(_: S.Type) {
      PoolingWindows(
        plan: plan, x: x.assumingMemoryBound(to: S.self),
        operation: PoolingMaxima(plan, y.assumingMemoryBound(to: S.self), indices)
      ).run(planes)
    }
    switch type {
    case .float32: floating(Float.self)
    case .float64: floating(Double.self)
    default:
      PoolingMaximum(plan: plan, lowest: Int64.min).run(
        planes, x.assumingMemoryBound(to: Int64.self), y.assumingMemoryBound(to: Int64.self), indices)
    }
  }

  package func unpool(
    _ type: DType, planes: Int, size: Int, count: Int, _ g: UnsafeRawPointer, _ indices: UnsafePointer<Int64>,
    _ y: UnsafeMutableRawPointer
  ) {
    @inline(__always) func run<T: FloatingPoint>(_: T.Type) {
      var g = g.assumingMemoryBound(to: T.self), y = y.assumingMemoryBound(to: T.self), indices = indices
      for _ in 0..<planes {
        for i in 0..<size { y[i] = 0 }
        for i in 0..<count { y[Int(indices[i])] += g[i] }
        g += count
        indices += count
        y += size
      }
    }
    if type == .float64 { run(Double.self) } else { run(Float.self) }
  }

  package func maxPool(
    _ type: DType, _ pairs: PoolingPairs, planes: Int, rectified: Bool, _ x: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, _ choices: UnsafeMutablePointer<UInt8>?
  ) {
    @inline(__always) func run<S: PoolingScalar>(_: S.Type) {
      let maxima = PoolingPairMaxima(
        pairs: pairs, x: x.assumingMemoryBound(to: S.self), y: y.assumingMemoryBound(to: S.self), choices: choices)
      if rectified { maxima.run(planes, rectified: true) } else { maxima.run(planes, rectified: false) }
    }
    if type == .float64 { run(Double.self) } else { run(Float.self) }
  }

  package func unpool(
    _ type: DType, _ pairs: PoolingPairs, planes: Int, _ g: UnsafeRawPointer, _ choices: UnsafePointer<UInt8>,
    _ y: UnsafeMutableRawPointer
  ) {
    @inline(__always) func run<S: PoolingScalar>(_: S.Type) {
      PoolingPairSpread(
        pairs: pairs, g: g.assumingMemoryBound(to: S.self), choices: choices, y: y.assumingMemoryBound(to: S.self)
      ).run(planes)
    }
    if type == .float64 { run(Double.self) } else { run(Float.self) }
  }

  package func averagePool(
    _ type: DType, _ plan: PoolingPlan, planes: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer
  ) {
    @inline(__always) func floating<S: PoolingScalar>(_: S.Type) {
      PoolingWindows(
        plan: plan, x: x.assumingMemoryBound(to: S.self),
        operation: PoolingMeans(plan, y.assumingMemoryBound(to: S.self))
      ).run(planes)
    }
    switch type {
    case .float32: floating(Float.self)
    case .float64: floating(Double.self)
    default:
      PoolingSum(plan: plan).run(
        planes, x.assumingMemoryBound(to: Int64.self), y.assumingMemoryBound(to: Int64.self)
      ) { $0 / Int64($1) }
    }
  }

  package func averagePoolBackward(
    _ type: DType, _ plan: PoolingPlan, planes: Int, _ g: UnsafeRawPointer, _ y: UnsafeMutableRawPointer
  ) {
    @inline(__always) func run<S: PoolingScalar>(_: S.Type) {
      PoolingSpread(plan: plan, y: y.assumingMemoryBound(to: S.self)).run(planes, g.assumingMemoryBound(to: S.self))
    }
    if type == .float64 { run(Double.self) } else { run(Float.self) }
  }
}

extension PoolingPlan {
  /// The range of output `o` along one of the dimensions.
  @inline(__always)
  func planes(_ o: Int) -> Range<Int> { starts[o]..<ends[o] }
  @inline(__always)
  func rows(_ o: Int) -> Range<Int> { starts[output.x + o]..<ends[output.x + o] }
  @inline(__always)
  func columns(_ o: Int) -> Range<Int> { starts[output.x + output.y + o]..<ends[output.x + output.y + o] }

  /// By what an average divides, without the columns' part.
  @inline(__always)
  func count(_ z: Int, _ y: Int) -> Int { counts[z] * counts[output.x + y] }
  @inline(__always)
  func count(column: Int) -> Int { counts[output.x + output.y + column] }

  /// Calls `body` with the start of each row of elements that output row (oz, oy) sees.
  @inline(__always)
  func forEachRow(_ oz: Int, _ oy: Int, _ body: (Int) -> Void) {
    let depth = planes(oz), height = rows(oy)
    var z = depth.lowerBound
    while z < depth.upperBound {
      var y = height.lowerBound
      while y < height.upperBound {
        body((z * size.y + y) * size.z)
        y += dilation.y
      }
      z += dilation.x
    }
  }
}

/// Maxima one window after the other.
struct PoolingMaximum<T: Comparable> {
  let plan: PoolingPlan
  let lowest: T

  @inline(__always)
  func run(
    _ planes: Int, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ indices: UnsafeMutablePointer<Int64>?
  ) {
    let o = plan.output, size = plan.size.x * plan.size.y * plan.size.z
    var out = 0
    for plane in 0..<planes {
      for oz in 0..<o.x {
        for oy in 0..<o.y {
          for ox in 0..<o.z {
            let (best, place) = window(x + plane * size, oz, oy, ox)
            y[out] = best
            if let indices { indices[out] = Int64(place) }
            out += 1
          }
        }
      }
    }
  }

  /// The first of the largest elements; of several NaN the last, as PyTorch has it.
  @inline(__always)
  func window(_ x: UnsafePointer<T>, _ oz: Int, _ oy: Int, _ ox: Int) -> (T, Int) {
    let columns = plan.columns(ox), dilation = plan.dilation.z
    var best = lowest
    var place = (plan.planes(oz).lowerBound * plan.size.y + plan.rows(oy).lowerBound) * plan.size.z + columns.lowerBound
    plan.forEachRow(oz, oy) { start in
      var i = columns.lowerBound
      while i < columns.upperBound {
        let value = x[start + i]
        if value > best || value != value { (best, place) = (value, start + i) }
        i += dilation
      }
    }
    return (best, place)
  }
}

/// Sums one window after the other.
struct PoolingSum<T: AdditiveArithmetic> {
  let plan: PoolingPlan

  @inline(__always)
  func run(
    _ planes: Int, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ divided: (T, Int) -> T
  ) {
    let o = plan.output, size = plan.size.x * plan.size.y * plan.size.z
    var out = 0
    for plane in 0..<planes {
      for oz in 0..<o.x {
        for oy in 0..<o.y {
          for ox in 0..<o.z {
            y[out] = divided(window(x + plane * size, oz, oy, ox), plan.count(oz, oy) * plan.count(column: ox))
            out += 1
          }
        }
      }
    }
  }

  @inline(__always)
  func window(_ x: UnsafePointer<T>, _ oz: Int, _ oy: Int, _ ox: Int) -> T {
    let columns = plan.columns(ox)
    var sum = T.zero
    plan.forEachRow(oz, oy) { start in
      var i = columns.lowerBound
      while i < columns.upperBound {
        sum += x[start + i]
        i += 1
      }
    }
    return sum
  }
}
