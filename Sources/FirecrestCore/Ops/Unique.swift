import FirecrestCPU

extension Tensor {
  /// The different elements in ascending order (PyTorch's `unique`), for each element of this tensor which one it is,
  /// and how often each occurs. With `dim`, the different slices along that dimension, in lexicographic order. NaNs
  /// differ from each other.
  public func unique(dim: Int? = nil) -> (values: Tensor, inverse: Tensor, counts: Tensor) {
    guard let dim else {
      let (sorted, positions) = sortedFlat()
      let groups = noGrad { Groups(sorted, positions) }
      return (
        sorted.taking(groups.firsts, RunLayout(sorted.shape), groups.firsts.shape, "unique"),
        groups.inverse.view(shape), groups.counts
      )
    }
    let d = resolve(dim, "unique")
    let slices = noGrad { sliced(d, "unique") }
    let groups = Groups(slices, slices.orderOfRows())
    return (selectingSlices(d, groups.firsts), groups.inverse, groups.counts)
  }

  /// Like `unique`, but without sorting: only neighbours that are equal become one (PyTorch's `unique_consecutive`).
  public func uniqueConsecutive(dim: Int? = nil) -> (values: Tensor, inverse: Tensor, counts: Tensor) {
    guard let dim else {
      let flat = noGrad { reshape(-1).contiguous() }
      let groups = Groups(flat, flat.naturalOrder())
      return (
        flat.taking(groups.firsts, RunLayout(flat.shape), groups.firsts.shape, "uniqueConsecutive"),
        groups.inverse.view(shape), groups.counts
      )
    }
    let d = resolve(dim, "uniqueConsecutive")
    let slices = noGrad { sliced(d, "uniqueConsecutive") }
    let groups = Groups(slices, slices.naturalOrder())
    return (selectingSlices(d, groups.firsts), groups.inverse, groups.counts)
  }

  /// The slices along a dimension as rows.
  private func sliced(_ d: Int, _ operation: String) -> Tensor {
    if elementCount == 0 && (shape[d] != 0 || shape.filter { $0 == 0 }.count > 1) {
      stop(operation, "slices along dim \(d) have no elements to tell them apart", [self])
    }
    if rank == 0 { return view(Shape([1, 1])) }
    let order = [d] + (0..<rank).filter { $0 != d }
    return permute(order).contiguous().view(Shape([shape[d], shape.product(0..<d) * shape.product(d + 1..<rank)]))
  }

  private func selectingSlices(_ d: Int, _ slices: Tensor) -> Tensor {
    noGrad { rank == 0 ? view(Shape([1])) : indexSelect(dim: d, slices) }
  }

  private func naturalOrder() -> Tensor {
    let y = Tensor(empty: [shape[0]], .int64)
    y.withElements(Int64.self) { for i in $0.indices { $0[i] = Int64(i) } }
    return y
  }

  /// The rows of a contiguous matrix in lexicographic order.
  private func orderOfRows() -> Tensor {
    func sorted<T: TensorElement & Comparable>(_: T.Type) -> [Int64] {
      let width = shape[1]
      let all = toArray(T.self)
      return (0..<shape[0]).sorted { a, b in
        for j in 0..<width {
          let (left, right) = (all[a * width + j], all[b * width + j])
          if left != right { return left < right || (right != right && left == left) }
        }
        return a < b
      }.map(Int64.init)
    }
    let order = dtype.isFloatingPoint ? sorted(Double.self) : sorted(Int64.self)
    return Tensor(order, shape: [shape[0]])
  }
}

/// Runs of equal rows (or elements) in a given order.
private struct Groups {
  /// The row with which each group begins.
  let firsts: Tensor
  /// The group of each row.
  let inverse: Tensor
  /// The rows of each group.
  let counts: Tensor

  /// - Parameters:
  ///   - rows: A contiguous matrix compared by row through `order`; or a vector, already in order, whose elements stand
  ///     at `order` in the tensor that is grouped.
  init(_ rows: Tensor, _ order: Tensor) {
    let count = order.elementCount
    let isVector = rows.rank == 1
    let width = isVector ? 1 : rows.shape[1]
    let inverse = Tensor(empty: [count], .int64)
    var firsts: [Int64] = []
    var sizes: [Int64] = []
    func fill<T: TensorElement & Equatable>(_: T.Type) {
      let all = rows.dtype == T.dtype ? rows : rows.to(T.dtype)
      all.withElements(T.self) { x in
        order.withElements(Int64.self) { order in
          inverse.withElements(Int64.self) { inverse in
            for i in 0..<count {
              let row = isVector ? i : Int(order[i])
              var isNew = i == 0
              if !isNew {
                let before = isVector ? i - 1 : Int(order[i - 1])
                for j in 0..<width where x[row * width + j] != x[before * width + j] {
                  isNew = true
                  break
                }
              }
              if isNew {
                firsts.append(Int64(row))
                sizes.append(0)
              }
              sizes[sizes.count - 1] += 1
              inverse[Int(order[i])] = Int64(sizes.count - 1)
            }
          }
        }
      }
    }
    switch rows.dtype {
    case .float64: fill(Double.self)
    case .float16, .bfloat16, .float32: fill(Float.self)
    default: fill(Int64.self)
    }
    self.inverse = inverse
    self.firsts = Tensor(firsts, shape: [firsts.count])
    counts = Tensor(sizes, shape: [sizes.count])
  }
}
