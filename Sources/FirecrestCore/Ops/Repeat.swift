import FirecrestCPU

extension Tensor {
  /// The tensor copied `counts[d]` times along each dimension; more counts than dimensions add dimensions in front
  /// (PyTorch's `repeat`; `expand` repeats without copying).
  public func `repeat`(_ counts: [Int]) -> Tensor {
    if counts.count < rank || counts.contains(where: { $0 < 0 }) {
      stop("repeat", "the counts \(counts) do not fit", [self], help: "give a count ≥ 0 for each dimension")
    }
    var x = view(Shape(Array(repeating: 1, count: counts.count - rank) + Array(shape)))
    for (d, count) in counts.enumerated() where count != 1 {
      var target = x.shape
      target[d] = x.length(d, times: count, "repeat")
      let run = x.shape.dropFirst(d).reduce(1, *)
      let outer = x.shape.prefix(d).reduce(1, *)
      x = x.reshape(Shape([outer, 1, run])).expand(Shape([outer, count, run])).reshape(target)
    }
    return x.copy(apartFrom: self)
  }
  /// The tensor copied along each dimension: `x.repeat(2, 3)`.
  public func `repeat`(_ counts: Int...) -> Tensor { `repeat`(counts) }

  /// Like `repeat`, but fewer counts than dimensions leave the first dimensions as they are (PyTorch's `tile`).
  public func tile(_ counts: [Int]) -> Tensor {
    `repeat`(Array(repeating: 1, count: Swift.max(0, rank - counts.count)) + counts)
  }
  /// The tensor copied along the last dimensions: `x.tile(2, 3)`.
  public func tile(_ counts: Int...) -> Tensor { tile(counts) }

  /// Each index of a dimension `count` times in a row; without `dim`, each element of the flattened tensor (PyTorch's
  /// `repeat_interleave`).
  public func repeatInterleave(_ count: Int, dim: Int? = nil) -> Tensor {
    guard let dim, rank > 0 else { return flatten().repeatInterleave(count, dim: 0) }
    let d = resolve(dim, "repeatInterleave")
    if count < 0 { stop("repeatInterleave", "the count \(count) is negative", [self]) }
    let outer = shape.prefix(d + 1).reduce(1, *)
    let run = shape.dropFirst(d + 1).reduce(1, *)
    var target = shape
    target[d] = length(d, times: count, "repeatInterleave")
    let repeated = reshape(Shape([outer, 1, run])).expand(Shape([outer, count, run])).reshape(target)
    return repeated.copy(apartFrom: self)
  }

  /// Each index of a dimension as often in a row as `counts` says, a vector with one count for each index or one for
  /// all; without `dim`, each element of the flattened tensor.
  public func repeatInterleave(_ counts: Tensor, dim: Int? = nil) -> Tensor {
    guard let dim, rank > 0 else { return flatten().repeatInterleave(counts, dim: 0) }
    let d = resolve(dim, "repeatInterleave")
    if !counts.dtype.isInteger || counts.rank > 1 || counts.elementCount != 1 && counts.elementCount != shape[d] {
      stop(
        "repeatInterleave", "the counts must be a vector of integers, one for each of the \(shape[d]) indices",
        [self, counts])
    }
    let each = counts.toArray(Int.self)
    var index: [Int] = []
    for i in 0..<shape[d] {
      let count = each[each.count == 1 ? 0 : i]
      if count < 0 { stop("repeatInterleave", "the count \(count) is negative", [self, counts]) }
      index.append(contentsOf: repeatElement(i, count: count))
    }
    return indexSelect(dim: d, Tensor(index, shape: Shape([index.count]), dtype: .int64))
  }

  /// The choices of `r` elements of a vector, one in each row, in the order of the elements (PyTorch's
  /// `combinations`). With `replacement` an element may be chosen several times.
  public func combinations(r: Int = 2, replacement: Bool = false) -> Tensor {
    if rank != 1 { stop("combinations", "needs a vector", [self]) }
    if r < 0 { stop("combinations", "r must not be negative, but is \(r)", [self]) }
    if r == 0 { return narrow(dim: 0, start: 0, length: 0).clone() }
    let size = shape[0]
    let (choosable, overflow) = replacement && size > 0 ? size.addingReportingOverflow(r - 1) : (size, false)
    guard !overflow, let rows = choices(of: r, from: choosable) else {
      stop("combinations", "there are more than can be counted, with r = \(r)", [self])
    }
    let index = Tensor.empty([rows, r], dtype: .int64)
    if rows == 0 { return indexSelect(dim: 0, index.flatten()).view(index.shape) }
    // The rows in order, each from the one before: the last place that can go on does, those behind it start there.
    var row = (0..<r).map { replacement ? 0 : $0 }
    let elements = index.pointer.assumingMemoryBound(to: Int64.self)
    for start in stride(from: 0, to: rows * r, by: r) {
      for p in 0..<r { elements[start + p] = Int64(row[p]) }
      if let place = row.indices.last(where: { row[$0] < (replacement ? size - 1 : size - r + $0) }) {
        let value = row[place] + 1
        for p in place..<r { row[p] = replacement ? value : value + p - place }
      }
    }
    return indexSelect(dim: 0, index.flatten()).view(index.shape)
  }

  /// This tensor, with memory of its own for each element: a reshaped view of repeated elements may still be a view.
  private func copy(apartFrom source: Tensor) -> Tensor {
    storage === source.storage || !isContiguous ? clone() : self
  }

  private func length(_ d: Int, times count: Int, _ operation: String) -> Int {
    let (product, overflow) = shape[d].multipliedReportingOverflow(by: count)
    if overflow { stop(operation, "\(count) times dim \(d) is too much", [self]) }
    return product
  }
}

/// In how many ways `r` of `count` things can be chosen; nil where that is more than an Int can hold.
private func choices(of r: Int, from count: Int) -> Int? {
  if r > count { return 0 }
  var result = 1
  // C(n, i) = C(n, i - 1) (n - i + 1) / i, which divides without a remainder.
  for i in 0..<Swift.min(r, count - r) {
    let (product, overflow) = result.multipliedReportingOverflow(by: count - i)
    if overflow { return nil }
    result = product / (i + 1)
  }
  return result
}
