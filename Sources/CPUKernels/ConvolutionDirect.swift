#if KERNELS_AVX512
  /// A convolution that reads the image where it lies, for few output channels: gathering a panel for them would take
  /// as long as multiplying it. The vectors of a tile are pieces of the plan's rows, masked where they are shorter.
  /// Sums in the order of `ConvolutionForward`, to the same bits.
  struct ConvolutionDirect<S: MatmulScalar> {
    let forward: ConvolutionForward<S>

    /// Pieces of a tile, and output channels. Four pieces would leave no registers: the compiler loads the weights of
    /// all channels before it multiplies.
    private static var widest: Int { 3 }
    private static var highest: Int { 6 }

    /// Whether the lanes that stay empty, with so many output channels, cost less than gathering.
    @inline(__always)
    static func suits(rowLength: Int, outputs: Int) -> Bool {
      let vectors = (rowLength + S.lanes - 1) / S.lanes
      return outputs * (vectors * S.lanes - rowLength) < 2 * rowLength
    }

    @inline(never)
    func run(_ rows: Range<Int>) {
      let f = forward, length = f.plan.rowLength, depth = f.blockDepth
      let inRow = (length + S.lanes - 1) / S.lanes, end = rows.upperBound * inRow
      var p = rows.lowerBound * inRow
      while p < end {
        let count = min(Self.widest, end - p)
        var t = 0
        repeat {
          let taps = min(depth, f.plan.tapCount - t), isLast = t + taps == f.plan.tapCount
          var tile = ConvolutionDirectTile<S>(
            image: f.image, taps: f.plan.taps + t, depth: taps, weight: f.weight + t, weightRow: f.weightRow,
            bias: isLast && f.bias, y: f.y, outputRow: f.outputRow, accumulate: t > 0)
          tile.p0 = piece(p, inRow)
          if count > 1 { tile.p1 = piece(p + 1, inRow) }
          if count > 2 { tile.p2 = piece(p + 2, inRow) }
          let bands = (f.outputs + Self.highest - 1) / Self.highest, band = (f.outputs + bands - 1) / max(1, bands)
          var m = 0
          while m < f.outputs {
            tile.run(rows: min(band, f.outputs - m), isWide: count > 2)
            tile.weight += band * f.weightRow
            tile.y += band * f.outputRow
            m += band
          }
          t += taps
        } while t < f.plan.tapCount
        p += count
      }
    }

    /// Piece number `p`, of which there are `inRow` in a row; the target is its place among the outputs.
    @inline(__always)
    private func piece(_ p: Int, _ inRow: Int) -> ConvolutionPiece {
      let length = forward.plan.rowLength, row = p / inRow, column = (p - row * inRow) * S.lanes
      return ConvolutionPiece(
        source: forward.plan.rows[row] + column, target: row * length + column, count: min(S.lanes, length - column))
    }
  }

  /// Some output channels of up to three pieces.
  private struct ConvolutionDirectTile<S: MatmulScalar> {
    let image: UnsafePointer<S>
    let taps: UnsafePointer<Int>, depth: Int
    var weight: UnsafePointer<S>, weightRow: Int
    let bias: Bool
    var y: UnsafeMutablePointer<S>, outputRow: Int
    let accumulate: Bool
    /// Those that there are not have no elements.
    var p0 = ConvolutionPiece(source: 0, target: 0, count: 0), p1 = ConvolutionPiece(source: 0, target: 0, count: 0)
    var p2 = ConvolutionPiece(source: 0, target: 0, count: 0)

    /// `rows` and `vectors`, two or three, are literals.
    @inline(__always)
    private func compute(rows: Int, vectors: Int) {
      var r0 = MatmulRow<S>(), r1 = MatmulRow<S>(), r2 = MatmulRow<S>()
      var r3 = MatmulRow<S>(), r4 = MatmulRow<S>(), r5 = MatmulRow<S>()
      let x0 = image + p0.source, x1 = image + p1.source, x2 = image + p2.source
      let row = weightRow
      var a0 = weight, a3 = weight + 3 * row
      for t in 0..<depth {
        let tap = taps[t]
        var x = MatmulRow<S>()
        x.v0 = S.load(x0 + tap, p0.count)
        x.v1 = S.load(x1 + tap, p1.count)
        if vectors > 2 { x.v2 = S.load(x2 + tap, p2.count) }
        r0.add(S.splat(a0[0]), x, vectors)
        if rows > 1 { r1.add(S.splat(a0[row]), x, vectors) }
        if rows > 2 { r2.add(S.splat(a0[2 * row]), x, vectors) }
        if rows > 3 { r3.add(S.splat(a3[0]), x, vectors) }
        if rows > 4 { r4.add(S.splat(a3[row]), x, vectors) }
        if rows > 5 { r5.add(S.splat(a3[2 * row]), x, vectors) }
        a0 += 1
        a3 += 1
      }
      write(r0, 0, vectors)
      if rows > 1 { write(r1, 1, vectors) }
      if rows > 2 { write(r2, 2, vectors) }
      if rows > 3 { write(r3, 3, vectors) }
      if rows > 4 { write(r4, 4, vectors) }
      if rows > 5 { write(r5, 5, vectors) }
    }

    @inline(__always)
    private func write(_ r: MatmulRow<S>, _ row: Int, _ vectors: Int) {
      let c = y + row * outputRow, start = S.splat(bias ? weight[row * weightRow + depth] : 0)
      @inline(__always)
      func put(_ v: S.Vector, _ p: ConvolutionPiece) {
        let target = c + p.target, sum = S.add(v, start)
        S.store(accumulate ? S.add(S.load(target, p.count), sum) : sum, target, p.count)
      }
      put(r.v0, p0)
      put(r.v1, p1)
      if vectors > 2 { put(r.v2, p2) }
    }

    @inline(__always)
    func run(rows: Int, isWide: Bool) {
      if isWide { select(rows, WideTile.self) } else { select(rows, NarrowTile.self) }
    }

    @inline(never)
    private func select<W: TileWidth>(_ rows: Int, _: W.Type) {
      switch rows {
      case 1: compute(Rows1.self, W.self)
      case 2: compute(Rows2.self, W.self)
      case 3: compute(Rows3.self, W.self)
      case 4: compute(Rows4.self, W.self)
      case 5: compute(Rows5.self, W.self)
      default: compute(Rows6.self, W.self)
      }
    }

    /// One function per shape, as in `MatmulTile`.
    @inline(never)
    private func compute<R: TileRows, W: TileWidth>(_: R.Type, _: W.Type) {
      compute(rows: R.count, vectors: W.vectors)
    }
  }

  /// The width of a tile as a type.
  private protocol TileWidth { static var vectors: Int { get } }
  private enum NarrowTile: TileWidth { @inline(__always) static var vectors: Int { 2 } }
  private enum WideTile: TileWidth { @inline(__always) static var vectors: Int { 3 } }
#endif
