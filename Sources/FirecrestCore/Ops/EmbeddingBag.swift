/// How `embeddingBag` makes one row of a bag.
public enum EmbeddingBagMode: String, Sendable {
  /// The sum of the rows, weighted where weights are given.
  case sum
  /// The mean of the rows.
  case mean
  /// The largest of each component.
  case max
}

/// Rows of `weight` looked up and combined bag by bag, without keeping the looked-up rows apart (PyTorch's
/// `functional.embedding_bag`).
///
/// The bags are the rows of a matrix of indices; or, of a vector, the parts that begin at `offsets`, of which the last
/// is the end of the last bag with `includeLastOffset`. Rows `paddingIndex` do not count and get no gradient. A bag
/// without rows gives zeros.
/// - Parameter perSampleWeights: A factor for each index, in its shape; only with `.sum`.
/// - Parameter paddingIndex: A row that takes no part and gets no gradient.
/// - Parameter weight: Weights, one a row, class or channel as the operation needs.
/// - Parameter indices: The rows to take.
/// - Parameter mode: How the rows of a bag are joined.
/// - Parameter offsets: Where each bag starts.
/// - Parameter includeLastOffset: Whether the last offset is the end of the last bag.
public func embeddingBag(
  _ indices: Tensor, _ weight: Tensor, offsets: Tensor? = nil, mode: EmbeddingBagMode = .mean,
  perSampleWeights: Tensor? = nil, includeLastOffset: Bool = false, paddingIndex: Int? = nil
) -> Tensor {
  func refuse(_ reason: String, _ more: Tensor? = nil) -> Never {
    stop("embeddingBag", reason, [indices, weight] + (more.map { [$0] } ?? []))
  }
  if weight.rank != 2 { refuse("the weight must be a matrix") }
  if let perSampleWeights, mode != .sum { refuse("perSampleWeights need the mode .sum", perSampleWeights) }
  if let perSampleWeights, perSampleWeights.shape != indices.shape {
    refuse("perSampleWeights must have the shape of the indices", perSampleWeights)
  }
  let starts: [Int]
  switch (indices.rank, offsets) {
  case (2, nil): starts = (0..<indices.shape[0]).map { $0 * indices.shape[1] }
  case (1, let offsets?):
    let all = offsets.positionIndex("embeddingBag").toArray(Int.self)
    if zip(all, all.dropFirst()).contains(where: { $0 > $1 }) || all.first ?? 0 != 0
      || all.last ?? 0 > indices.elementCount
    {
      refuse("the offsets must begin with 0, ascend, and not pass the end of the indices", offsets)
    }
    starts = includeLastOffset ? Array(all.dropLast()) : all
  default: refuse("the indices are a matrix, or a vector with offsets")
  }
  let rows = weight.shape[0]
  let padding = paddingIndex.map { $0 < 0 ? $0 + rows : $0 }
  let all = indices.positionIndex("embeddingBag").toArray(Int.self)
  // The places that count, and the bag of each.
  var kept: [Int] = []
  var bags: [Int] = []
  var bag = 0
  let end = includeLastOffset ? offsets?.toArray(Int.self).last ?? all.count : all.count
  for i in 0..<Swift.min(end, all.count) {
    while bag + 1 < starts.count && starts[bag + 1] <= i { bag += 1 }
    if all[i] != padding && !starts.isEmpty {
      kept.append(i)
      bags.append(bag)
    }
  }
  var looked = embedding(Tensor(kept.map { all[$0] }, shape: [kept.count]), weight)
  if let perSampleWeights {
    let factors = perSampleWeights.reshape(-1).indexSelect(dim: 0, Tensor(kept, shape: [kept.count]))
    looked = looked * factors.view(Shape([kept.count, 1]))
  }
  let target = Tensor(bags, shape: [bags.count])
  let zeros = Tensor.zeros([starts.count, weight.shape[1]], dtype: weight.dtype)
  switch mode {
  case .sum: return zeros.indexAdd(dim: 0, target, looked)
  case .mean:
    return zeros.indexReduce(dim: 0, target, looked, reduce: .mean, includeSelf: false)
  case .max: return zeros.indexReduce(dim: 0, target, looked, reduce: .amax, includeSelf: false)
  }
}
