/// Which elements of a plane each output of a pooling sees: windows that are the products of ranges along the plane's
/// three dimensions (depth, height, width).
package struct PoolingPlan {
  package var size: SIMD3<Int>
  package var output: SIMD3<Int>
  /// First and last (exclusive) element of each output's range, one after the other for the three dimensions.
  package var starts: UnsafePointer<Int>
  package var ends: UnsafePointer<Int>
  /// By what averages divide: the product of three of these.
  package var counts: UnsafePointer<Int>
  /// Steps within a range.
  package var dilation: SIMD3<Int>
  /// Output columns o whose ranges are whole: `taps` elements from `columnStride` · o + `columnOrigin` on.
  package var whole: Range<Int>
  package var taps: Int
  package var columnStride: Int
  package var columnOrigin: Int

  package init(
    size: SIMD3<Int>, output: SIMD3<Int>, starts: UnsafePointer<Int>, ends: UnsafePointer<Int>,
    counts: UnsafePointer<Int>, dilation: SIMD3<Int>, whole: Range<Int>, taps: Int, columnStride: Int,
    columnOrigin: Int
  ) {
    self.size = size
    self.output = output
    self.starts = starts
    self.ends = ends
    self.counts = counts
    self.dilation = dilation
    self.whole = whole
    self.taps = taps
    self.columnStride = columnStride
    self.columnOrigin = columnOrigin
  }
}

/// Windows of 2 by 2 elements side by side: how many there are, and the size of the plane, of which columns and rows
/// may be left over.
package struct PoolingPairs {
  package var rows: Int
  package var columns: Int
  package var height: Int
  package var width: Int

  package init(rows: Int, columns: Int, height: Int, width: Int) {
    self.rows = rows
    self.columns = columns
    self.height = height
    self.width = width
  }
}

/// Poolings of `planes` planes that lie one after the other.
package protocol PoolingKernels: Sendable {
  /// The largest element of each window and, where `indices` is given, its position in the plane. NaN counts as
  /// largest. For float32, float64 and int64.
  func maxPool(
    _ type: DType, _ plan: PoolingPlan, planes: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    _ indices: UnsafeMutablePointer<Int64>?)
  /// Adds each gradient at its position of a plane of `size` elements that is 0 elsewhere. For float32 and float64.
  func unpool(
    _ type: DType, planes: Int, size: Int, count: Int, _ g: UnsafeRawPointer, _ indices: UnsafePointer<Int64>,
    _ y: UnsafeMutableRawPointer)
  /// The largest element of each window and, where `choices` is given, which of the four it was, row by row. NaN counts
  /// as largest. With `rectified`, elements below 0 count as 0, and 4 stands where none is above. For float32 and
  /// float64.
  func maxPool(
    _ type: DType, _ pairs: PoolingPairs, planes: Int, rectified: Bool, _ x: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, _ choices: UnsafeMutablePointer<UInt8>?)
  /// Each gradient at the place that was chosen, 0 elsewhere. For float32 and float64.
  func unpool(
    _ type: DType, _ pairs: PoolingPairs, planes: Int, _ g: UnsafeRawPointer, _ choices: UnsafePointer<UInt8>,
    _ y: UnsafeMutableRawPointer)
  /// The sum of each window divided by its count. For float32, float64 and int64, which rounds towards 0.
  func averagePool(
    _ type: DType, _ plan: PoolingPlan, planes: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer)
  /// The gradient of `averagePool`: each of `g` divided by its count, added to all elements of its window. For float32
  /// and float64.
  func averagePoolBackward(
    _ type: DType, _ plan: PoolingPlan, planes: Int, _ g: UnsafeRawPointer, _ y: UnsafeMutableRawPointer)
}
