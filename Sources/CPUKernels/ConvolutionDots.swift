import CPUKernelAPI
import CSIMD

/// The gradient of a convolution's weight where there are few output channels: their number would leave most lanes of
/// `ConvolutionCorrelation`'s tiles empty, so that here lanes are positions. Tiles are some output channels high and four
/// taps wide; each is summed over all positions, one image after the other so that an image stays in the first cache.
/// Only after the last one are its lanes added up; until then the sums wait in `sums`.
struct ConvolutionDots<S: MatmulScalar> {
  let correlation: ConvolutionCorrelation<S>
  let sums: UnsafeMutablePointer<S>

  /// Output channels of a tile, so that its sums, four taps and a gradient fit the registers.
  private static var highest: Int {
    #if KERNELS_AVX512
      6
    #else
      2
    #endif
  }

  /// Whether this is the faster way: enough positions must pay for adding up the lanes.
  @inline(__always)
  static func suits(_ plan: ConvolutionPlan, outputs: Int) -> Bool {
    outputs <= S.lanes / 2 && S.lanes >= 8 && plan.rowCount * ((plan.rowLength + S.lanes - 1) / S.lanes) >= 32
  }

  /// Bytes for `sums`.
  static func workspace(tapCount: Int) -> Int { (tapCount + 3) * (S.lanes / 2) * MemoryLayout<S.Vector>.size }

  func run(_ taps: Range<Int>) {
    for image in 0..<correlation.images { run(taps, image) }
  }

  private func run(_ taps: Range<Int>, _ image: Int) {
    let outputs = correlation.outputs, bands = (outputs + Self.highest - 1) / Self.highest
    let band = (outputs + bands - 1) / max(1, bands)
    var t = taps.lowerBound
    while t < taps.upperBound {
      var m = 0
      while m < outputs {
        let count = min(4, taps.upperBound - t), sums = sums + ((t - taps.lowerBound) * outputs + 4 * m) * S.lanes
        switch min(band, outputs - m) {
        case 1: tile(Rows1.self, t, count, m, image, sums)
        #if KERNELS_AVX512
          case 2: tile(Rows2.self, t, count, m, image, sums)
          case 3: tile(Rows3.self, t, count, m, image, sums)
          case 4: tile(Rows4.self, t, count, m, image, sums)
          case 5: tile(Rows5.self, t, count, m, image, sums)
          default: tile(Rows6.self, t, count, m, image, sums)
        #else
          default: tile(Rows2.self, t, count, m, image, sums)
        #endif
        }
        m += band
      }
      t += 4
    }
  }

  @inline(never)
  private func tile<R: TileRows>(
    _: R.Type, _ t: Int, _ count: Int, _ m: Int, _ image: Int, _ sums: UnsafeMutablePointer<S>
  ) {
    compute(R.count, t, count, m, image, sums)
  }

  /// `rows` is a literal. Where fewer than four taps are left, the last one is summed again and not written.
  @inline(__always)
  private func compute(
    _ rows: Int, _ t: Int, _ count: Int, _ m: Int, _ n: Int, _ sums: UnsafeMutablePointer<S>
  ) {
    var r0 = MatmulRow<S>(), r1 = MatmulRow<S>(), r2 = MatmulRow<S>()
    var r3 = MatmulRow<S>(), r4 = MatmulRow<S>(), r5 = MatmulRow<S>()
    let it = correlation, plan = it.plan
    let t0 = plan.taps[t], t1 = plan.taps[t + min(1, count - 1)]
    let t2 = plan.taps[t + min(2, count - 1)], t3 = plan.taps[t + count - 1]
    let length = plan.rowLength, lanes = S.lanes, tail = length % lanes, end = length - tail
    let outputRow = it.outputRow
    if n > 0 {
      r0.load(sums, 0)
      if rows > 1 { r1.load(sums, 1) }
      if rows > 2 { r2.load(sums, 2) }
      if rows > 3 { r3.load(sums, 3) }
      if rows > 4 { r4.load(sums, 4) }
      if rows > 5 { r5.load(sums, 5) }
    }
    // Three channels share an address register, as in `MatmulTile`.
    var g0 = it.g + (n * it.gradientStep + m * outputRow), g3 = g0 + 3 * outputRow
    @inline(__always)
    func step(_ x: UnsafePointer<S>, _ i: Int, _ load: (UnsafePointer<S>) -> S.Vector) {
      var v = MatmulRow<S>()
      (v.v0, v.v1, v.v2, v.v3) = (load(x + t0), load(x + t1), load(x + t2), load(x + t3))
      r0.add(load(g0 + i), v, 4)
      if rows > 1 { r1.add(load(g0 + (outputRow + i)), v, 4) }
      if rows > 2 { r2.add(load(g0 + (2 * outputRow + i)), v, 4) }
      if rows > 3 { r3.add(load(g3 + i), v, 4) }
      if rows > 4 { r4.add(load(g3 + (outputRow + i)), v, 4) }
      if rows > 5 { r5.add(load(g3 + (2 * outputRow + i)), v, 4) }
    }
    let image = it.image + n * it.imageStep
    for row in 0..<plan.rowCount {
      let x = image + plan.rows[row]
      var i = 0
      while i < end {
        step(x + i, i) { S.load($0) }
        i += lanes
      }
      if tail > 0 { step(x + i, i) { S.load($0, tail) } }
      g0 += length
      g3 += length
    }
    if n + 1 < it.images {
      r0.store(sums, 0)
      if rows > 1 { r1.store(sums, 1) }
      if rows > 2 { r2.store(sums, 2) }
      if rows > 3 { r3.store(sums, 3) }
      if rows > 4 { r4.store(sums, 4) }
      if rows > 5 { r5.store(sums, 5) }
      return
    }
    @inline(__always)
    func write(_ r: MatmulRow<S>, _ row: Int) {
      @inline(__always)
      func put(_ v: S.Vector, _ column: Int) {
        if column >= count { return }
        let place = it.y + ((t + column) * it.resultRow + m + row)
        place[0] = it.accumulate ? place[0] + S.sum(v) : S.sum(v)
      }
      put(r.v0, 0)
      put(r.v1, 1)
      put(r.v2, 2)
      put(r.v3, 3)
    }
    write(r0, 0)
    if rows > 1 { write(r1, 1) }
    if rows > 2 { write(r2, 2) }
    if rows > 3 { write(r3, 3) }
    if rows > 4 { write(r4, 4) }
    if rows > 5 { write(r5, 5) }
  }
}

/// A row of four sums in memory.
extension MatmulRow {
  @inline(__always)
  fileprivate mutating func load(_ sums: UnsafePointer<S>, _ row: Int) {
    let p = sums + 4 * row * S.lanes
    (v0, v1, v2, v3) = (S.load(p), S.load(p + S.lanes), S.load(p + 2 * S.lanes), S.load(p + 3 * S.lanes))
  }

  @inline(__always)
  fileprivate func store(_ sums: UnsafeMutablePointer<S>, _ row: Int) {
    let p = sums + 4 * row * S.lanes
    S.store(v0, p)
    S.store(v1, p + S.lanes)
    S.store(v2, p + 2 * S.lanes)
    S.store(v3, p + 3 * S.lanes)
  }
}
