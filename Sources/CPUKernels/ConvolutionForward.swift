import CPUKernelAPI

/// A convolution as a product of the weight and the matrix of patches, of which only a panel exists at a time: gathered
/// from the image into the order in which the matrix tiles read it.
struct ConvolutionForward<S: MatmulScalar> {
  let plan: ConvolutionPlan
  let image: UnsafePointer<S>
  let weight: UnsafePointer<S>, weightRow: Int
  let bias: Bool
  let outputs: Int
  let y: UnsafeMutablePointer<S>, outputRow: Int

  @inline(never)
  func run(_ rows: Range<Int>, _ workspace: UnsafeMutableRawPointer) {
    let lanes = S.lanes, length = plan.rowLength, end = rows.upperBound * length
    let pieces = workspace.assumingMemoryBound(to: ConvolutionPiece.self)
    let panel = (workspace + ConvolutionTiling.pieceBytes).assumingMemoryBound(to: S.self)
    let depth = blockDepth
    var q = rows.lowerBound * length
    while q < end {
      let vectors = MatmulTiling.vectors(end - q, lanes: lanes), width = vectors * lanes
      let part = min(width, end - q)
      let count = cut(q, part, pieces)
      var tile = MatmulTile<S>(
        a: weight, aRow: weightRow, aStep: 1, b: UnsafePointer(panel), bStep: width, c: y, cRow: outputRow, depth: 0,
        alpha: 1, accumulate: false, tail: part - (vectors - 1) * lanes)
      var t = 0
      repeat {
        let taps = min(depth, plan.tapCount - t), isLast = t + taps == plan.tapCount
        gather(pieces, count, taps: t..<t + taps, panel, width, part)
        if isLast && bias {
          for v in 0..<vectors { S.store(S.splat(1), panel + (taps * width + v * lanes)) }
        }
        tile.a = weight + t
        tile.depth = taps + (isLast && bias ? 1 : 0)
        tile.accumulate = t > 0
        multiply(tile, q, vectors)
        t += taps
      } while t < plan.tapCount
      q += part
    }
  }

  /// Taps in a block: the fewest blocks of about the same size.
  @inline(__always)
  private var blockDepth: Int {
    let blocks = max(1, (plan.tapCount + ConvolutionTiling.depth - 1) / ConvolutionTiling.depth)
    return max(1, (plan.tapCount + blocks - 1) / blocks)
  }

  @inline(__always)
  private func multiply(_ start: MatmulTile<S>, _ q: Int, _ vectors: Int) {
    var tile = start
    let highest = MatmulTiling.rows(vectors), bands = (outputs + highest - 1) / highest
    let band = (outputs + bands - 1) / max(1, bands)
    var i = 0
    while i < outputs {
      tile.a = start.a + i * weightRow
      tile.c = y + (i * outputRow + q)
      // Where packing A would repeat its elements, tiles that do not expect that.
      tile.run(rows: min(band, outputs - i), vectors: vectors, packed: !MatmulTiling.repeatsA)
      i += band
    }
  }

  /// The pieces of the positions q ..< q + count, none longer than a vector.
  @inline(__always)
  private func cut(_ q: Int, _ count: Int, _ pieces: UnsafeMutablePointer<ConvolutionPiece>) -> Int {
    let length = plan.rowLength
    var row = q / length, column = q - row * length, done = 0, total = 0
    while done < count {
      let size = min(S.lanes, min(length - column, count - done))
      pieces[total] = ConvolutionPiece(source: plan.rows[row] + column, target: done, count: size)
      total += 1
      done += size
      column += size
      if column == length {
        column = 0
        row += 1
      }
    }
    return total
  }

  /// Fills the panel: for each tap a row with the elements under it. A piece is stored as a whole vector where there is
  /// room; the next one overwrites what is too much.
  @inline(never)
  private func gather(
    _ pieces: UnsafeMutablePointer<ConvolutionPiece>, _ count: Int, taps range: Range<Int>,
    _ panel: UnsafeMutablePointer<S>, _ width: Int, _ part: Int
  ) {
    let taps = plan.taps + range.lowerBound, depth = range.count, lanes = S.lanes
    if part < width {
      // Whoever reads the whole last vector finds numbers.
      for t in 0..<depth { S.store(S.Vector(), panel + (t * width + width - lanes)) }
    }
    for p in 0..<count {
      let piece = pieces[p], source = image + piece.source, size = piece.count
      var target = panel + piece.target
      if size == lanes {
        for t in 0..<depth {
          S.store(S.load(source + taps[t]), target)
          target += width
        }
      } else if size == 1 {
        for t in 0..<depth {
          target[0] = source[taps[t]]
          target += width
        }
      } else if piece.target + lanes <= width {
        for t in 0..<depth {
          S.store(S.load(source + taps[t], size), target)
          target += width
        }
      } else {
        for t in 0..<depth {
          S.store(S.load(source + taps[t], size), target, size)
          target += width
        }
      }
    }
  }
}
