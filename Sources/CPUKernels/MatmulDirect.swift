/// Products that read A and B where they lie, without packing: few rows, or so small that packing would cost more
/// than it saves.
extension MatmulProblem where E == E.Scalar, C == E {
  /// B and C have adjacent columns; A has any strides.
  @inline(never)
  func direct() {
    let lanes = E.lanes, wide = m <= MatmulTiling.wideRows
    let bands = (m + MatmulTiling.rows - 1) / MatmulTiling.rows, band = (m + bands - 1) / bands
    var tile = MatmulTile<E>(
      a: a, aRow: aRow, aStep: aStep, b: b, bStep: bStep, c: c, cRow: cRow, depth: k, alpha: alpha,
      accumulate: accumulate, tail: lanes)
    var j = 0
    while j < n {
      let rest = n - j
      let vectors = rest <= lanes ? 1 : wide && rest > 3 * lanes ? 4 : 2
      let width = min(rest, vectors * lanes)
      tile.tail = width - (vectors - 1) * lanes
      tile.b = b + j
      var i = 0
      while i < m {
        let height = min(band, m - i)
        tile.a = a + i * aRow
        tile.c = c + (i * cRow + j)
        tile.run(rows: height, vectors: vectors, packed: false)
        i += height
      }
      j += width
    }
  }
}
