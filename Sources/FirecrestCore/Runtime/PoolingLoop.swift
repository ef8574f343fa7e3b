import CPUKernelAPI
import FirecrestCPU

/// The windows of a pooling of x [N, C, …] or [C, …] with one to three spatial dimensions; vectors are (depth, height,
/// width), 1 where there are fewer. Windows are cut off at the borders.
struct PoolingGeometry: Sendable {
  let xShape: Shape
  let yShape: Shape
  let size: SIMD3<Int>
  let output: SIMD3<Int>
  /// The ranges of the outputs along depth, height and width, one after the other, and what averages divide by.
  private(set) var starts: [Int] = []
  private(set) var ends: [Int] = []
  private(set) var counts: [Int] = []
  /// The windows, where they are pairs of columns in pairs of rows of a plane.
  private(set) var pairs: PoolingPairs?
  private var dilation = SIMD3(repeating: 1)
  private var whole = 0..<0
  private var taps = 1
  private var columnStride = 1
  private var columnOrigin = 0

  /// Windows of one size at regular distances.
  ///
  /// - Parameters:
  ///   - countsPadding: Whether averages count zeros around the input.
  ///   - divisor: What averages divide by instead of a count.
  init(
    _ x: Tensor, spatial: Int, kernel: SIMD3<Int>, stride: SIMD3<Int>, padding: SIMD3<Int>, dilation: SIMD3<Int>,
    output: SIMD3<Int>, countsPadding: Bool = true, divisor: Int? = nil
  ) {
    self.init(x, spatial, output)
    self.dilation = dilation
    let two = SIMD3(1, 2, 2)
    if kernel == two && stride == two && padding == SIMD3() && dilation == SIMD3(repeating: 1) && size.x == 1
      && 2 &* output.y <= size.y && 2 &* output.z <= size.z
    {
      pairs = PoolingPairs(rows: output.y, columns: output.z, height: size.y, width: size.z)
    }
    for d in 0..<3 {
      for o in 0..<output[d] {
        var start = o * stride[d] - padding[d]
        let end = min(start + dilation[d] * (kernel[d] - 1) + 1, size[d] + padding[d])
        let padded = end - start
        if start < 0 { start += (-start + dilation[d] - 1) / dilation[d] * dilation[d] }
        starts.append(start)
        ends.append(max(start, min(end, size[d])))
        counts.append(divisor.map { d == 0 ? $0 : 1 } ?? (countsPadding ? padded : ends[ends.count - 1] - start))
      }
    }
    (taps, columnStride, columnOrigin) = (kernel.z, stride.z, -padding.z)
    let reach = dilation.z * (kernel.z - 1) + 1
    let first = min(output.z, (padding.z + stride.z - 1) / stride.z)
    let room = size.z + padding.z - reach
    whole = first..<max(first, min(output.z, room < 0 ? 0 : room / stride.z + 1))
  }

  /// As many windows as `output`, of sizes that differ by at most 1 and cover the input.
  init(adaptive x: Tensor, spatial: Int, output: SIMD3<Int>) {
    self.init(x, spatial, output)
    for d in 0..<3 {
      for o in 0..<output[d] {
        starts.append(o * size[d] / output[d])
        ends.append(((o + 1) * size[d] + output[d] - 1) / output[d])
        counts.append(ends[ends.count - 1] - starts[starts.count - 1])
      }
    }
    // Where the sizes divide, the windows are regular.
    if output.z > 0 && size.z % output.z == 0 {
      (taps, columnStride, whole) = (size.z / output.z, size.z / output.z, 0..<output.z)
    }
  }

  private init(_ x: Tensor, _ spatial: Int, _ output: SIMD3<Int>) {
    xShape = x.shape
    yShape = Shape(Array(x.shape.dropLast(spatial)) + output.last(spatial))
    size = spatialVector(Array(x.shape.dropFirst(x.rank - spatial)), otherwise: 1)
    self.output = output
  }

  /// Planes that are pooled alone.
  var planes: Int { xShape.elementCount / max(1, size.volume) }

  /// Calls `body` with ranges of planes, on several threads where it pays.
  func forEachPlanes(_ cpu: CPU, _ body: (PoolingPlan, Range<Int>) -> Void) {
    let reads = size.volume + output.volume
    starts.withUnsafeBufferPointer { starts in
      ends.withUnsafeBufferPointer { ends in
        counts.withUnsafeBufferPointer { counts in
          guard let starts = starts.baseAddress, let ends = ends.baseAddress, let counts = counts.baseAddress else {
            return
          }
          let plan = PoolingPlan(
            size: size, output: output, starts: starts, ends: ends, counts: counts, dilation: dilation, whole: whole,
            taps: taps, columnStride: columnStride, columnOrigin: columnOrigin)
          cpu.parallel(planes, grain: max(1, CPU.grain / max(1, reads)), multiple: 1) { body(plan, $0) }
        }
      }
    }
  }
}
