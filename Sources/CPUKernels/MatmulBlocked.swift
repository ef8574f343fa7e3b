import CSIMD

/// A product whose operands' types are known: C = alpha · A B + D.
struct MatmulProblem<E: MatmulElement, C> {
  var m: Int, n: Int, k: Int
  var alpha: E.Scalar
  var a: UnsafePointer<E>, aRow: Int, aStep: Int
  var b: UnsafePointer<E>, bStep: Int, bColumn: Int
  var c: UnsafeMutablePointer<C>, cRow: Int, cColumn: Int
  var d: UnsafePointer<C>?, dRow: Int, dColumn: Int
  /// Rows and columns of the product of which this is a piece; they choose the way it is computed.
  var wholeM: Int, wholeN: Int

  /// The same product read as Cᵀ = Bᵀ Aᵀ.
  @inline(__always)
  var transposed: Self {
    Self(
      m: n, n: m, k: k, alpha: alpha, a: b, aRow: bColumn, aStep: bStep, b: a, bStep: aStep, bColumn: aRow, c: c,
      cRow: cColumn, cColumn: cRow, d: d, dRow: dColumn, dColumn: dRow, wholeM: wholeN, wholeN: wholeM)
  }
}

/// How a product is cut: what is packed, and how many rows, columns and steps of k at a time.
struct MatmulBlocks {
  var rows: Int, columns: Int, depth: Int
  var packsA: Bool, packsB: Bool
  /// True where B is read in place and once: all rows of A go past one panel of B after the other.
  var streamsB: Bool

  /// Steps of k at a time where B is read in place.
  static let longDepth = 1024

  /// Bytes of workspace for a product of this size, read as it is or transposed and whichever way it is cut.
  static func workspace(m: Int, n: Int, k: Int, elementSize: Int) -> Int {
    let unit = vectorBytes / elementSize * MatmulTiling.packedWidest, longest = max(m, n)
    func elements(_ depth: Int, _ limit: Int) -> Int { (min(longest, limit / depth) + unit) * depth }
    let depth = even(k, MatmulTiling.depth, 4), long = even(k, longDepth, 4)
    let packedA = max(elements(depth, rowLimit / repeats), elements(long, rowLimit / repeats)) * repeats
    let packedB = elements(depth, columnLimit)
    return (packedA + packedB) * elementSize + MatmulTiling.rows * MatmulTiling.widest * vectorBytes
  }

  /// Elements of A and of B packed at a time.
  fileprivate static let rowLimit = 1_048_576, columnLimit = 131_072
  fileprivate static var vectorBytes: Int { MemoryLayout<VFloat>.size }
  /// How often an element of A lies in its packed block, for float32; half as often for float64.
  fileprivate static var repeats: Int { MatmulTiling.repeatsA ? vectorBytes / 4 : 1 }

  /// `total` cut into the fewest blocks of at most `limit`, each about the same multiple of `unit`.
  @inline(__always)
  fileprivate static func even(_ total: Int, _ limit: Int, _ unit: Int) -> Int {
    if total <= unit { return unit }
    let count = (total + limit - 1) / limit
    let size = (total + count - 1) / count
    return (size + unit - 1) / unit * unit
  }
}

extension MatmulProblem where C == E.Scalar {
  typealias S = E.Scalar

  /// Chooses by the size of the whole, so that no element depends on how the threads share the work.
  @inline(__always)
  var blocks: MatmulBlocks {
    // Reading B in place is faster for few rows and while it fits the second cache; its rows must not lie far apart.
    let bytes = k * wholeN * MemoryLayout<S>.size, isLarge = bytes > 524_288 && wholeM > 16
    let fewRows = wholeM <= 16 || wholeM <= 64 && wholeN <= 512
    // A batch and the weights of a layer: the weights come from far and meet few rows.
    let isAligned = bStep * MemoryLayout<S>.size % 64 == 0
    let streamsB =
      E.isScalar && bColumn == 1 && isAligned && (17...128).contains(wholeM) && wholeN <= 1024 && bytes >= 524_288
    let packsB =
      !streamsB && (!E.isScalar || bColumn != 1 || !fewRows && bytes > (wholeM <= 128 ? 524_288 : 98_304))
    // Packing A pays where many panels of B meet it. Where packing repeats it, it goes with packing B.
    let unit = MatmulTiling.packedWidest * S.lanes, manyPanels = wholeN > (aStep == 1 ? 192 : unit)
    let packsA = MatmulTiling.repeatsA ? packsB : !E.isScalar || !streamsB && wholeM * k > 65_536 && manyPanels
    let isDeep = !packsB && !isLarge && !streamsB
    let depth = MatmulBlocks.even(k, isDeep ? MatmulBlocks.longDepth : MatmulTiling.depth, 4)
    let rowLimit = MatmulBlocks.rowLimit / (depth * MatmulBlocks.repeats),
      columnLimit = MatmulBlocks.columnLimit / depth
    return MatmulBlocks(
      rows: packsA ? MatmulBlocks.even(m, rowLimit, MatmulTiling.packedRows) : m,
      columns: isDeep || streamsB ? n : MatmulBlocks.even(n, columnLimit, unit), depth: depth, packsA: packsA,
      packsB: packsB, streamsB: streamsB)
  }

  /// The large product, after Goto and van de Geijn (2008): blocks sized for the caches, tiles in registers. A panel of
  /// A stays in the first cache while the panels of a block of B stream past it from the second.
  @inline(never)
  func blocked(_ workspace: UnsafeMutablePointer<S>) {
    let blocks = blocks, lanes = S.lanes, repeats = MatmulTiling.repeatsA ? S.lanes : 1
    let scratch = workspace, packedB = scratch + MatmulTiling.rows * MatmulTiling.widest * lanes
    let packedA = packedB + (blocks.packsB ? blocks.columns * blocks.depth : 0)
    var ic = 0
    while ic < m {
      let rows = min(blocks.rows, m - ic)
      var pc = 0
      repeat {
        let depth = max(0, min(blocks.depth, k - pc))
        let a = a + (ic * aRow + pc * aStep)
        var tile = MatmulTile<S>(
          a: packedA, aRow: repeats, aStep: MatmulTiling.packedRows * repeats, b: packedB, bStep: bStep, c: scratch,
          cRow: cRow, depth: depth, alpha: alpha, accumulate: d != nil || pc > 0, tail: lanes)
        // What the first steps of k start from; the next ones add to C.
        if pc == 0 { tile.dRow = dRow }
        // Four times A is more than the second cache holds: rows along k are packed when their turn comes, for each block
        // of B again, in memory that stays in the first cache.
        let unpacked = blocks.packsA && MatmulTiling.repeatsA && aStep == 1 ? a : nil
        if blocks.packsA {
          if unpacked == nil { MatmulPack<E>.a(a, aRow, aStep, rows: rows, depth: depth, packedA) }
        } else {
          tile.a = UnsafeRawPointer(a).assumingMemoryBound(to: S.self)
          tile.aRow = aRow
          tile.aStep = aStep
        }
        var jc = 0
        while jc < n {
          let columns = min(blocks.columns, n - jc)
          let b = b + (pc * bStep + jc * bColumn)
          if blocks.packsB {
            packB(b, columns, depth, packedB)
          } else {
            tile.b = UnsafeRawPointer(b).assumingMemoryBound(to: S.self)
          }
          let target = c + (ic * cRow + jc * cColumn)
          if pc == 0 { tile.d = d.map { $0 + (ic * dRow + jc * dColumn) } }
          if blocks.streamsB && cColumn == 1 {
            stream(tile, rows: rows, columns: columns, target)
          } else {
            sweep(tile, blocks, rows: rows, columns: columns, packing: unpacked, scratch, target)
          }
          jc += columns
        }
        pc += depth
      } while pc < k
      ic += rows
    }
  }

  /// Packs a block of B: panels of the widest tile, then what is left as one of two vectors, one of one, or both.
  @inline(__always)
  private func packB(_ b: UnsafePointer<E>, _ columns: Int, _ depth: Int, _ packed: UnsafeMutablePointer<S>) {
    let lanes = S.lanes
    var j = 0
    while j < columns {
      let width = MatmulTiling.vectors(columns - j, lanes: lanes, packed: true) * lanes
      let count = width == MatmulTiling.packedWidest * lanes ? (columns - j) / width * width : 0
      let part = max(count, min(width, columns - j))
      MatmulPack<E>.panels(
        b + j * bColumn, laneStride: bColumn, stepStride: bStep, count: part, depth: depth, width: width, unit: width,
        packed + j * depth)
      j += part
    }
  }

  /// All tiles of a block of C. Where A's rows are given, they are packed on the way, each band in place of the last.
  @inline(__always)
  private func sweep(
    _ start: MatmulTile<S>, _ blocks: MatmulBlocks, rows: Int, columns: Int, packing unpacked: UnsafePointer<E>?,
    _ scratch: UnsafeMutablePointer<S>, _ target: UnsafeMutablePointer<C>
  ) {
    let lanes = S.lanes
    let widest = blocks.packsB ? MatmulTiling.packedWidest : MatmulTiling.widest
    var tile = start, first = 0
    while first < columns {
      // Panels of one width.
      let vectors = MatmulTiling.vectors(columns - first, lanes: lanes, packed: blocks.packsB), width = vectors * lanes
      let end = vectors == widest ? first + max(1, (columns - first) / width) * width : first + width
      let last = min(end, columns)
      let highest = MatmulTiling.rows(vectors, packed: blocks.packsB), bands = (rows + highest - 1) / highest
      let band = blocks.packsA ? highest : (rows + bands - 1) / bands
      if blocks.packsB { tile.bStep = width }
      var i = 0
      while i < rows {
        let height = min(band, rows - i)
        if blocks.packsA {
          if let unpacked {
            // Here bands are as high as what is packed at once.
            tile.a = start.a
            tile.aStep = height * start.aRow
            MatmulPack<E>.a(
              unpacked + i * aRow, aRow, aStep, rows: height, depth: tile.depth, UnsafeMutablePointer(mutating: tile.a))
          } else {
            let top = i / MatmulTiling.packedRows * MatmulTiling.packedRows
            tile.a = start.a + (top * tile.depth + (i - top)) * start.aRow
            tile.aStep = min(MatmulTiling.packedRows, rows - top) * start.aRow
          }
        } else {
          tile.a = start.a + i * aRow
        }
        // While the panels of B go past this one of A, the next one comes nearer where it lies far away.
        let size = unpacked == nil && blocks.packsA && MatmulTiling.repeatsA ? height * tile.depth * start.aRow : 0
        let next = tile.a + size
        let share = size > 0 ? (size * width + last - first - 1) / (last - first) : 0
        var j = first, near = 0
        while j < last {
          let part = min(width, last - j), place = target + (i * cRow + j * cColumn)
          let enough = min(size, near + share)
          while near < enough {
            simd_prefetch_far(next + near)
            near += 64 / MemoryLayout<S>.size
          }
          tile.tail = part - (vectors - 1) * lanes
          tile.b = start.b + (blocks.packsB ? j * tile.depth : j)
          tile.d = start.d.map { $0 + (i * dRow + j * dColumn) }
          if cColumn == 1 {
            tile.c = place
            tile.run(rows: height, vectors: vectors, packed: blocks.packsB)
          } else {
            scattered(tile, height, part, vectors, blocks.packsB, scratch, place)
          }
          j += part
        }
        i += height
      }
      first = last
    }
  }

  /// All tiles of a block of C where B is read in place: panel by panel, so that each comes from memory once. While
  /// the rows of A go past a panel, the next one comes nearer.
  @inline(__always)
  private func stream(_ start: MatmulTile<S>, rows: Int, columns: Int, _ target: UnsafeMutablePointer<C>) {
    let lanes = S.lanes
    var tile = start, j = 0
    while j < columns {
      let vectors = MatmulTiling.vectors(columns - j, lanes: lanes), width = min(vectors * lanes, columns - j)
      let highest = MatmulTiling.rows(vectors), bands = (rows + highest - 1) / highest
      let band = (rows + bands - 1) / bands
      tile.tail = width - (vectors - 1) * lanes
      tile.b = start.b + j
      // After the last panel, the first of the next steps of k.
      let next = j + width < columns ? tile.b + width : start.b + tile.depth * bStep
      var i = 0, step = 0
      let share = (tile.depth + bands - 1) / bands
      while i < rows {
        let end = min(tile.depth, step + share)
        while step < end {
          for v in 0..<vectors { simd_prefetch_far(next + (step * bStep + v * lanes)) }
          step += 1
        }
        tile.a = start.a + i * aRow
        tile.c = target + (i * cRow + j)
        tile.d = start.d.map { $0 + (i * dRow + j) }
        tile.run(rows: min(band, rows - i), vectors: vectors, packed: false)
        i += band
      }
      j += width
    }
  }

  /// A tile of a C whose columns are not adjacent, by way of `scratch`.
  @inline(never)
  private func scattered(
    _ tile: MatmulTile<S>, _ rows: Int, _ columns: Int, _ vectors: Int, _ packed: Bool,
    _ scratch: UnsafeMutablePointer<S>, _ target: UnsafeMutablePointer<S>
  ) {
    var tile = tile
    let add = tile.accumulate, width = vectors * S.lanes
    tile.c = scratch
    tile.cRow = width
    tile.accumulate = false
    tile.run(rows: rows, vectors: vectors, packed: packed)
    for i in 0..<rows {
      for j in 0..<columns {
        let value = scratch[i * width + j], place = target + (i * cRow + j * cColumn)
        let old = tile.d.map { $0[i * dRow + j * dColumn] } ?? place[0]
        place[0] = add ? old + value : value
      }
    }
  }
}
