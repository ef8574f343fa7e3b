// Attention by its definition.

/// softmax(q · kᵀ · scale + mask) · v: for each query a mean of the values, weighted by how well their keys match
/// (PyTorch's `functional.scaled_dot_product_attention`).
///
/// - Parameters:
///   - query: [..., L, E]
///   - key: [..., S, E]
///   - value: [..., S, Ev]
///   - mask: Broadcasts to [..., L, S]: bool with true where a query may see a key, or numbers that are added to the
///     scores. A query that sees no key gets zeros.
///   - isCausal: Query i sees the keys 0 ... i; not together with a mask.
///   - scale: 1/√E by default.
///   - dropout: The probability with which a weight is dropped.
///   - isGrouped: Query heads (dim −3) may be a multiple of those of key and value, which are then repeated (PyTorch's
///     `enable_gqa`).
/// - Returns: [..., L, Ev]
public func scaledDotProductAttention(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, mask: Tensor? = nil, dropout: Double = 0, isCausal: Bool = false,
  scale: Double? = nil, isGrouped: Bool = false
) -> Tensor {
  let name = "scaledDotProductAttention"
  if query.rank < 2 || key.rank < 2 || value.rank < 2 || query.shape[-1] != key.shape[-1]
    || key.shape[-2] != value.shape[-2]
  {
    stop(
      name, "shapes do not fit", [query, key, value],
      help: "query [..., L, E], key [..., S, E], value [..., S, Ev]")
  }
  if isCausal && mask != nil {
    stop(name, "takes either isCausal or a mask", [query, key, value], help: "combine both in the mask")
  }
  var (key, value) = (key, value)
  if isGrouped && query.rank > 2 {
    let heads = query.shape[-3]
    if key.rank < 3 || key.shape[-3] == 0 || heads % key.shape[-3] != 0 || value.shape[-3] != key.shape[-3] {
      stop(name, "the heads of the query are no multiple of those of key and value", [query, key, value])
    }
    let times = heads / key.shape[-3]
    if times > 1 {
      key = key.repeatInterleave(times, dim: -3)
      value = value.repeatInterleave(times, dim: -3)
    }
  }
  // Half of the scale on either side keeps half types in range.
  let root = (scale ?? 1 / Double(max(1, query.shape[-1])).squareRoot()).magnitude.squareRoot()
  let isNegative = (scale ?? 1) < 0
  var scores = (query * (isNegative ? -root : root)).matmul(key.mT * root)
  var allowed = mask?.dtype == .bool ? mask : nil
  if isCausal { allowed = Tensor.ones(query.shape[-2], key.shape[-2], dtype: .bool).tril() }
  if let mask, mask.dtype != .bool {
    scores = scores + mask.to(scores.dtype)
    allowed = mask .> -Double.infinity
  }
  if let allowed { scores = scores.where(allowed, -Double.infinity) }
  var weights = scores.softmax(dim: -1)
  // A row of −∞ alone would be 0/0.
  if let allowed { weights = weights.where(allowed, 0) }
  if dropout > 0 { weights = weights.dropout(p: dropout) }
  return weights.matmul(value)
}
