/// How `put` combines a value with what is there.
package enum PutKernel: UInt8, CaseIterable, Sendable {
  case assign, add, multiply, minimum, maximum
}

package protocol MovementKernels: Sendable {
  /// Copies a matrix of `size`-byte elements between two layouts, strides in elements; blocks it so that a
  /// transposition runs at memory speed.
  func copy(
    size: Int, rows: Int, columns: Int, _ x: UnsafeRawPointer, rowStride: Int, columnStride: Int,
    _ y: UnsafeMutableRawPointer, rowStride yRowStride: Int, columnStride yColumnStride: Int)
  /// y[i, 0..<run] = x[offsets[i] ..< offsets[i] + run], for elements of `size` bytes; offsets count elements.
  func take(
    size: Int, count: Int, run: Int, _ x: UnsafeRawPointer, _ offsets: UnsafePointer<Int64>,
    _ y: UnsafeMutableRawPointer)
  /// y[offsets[i] ..< offsets[i] + run] op= x[i, 0..<run], in the order of i (repeated offsets accumulate).
  func put(
    _ op: PutKernel, _ type: DType, count: Int, run: Int, _ x: UnsafeRawPointer, _ offsets: UnsafePointer<Int64>,
    _ y: UnsafeMutableRawPointer)
  /// Sorts `rows` contiguous rows of `count` elements, stable, NaN last when ascending and first when descending;
  /// writes the values and their former positions.
  func sort(
    _ type: DType, rows: Int, count: Int, descending: Bool, _ x: UnsafeRawPointer, values: UnsafeMutableRawPointer,
    indices: UnsafeMutablePointer<Int64>)
  /// The k largest (or smallest) of each row, sorted, with their positions; NaN counts as largest.
  func topk(
    _ type: DType, rows: Int, count: Int, k: Int, largest: Bool, _ x: UnsafeRawPointer,
    values: UnsafeMutableRawPointer, indices: UnsafeMutablePointer<Int64>)
  /// For each of `count` values the insertion position in a sorted row of `length` elements: the first position
  /// whose element is ≥ the value, or > with `right`. NaN sorts last.
  func searchsorted(
    _ type: DType, sorted: UnsafeRawPointer, length: Int, count: Int, right: Bool, _ x: UnsafeRawPointer,
    _ y: UnsafeMutablePointer<Int64>)
}
