import CPUKernelAPI
import FirecrestCPU

extension ReductionLoop {
  /// Elements of the reduced loop in one task of a split search. Fixed like that of sums, though the result would be
  /// the same for any: the first of equal elements.
  private static let extremeChunk = 65_536

  /// Writes the largest (or smallest) elements and their positions along the reduced loop, which must not be empty.
  package func runExtreme(
    max: Bool, values: UnsafeMutableRawPointer?, indices: UnsafeMutablePointer<Int64>?, _ cpu: CPU
  ) {
    let outputs = loop.outer * loop.inner
    if loop.count * outputs < 2 * CPU.grain {
      extremePart(max, values, indices, cpu, outer: 0..<loop.outer, inner: 0..<loop.inner)
    } else if loop.count > 2 * Self.extremeChunk && outputs < 1024 {
      splitExtreme(max, values, indices, cpu)
    } else if loop.outer >= 4 || loop.inner == 1 {
      let grain = Swift.max(1, CPU.grain / (loop.count * loop.inner + 1))
      cpu.parallel(loop.outer, grain: grain, multiple: 1) {
        extremePart(max, values, indices, cpu, outer: $0, inner: 0..<loop.inner)
      }
    } else {
      for o in 0..<loop.outer {
        cpu.parallel(loop.inner, grain: Swift.max(1, CPU.grain / (loop.count + 1))) {
          extremePart(max, values, indices, cpu, outer: o..<o + 1, inner: $0)
        }
      }
    }
  }

  private func extremePart(
    _ max: Bool, _ values: UnsafeMutableRawPointer?, _ indices: UnsafeMutablePointer<Int64>?, _ cpu: CPU,
    outer: Range<Int>, inner: Range<Int>
  ) {
    var piece = loop
    piece.outer = outer.count
    piece.inner = inner.count
    let size = source.dtype.size
    let start = outer.lowerBound * loop.outerStride + inner.lowerBound * loop.innerStride
    let output = outer.lowerBound * loop.inner + inner.lowerBound
    cpu.kernels.extreme(
      max: max, source.dtype, piece, source.pointer + start * size, values: values.map { $0 + output * size },
      indices: indices.map { $0 + output })
  }

  /// The extremes of chunks, and then of those the first.
  private func splitExtreme(
    _ max: Bool, _ values: UnsafeMutableRawPointer?, _ indices: UnsafeMutablePointer<Int64>?, _ cpu: CPU
  ) {
    let outputs = loop.outer * loop.inner
    let chunk = Self.extremeChunk
    let chunks = (loop.count + chunk - 1) / chunk
    let type = source.dtype
    let best = Tensor(empty: [chunks, outputs], type)
    let places = Tensor(empty: [chunks, outputs], .int64)
    let (bestBase, placeBase) = (best.pointer, places.pointer.assumingMemoryBound(to: Int64.self))
    cpu.parallel(chunks, grain: 1, multiple: 1) { range in
      for c in range {
        var piece = loop
        piece.count = min(chunk, loop.count - c * chunk)
        cpu.kernels.extreme(
          max: max, type, piece, source.pointer + c * chunk * loop.countStride * type.size,
          values: bestBase + c * outputs * type.size, indices: placeBase + c * outputs)
      }
    }
    let rest = ReduceLoop(
      outer: 1, count: chunks, inner: outputs, outerStride: 0, countStride: outputs, innerStride: 1)
    let winners = Tensor(empty: [outputs], .int64)
    winners.withElements(Int64.self) { winners in
      guard let start = winners.baseAddress else { return }
      cpu.kernels.extreme(max: max, type, rest, bestBase, values: values, indices: start)
      guard let indices else { return }
      for i in 0..<outputs {
        let c = Int(winners[i])
        indices[i] = placeBase[c * outputs + i] + Int64(c * chunk)
      }
    }
  }
}
