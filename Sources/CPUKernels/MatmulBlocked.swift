/// A product whose operands' types are known: C = alpha · A B + (accumulate ? C : 0).
struct MatmulProblem<E: MatmulElement, C> {
  var m: Int, n: Int, k: Int
  var alpha: E.Scalar
  var a: UnsafePointer<E>, aRow: Int, aStep: Int
  var b: UnsafePointer<E>, bStep: Int, bColumn: Int
  var c: UnsafeMutablePointer<C>, cRow: Int, cColumn: Int
  var accumulate: Bool
  /// Rows and columns of the product of which this is a piece; they choose the way it is computed.
  var wholeM: Int, wholeN: Int

  /// The same product read as Cᵀ = Bᵀ Aᵀ.
  @inline(__always)
  var transposed: Self {
    Self(
      m: n, n: m, k: k, alpha: alpha, a: b, aRow: bColumn, aStep: bStep, b: a, bStep: aStep, bColumn: aRow, c: c,
      cRow: cColumn, cColumn: cRow, accumulate: accumulate, wholeM: wholeN, wholeN: wholeM)
  }
}

/// How many rows, columns and steps of k are packed at a time.
struct MatmulBlocks {
  var rows: Int, columns: Int, depth: Int

  /// A panel of A stays in the first cache while the panels of a block of B stream past it from the second; the
  /// block of A is read once for each block of B and may lie in the third. Uneven sizes are spread evenly over blocks.
  @inline(__always)
  init(m: Int, n: Int, k: Int, elementSize: Int) {
    let deepest = MatmulTiling.depth
    depth = MatmulBlocks.even(k, deepest, 4)
    let repeats = MatmulTiling.repeatsA ? MatmulBlocks.vectorBytes / elementSize : 1
    rows = MatmulBlocks.even(m, 4_194_304 / (deepest * elementSize * repeats), MatmulTiling.rows)
    columns = MatmulBlocks.even(n, 524_288 / (deepest * elementSize), 2 * MatmulBlocks.vectorBytes / elementSize)
  }

  /// Bytes of workspace for either reading of a product, as it is or transposed.
  static func workspace(m: Int, n: Int, k: Int, elementSize: Int) -> Int {
    let repeats = MatmulTiling.repeatsA ? vectorBytes / elementSize : 1
    let x = MatmulBlocks(m: m, n: n, k: k, elementSize: elementSize)
    let y = MatmulBlocks(m: n, n: m, k: k, elementSize: elementSize)
    let packed = max(x.depth * (x.rows * repeats + x.columns), y.depth * (y.rows * repeats + y.columns))
    return packed * elementSize + MatmulTiling.rows * 2 * vectorBytes
  }

  private static var vectorBytes: Int { MemoryLayout<VFloat>.size }

  /// `total` cut into the fewest blocks of at most `limit`, each about the same multiple of `unit`.
  @inline(__always)
  private static func even(_ total: Int, _ limit: Int, _ unit: Int) -> Int {
    if total <= unit { return unit }
    let count = (total + limit - 1) / limit
    let size = (total + count - 1) / count
    return (size + unit - 1) / unit * unit
  }
}

extension MatmulProblem where C == E.Scalar {
  typealias S = E.Scalar

  /// The large product, after Goto and van de Geijn (2008): packed blocks sized for the caches, tiles in registers.
  @inline(never)
  func blocked(_ blocks: MatmulBlocks, _ workspace: UnsafeMutablePointer<S>) {
    let repeats = MatmulTiling.repeatsA ? S.lanes : 1, lanes = S.lanes
    let packedA = workspace
    let packedB = packedA + blocks.rows * blocks.depth * repeats
    let scratch = packedB + blocks.columns * blocks.depth
    var ic = 0
    while ic < m {
      let rows = min(blocks.rows, m - ic)
      let panels = (rows + MatmulTiling.rows - 1) / MatmulTiling.rows, panel = (rows + panels - 1) / panels
      var pc = 0
      repeat {
        let depth = max(0, min(blocks.depth, k - pc))
        MatmulPack<E>.a(
          a + (ic * aRow + pc * aStep), aRow, aStep, rows: rows, depth: depth, panel: panel, packedA)
        var tile = MatmulTile<S>(
          a: packedA, aRow: 0, aStep: 0, b: packedB, bStep: 0, c: scratch, cRow: cRow, depth: depth, alpha: alpha,
          accumulate: accumulate || pc > 0, tail: lanes)
        var jc = 0
        while jc < n {
          let columns = min(blocks.columns, n - jc)
          MatmulPack<E>.b(b + (pc * bStep + jc * bColumn), bStep, bColumn, depth: depth, columns: columns, packedB)
          var i = 0
          while i < rows {
            let height = min(panel, rows - i)
            tile.a = UnsafePointer(packedA + i * depth * repeats)
            var j = 0
            while j < columns {
              let width = min(2 * lanes, columns - j)
              let vectors = width > lanes ? 2 : 1
              tile.tail = width - (vectors - 1) * lanes
              tile.b = UnsafePointer(packedB + j * depth)
              let target = c + ((ic + i) * cRow + (jc + j) * cColumn)
              if cColumn == 1 {
                tile.c = target
                tile.run(rows: height, vectors: vectors, packed: true)
              } else {
                scattered(tile, height, width, vectors, scratch, target)
              }
              j += width
            }
            i += height
          }
          jc += columns
        }
        pc += depth
      } while pc < k
      ic += rows
    }
  }

  /// A tile of a C whose columns are not adjacent, by way of `scratch`.
  @inline(never)
  private func scattered(
    _ tile: MatmulTile<S>, _ rows: Int, _ columns: Int, _ vectors: Int, _ scratch: UnsafeMutablePointer<S>,
    _ target: UnsafeMutablePointer<S>
  ) {
    var tile = tile
    let add = tile.accumulate
    tile.c = scratch
    tile.cRow = 2 * S.lanes
    tile.accumulate = false
    tile.run(rows: rows, vectors: vectors, packed: true)
    for i in 0..<rows {
      for j in 0..<columns {
        let value = scratch[i * 2 * S.lanes + j], place = target + (i * cRow + j * cColumn)
        place[0] = add ? place[0] + value : value
      }
    }
  }
}
