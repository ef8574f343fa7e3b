/// What a reduction computes. The result has the type `type.accumulator` for sums and products and for the
/// norms, the input's own type for min and max, `bool` for any and all, int64 for countNonzero.
package enum ReduceKernel: UInt8, CaseIterable, Sendable {
  case sum, prod, min, max, any, all, countNonzero
  /// Σ|x|
  case sumAbs
  /// Σx²
  case sumSquares
  /// max|x|, min|x|, in the input's own type
  case maxAbs, minAbs
  /// Σ(x − c)², with c per output element (type `type.accumulator`): the second pass of a variance
  case sumSquaredDeviations
  /// Σexp(x − c), with c per output element (type `type.accumulator`): the second pass of logsumexp. Where c is
  /// infinite it counts as 0. Floating types only.
  case sumExp
}

/// What a running reduction (scan) computes.
package enum ScanKernel: UInt8, CaseIterable, Sendable {
  case cumsum, cumprod, logcumsumexp
}

/// The three loops of a reduction: `outer` × `count` × `inner`, of which `count` is reduced; strides in elements.
/// The output is contiguous [outer, inner].
package struct ReduceLoop: Sendable {
  package var outer: Int, count: Int, inner: Int
  package var outerStride: Int, countStride: Int, innerStride: Int

  package init(outer: Int, count: Int, inner: Int, outerStride: Int, countStride: Int, innerStride: Int) {
    self.outer = outer
    self.count = count
    self.inner = inner
    self.outerStride = outerStride
    self.countStride = countStride
    self.innerStride = innerStride
  }
}

package protocol ReductionKernels: Sendable {
  /// Reduces the middle loop. Floating sums are pairwise over blocks (error grows with log n). min and max
  /// propagate NaN. `count` may be 0 for all but min and max (the identity is stored). `center` is the c of
  /// `sumSquaredDeviations` and `sumExp`, contiguous [outer, inner], else nil. Fast when `inner` or `count` is the
  /// loop with stride 1, correct for any strides.
  func reduce(
    _ op: ReduceKernel, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, center: UnsafeRawPointer?,
    _ y: UnsafeMutableRawPointer)
  /// The extreme of the middle loop and its index (the first one where several are equal; the first NaN wins
  /// over all). `values` (input's type) or `indices` (int64) may be nil. `count` ≥ 1.
  func extreme(
    max: Bool, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, values: UnsafeMutableRawPointer?,
    indices: UnsafeMutablePointer<Int64>?)
  /// Running sums and products along the middle loop; y is contiguous [outer, count, inner] of x's type.
  func scan(_ op: ScanKernel, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer)
  /// Running extreme and the index of the last element equal to it (PyTorch's cummax and cummin; NaN propagates).
  func scanExtreme(
    max: Bool, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, values: UnsafeMutableRawPointer,
    indices: UnsafeMutablePointer<Int64>)
  /// Row-wise softmax (or log-softmax) of `rows` contiguous rows of `count` floating elements.
  func softmax(
    log: Bool, _ type: DType, rows: Int, count: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer)
  /// The gradient of the above for x, from the output y and its gradient g.
  func softmaxBackward(
    log: Bool, _ type: DType, rows: Int, count: Int, _ g: UnsafeRawPointer, _ y: UnsafeRawPointer,
    _ dx: UnsafeMutableRawPointer)
}
