import CPUKernelAPI
import FirecrestCPU

/// Multiply-adds below which waking another thread does not pay.
let convolutionGrain = 400_000

/// Rounded up, so that what follows in memory starts a cache line.
private func lines(_ bytes: Int) -> Int { (max(0, bytes) + 63) / 64 * 64 }

/// Part `index` of 0 ..< count cut into `parts`.
func piece(_ index: Int, of parts: Int, _ count: Int) -> Range<Int> {
  index * count / parts..<(index + 1) * count / parts
}

extension ConvolutionGeometry {
  /// Calls `body` with ranges of all groups of all images, each cut into `pieces`, and with scratch memory.
  private func forEachTask(
    _ pieces: Int, _ cpu: CPU, scratch: Int, _ body: (Range<Int>, UnsafeMutableRawPointer) -> Void
  ) {
    let grain = max(1, convolutionGrain / max(1, work / pieces))
    cpu.parallel(batch * groups * pieces, grain: grain, multiple: 1, scratch: scratch, body)
  }

  /// Into how many pieces an image is cut so that all threads have work.
  private func pieceCount(_ tasks: Int) -> Int {
    let threads = min(ThreadPool.shared.count, max(1, tasks * work / convolutionGrain))
    return tasks >= threads ? 1 : (threads + tasks - 1) / tasks
  }

  /// A window on a tensor of this rank with all three spatial dimensions.
  private func whole(_ x: Tensor) -> Tensor {
    var (shape, strides) = (x.shape, x.strides)
    for _ in spatial..<3 {
      shape.insert(1, at: 2)
      strides.insert(0, at: 2)
    }
    return x.window(shape, strides: strides, offset: x.offset)
  }

  private func source(_ x: Tensor) -> ConvolutionSource {
    ConvolutionSource(
      whole(x), channels: channelsPerGroup, origin: before, framed: input &+ before &+ after, phases: stride.z)
  }

  private func tables(_ source: ConvolutionSource, mergeLimit: Int) -> ConvolutionTables {
    let taps = (0..<3).map { d in (0..<kernel[d]).map { $0 * dilation[d] } }
    return ConvolutionTables(
      channels: channelsPerGroup, channelStep: source.channelStep,
      tapOffsets: (
        taps[0].map { $0 * source.planeStep }, taps[1].map { $0 * source.lineStep }, taps[2].map(source.columnOffset)
      ),
      planes: (0..<output.x).map { $0 * stride.x * source.planeStep },
      lines: (0..<output.y).map { $0 * stride.y * source.lineStep }, rowLength: output.z, mergeLimit: mergeLimit)
  }

  /// y = x ∗ w + bias.
  func convolve(_ x: Tensor, _ w: Tensor, _ bias: Tensor?, into y: Tensor, _ cpu: CPU) {
    if y.elementCount == 0 { return }
    if suitsWinograd(y.dtype, output) { return winogradConvolve(x, w, bias, into: y, cpu) }
    let (type, kernels, outputs) = (y.dtype, cpu.kernels, outputsPerGroup)
    let source = source(x), weights = weightMatrix(whole(w).reshaped([self.outputs, tapCount]), bias, cpu)
    let weightRow = weights.shape[1]
    let pieces = pieceCount(batch * groups)
    // Merged rows cannot be cut.
    let tables = tables(source, mergeLimit: pieces == 1 ? Int.max : 0)
    let cutsRows = output.volume >= 128 * pieces && tables.rows.count >= pieces
    let size = output.volume
    tables.withPlan { plan in
      let image = lines(source.bytes)
      forEachTask(pieces, cpu, scratch: image + kernels.convolveWorkspace(type, tapCount: tapCount)) { range, memory in
        for task in range {
          let (index, group, part) = (task / pieces / groups, task / pieces % groups, task % pieces)
          let rows = cutsRows ? piece(part, of: pieces, tables.rows.count) : 0..<tables.rows.count
          let channels = cutsRows ? 0..<outputs : piece(part, of: pieces, outputs)
          if rows.isEmpty || channels.isEmpty { continue }
          let first = group * outputs + channels.lowerBound
          kernels.convolve(
            type, plan, image: source.image(index, group: group, memory, kernels),
            weight: weights.pointer + first * weightRow * type.size, weightRow: weightRow, bias: bias != nil,
            outputs: channels.count, rows: rows, y.pointer + (index * self.outputs + first) * size * type.size,
            outputRow: size, workspace: memory + image)
        }
      }
    }
  }

  /// The weights as contiguous rows, one an output channel, with the bias at each one's end.
  private func weightMatrix(_ w: Tensor, _ bias: Tensor?, _ cpu: CPU) -> Tensor {
    guard let bias else { return w.contiguousCopy(cpu) }
    let (rows, columns) = (w.shape[0], w.shape.elementCount / max(1, w.shape[0]))
    let matrix = Tensor(empty: [rows, columns + 1], w.dtype)
    var strides = w.shape.contiguousStrides
    strides[0] = columns + 1
    if columns > 0 { copyElements(w, matrix.window(w.shape, strides: strides, offset: 0), cpu) }
    copyElements(bias, matrix.window([rows], strides: [columns + 1], offset: columns), cpu)
    return matrix
  }

  /// The gradient of the weights. Images are summed in groups of fixed size, so that the result does not depend on the
  /// number of threads.
  func correlate(_ x: Tensor, _ g: Tensor, into y: Tensor, _ cpu: CPU) {
    if y.elementCount == 0 { return }
    let (type, kernels, outputs, size) = (y.dtype, cpu.kernels, outputsPerGroup, output.volume)
    if batch == 0 || size == 0 { return y.fillElements(.int(0)) }
    let g = g.contiguousCopy(cpu), source = source(x), tables = tables(source, mergeLimit: 1024)
    let sums = min(batch, max(1, min(8, 4_000_000 / (tapCount * self.outputs))))
    let threads = min(ThreadPool.shared.count, max(1, batch * groups * work / convolutionGrain))
    let tasks = sums * groups
    let pieces = min((tapCount + 11) / 12, tasks >= threads ? 1 : (threads + tasks - 1) / tasks)
    let sum = Tensor(empty: [sums, groups, tapCount, outputs], type)
    tables.withPlan { plan in
      let grain = max(1, convolutionGrain * sums * pieces / max(1, batch * work))
      let image = lines(source.bytes), scratch = image + kernels.correlateWorkspace(type, plan)
      cpu.parallel(sums * groups * pieces, grain: grain, multiple: 1, scratch: scratch) { range, memory in
        for task in range {
          let (part, group) = (task / pieces / groups, task / pieces % groups)
          let taps = piece(task % pieces, of: pieces, tapCount)
          let images = piece(part, of: sums, batch)
          let target = sum.pointer + ((part * groups + group) * tapCount + taps.lowerBound) * outputs * type.size
          // A frame holds one image; those that need none go together.
          let together = source.isFramed ? 1 : images.count
          for index in Swift.stride(from: images.lowerBound, to: images.upperBound, by: together) {
            kernels.correlate(
              type, plan.from(taps.lowerBound), images: together,
              image: source.image(index, group: group, memory, kernels), imageStep: source.x.strides[0],
              g: g.pointer + (index * self.outputs + group * outputs) * size * type.size,
              gradientStep: self.outputs * size, outputRow: size, outputs: outputs, taps: 0..<taps.count, target,
              resultRow: outputs, accumulate: index > images.lowerBound, workspace: memory + image)
          }
        }
      }
    }
    let total = sums == 1 ? sum : noGrad { sum.sum(dim: 0) }
    let turned = total.window(
      [groups, outputs, tapCount], strides: [tapCount * outputs, 1, outputs], offset: total.offset)
    copyElements(turned, y.window(turned.shape, strides: turned.shape.contiguousStrides, offset: y.offset), cpu)
  }

  /// The gradient of the images, plus `bias` for each channel: what `convolve` reads from an element, added up there.
  /// Elements whose places agree modulo the stride are read by the same part of the kernel, so that each such phase is
  /// a convolution of the output's gradient.
  func convolveTransposed(_ g: Tensor, _ w: Tensor, _ bias: Tensor?, into y: Tensor, _ cpu: CPU) {
    if y.elementCount == 0 { return }
    if suitsWinograd(y.dtype, input) { return winogradConvolveTransposed(g, w, bias, into: y, cpu) }
    let (type, kernels, channels) = (y.dtype, cpu.kernels, channelsPerGroup)
    let axes = (0..<3).map { PhaseAxis.all(self, $0) }
    // The frame holds whatever any phase reads.
    var (first, last) = (SIMD3<Int>(), output &- 1)
    for d in 0..<3 {
      first[d] = axes[d].map { $0.lowest }.min() ?? 0
      last[d] = max(first[d], axes[d].map { $0.highest }.max() ?? 0)
    }
    let source = ConvolutionSource(
      whole(g), channels: outputsPerGroup, origin: 0 &- first, framed: last &- first &+ 1, phases: 1)
    let w = whole(w)
    let size = input.volume, pieces = min(channels, pieceCount(batch * groups))
    let isWhole = axes.allSatisfy { $0.count == 1 }
    let phases = axes[0].flatMap { z in
      axes[1].flatMap { y in axes[2].map { Phase(self, (z, y, $0), first, source, w, bias, cpu, weightMatrix) } }
    }
    let longest = phases.map(\.tables.taps.count).max() ?? 0
    let positions = phases.map(\.positions).max() ?? 0
    let frame = lines(source.bytes), spread = lines(isWhole ? 0 : positions * channels * type.size)
    let scratch = frame + spread + kernels.convolveWorkspace(type, tapCount: longest)
    forEachTask(pieces, cpu, scratch: scratch) { range, memory in
      let (apart, workspace) = (memory + frame, memory + frame + spread)
      for task in range {
        let (index, group) = (task / pieces / groups, task / pieces % groups)
        let part = piece(task % pieces, of: pieces, channels)
        let image = source.image(index, group: group, memory, kernels)
        let firstChannel = group * channels + part.lowerBound
        let target = y.pointer + (index * self.channels + firstChannel) * size * type.size
        for phase in phases {
          let weightRow = phase.weights.shape.elementCount / self.channels
          phase.tables.withPlan { plan in
            kernels.convolve(
              type, plan, image: image, weight: phase.weights.pointer + firstChannel * weightRow * type.size,
              weightRow: weightRow, bias: bias != nil, outputs: part.count, rows: 0..<plan.rowCount,
              isWhole ? target : apart, outputRow: isWhole ? size : phase.positions, workspace: workspace)
          }
          if !isWhole { phase.spread(self, part.count, apart, target, type.size, kernels) }
        }
      }
    }
  }

  /// The places of one dimension of the input that agree modulo the stride.
  fileprivate struct PhaseAxis {
    /// The first place, and how many there are.
    var start: Int, count: Int
    /// The first element of the kernel that reads there, the step to the next, and how many there are.
    var tap: Int, tapStep: Int, tapCount: Int
    /// The output position that the first place was read from by the first of those elements; the next one's lies
    /// `shift` before.
    var position: Int, shift: Int

    var lowest: Int { tapCount == 0 ? 0 : position - (tapCount - 1) * shift }
    var highest: Int { tapCount == 0 ? 0 : position + count - 1 }

    static func all(_ g: ConvolutionGeometry, _ d: Int) -> [PhaseAxis] {
      let (stride, dilation, before) = (g.stride[d], g.dilation[d], g.before[d])
      return (0..<min(stride, g.input[d])).compactMap { start in
        let taps = (0..<g.kernel[d]).filter { (start + before - $0 * dilation) % stride == 0 }
        let step = taps.count > 1 ? taps[1] - taps[0] : 1
        let tap = taps.first ?? 0
        return PhaseAxis(
          start: start, count: (g.input[d] - start + stride - 1) / stride, tap: tap, tapStep: step,
          tapCount: taps.count, position: taps.isEmpty ? 0 : (start + before - tap * dilation) / stride,
          shift: step * dilation / stride)
      }
    }
  }

  /// One of the convolutions that make up a transposed one.
  fileprivate struct Phase {
    let axes: (PhaseAxis, PhaseAxis, PhaseAxis)
    let tables: ConvolutionTables
    /// [C, taps (+ 1 for the bias)]
    let weights: Tensor
    var positions: Int { axes.0.count * axes.1.count * axes.2.count }

    init(
      _ g: ConvolutionGeometry, _ axes: (PhaseAxis, PhaseAxis, PhaseAxis), _ first: SIMD3<Int>,
      _ source: ConvolutionSource, _ w: Tensor, _ bias: Tensor?, _ cpu: CPU,
      _ matrix: (Tensor, Tensor?, CPU) -> Tensor
    ) {
      self.axes = axes
      func taps(_ axis: PhaseAxis, _ step: Int, _ first: Int) -> [Int] {
        (0..<axis.tapCount).map { (axis.position - $0 * axis.shift - first) * step }
      }
      tables = ConvolutionTables(
        channels: g.outputsPerGroup, channelStep: source.channelStep,
        tapOffsets: (
          taps(axes.0, source.planeStep, first.x), taps(axes.1, source.lineStep, first.y), taps(axes.2, 1, first.z)
        ),
        planes: (0..<axes.0.count).map { $0 * source.planeStep },
        lines: (0..<axes.1.count).map { $0 * source.lineStep },
        rowLength: axes.2.count, mergeLimit: Int.max)
      let s = w.strides
      let shape = [
        g.groups, g.channelsPerGroup, g.outputsPerGroup, axes.0.tapCount, axes.1.tapCount, axes.2.tapCount,
      ]
      let strides = [
        g.outputsPerGroup * s[0], s[1], s[0], axes.0.tapStep * s[2], axes.1.tapStep * s[3], axes.2.tapStep * s[4],
      ]
      let offset = axes.0.tap * s[2] + axes.1.tap * s[3] + axes.2.tap * s[4]
      let window = w.window(Shape(shape), strides: Shape(strides), offset: w.offset + offset)
      weights = matrix(window.contiguousCopy(cpu).reshaped([g.channels, tables.taps.count]), bias, cpu)
    }

    /// Brings this phase's positions to their places in the image.
    func spread(
      _ g: ConvolutionGeometry, _ channels: Int, _ x: UnsafeMutableRawPointer, _ y: UnsafeMutableRawPointer,
      _ size: Int, _ kernels: any KernelSet
    ) {
      let (z, line, column) = axes
      for c in 0..<channels {
        for plane in 0..<z.count {
          let from = (c * z.count + plane) * line.count * column.count
          let to =
            ((c * g.input.x + z.start + plane * g.stride.x) * g.input.y + line.start) * g.input.z + column.start
          kernels.copy(
            size: size, rows: line.count, columns: column.count, x + from * size, rowStride: column.count,
            columnStride: 1, y + to * size, rowStride: g.stride.y * g.input.z, columnStride: g.stride.z)
        }
      }
    }
  }
}

extension ConvolutionPlan {
  /// The same from one of its taps on.
  fileprivate func from(_ tap: Int) -> ConvolutionPlan {
    ConvolutionPlan(taps: taps + tap, tapCount: tapCount - tap, rows: rows, rowCount: rowCount, rowLength: rowLength)
  }
}

extension Tensor {
  /// This tensor, or a contiguous copy that autograd does not know.
  func contiguousCopy(_ cpu: CPU) -> Tensor {
    if isContiguous { return self }
    let y = Tensor(empty: shape, dtype)
    copyElements(self, y, cpu)
    return y
  }

  /// A window of another shape on a contiguous tensor, or a contiguous copy of this one.
  fileprivate func reshaped(_ shape: Shape) -> Tensor {
    let x = contiguousCopy(.shared)
    return x.window(shape, strides: shape.contiguousStrides, offset: x.offset)
  }
}
