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
    _ type: DType, _ plan: ConvolutionPlan, image: UnsafeRawPointer, g: UnsafeRawPointer, outputRow: Int, outputs: Int,
    taps: Range<Int>, _ y: UnsafeMutableRawPointer, resultRow: Int, accumulate: Bool,
    workspace: UnsafeMutableRawPointer
  ) {
    @inline(__always) func run<S: MatmulScalar>(_: S.Type) {
      if ConvolutionDots<S>.suits(plan, outputs: outputs) {
        return ConvolutionDots<S>(
          plan: plan, image: image.assumingMemoryBound(to: S.self), g: g.assumingMemoryBound(to: S.self),
          outputRow: outputRow, outputs: outputs, y: y.assumingMemoryBound(to: S.self), resultRow: resultRow,
          accumulate: accumulate
        ).run(taps)
      }
      ConvolutionCorrelation<S>(
        plan: plan, image: image.assumingMemoryBound(to: S.self), g: g.assumingMemoryBound(to: S.self),
        outputRow: outputRow, outputs: outputs, y: y.assumingMemoryBound(to: S.self), resultRow: resultRow,
        accumulate: accumulate
      ).run(taps, workspace.assumingMemoryBound(to: S.self))
    }
    if type == .float64 { run(Double.self) } else { run(Float.self) }
  }

  package func correlateWorkspace(_ type: DType, _ plan: ConvolutionPlan) -> Int {
    ConvolutionTiling.chunk(plan) * plan.rowLength * MatmulTiling.widest * MemoryLayout<VFloat>.size
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
    let f = frame, columns = f.framed.z, run = columns / f.phases
    var target = y
    for c in 0..<f.channels {
      for plane in 0..<f.framed.x {
        let z = plane - f.origin.x
        for row in 0..<f.framed.y {
          let line = row - f.origin.y
          if z < 0 || z >= f.size.x || line < 0 || line >= f.size.y {
            clear(target, columns)
          } else {
            let source = x + (c * f.channelStride + z * f.strides.x + line * f.strides.y)
            for phase in 0..<f.phases { writeRow(source, phase, target + phase * run, run) }
          }
          target += columns
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

  /// The columns of one row whose number in the frame is `phase` modulo the number of phases.
  @inline(__always)
  private func writeRow(_ x: UnsafePointer<S>, _ phase: Int, _ y: UnsafeMutablePointer<S>, _ run: Int) {
    let step = frame.phases, stride = frame.strides.z
    // Column q of the run is column q · step + start of the image.
    let start = phase - frame.origin.z
    let first = min(run, start >= 0 ? 0 : (-start + step - 1) / step)
    let last = max(first, min(run, frame.size.z > start ? (frame.size.z - start + step - 1) / step : 0))
    clear(y, first)
    clear(y + last, run - last)
    let count = last - first, jump = step * stride, source = x + (first * step + start) * stride, target = y + first
    var i = 0
    if jump == 1 {
      while i + S.lanes <= count {
        S.store(S.load(source + i), target + i)
        i += S.lanes
      }
      if i < count { S.store(S.load(source + i, count - i), target + i, count - i) }
    } else {
      while i < count {
        target[i] = source[i * jump]
        i += 1
      }
    }
  }
}
