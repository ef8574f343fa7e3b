import CPUKernelAPI

/// The sizes of a convolution of images x [N, C, …] with weights w [O, C / groups, …] to y [N, O, …], with one to three
/// spatial dimensions; vectors are (depth, height, width), 1 where there are fewer.
struct ConvolutionGeometry: Sendable {
  var spatial: Int
  var batch: Int, channels: Int, outputs: Int, groups: Int
  var input: SIMD3<Int>, kernel: SIMD3<Int>, output: SIMD3<Int>
  var stride: SIMD3<Int>, dilation: SIMD3<Int>
  /// Zeros around the input; negative ones cut off.
  var before: SIMD3<Int>, after: SIMD3<Int>

  var xShape: Shape { Shape([batch, channels] + input.last(spatial)) }
  var wShape: Shape { Shape([outputs, channels / groups] + kernel.last(spatial)) }
  var yShape: Shape { Shape([batch, outputs] + output.last(spatial)) }
  /// The same with all three spatial dimensions.
  var xWhole: Shape { Shape([batch, channels, input.x, input.y, input.z]) }
  var yWhole: Shape { Shape([batch, outputs, output.x, output.y, output.z]) }

  var channelsPerGroup: Int { channels / groups }
  var outputsPerGroup: Int { outputs / groups }
  /// Elements that one output element is a sum over.
  var tapCount: Int { channelsPerGroup * kernel.volume }
  /// Multiply-adds of one group of one image.
  var work: Int { outputsPerGroup * tapCount * output.volume }

  /// All patches of a contiguous padded image: [N, C, kernel…, output…].
  var padded: Shape {
    let size = input &+ before &+ after
    return Shape([batch, channels, size.x, size.y, size.z])
  }
  var patches: AsStrided {
    let steps = padded.contiguousStrides
    let strides = [
      steps[0], steps[1], dilation.x * steps[2], dilation.y * steps[3], dilation.z * steps[4], stride.x * steps[2],
      stride.y * steps[3], stride.z * steps[4],
    ]
    let shape = [batch, channels, kernel.x, kernel.y, kernel.z, output.x, output.y, output.z]
    return AsStrided(Shape(shape), strides: Shape(strides), offset: 0)
  }
}

/// A convolution's plan with the memory it points to.
struct ConvolutionTables {
  private(set) var taps: [Int] = []
  private(set) var rows: [Int] = []
  private(set) var rowLength: Int

  /// - Parameters:
  ///   - channels: Channels that a position sees, `channelStep` apart.
  ///   - tapOffsets: For each of three dimensions, the distances of the kernel's elements.
  ///   - rowOffsets: The places of planes, and of rows within them.
  ///   - rowLength: Positions in a row.
  ///   - mergeLimit: Rows that follow each other without a gap become one of at most this many positions.
  init(
    channels: Int, channelStep: Int, tapOffsets: ([Int], [Int], [Int]), planes: [Int], lines: [Int], rowLength: Int,
    mergeLimit: Int
  ) {
    taps.reserveCapacity(channels * tapOffsets.0.count * tapOffsets.1.count * tapOffsets.2.count)
    for c in 0..<channels {
      for z in tapOffsets.0 {
        for y in tapOffsets.1 {
          for x in tapOffsets.2 { taps.append(c * channelStep + z + y + x) }
        }
      }
    }
    for plane in planes {
      for line in lines { rows.append(plane + line) }
    }
    self.rowLength = rowLength
    let isDense = rows.indices.dropFirst().allSatisfy { rows[$0] - rows[$0 - 1] == rowLength }
    if isDense && rows.count > 1 && rows.count * rowLength <= mergeLimit {
      self.rowLength = rows.count * rowLength
      rows = [rows[0]]
    }
  }

  /// Calls `body` with the plan.
  func withPlan(_ body: (ConvolutionPlan) -> Void) {
    taps.withUnsafeBufferPointer { taps in
      rows.withUnsafeBufferPointer { rows in
        // An empty array has no address; nothing reads there.
        let none = UnsafePointer<Int>(bitPattern: 8)!
        body(
          ConvolutionPlan(
            taps: taps.baseAddress ?? none, tapCount: taps.count, rows: rows.baseAddress ?? none,
            rowCount: rows.count, rowLength: rowLength))
      }
    }
  }
}

/// The images of a batch as a convolution reads them: framed where they need zeros around them or other columns next
/// to each other, in place otherwise.
struct ConvolutionSource {
  let x: Tensor
  let frame: ConvolutionFrame
  let isFramed: Bool
  let channelStep: Int, planeStep: Int, lineStep: Int

  /// - Parameters:
  ///   - x: [N, C, D, H, W].
  ///   - channels: Channels of one group.
  ///   - origin: Where an image starts in its frame.
  ///   - framed: The frame's size, before its columns are rounded up to a multiple of `phases`.
  init(_ x: Tensor, channels: Int, origin: SIMD3<Int>, framed: SIMD3<Int>, phases: Int) {
    let size = SIMD3(x.shape[2], x.shape[3], x.shape[4])
    var framed = framed
    framed.z = (framed.z + phases - 1) / phases * phases
    self.x = x
    frame = ConvolutionFrame(
      channels: channels, size: size, channelStride: x.strides[1],
      strides: SIMD3(x.strides[2], x.strides[3], x.strides[4]), origin: origin, framed: framed, phases: phases)
    isFramed = origin != SIMD3() || framed != size || phases != 1 || x.strides[4] != 1
    channelStep = isFramed ? framed.volume : x.strides[1]
    planeStep = isFramed ? framed.y * framed.z : x.strides[2]
    lineStep = isFramed ? framed.z : x.strides[3]
  }

  /// Bytes that one framed image takes.
  var bytes: Int { isFramed ? max(64, frame.count * x.dtype.size) : 64 }

  /// The image of a group, framed in `memory` if it must be.
  func image(_ index: Int, group: Int, _ memory: UnsafeMutableRawPointer, _ kernels: any KernelSet) -> UnsafeRawPointer
  {
    let start = x.pointer + (index * x.strides[0] + group * frame.channels * x.strides[1]) * x.dtype.size
    if !isFramed { return UnsafeRawPointer(start) }
    kernels.frame(x.dtype, frame, start, memory)
    return UnsafeRawPointer(memory)
  }

  /// Distance in the frame of columns `column` apart.
  func columnOffset(_ column: Int) -> Int {
    column % frame.phases * (frame.framed.z / frame.phases) + column / frame.phases
  }
}
