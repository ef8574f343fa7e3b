import FirecrestCPU

extension Tensor {
  /// The tensor copied `counts[d]` times along each dimension; more counts than dimensions add dimensions in front
  /// (PyTorch's `repeat`; `expand` repeats without copying).
  public func `repeat`(_ counts: [Int]) -> Tensor {
    if counts.count < rank || counts.contains(where: { $0 < 0 }) {
      stop("repeat", "the counts \(counts) do not fit", [self], help: "give a count ≥ 0 for each dimension")
    }
    var x = view(Shape(Array(repeating: 1, count: counts.count - rank) + Array(shape)))
    if counts.allSatisfy({ $0 == 1 }) { return x.clone() }
    for (d, count) in counts.enumerated() where count != 1 {
      var target = x.shape
      target[d] *= count
      let run = x.shape.dropFirst(d).reduce(1, *)
      let outer = x.shape.prefix(d).reduce(1, *)
      x = x.reshape(Shape([outer, 1, run])).expand(Shape([outer, count, run])).reshape(target)
    }
    return x
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
    target[d] *= count
    let repeated = reshape(Shape([outer, 1, run])).expand(Shape([outer, count, run])).reshape(target)
    return count == 1 ? repeated.clone() : repeated
  }
}
