import CPUKernelAPI
import FirecrestCPU

extension Tensor {
  /// For each of `values` the position in this ascending sequence at which it would be inserted: before equal elements,
  /// or after them with `right` (PyTorch's `searchsorted`).
  ///
  /// The sequence is a vector, or has the leading dimensions of `values`: each row is searched for the row's values. With
  /// `sorter` the sequence is not in order but `sequence[sorter]` along the last dimension is. The result is int64, or
  /// int32 with `outInt32`.
  public func searchsorted(
    _ values: Tensor, right: Bool = false, sorter: Tensor? = nil, outInt32: Bool = false
  ) -> Tensor {
    if let sorter {
      if sorter.shape != shape { stop("searchsorted", "the sorter must have the sequence's shape", [self, sorter]) }
      return noGrad { gather(dim: -1, sorter) }.searchsorted(values, right: right, outInt32: outInt32)
    }
    guard rank > 0 else { stop("searchsorted", "the sequence must have a dimension", [self, values]) }
    if rank > 1 && (rank != values.rank || !shape.dropLast().elementsEqual(values.shape.dropLast())) {
      stop(
        "searchsorted", "the sequence must be a vector, or equal the values in all dimensions but the last",
        [self, values])
    }
    let common = resultType(self, values)
    let (sorted, wanted) = noGrad { (to(common).contiguous(), values.to(common).contiguous()) }
    let y = Tensor(empty: values.shape, .int64)
    let length = shape[-1]
    let rows = rank == 1 ? 1 : shape.product(0..<rank - 1)
    let count = rows == 0 ? 0 : y.elementCount / rows
    let size = common.size
    let output = y.pointer.assumingMemoryBound(to: Int64.self)
    if count > 0 {
      CPU.shared.parallel(rows * count, grain: CPU.grain / 8) { range in
        var i = range.lowerBound
        while i < range.upperBound {
          let row = i / count
          let end = Swift.min(range.upperBound, (row + 1) * count)
          CPU.shared.kernels.searchsorted(
            common, sorted: sorted.pointer + row * length * size, length: length, count: end - i, right: right,
            wanted.pointer + i * size, output + i)
          i = end
        }
      }
    }
    return outInt32 ? y.to(.int32) : y
  }

  /// The number of the bucket into which each element falls, between the ascending `boundaries`, a vector: b[i − 1] < x
  /// ≤ b[i], or b[i − 1] ≤ x < b[i] with `right` (PyTorch's `bucketize`).
  public func bucketize(_ boundaries: Tensor, right: Bool = false, outInt32: Bool = false) -> Tensor {
    if boundaries.rank != 1 { stop("bucketize", "the boundaries must be a vector", [self, boundaries]) }
    return boundaries.searchsorted(self, right: right, outInt32: outInt32)
  }

  /// Where an element is among those of `elements`, or is not with `invert` (PyTorch's `isin`).
  public func isIn(_ elements: Tensor, invert: Bool = false) -> Tensor {
    let common = DType.promoted(dtype, elements.dtype)
    let (x, set) = noGrad { (to(common).contiguous(), elements.to(common).reshape(-1)) }
    let y = Tensor.full(shape, invert, dtype: .bool)
    let count = set.elementCount
    if count == 0 { return y }
    let sorted = set.sortedFlat().values
    // Present where the positions before and after equal elements differ; NaN is equal to nothing.
    let (low, high) = (sorted.searchsorted(x), sorted.searchsorted(x, right: true))
    let unequal = common.isFloatingPoint ? x.isNaN() : Tensor.zeros(shape, dtype: .bool)
    low.withElements(Int64.self) { low in
      high.withElements(Int64.self) { high in
        unequal.withElements(Bool.self) { unequal in
          y.withElements(Bool.self) { y in
            for i in low.indices { y[i] = (low[i] != high[i] && !unequal[i]) != invert }
          }
        }
      }
    }
    return y
  }

  /// All elements as a sorted vector, and where each of them was.
  func sortedFlat() -> (values: Tensor, positions: Tensor) {
    let x = noGrad { reshape(-1).contiguous() }
    let values = Tensor(empty: x.shape, dtype)
    let positions = Tensor(empty: x.shape, .int64)
    if x.elementCount > 0 {
      CPU.shared.kernels.sort(
        dtype, rows: 1, count: x.elementCount, descending: false, x.pointer, values: values.pointer,
        indices: positions.pointer.assumingMemoryBound(to: Int64.self))
    }
    return (values, positions)
  }
}
