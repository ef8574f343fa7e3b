/// A batch [N, C, L] that is normalized by channel, and the channels to treat.
package struct ChannelBatch {
  package var batch: Int
  package var channels: Int
  package var size: Int
  package var range: Range<Int>

  package init(batch: Int, channels: Int, size: Int, range: Range<Int>) {
    self.batch = batch
    self.channels = channels
    self.size = size
    self.range = range
  }
}

/// Batch normalization, float32 and float64. Vectors of one number a channel hold all channels; only those in range are
/// read and written. How a channel is summed does not depend on the range.
package protocol NormalizationKernels: Sendable {
  /// y = (x − mean) / √(variance + eps) · weight + bias, and the mean and the (biased) variance of each channel.
  func batchNorm(
    _ type: DType, _ batch: ChannelBatch, _ x: UnsafeRawPointer, weight: UnsafeRawPointer?, bias: UnsafeRawPointer?,
    eps: Double, _ y: UnsafeMutableRawPointer, mean: UnsafeMutableRawPointer, variance: UnsafeMutableRawPointer)
  /// y = x · scale + shift, by channel.
  func channelAffine(
    _ type: DType, _ batch: ChannelBatch, _ x: UnsafeRawPointer, scale: UnsafeRawPointer, shift: UnsafeRawPointer?,
    _ y: UnsafeMutableRawPointer)
  /// The gradients of x, weight and bias from that of y.
  func batchNormBackward(
    _ type: DType, _ batch: ChannelBatch, _ g: UnsafeRawPointer, _ x: UnsafeRawPointer, weight: UnsafeRawPointer?,
    mean: UnsafeRawPointer, variance: UnsafeRawPointer, eps: Double, _ gx: UnsafeMutableRawPointer,
    gWeight: UnsafeMutableRawPointer, gBias: UnsafeMutableRawPointer)
}
