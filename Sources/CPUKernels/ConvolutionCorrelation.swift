import CPUKernelAPI

/// The gradient of a convolution's weight: for each tap and output channel, the sum over all positions of the element
/// under the tap times the output's gradient. Tiles are some taps high, whose elements are read where they lie in the
/// image, and some vectors of output channels wide.
struct ConvolutionCorrelation<S: MatmulScalar> {
  let plan: ConvolutionPlan
  let images: Int
  let image: UnsafePointer<S>, imageStep: Int
  let g: UnsafePointer<S>, gradientStep: Int, outputRow: Int, outputs: Int
  let y: UnsafeMutablePointer<S>, resultRow: Int
  let accumulate: Bool

  func run(_ taps: Range<Int>, _ panels: UnsafeMutablePointer<S>) {
    for n in 0..<images { run(taps, image + n * imageStep, g + n * gradientStep, accumulate || n > 0, panels) }
  }

  /// One image.
  @inline(never)
  private func run(
    _ taps: Range<Int>, _ image: UnsafePointer<S>, _ g: UnsafePointer<S>, _ accumulate: Bool,
    _ panels: UnsafeMutablePointer<S>
  ) {
    let lanes = S.lanes, length = plan.rowLength, chunk = ConvolutionTiling.chunk(plan)
    var row = 0
    repeat {
      let rows = min(chunk, plan.rowCount - row), positions = rows * length
      var m = 0
      while m < outputs {
        let vectors = MatmulTiling.vectors(outputs - m, lanes: lanes), width = vectors * lanes
        let part = min(width, outputs - m)
        // Adjacent output channels in adjacent lanes.
        MatmulPack<S>.panels(
          g + (m * outputRow + row * length), laneStride: outputRow, stepStride: 1, count: part, depth: positions,
          width: width, unit: width, panels)
        let highest = MatmulTiling.rows(vectors), bands = (taps.count + highest - 1) / highest
        let band = (taps.count + bands - 1) / max(1, bands)
        var t = taps.lowerBound
        while t < taps.upperBound {
          let height = min(band, taps.upperBound - t)
          let target = MatmulTile<S>(
            a: image, aRow: 0, aStep: 0, b: UnsafePointer(panels), bStep: width, c: y + (t * resultRow + m),
            cRow: resultRow, depth: 0, alpha: 1, accumulate: accumulate || row > 0, tail: part - (vectors - 1) * lanes)
          ConvolutionTile(
            tile: target, image: image, taps: plan.taps + t, rows: plan.rows + row, rowCount: rows, rowLength: length
          ).run(rows: height, vectors: vectors)
          t += height
        }
        m += part
      }
      row += rows
    } while row < plan.rowCount
  }
}

/// One tile of a correlation.
private struct ConvolutionTile<S: MatmulScalar> {
  /// B, C and how to write them.
  let tile: MatmulTile<S>
  let image: UnsafePointer<S>
  let taps: UnsafePointer<Int>
  let rows: UnsafePointer<Int>
  let rowCount: Int
  let rowLength: Int

  /// `count` and `vectors` are literals at each place of use, as in `MatmulTile`.
  @inline(__always)
  func compute(rows count: Int, vectors: Int) {
    var r0 = MatmulRow<S>(), r1 = MatmulRow<S>(), r2 = MatmulRow<S>(), r3 = MatmulRow<S>()
    var r4 = MatmulRow<S>(), r5 = MatmulRow<S>(), r6 = MatmulRow<S>(), r7 = MatmulRow<S>()
    var r8 = MatmulRow<S>(), r9 = MatmulRow<S>(), r10 = MatmulRow<S>(), r11 = MatmulRow<S>()
    @inline(__always) func tap(_ i: Int) -> Int { i < count ? taps[i] : 0 }
    let t0 = tap(0), t1 = tap(1), t2 = tap(2), t3 = tap(3), t4 = tap(4), t5 = tap(5)
    let t6 = tap(6), t7 = tap(7), t8 = tap(8), t9 = tap(9), t10 = tap(10), t11 = tap(11)
    // A copy: what is written to C could change the tile itself, for all the compiler knows.
    let tile = tile
    var b = tile.b
    let width = vectors * S.lanes
    for row in 0..<rowCount {
      var x = image + rows[row]
      for _ in 0..<rowLength {
        let y = tile.loadB(b, vectors, true)
        r0.add(S.splat(x[t0]), y, vectors)
        if count > 1 { r1.add(S.splat(x[t1]), y, vectors) }
        if count > 2 { r2.add(S.splat(x[t2]), y, vectors) }
        if count > 3 { r3.add(S.splat(x[t3]), y, vectors) }
        if count > 4 { r4.add(S.splat(x[t4]), y, vectors) }
        if count > 5 { r5.add(S.splat(x[t5]), y, vectors) }
        if count > 6 { r6.add(S.splat(x[t6]), y, vectors) }
        if count > 7 { r7.add(S.splat(x[t7]), y, vectors) }
        if count > 8 { r8.add(S.splat(x[t8]), y, vectors) }
        if count > 9 { r9.add(S.splat(x[t9]), y, vectors) }
        if count > 10 { r10.add(S.splat(x[t10]), y, vectors) }
        if count > 11 { r11.add(S.splat(x[t11]), y, vectors) }
        x += 1
        b += width
      }
    }
    r0.write(tile, 0, vectors)
    if count > 1 { r1.write(tile, 1, vectors) }
    if count > 2 { r2.write(tile, 2, vectors) }
    if count > 3 { r3.write(tile, 3, vectors) }
    if count > 4 { r4.write(tile, 4, vectors) }
    if count > 5 { r5.write(tile, 5, vectors) }
    if count > 6 { r6.write(tile, 6, vectors) }
    if count > 7 { r7.write(tile, 7, vectors) }
    if count > 8 { r8.write(tile, 8, vectors) }
    if count > 9 { r9.write(tile, 9, vectors) }
    if count > 10 { r10.write(tile, 10, vectors) }
    if count > 11 { r11.write(tile, 11, vectors) }
  }

  /// Computes the tile, at most `MatmulTiling.rows(vectors)` taps high.
  @inline(__always)
  func run(rows: Int, vectors: Int) {
    #if KERNELS_AVX512 || arch(arm64)
      if vectors == 4 { return selectWide(rows) }
    #endif
    if vectors == 2 { select(rows, TwoVectors.self) } else { select(rows, OneVector.self) }
  }

  @inline(never)
  private func select<V: TileVectors>(_ rows: Int, _: V.Type) {
    switch rows {
    case 1: compute(Rows1.self, V.self)
    case 2: compute(Rows2.self, V.self)
    case 3: compute(Rows3.self, V.self)
    #if KERNELS_AVX512 || arch(arm64)
      case 4: compute(Rows4.self, V.self)
      case 5: compute(Rows5.self, V.self)
      case 6: compute(Rows6.self, V.self)
      case 7: compute(Rows7.self, V.self)
      case 8: compute(Rows8.self, V.self)
      case 9: compute(Rows9.self, V.self)
      case 10: compute(Rows10.self, V.self)
      case 11: compute(Rows11.self, V.self)
      default: compute(Rows12.self, V.self)
    #else
      case 4: compute(Rows4.self, V.self)
      case 5: compute(Rows5.self, V.self)
      default: compute(Rows6.self, V.self)
    #endif
    }
  }

  #if KERNELS_AVX512 || arch(arm64)
    @inline(never)
    private func selectWide(_ rows: Int) {
      switch rows {
      case 1: compute(Rows1.self, FourVectors.self)
      case 2: compute(Rows2.self, FourVectors.self)
      case 3: compute(Rows3.self, FourVectors.self)
      case 4: compute(Rows4.self, FourVectors.self)
      case 5: compute(Rows5.self, FourVectors.self)
      default: compute(Rows6.self, FourVectors.self)
      }
    }
  #endif

  /// One function per shape: the inliner gives up on a function that would hold several.
  @inline(never)
  private func compute<R: TileRows, V: TileVectors>(_: R.Type, _: V.Type) {
    compute(rows: R.count, vectors: V.count)
  }
}

/// The width of a tile as a type.
private protocol TileVectors { static var count: Int { get } }
private enum OneVector: TileVectors { @inline(__always) static var count: Int { 1 } }
private enum TwoVectors: TileVectors { @inline(__always) static var count: Int { 2 } }
private enum FourVectors: TileVectors { @inline(__always) static var count: Int { 4 } }
