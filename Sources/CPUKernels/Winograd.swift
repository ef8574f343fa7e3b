import CPUKernelAPI

extension Kernels: WinogradKernels {
  package var winogradPanel: Int { WinogradTiling.panel }

  package func winogradBlock(_ plan: WinogradPlan) -> Int { WinogradTiling.rows(plan) }

  package func winogradWeightCount(_ plan: WinogradPlan) -> Int {
    16 * WinogradTiling.plane(plan.channels * WinogradTiling.padded(plan.outputs))
  }

  package func winogradWeights(
    _ plan: WinogradPlan, _ w: UnsafePointer<Float>, outputStride: Int, channelStride: Int, channels: Range<Int>,
    turned: Bool, _ u: UnsafeMutablePointer<Float>
  ) {
    let lanes = Float.lanes, plane = WinogradTiling.plane(plan.channels * WinogradTiling.padded(plan.outputs))
    withUnsafeTemporaryAllocation(of: VFloat.self, capacity: 9) { memory in
      let nine = UnsafeMutableRawPointer(memory.baseAddress!).assumingMemoryBound(to: Float.self)
      WinogradTiling.forEachVector(plan.outputs) { k, panel, width in
        let count = min(lanes, plan.outputs - k), target = u + (panel * plan.channels + k - panel)
        for c in channels {
          WinogradLanes.gatherNine(
            w + (k * outputStride + c * channelStride), outputStride, count, nine)
          WinogradTransform.weights(
            nine + (turned ? 8 * lanes : 0), step: turned ? -lanes : lanes, target + c * width, plane: plane)
        }
      }
    }
  }

  package func winogradConvolve(
    _ plan: WinogradPlan, _ x: WinogradImages, weights u: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    rows: Range<Int>, outputs: Range<Int>, _ y: UnsafeMutablePointer<Float>, workspace: UnsafeMutablePointer<Float>
  ) {
    WinogradForward(plan: plan, x: x, u: u, bias: bias, outputs: outputs, y: y).run(rows, workspace)
  }

  package func winogradConvolveWorkspace(_ plan: WinogradPlan) -> Int { 4 * WinogradForward.elements(plan) }
}

/// How Winograd convolutions are cut, and where their parts lie in memory.
enum WinogradTiling {
  /// Output channels of the widest matrix tile.
  static var panel: Int { MatmulTiling.widest * Float.lanes }

  /// Whole vectors for so many channels.
  @inline(__always)
  static func padded(_ channels: Int) -> Int { (channels + Float.lanes - 1) / Float.lanes * Float.lanes }

  /// The distance of the sixteen planes of elements of tiles. It is never a power of two, so that those of one tile do
  /// not compete for the same lines of the first cache.
  @inline(__always)
  static func plane(_ elements: Int) -> Int { (elements + 1023) / 1024 * 1024 + 80 }

  /// Rows of tiles of a block: as many as the second cache holds transformed, but not so few that the weights are read
  /// more often than pays; whole images where they fit.
  @inline(__always)
  static func rows(_ plan: WinogradPlan) -> Int {
    let elements = 16 * (padded(plan.channels) + padded(plan.outputs))
    let rows = max(1, max(blockTiles, blockElements / elements) / plan.tiles.y)
    return rows >= plan.tiles.x ? rows / plan.tiles.x * plan.tiles.x : rows
  }
  /// Tiles of a block at least, and elements of its transformed images and products at most.
  static let blockTiles = 96, blockElements = 262_144

  /// Rows of tiles whose lines of an image are gathered at a time.
  @inline(__always)
  static func chunk(_ plan: WinogradPlan) -> Int {
    let line = 2 * (plan.tiles.y + 1) * padded(plan.channels)
    return max(1, min(plan.tiles.x, (frameElements / line - 2) / 2))
  }
  /// Elements gathered at a time, about what the first cache holds.
  static let frameElements = 8_192

  /// Calls `body` for each vector of so many channels: its first channel, that of its panel, and the panel's width.
  @inline(__always)
  static func forEachVector(_ channels: Int, _ body: (Int, Int, Int) -> Void) {
    var panel = 0
    while panel < channels {
      let width = MatmulTiling.vectors(channels - panel, lanes: Float.lanes) * Float.lanes
      var k = panel
      while k < min(panel + width, channels) {
        body(k, panel, width)
        k += Float.lanes
      }
      panel += width
    }
  }

  /// Calls `body` for each chunk of some rows of tiles: the image, its first row in the image, the number of rows, and
  /// how many came before.
  @inline(__always)
  static func forEachChunk(
    _ plan: WinogradPlan, _ rows: Range<Int>, _ limit: Int, _ body: (Int, Int, Int, Int) -> Void
  ) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let image = row / plan.tiles.x, first = row - image * plan.tiles.x
      let count = min(limit, min(plan.tiles.x - first, rows.upperBound - row))
      body(image, first, count, row - rows.lowerBound)
      row += count
    }
  }

  /// The products of one plane: C [rows, outputs] = A B, where B and C are in panels as `forEachVector` cuts them.
  @inline(__always)
  static func multiply(_ start: MatmulTile<Float>, rows: Int, outputs: Int) {
    var tile = start, panel = 0
    while panel < outputs {
      let vectors = MatmulTiling.vectors(outputs - panel, lanes: Float.lanes), width = vectors * Float.lanes
      let highest = MatmulTiling.rows(vectors), bands = (rows + highest - 1) / highest
      let band = (rows + bands - 1) / max(1, bands)
      tile.b = start.b + panel * start.depth
      tile.bStep = width
      tile.cRow = width
      var i = 0
      while i < rows {
        tile.a = start.a + i * start.aRow
        tile.c = start.c + (panel * rows + i * width)
        // Where packing A would repeat its elements, tiles that do not expect that.
        tile.run(rows: min(band, rows - i), vectors: vectors, packed: !MatmulTiling.repeatsA)
        i += band
      }
      panel += width
    }
  }
}
