/// The sizes of a 3 x 3 convolution of stride 1 as Winograd's algorithm computes it: 2 x 2 outputs, a tile, at a time
/// from 4 x 4 elements of each channel. Sizes are lines and columns.
package struct WinogradPlan: Sendable {
  package var channels: Int, outputs: Int
  /// Zeros before the image's first line and column; negative ones are cut off.
  package var before: SIMD2<Int>
  package var output: SIMD2<Int>

  package init(channels: Int, outputs: Int, before: SIMD2<Int>, output: SIMD2<Int>) {
    self.channels = channels
    self.outputs = outputs
    self.before = before
    self.output = output
  }

  /// Rows of tiles in an image, and tiles in a row; the last ones may reach over the edge.
  @inline(__always)
  package var tiles: SIMD2<Int> { (output &+ 1) &>> 1 }
}

/// Float32 images whose columns are adjacent.
package struct WinogradImages {
  package var pointer: UnsafePointer<Float>
  /// Lines and columns.
  package var size: SIMD2<Int>
  /// In elements.
  package var imageStride: Int, channelStride: Int, lineStride: Int

  package init(
    _ pointer: UnsafePointer<Float>, size: SIMD2<Int>, imageStride: Int, channelStride: Int, lineStride: Int
  ) {
    self.pointer = pointer
    self.size = size
    self.imageStride = imageStride
    self.channelStride = channelStride
    self.lineStride = lineStride
  }
}

/// 3 x 3 convolutions of stride 1 in float32 by Winograd's algorithm F(2 x 2, 3 x 3), with 4 multiplications where the
/// definition has 9 (Lavin and Gray, 2016). Rows of tiles are numbered through all images of a batch.
package protocol WinogradKernels: Sendable {
  /// Rows of tiles that are computed at a time: as many as the second cache holds. The plan alone decides.
  func winogradBlock(_ plan: WinogradPlan) -> Int
  /// Output channels of a panel of transformed weights: where threads share channels, they are cut at its multiples.
  var winogradPanel: Int { get }
  /// Elements of all transformed weights.
  func winogradWeightCount(_ plan: WinogradPlan) -> Int
  /// Transforms the weights of some channels to their place in `u`. Those of an output channel and a channel are nine
  /// adjacent elements; `turned` ones count backwards. Strides are in elements.
  func winogradWeights(
    _ plan: WinogradPlan, _ w: UnsafePointer<Float>, outputStride: Int, channelStride: Int, channels: Range<Int>,
    turned: Bool, _ u: UnsafeMutablePointer<Float>)
  /// y = x ∗ w + bias for some rows of tiles, not more than a block, and some output channels. `y` is contiguous. The
  /// sums do not depend on which rows and channels are computed together.
  func winogradConvolve(
    _ plan: WinogradPlan, _ x: WinogradImages, weights u: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    rows: Range<Int>, outputs: Range<Int>, _ y: UnsafeMutablePointer<Float>, workspace: UnsafeMutablePointer<Float>)
  /// Bytes of scratch memory that `winogradConvolve` needs.
  func winogradConvolveWorkspace(_ plan: WinogradPlan) -> Int
}
