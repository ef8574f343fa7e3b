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
    #if KERNELS_AVX512
      if ConvolutionDirect<S>.suits(rowLength: plan.rowLength, outputs: outputs) {
        return ConvolutionDirect(forward: self).run(rows)
      }
    #endif
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
        gather(pieces, count, taps: t..<t + taps, panel, width)
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
  var blockDepth: Int {
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

  /// The pieces of the positions q ..< q + count, none of which reaches into two vectors of a panel.
  @inline(__always)
  private func cut(_ q: Int, _ count: Int, _ pieces: UnsafeMutablePointer<ConvolutionPiece>) -> Int {
    let length = plan.rowLength, lanes = S.lanes
    var row = q / length, column = q - row * length, done = 0, total = 0
    while done < count {
      let size = min(lanes - done % lanes, min(length - column, count - done))
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

  /// Fills the panel: for each tap a row with the elements under it, each vector put together from its pieces.
  @inline(never)
  private func gather(
    _ pieces: UnsafeMutablePointer<ConvolutionPiece>, _ count: Int, taps range: Range<Int>,
    _ panel: UnsafeMutablePointer<S>, _ width: Int
  ) {
    let taps = plan.taps + range.lowerBound, depth = range.count, lanes = S.lanes
    var p = 0
    while p < count {
      let first = pieces[p], vector = first.target / lanes * lanes
      var next = p + 1
      while next < count && pieces[next].target < vector + lanes { next += 1 }
      var target = panel + vector
      // Where lane 0 of each piece would be.
      let a = image + first.source
      switch next - p {
      case 1 where first.count == lanes:
        for t in 0..<depth {
          S.store(S.load(a + taps[t]), target)
          target += width
        }
      case 1:
        for t in 0..<depth {
          S.store(S.load(a + taps[t], first.count), target)
          target += width
        }
      case 2:
        let second = pieces[p + 1], b = image + (second.source - (second.target - vector))
        for t in 0..<depth {
          let tap = taps[t], v = S.load(a + tap, first.count)
          S.store(S.merge(v, b + tap, second.target - vector, second.count), target)
          target += width
        }
      case 3:
        let second = pieces[p + 1], b = image + (second.source - (second.target - vector))
        let third = pieces[p + 2], c = image + (third.source - (third.target - vector))
        for t in 0..<depth {
          let tap = taps[t], v = S.load(a + tap, first.count)
          let w = S.merge(v, b + tap, second.target - vector, second.count)
          S.store(S.merge(w, c + tap, third.target - vector, third.count), target)
          target += width
        }
      default: gatherElements(pieces + p, next - p, taps, depth, target - vector, width)
      }
      p = next
    }
  }

  /// A vector of many short pieces, element by element; the rest of it is 0.
  @inline(never)
  private func gatherElements(
    _ pieces: UnsafeMutablePointer<ConvolutionPiece>, _ count: Int, _ taps: UnsafePointer<Int>, _ depth: Int,
    _ panel: UnsafeMutablePointer<S>, _ width: Int
  ) {
    let last = pieces[count - 1], end = last.target + last.count, whole = (end + S.lanes - 1) / S.lanes * S.lanes
    for t in 0..<depth {
      let source = image + taps[t], target = panel + t * width
      for p in 0..<count {
        let piece = pieces[p]
        for i in 0..<piece.count { target[piece.target + i] = source[piece.source + i] }
      }
      for i in end..<whole { target[i] = 0 }
    }
  }
}
