import CPUKernelAPI
import FirecrestCPU

/// Convolutions by Winograd's algorithm. An infinity or NaN spreads over the tile of 2 x 2 outputs that it touches, where
/// it may become NaN; other tiles do not see it. The gradient of the weights stays with the direct kernels: by this
/// algorithm it would err two to three times as much, which optimizers that divide gradients by their size amplify.
extension ConvolutionGeometry {
  /// Whether Winograd's algorithm is the faster way to compute outputs of this size: 3 x 3 kernels of step 1, a vector of
  /// channels on both sides, and tiles that do not reach far over the edge. Weights must meet enough tiles to pay for
  /// transforming them, large ones more, as no cache holds them. Float64 keeps to the definition, which errs less.
  func suitsWinograd(_ type: DType, _ size: SIMD3<Int>) -> Bool {
    let isFlat = input.x == 1 && output.x == 1 && kernel.x == 1 && before.x == 0 && after.x == 0
    let isPlain = stride.y == 1 && stride.z == 1 && dilation.y == 1 && dilation.z == 1 && groups == 1
    guard type == .float32, isFlat, isPlain, kernel.y == 3, kernel.z == 3 else { return false }
    let tiles = (size.y + 1) / 2 * ((size.z + 1) / 2)
    // At most five sixths of the multiplications.
    let saves = 6 * 16 * tiles <= 5 * 9 * size.y * size.z
    let hasTiles = batch * tiles >= 64 || batch * tiles >= 16 && channels * outputs <= 8192
    return channels >= 16 && outputs >= 16 && saves && hasTiles
  }

  /// y = x ∗ w + bias.
  func winogradConvolve(_ x: Tensor, _ w: Tensor, _ bias: Tensor?, into y: Tensor, _ cpu: CPU) {
    let plan = WinogradPlan(
      channels: channels, outputs: outputs, before: SIMD2(before.y, before.z), output: SIMD2(output.y, output.z))
    winograd(plan, x, w, turned: false, bias, into: y, cpu)
  }

  /// The gradient of the images: a convolution of the output's gradient with the turned kernel.
  func winogradConvolveTransposed(_ g: Tensor, _ w: Tensor, _ bias: Tensor?, into y: Tensor, _ cpu: CPU) {
    let plan = WinogradPlan(
      channels: outputs, outputs: channels, before: SIMD2(2 - before.y, 2 - before.z), output: SIMD2(input.y, input.z))
    winograd(plan, g, w, turned: true, bias, into: y, cpu)
  }

  private func winograd(
    _ plan: WinogradPlan, _ x: Tensor, _ w: Tensor, turned: Bool, _ bias: Tensor?, into y: Tensor, _ cpu: CPU
  ) {
    let kernels = cpu.kernels, w = w.contiguousCopy(cpu)
    let u = Tensor(empty: [kernels.winogradWeightCount(plan)], .float32)
    let weights = w.floats, transformed = u.floats, row = 9 * channels
    cpu.parallel(plan.channels, grain: max(1, CPU.grain / (16 * plan.outputs)), multiple: 1) { range in
      kernels.winogradWeights(
        plan, weights, outputStride: turned ? 9 : row, channelStride: turned ? row : 9, channels: range,
        turned: turned, transformed)
    }
    let x = x.adjacentColumns(cpu), images = winogradImages(x), bias = bias?.contiguousCopy(cpu), result = y.floats
    let rows = batch * plan.tiles.x, block = kernels.winogradBlock(plan), blocks = (rows + block - 1) / block
    // Few blocks are cut along the output channels, in whole panels of the weights.
    let panel = kernels.winogradPanel, panels = (plan.outputs + panel - 1) / panel
    let threads = ThreadPool.shared.count
    let pieces = blocks >= threads ? 1 : min(panels, (threads + blocks - 1) / blocks)
    let grain = max(1, convolutionGrain * blocks * pieces / max(1, batch * work))
    let added = bias.map { UnsafePointer($0.floats) }
    cpu.parallel(
      blocks * pieces, grain: grain, multiple: 1, scratch: kernels.winogradConvolveWorkspace(plan)
    ) { range, memory in
      for task in range {
        let start = task / pieces * block, part = piece(task % pieces, of: pieces, panels)
        kernels.winogradConvolve(
          plan, images, weights: transformed, bias: added, rows: start..<min(rows, start + block),
          outputs: part.lowerBound * panel..<min(plan.outputs, part.upperBound * panel), result,
          workspace: memory.assumingMemoryBound(to: Float.self))
      }
    }
  }

  private func winogradImages(_ x: Tensor) -> WinogradImages {
    let (shape, strides) = (x.shape, x.strides), last = shape.count - 1
    return WinogradImages(
      x.floats, size: SIMD2(shape[last - 1], shape[last]), imageStride: strides[0], channelStride: strides[1],
      lineStride: strides[last - 1])
  }
}

extension Tensor {
  /// The first element.
  fileprivate var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }

  /// This tensor if its columns are adjacent, or a contiguous copy.
  fileprivate func adjacentColumns(_ cpu: CPU) -> Tensor { strides[rank - 1] == 1 ? self : contiguousCopy(cpu) }
}
