import FirecrestCPU

/// How index tensors on some dimensions of a tensor become offsets into its contiguous memory, and the result's shape.
struct IndexPlan {
  /// int64, in elements of the tensor.
  let offsets: Tensor
  let layout: RunLayout
  let shape: Shape

  /// An index tensor of integers on one dimension, or on several neighbours taken as one.
  struct Entry {
    var dim: Int
    var span = 1
    var index: Tensor
  }

  /// Index tensors on a tensor of shape `x`, in the order of the dimensions. They are broadcast together; the result
  /// has their common shape where the dimensions were if those are neighbours, else in front, as in NumPy and PyTorch.
  init(_ x: Shape, _ entries: [Entry], _ operation: String) {
    var common = Shape()
    for entry in entries {
      do { common = try broadcastShapes(common, entry.index.shape) } catch {
        stop(operation, "the shapes of the index tensors do not broadcast together", entries.map(\.index))
      }
    }
    let strides = x.contiguousStrides
    let linear = Tensor(empty: common, .int64)
    var covered = DimSet()
    var areNeighbours = true
    let first = entries[0].dim
    var next = first
    for (i, entry) in entries.enumerated() {
      if entry.dim != next { areNeighbours = false }
      next = entry.dim + entry.span
      for d in entry.dim..<next { covered.insert(d) }
      let stride = entry.span == 0 ? 0 : strides[next - 1]
      linear.accumulateIndex(
        entry.index, stride: stride, size: x.product(entry.dim..<next), dim: entry.dim, operation, allowNegative: true,
        first: i == 0)
    }
    let run = x.product(next..<x.count)
    var shape = Shape()
    if areNeighbours {
      for d in 0..<first { shape.append(x[d]) }
      for size in common { shape.append(size) }
      offsets = linear
      layout = RunLayout(outer: x.product(0..<first), outerStride: x.product(first..<x.count), run: run)
    } else {
      // The whole dimensions before the last indexed one are enumerated behind the index.
      let between = (0..<next).filter { !covered.contains($0) }
      let inner = Shape(between.map { x[$0] })
      let steps = Shape(between.map { strides[$0] })
      for size in common { shape.append(size) }
      for size in inner { shape.append(size) }
      offsets = noGrad {
        let grid = Tensor.positions(linear.window(inner, strides: steps, offset: 0))
        return linear.view(Shape([common.elementCount, 1])) + grid.view(Shape([1, inner.elementCount]))
      }
      layout = RunLayout(x, run: run)
    }
    for d in next..<x.count { shape.append(x[d]) }
    self.shape = shape
  }

  /// One index of one dimension on a vector: the plan of `indexSelect` and its relatives.
  init(_ x: Shape, dim: Int, _ index: Tensor, _ operation: String, allowNegative: Bool = false) {
    offsets = Tensor(empty: index.shape, .int64)
    let run = x.product(dim + 1..<x.count)
    offsets.accumulateIndex(
      index, stride: run, size: x[dim], dim: dim, operation, allowNegative: allowNegative, first: true)
    layout = RunLayout(outer: x.product(0..<dim), outerStride: x[dim] * run, run: run)
    var shape = x
    shape[dim] = index.elementCount
    self.shape = shape
  }
}

extension Shape {
  /// The number of elements over some of the dimensions.
  @inline(__always)
  func product(_ dims: Range<Int>) -> Int {
    var result = 1
    for d in dims { result *= self[d] }
    return result
  }
}

extension Tensor {
  /// Adds index · stride to this int64 tensor, to which the index broadcasts, after checking that each index is one of
  /// `size` positions; `first` sets it instead.
  func accumulateIndex(
    _ index: Tensor, stride: Int, size: Int, dim: Int, _ operation: String, allowNegative: Bool, first: Bool
  ) {
    let index = noGrad { index.positionIndex(operation).expand(shape).contiguous() }
    let (step, bound) = (Int64(stride), Int64(size))
    withElements(Int64.self) { sum in
      index.withElements(Int64.self) { index in
        CPU.shared.parallel(sum.count) { range in
          for i in range {
            var value = index[i]
            if value < 0 && allowNegative { value += bound }
            if value < 0 || value >= bound { refuseIndex(index[i], size: size, dim: dim, operation) }
            sum[i] = first ? value * step : sum[i] + value * step
          }
        }
      }
    }
  }

  /// This index as int64; the program stops where the type cannot be an index.
  func positionIndex(_ operation: String) -> Tensor {
    if !dtype.isInteger {
      stop(operation, "an index has an integer type, not \(dtype)", [self], help: "convert it with to(.int64)")
    }
    return to(.int64)
  }

  /// For each element of an index of this tensor's rank, the offset of `self[…, index, …]` in contiguous memory, the
  /// index standing at `dim` (what `gather` and `scatter` look at).
  func gatherOffsets(dim: Int, _ index: Tensor, _ operation: String, refuse: ((Int64) -> Never)? = nil) -> Tensor {
    let y = Tensor(empty: index.shape, .int64)
    if index.elementCount == 0 { return y }
    let shape = rank == 0 ? Shape([1]) : self.shape
    let indexShape = index.rank == 0 ? Shape([1]) : index.shape
    guard shape.count == indexShape.count else {
      stop(operation, "the index must have as many dimensions as the tensor", [self, index])
    }
    for d in 0..<shape.count where d != dim && indexShape[d] > shape[d] {
      stop(operation, "the index is larger than the tensor in dim \(d): \(indexShape[d]), \(shape[d])", [self, index])
    }
    let index = noGrad { index.positionIndex(operation).contiguous() }
    let strides = shape.contiguousStrides
    let last = shape.count - 1
    let columns = indexShape[last]
    let size = shape[dim]
    let step = Int64(strides[dim])
    let columnStep: Int64 = dim == last ? 0 : 1
    y.withElements(Int64.self) { y in
      index.withElements(Int64.self) { index in
        CPU.shared.parallel(y.count / columns, grain: Swift.max(1, CPU.grain / columns), multiple: 1) { rows in
          for row in rows {
            var base: Int64 = 0
            var rest = row
            for d in stride(from: last - 1, through: 0, by: -1) {
              let (quotient, at) = rest.quotientAndRemainder(dividingBy: indexShape[d])
              if d != dim { base += Int64(at * strides[d]) }
              rest = quotient
            }
            for j in row * columns..<(row + 1) * columns {
              let value = index[j]
              if value < 0 || value >= Int64(size) {
                refuse?(value)
                refuseIndex(value, size: size, dim: dim, operation)
              }
              y[j] = base + value * step
              base += columnStep
            }
          }
        }
      }
    }
    return y
  }
}

@inline(never)
func refuseIndex(_ value: Int64, size: Int, dim: Int, _ operation: String) -> Never {
  fail(operation, "\(value) is out of range for dim \(dim) of size \(size)")
}
