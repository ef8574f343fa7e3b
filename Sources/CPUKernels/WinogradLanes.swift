import CPUKernelAPI
import CSIMD

/// Brings lines of images to where the channels of a position are adjacent, and back: in between, every step of the
/// algorithm does the same for all channels, so that its vectors are full whatever the size of the images.
struct WinogradLanes {
  /// Elements of a cache line.
  private static let line = 16

  /// Part of an image.
  struct Region {
    /// In the image; lines and columns before 0 are zeros.
    var first: SIMD2<Int>
    var count: SIMD2<Int>
    /// Lines and columns from here on are zeros.
    var end: SIMD2<Int>
  }

  /// y[line, column, channel] = the region of the image at `x`, `step` elements for each position.
  @inline(never)
  static func gather(
    _ images: WinogradImages, _ x: UnsafePointer<Float>, channels: Int, _ region: Region,
    _ y: UnsafeMutablePointer<Float>, step: Int
  ) {
    let columns = region.count.y, row = columns * step
    let low = min(columns, max(0, -region.first.y)), high = max(low, min(columns, region.end.y - region.first.y))
    let top = min(region.count.x, max(0, -region.first.x))
    let bottom = max(top, min(region.count.x, region.end.x - region.first.x))
    clear(y, top * row)
    clear(y + bottom * row, (region.count.x - bottom) * row)
    for line in top..<bottom {
      clear(y + line * row, low * step)
      clear(y + (line * row + high * step), (columns - high) * step)
    }
    let width = high - low, length = (bottom - top - 1) * images.lineStride + width
    if width == 0 || bottom == top { return }
    let start = x + ((region.first.x + top) * images.lineStride + region.first.y + low)
    forEachVector(channels) { c, count in
      let source = start + c * images.channelStride
      prefetch(
        source + count * images.channelStride, length, channels: min(count, channels - c - count),
        channelStride: images.channelStride)
      for line in 0..<bottom - top {
        let x = source + line * images.lineStride, y = y + ((top + line) * row + low * step + c)
        if count < Float.lanes || width < 4 {
          transpose(x, images.channelStride, count, width, y, step)
        } else {
          forEachFour(width) {
            csimd_transpose_tall(x + $0, images.channelStride, y + $0 * step, step)
          }
        }
      }
    }
  }

  /// y[channel, line, column] = x[line, column, channel].
  @inline(never)
  static func scatter(
    _ x: UnsafePointer<Float>, step: Int, lineStep: Int, channels: Int, _ size: SIMD2<Int>,
    _ y: UnsafeMutablePointer<Float>, channelStride: Int, lineStride: Int
  ) {
    forEachVector(channels) { c, count in
      for line in 0..<size.x {
        let x = x + (line * lineStep + c), y = y + (c * channelStride + line * lineStride)
        if count < Float.lanes || size.y < 4 {
          transpose(x, step, size.y, count, y, channelStride)
        } else {
          forEachFour(size.y) {
            csimd_transpose_wide(x + $0 * step, step, y + $0, channelStride)
          }
        }
      }
    }
  }

  /// y[tap, channel] = x[channel, tap] for nine taps of the first `count` channels of a vector; the others are zeros.
  @inline(__always)
  static func gatherNine(
    _ x: UnsafePointer<Float>, _ channelStride: Int, _ count: Int, _ y: UnsafeMutablePointer<Float>
  ) {
    let lanes = Float.lanes
    if count == lanes {
      csimd_transpose_tall(x, channelStride, y, lanes)
      csimd_transpose_tall(x + 4, channelStride, y + 4 * lanes, lanes)
      csimd_transpose_tall(x + 5, channelStride, y + 5 * lanes, lanes)
    } else {
      clear(y, 9 * lanes)
      transpose(x, channelStride, count, 9, y, lanes)
    }
  }

  /// Lets `count` elements of each channel arrive in the first cache while something else is computed.
  @inline(__always)
  static func prefetch(_ y: UnsafePointer<Float>, _ count: Int, channels: Int, channelStride: Int) {
    for c in 0..<channels {
      let start = y + c * channelStride
      var i = 0
      while i < count {
        simd_prefetch(start + i)
        i += line
      }
      simd_prefetch(start + (count - 1))
    }
  }

  @inline(__always)
  private static func clear(_ y: UnsafeMutablePointer<Float>, _ count: Int) {
    var i = 0
    while i < count {
      Float.store(VFloat(), y + i)
      i += Float.lanes
    }
  }

  /// Calls `body` for the first channel of each vector, of which the last may overlap the one before, and the number of
  /// its channels: fewer than a vector's only where there are no more.
  @inline(__always)
  private static func forEachVector(_ channels: Int, _ body: (Int, Int) -> Void) {
    let count = min(channels, Float.lanes)
    var c = 0
    while c < channels {
      body(min(c, channels - count), count)
      c += count
    }
  }

  /// Calls `body` for the first of each four columns, of which the last may overlap those before.
  @inline(__always)
  private static func forEachFour(_ columns: Int, _ body: (Int) -> Void) {
    var i = 0
    while i < columns {
      body(min(i, columns - 4))
      i += 4
    }
  }

  /// y[column, row] = x[row, column].
  @inline(never)
  private static func transpose(
    _ x: UnsafePointer<Float>, _ rowStride: Int, _ rows: Int, _ columns: Int, _ y: UnsafeMutablePointer<Float>,
    _ columnStride: Int
  ) {
    for i in 0..<columns {
      for j in 0..<rows { y[i * columnStride + j] = x[j * rowStride + i] }
    }
  }
}
