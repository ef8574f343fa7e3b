/// How a convolution reads a framed image: where each output position starts, and which elements its taps multiply.
/// Positions come in rows; those of one row start at adjacent elements.
package struct ConvolutionPlan {
  /// Distances from a position's start to the elements under its taps, one for each tap of each channel.
  package var taps: UnsafePointer<Int>
  package var tapCount: Int
  /// The start of each row's first position.
  package var rows: UnsafePointer<Int>
  package var rowCount: Int
  /// Positions in a row.
  package var rowLength: Int

  package init(
    taps: UnsafePointer<Int>, tapCount: Int, rows: UnsafePointer<Int>, rowCount: Int, rowLength: Int
  ) {
    self.taps = taps
    self.tapCount = tapCount
    self.rows = rows
    self.rowCount = rowCount
    self.rowLength = rowLength
  }
}

/// How an image is copied into a frame: zeros around it, or a margin cut off, and the columns sorted by their number
/// modulo `phases`, so that what a convolution of that stride reads together lies together. Sizes and places are
/// those of planes, rows and columns.
package struct ConvolutionFrame {
  package var channels: Int
  package var size: SIMD3<Int>
  /// Of the source, in elements.
  package var channelStride: Int
  package var strides: SIMD3<Int>
  /// Where the image's first element is in the frame; negative places are cut off.
  package var origin: SIMD3<Int>
  /// The frame's size; the number of columns is a multiple of `phases`.
  package var framed: SIMD3<Int>
  package var phases: Int

  package init(
    channels: Int, size: SIMD3<Int>, channelStride: Int, strides: SIMD3<Int>, origin: SIMD3<Int>, framed: SIMD3<Int>,
    phases: Int
  ) {
    self.channels = channels
    self.size = size
    self.channelStride = channelStride
    self.strides = strides
    self.origin = origin
    self.framed = framed
    self.phases = phases
  }

  /// Elements in the frame.
  package var count: Int { channels * framed.x * framed.y * framed.z }
}

/// Convolutions, float32 and float64.
package protocol ConvolutionKernels: Sendable {
  /// Writes the framed image.
  func frame(_ type: DType, _ frame: ConvolutionFrame, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer)
  /// Of one image: y[m, r, i] = Σ_t weight[m, t] · image[rows[r] + i + taps[t]] for the output channels m < `outputs`
  /// and the rows r in `rows`. `weight` has rows of `weightRow` elements; with `bias`, the one after the taps is added.
  /// `y` has `outputRow` elements from one channel to the next. How an element is summed depends on the plan alone.
  func convolve(
    _ type: DType, _ plan: ConvolutionPlan, image: UnsafeRawPointer, weight: UnsafeRawPointer, weightRow: Int,
    bias: Bool, outputs: Int, rows: Range<Int>, _ y: UnsafeMutableRawPointer, outputRow: Int,
    workspace: UnsafeMutableRawPointer)
  /// Bytes of scratch memory that `convolve` needs.
  func convolveWorkspace(_ type: DType, tapCount: Int) -> Int
  /// y[t, m] = Σ_(n, r, i) image[n][rows[r] + i + taps[t]] · g[n][m, r, i] + (accumulate ? y[t, m] : 0) for t in `taps`
  /// and m < `outputs`. The images n are `imageStep` elements apart, their gradients `gradientStep`; `g` has `outputRow`
  /// elements from one channel to the next, `y` `resultRow` from one tap to the next.
  func correlate(
    _ type: DType, _ plan: ConvolutionPlan, images: Int, image: UnsafeRawPointer, imageStep: Int, g: UnsafeRawPointer,
    gradientStep: Int, outputRow: Int, outputs: Int, taps: Range<Int>, _ y: UnsafeMutableRawPointer, resultRow: Int,
    accumulate: Bool, workspace: UnsafeMutableRawPointer)
  /// Bytes of scratch memory that `correlate` needs.
  func correlateWorkspace(_ type: DType, _ plan: ConvolutionPlan) -> Int
}
