import CPUKernelAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The arithmetic of running sums: Double for the floating types, as a long sum in float32 would drift, Int64 for the
/// others.
protocol ScanScalar: StagingScalar {
  associatedtype Wide: BitwiseCopyable
  var wide: Wide { get }
  init(wide: Wide)
  static func scanInitial(_ op: ScanKernel) -> Wide
  static func sum(_ a: Wide, _ b: Wide) -> Wide
  static func product(_ a: Wide, _ b: Wide) -> Wide
  /// log(eᵃ + eᵇ) without overflow.
  static func logSumExp(_ a: Wide, _ b: Wide) -> Wide
}

@inline(__always)
private func initialValue(_ op: ScanKernel) -> Double {
  switch op {
  case .cumsum: 0
  case .cumprod: 1
  case .logcumsumexp: -.infinity
  }
}

private func logSumExpDouble(_ a: Double, _ b: Double) -> Double {
  if a.isNaN || b.isNaN { return .nan }
  let high = Swift.max(a, b)
  let low = Swift.min(a, b)
  return high == low && high.isInfinite ? high : high + log1p(exp(low - high))
}

extension Float: ScanScalar {
  @inline(__always) var wide: Double { Double(self) }
  @inline(__always) init(wide: Double) { self = Float(wide) }
  @inline(__always) static func scanInitial(_ op: ScanKernel) -> Double { initialValue(op) }
  @inline(__always) static func sum(_ a: Double, _ b: Double) -> Double { a + b }
  @inline(__always) static func product(_ a: Double, _ b: Double) -> Double { a * b }
  @inline(__always) static func logSumExp(_ a: Double, _ b: Double) -> Double { logSumExpDouble(a, b) }
}

extension Double: ScanScalar {
  @inline(__always) var wide: Double { self }
  @inline(__always) init(wide: Double) { self = wide }
  @inline(__always) static func scanInitial(_ op: ScanKernel) -> Double { initialValue(op) }
  @inline(__always) static func sum(_ a: Double, _ b: Double) -> Double { a + b }
  @inline(__always) static func product(_ a: Double, _ b: Double) -> Double { a * b }
  @inline(__always) static func logSumExp(_ a: Double, _ b: Double) -> Double { logSumExpDouble(a, b) }
}

extension Int64: ScanScalar {
  @inline(__always) var wide: Int64 { self }
  @inline(__always) init(wide: Int64) { self = wide }
  @inline(__always) static func scanInitial(_ op: ScanKernel) -> Int64 { op == .cumprod ? 1 : 0 }
  @inline(__always) static func sum(_ a: Int64, _ b: Int64) -> Int64 { a &+ b }
  @inline(__always) static func product(_ a: Int64, _ b: Int64) -> Int64 { a &* b }
  /// Integers have none; whoever calls the kernels refuses them.
  @inline(__always) static func logSumExp(_ a: Int64, _ b: Int64) -> Int64 { Swift.max(a, b) }
}

extension Kernels {
  package func scan(
    _ op: ScanKernel, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer
  ) {
    let job = ReduceJob(type: type, loop: loop, x: x, center: nil, y: y, result: .input)
    switch type.accumulator {
    case .float32: scanAs(Float.self, op, job)
    case .float64: scanAs(Double.self, op, job)
    default: scanAs(Int64.self, op, job)
    }
  }
}

private func scanAs<A: ScanScalar>(_ scalar: A.Type, _ op: ScanKernel, _ job: ReduceJob) {
  let initial = A.scanInitial(op)
  switch op {
  case .cumsum: scanWith(A.self, job, initial) { A.sum($0, $1) }
  case .cumprod: scanWith(A.self, job, initial) { A.product($0, $1) }
  case .logcumsumexp: scanWith(A.self, job, initial) { A.logSumExp($0, $1) }
  }
}

@inline(__always)
private func scanWith<A: ScanScalar>(
  _ scalar: A.Type, _ job: ReduceJob, _ initial: A.Wide, _ step: (A.Wide, A.Wide) -> A.Wide
) {
  if job.loop.inner == 1 { scanRows(A.self, job, initial, step) } else { scanColumns(A.self, job, initial, step) }
}

/// Along contiguous output: one row after the other.
@inline(__always)
private func scanRows<A: ScanScalar>(
  _ scalar: A.Type, _ job: ReduceJob, _ initial: A.Wide, _ step: (A.Wide, A.Wide) -> A.Wide
) {
  let loop = job.loop
  let own = job.type == A.ownType
  let direct = own && loop.countStride == 1
  let capacity = min(stageCapacity, loop.count)
  let buffer = UnsafeMutablePointer<A>.allocate(capacity: direct ? 0 : capacity)
  defer { buffer.deallocate() }
  for o in 0..<loop.outer {
    var total = initial
    var k = 0
    while k < loop.count {
      let n = direct ? loop.count : min(capacity, loop.count - k)
      let from = job.input(o * loop.outerStride + k * loop.countStride)
      let at = o * loop.count + k
      let to = own ? job.y.assumingMemoryBound(to: A.self) + at : buffer
      var p = from.assumingMemoryBound(to: A.self)
      if !direct {
        let tile = StageTile(rows: 1, columns: n, rowStride: 0, columnStride: loop.countStride)
        A.stage(job.type, tile, from, buffer)
        p = UnsafePointer(buffer)
      }
      for j in 0..<n {
        total = step(total, p[j].wide)
        to[j] = A(wide: total)
      }
      if !own { A.unstage(job.type, n, UnsafePointer(buffer), job.y + at * job.type.size) }
      k += n
    }
  }
}

/// Across: a row of running values at once.
@inline(__always)
private func scanColumns<A: ScanScalar>(
  _ scalar: A.Type, _ job: ReduceJob, _ initial: A.Wide, _ step: (A.Wide, A.Wide) -> A.Wide
) {
  let loop = job.loop
  let own = job.type == A.ownType
  let direct = own && loop.innerStride == 1
  let width = min(loop.inner, 1024)
  let totals = UnsafeMutablePointer<A.Wide>.allocate(capacity: width)
  let buffer = UnsafeMutablePointer<A>.allocate(capacity: width)
  defer {
    totals.deallocate()
    buffer.deallocate()
  }
  for o in 0..<loop.outer {
    var i = 0
    while i < loop.inner {
      let w = min(width, loop.inner - i)
      for j in 0..<w { totals[j] = initial }
      for k in 0..<loop.count {
        let from = job.input(o * loop.outerStride + k * loop.countStride + i * loop.innerStride)
        let at = (o * loop.count + k) * loop.inner + i
        let to = own ? job.y.assumingMemoryBound(to: A.self) + at : buffer
        var p = from.assumingMemoryBound(to: A.self)
        if !direct {
          let tile = StageTile(rows: 1, columns: w, rowStride: 0, columnStride: loop.innerStride)
          A.stage(job.type, tile, from, buffer)
          p = UnsafePointer(buffer)
        }
        for j in 0..<w {
          let total = step(totals[j], p[j].wide)
          totals[j] = total
          to[j] = A(wide: total)
        }
        if !own { A.unstage(job.type, w, UnsafePointer(buffer), job.y + at * job.type.size) }
      }
      i += w
    }
  }
}
