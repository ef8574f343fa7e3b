import CPUKernelAPI

/// A block of a convolution: its images transformed, V [16, tiles, channels], sixteen products M = V U, and those
/// transformed back.
struct WinogradForward {
  let plan: WinogradPlan
  let x: WinogradImages
  let u: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?
  let outputs: Range<Int>
  let y: UnsafeMutablePointer<Float>

  /// Elements of scratch memory.
  static func elements(_ plan: WinogradPlan) -> Int {
    let tiles = WinogradTiling.rows(plan) * plan.tiles.y, outputs = WinogradTiling.padded(plan.outputs)
    return WinogradSource.elements(plan)
      + 16 * WinogradTiling.plane(tiles * WinogradTiling.padded(plan.channels))
      + 16 * WinogradTiling.plane(tiles * outputs) + 4 * plan.tiles.y * outputs
  }

  @inline(never)
  func run(_ rows: Range<Int>, _ workspace: UnsafeMutablePointer<Float>) {
    let tiles = rows.count * plan.tiles.y, depth = plan.channels, step = WinogradTiling.padded(depth)
    let width = WinogradTiling.padded(outputs.count)
    let vPlane = WinogradTiling.plane(tiles * step), mPlane = WinogradTiling.plane(tiles * width)
    let v = workspace + WinogradSource.elements(plan), m = v + 16 * vPlane
    let lines = m + 16 * mPlane
    let source = WinogradSource(plan: plan, images: x)
    source.run(rows, workspace) { row, vector, frame, lineStep in
      WinogradTransform.image(
        frame, step: step, lineStep: lineStep, tiles: plan.tiles.y, v + (row * plan.tiles.y * step + vector),
        plane: vPlane, tileStep: step)
    }
    let uPlane = WinogradTiling.plane(depth * WinogradTiling.padded(plan.outputs))
    for i in 0..<16 {
      let tile = MatmulTile<Float>(
        a: v + i * vPlane, aRow: step, aStep: 1, b: u + (i * uPlane + outputs.lowerBound * depth), bStep: 0,
        c: m + i * mPlane, cRow: 0, depth: depth, alpha: 1, accumulate: false, tail: Float.lanes)
      WinogradTiling.multiply(tile, rows: tiles, outputs: outputs.count)
    }
    WinogradTiling.forEachChunk(plan, rows, 1) { image, row, _, done in
      finish(m, tiles, mPlane, image, row, done, lines)
    }
  }

  /// Transforms row `row` of an image's tiles, number `done` of the block's, back: up to two lines of the output.
  @inline(__always)
  private func finish(
    _ m: UnsafeMutablePointer<Float>, _ tiles: Int, _ plane: Int, _ image: Int, _ row: Int, _ done: Int,
    _ lines: UnsafeMutablePointer<Float>
  ) {
    let size = plan.output, step = WinogradTiling.padded(outputs.count), lineStep = 2 * plan.tiles.y * step
    let area = size.x * size.y, lineCount = min(2, size.x - 2 * row)
    let target = y + ((image * plan.outputs + outputs.lowerBound) * area + 2 * row * size.y)
    WinogradLanes.prefetch(
      UnsafePointer(target), lineCount * size.y, channels: outputs.count, channelStride: area)
    WinogradTiling.forEachVector(outputs.count) { k, panel, width in
      var added = VFloat()
      if let bias { added = Float.load(bias + (outputs.lowerBound + k), min(Float.lanes, outputs.count - k)) }
      WinogradTransform.output(
        m + (panel * tiles + done * plan.tiles.y * width + k - panel), plane: plane, tileStep: width,
        tiles: plan.tiles.y, bias: added, lines + k, step: step, lineStep: lineStep)
    }
    WinogradLanes.scatter(
      lines, step: step, lineStep: lineStep, channels: outputs.count, SIMD2(lineCount, size.y), target,
      channelStride: area, lineStride: size.y)
  }
}
