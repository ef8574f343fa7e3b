import CPUKernelAPI

/// The images that tiles are transformed from.
struct WinogradSource {
  let plan: WinogradPlan
  let images: WinogradImages

  /// Elements of memory for what is gathered at a time.
  @inline(__always)
  static func elements(_ plan: WinogradPlan) -> Int {
    let lines = 2 * WinogradTiling.chunk(plan) + 2
    return lines * 2 * (plan.tiles.y + 1) * WinogradTiling.padded(plan.channels)
  }

  /// Calls `body` for each vector of channels of each row of tiles, which it numbers from 0, with the elements under the
  /// first tile and the distance of lines.
  @inline(__always)
  func run(
    _ rows: Range<Int>, _ frame: UnsafeMutablePointer<Float>, _ body: (Int, Int, UnsafePointer<Float>, Int) -> Void
  ) {
    let step = WinogradTiling.padded(plan.channels), columns = 2 * plan.tiles.y + 2, lineStep = columns * step
    // A convolution ends where its outputs do, even if the image goes on.
    let end = SIMD2(
      min(images.size.x, plan.output.x + 2 - plan.before.x), min(images.size.y, plan.output.y + 2 - plan.before.y))
    WinogradTiling.forEachChunk(plan, rows, WinogradTiling.chunk(plan)) {
      image, first, count, done in
      let region = WinogradLanes.Region(
        first: SIMD2(2 * first - plan.before.x, -plan.before.y), count: SIMD2(2 * count + 2, columns), end: end)
      let x = images.pointer + image * images.imageStride
      WinogradLanes.gather(images, x, channels: plan.channels, region, frame, step: step)
      for row in 0..<count {
        var vector = 0
        while vector < step {
          body(done + row, vector, frame + (2 * row * lineStep + vector), lineStep)
          vector += Float.lanes
        }
      }
    }
  }
}
