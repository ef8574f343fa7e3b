import CPUKernelAPI

extension Kernels: ConvolutionKernels {
  package func frame(
    _ type: DType, _ frame: ConvolutionFrame, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer
  ) {
    if type == .float64 {
      ConvolutionFramer(frame: frame, x: x.assumingMemoryBound(to: Double.self)).write(
        y.assumingMemoryBound(to: Double.self))
    } else {
      ConvolutionFramer(frame: frame, x: x.assumingMemoryBound(to: Float.self)).write(
        y.assumingMemoryBound(to: Float.self))
    }
  }

  package func convolve(
    _ type: DType, _ plan: ConvolutionPlan, image: UnsafeRawPointer, weight: UnsafeRawPointer, weightRow: Int,
    bias: Bool, outputs: Int, rows: Range<Int>, _ y: UnsafeMutableRawPointer, outputRow: Int,
    workspace: UnsafeMutableRawPointer
  ) {
    @inline(__always) func run<S: MatmulScalar>(_: S.Type) {
      ConvolutionForward<S>(
        plan: plan, image: image.assumingMemoryBound(to: S.self), weight: weight.assumingMemoryBound(to: S.self),
        weightRow: weightRow, bias: bias, outputs: outputs, y: y.assumingMemoryBound(to: S.self), outputRow: outputRow
      ).run(rows, workspace)
    }
    if type == .float64 { run(Double.self) } else { run(Float.self) }
  }

  package func convolveWorkspace(_ type: DType, tapCount: Int) -> Int {
    let width = MatmulTiling.widest * MemoryLayout<VFloat>.size
    return width * (min(tapCount, ConvolutionTiling.depth) + 2) + ConvolutionTiling.pieceBytes
  }

  package func correlate(
    _ type: DType, _ plan: ConvolutionPlan, images: Int, image: UnsafeRawPointer, imageStep: Int, g: UnsafeRawPointer,
    gradientStep: Int, outputRow: Int, outputs: Int, taps: Range<Int>, _ y: UnsafeMutableRawPointer, resultRow: Int,
    accumulate: Bool, workspace: UnsafeMutableRawPointer
  ) {
    @inline(__always) func run<S: MatmulScalar>(_: S.Type) {
      let correlation = ConvolutionCorrelation<S>(
        plan: plan, images: images, image: image.assumingMemoryBound(to: S.self), imageStep: imageStep,
        g: g.assumingMemoryBound(to: S.self), gradientStep: gradientStep, outputRow: outputRow, outputs: outputs,
        y: y.assumingMemoryBound(to: S.self), resultRow: resultRow, accumulate: accumulate)
      let scratch = workspace.assumingMemoryBound(to: S.self)
      if ConvolutionDots<S>.suits(plan, outputs: outputs) {
        ConvolutionDots(correlation: correlation, sums: scratch).run(taps)
      } else {
        correlation.run(taps, scratch)
      }
    }
    if type == .float64 { run(Double.self) } else { run(Float.self) }
  }

  package func correlateWorkspace(_ type: DType, _ plan: ConvolutionPlan) -> Int {
    max(
      ConvolutionTiling.chunk(plan) * plan.rowLength * MatmulTiling.widest * MemoryLayout<VFloat>.size,
      ConvolutionDots<Float>.workspace(tapCount: plan.tapCount))
  }
}

/// How convolutions are cut.
enum ConvolutionTiling {
  /// Taps that are gathered at a time: with the widest tile they stay in the first cache.
  static let depth = 128
  /// Memory for the pieces of a panel: one for each column at most.
  static var pieceBytes: Int { MemoryLayout<ConvolutionPiece>.stride * MatmulTiling.widest * VFloat.scalarCount }

  /// Rows of positions that are correlated at a time.
  @inline(__always)
  static func chunk(_ plan: ConvolutionPlan) -> Int { max(1, min(plan.rowCount, 128 / max(1, plan.rowLength))) }
}

/// Part of a row that goes into one vector of a panel.
struct ConvolutionPiece {
  /// Where the first position starts in the image, and its column in the panel.
  var source: Int, target: Int
  var count: Int
}

/// Copies an image into its frame.
private struct ConvolutionFramer<S: MatmulScalar> {
  let frame: ConvolutionFrame
  let x: UnsafePointer<S>

  @inline(never)
  func write(_ y: UnsafeMutablePointer<S>) {
    let run = frame.framed.z / frame.phases
    for phase in 0..<frame.phases { write(phase, y + phase * run, run) }
  }

  /// Writes the columns whose number in the frame is `phase` modulo the number of phases, in runs side by side.
  @inline(__always)
  private func write(_ phase: Int, _ y: UnsafeMutablePointer<S>, _ run: Int) {
    let f = frame, step = f.phases, jump = step * f.strides.z
    // Column q of the run is column q · step + start of the image.
    let start = phase - f.origin.z
    let first = min(run, start >= 0 ? 0 : (-start + step - 1) / step)
    let last = max(first, min(run, f.size.z > start ? (f.size.z - start + step - 1) / step : 0))
    var target = y
    for c in 0..<f.channels {
      for plane in 0..<f.framed.x {
        let z = plane - f.origin.x
        for row in 0..<f.framed.y {
          let line = row - f.origin.y
          if z < 0 || z >= f.size.x || line < 0 || line >= f.size.y {
            clear(target, run)
          } else {
            let place = c * f.channelStride + z * f.strides.x + line * f.strides.y + start * f.strides.z
            if jump == 1 {
              copy(place, first..<last, target, run)
            } else {
              clear(target, run)
              for q in first..<last { target[q] = x[place + q * jump] }
            }
          }
          target += f.framed.z
        }
      }
    }
  }

  @inline(__always)
  private func clear(_ y: UnsafeMutablePointer<S>, _ count: Int) {
    var i = 0
    while i + S.lanes <= count {
      S.store(S.Vector(), y + i)
      i += S.lanes
    }
    if i < count { S.store(S.Vector(), y + i, count - i) }
  }

  /// Copies the elements of `columns` and clears those before and after. `place` is that of column 0, which need not
  /// be in the image.
  @inline(__always)
  private func copy(_ place: Int, _ columns: Range<Int>, _ y: UnsafeMutablePointer<S>, _ count: Int) {
    var i = 0
    while i < count {
      let low = max(columns.lowerBound - i, 0), high = min(columns.upperBound - i, S.lanes)
      let v: S.Vector
      if high - low == S.lanes {
        v = S.load(x + (place + i))
      } else {
        v = high > low ? S.merge(S.Vector(), x + (place + i), low, high - low) : S.Vector()
      }
      if i + S.lanes <= count { S.store(v, y + i) } else { S.store(v, y + i, count - i) }
      i += S.lanes
    }
  }
}
