import FirecrestCore
import TestSupport

extension GoldenSample {
  /// The dimensions of a reduction; none means all.
  func dims(_ position: Int = -1) -> [Int] { ints(position, "dim") ?? [] }
  fileprivate var keepDim: Bool { bool(-1, "keepdim") }
  /// `unbiased` and `correction`, which say the same.
  fileprivate func correction(_ position: Int = -1) -> Double {
    if has(position, "unbiased") { return bool(position, "unbiased") ? 1 : 0 }
    return double(-1, "correction") ?? 1
  }
  /// PyTorch's order of a norm.
  fileprivate func order(_ position: Int, _ keyword: String = "") -> Double { double(position, keyword) ?? 2 }
}

let reductionEntries: [OpEntry] = [
  OpEntry("sum") { s in
    s.has(0, "dim")
      ? s.input.sum(dims: s.ints(0, "dim")!, keepDim: s.bool(1, "keepdim"), dtype: s.dtype(-1))
      : s.input.sum(dtype: s.dtype(-1))
  },
  OpEntry("any") { s in
    s.has(0, "dim") ? s.input.any(dims: s.ints(0, "dim")!, keepDim: s.bool(1, "keepdim")) : s.input.any()
  },
  OpEntry("all") { s in
    s.has(0, "dim") ? s.input.all(dims: s.ints(0, "dim")!, keepDim: s.bool(1, "keepdim")) : s.input.all()
  },
  OpEntry("mean") { s in s.input.mean(dims: s.dims(), keepDim: s.keepDim, dtype: s.dtype(-1)) },
  OpEntry("nansum") { s in s.input.nansum(dims: s.dims(), keepDim: s.keepDim, dtype: s.dtype(-1)) },
  OpEntry("nanmean") { s in s.input.nanmean(dims: s.dims(), keepDim: s.keepDim, dtype: s.dtype(-1)) },
  OpEntry("prod") { s in s.input.prod(dims: s.dims(0), keepDim: s.bool(1, "keepdim"), dtype: s.dtype(-1)) },
  OpEntry("count_nonzero") { s in s.input.countNonzero(dims: s.dims()) },
  OpEntry("sum_to_size") { s in s.input.sumToSize(Shape(s.restInts())) },
  OpEntry("amax") { s in s.input.amax(dims: s.dims(), keepDim: s.keepDim) },
  OpEntry("amin") { s in s.input.amin(dims: s.dims(), keepDim: s.keepDim) },
  OpEntry(
    "aminmax",
    several: { s in
      let both = s.input.aminmax(dim: s.int(-1, "dim"), keepDim: s.keepDim)
      return [both.min, both.max]
    }),
  OpEntry("argmax") { s in s.input.argmax(dim: s.int(-1, "dim"), keepDim: s.keepDim) },
  OpEntry("argmin") { s in s.input.argmin(dim: s.int(-1, "dim"), keepDim: s.keepDim) },
  OpEntry("max_reduction_no_dim") { s in s.input.max() },
  OpEntry("min_reduction_no_dim") { s in s.input.min() },
  OpEntry(
    "max_reduction_with_dim",
    several: { s in
      let found = s.input.max(dim: s.int(0, "dim")!, keepDim: s.bool(1, "keepdim"))
      return [found.values, found.indices]
    }),
  OpEntry(
    "min_reduction_with_dim",
    several: { s in
      let found = s.input.min(dim: s.int(0, "dim")!, keepDim: s.bool(1, "keepdim"))
      return [found.values, found.indices]
    }),
  OpEntry("var") { s in s.input.var(dims: s.dims(), correction: s.correction(), keepDim: s.keepDim) },
  OpEntry("std") { s in s.input.std(dims: s.dims(), correction: s.correction(), keepDim: s.keepDim) },
  OpEntry("var_unbiased") { s in s.input.var(correction: s.correction(0)) },
  OpEntry("std_unbiased") { s in s.input.std(correction: s.correction(0)) },
  OpEntry(
    "var_mean",
    several: { s in
      let both = s.input.varMean(dims: s.dims(), correction: s.correction(), keepDim: s.keepDim)
      return [both.variance, both.mean]
    }),
  OpEntry(
    "std_mean",
    several: { s in
      let both = s.input.stdMean(dims: s.dims(), correction: s.correction(), keepDim: s.keepDim)
      return [both.deviation, both.mean]
    }),
  OpEntry(
    "var_mean_unbiased",
    several: { s in
      let both = s.input.varMean(correction: s.correction(0))
      return [both.variance, both.mean]
    }),
  OpEntry(
    "std_mean_unbiased",
    several: { s in
      let both = s.input.stdMean(correction: s.correction(0))
      return [both.deviation, both.mean]
    }),
  OpEntry("logsumexp") { s in s.input.logsumexp(dims: s.dims(0), keepDim: s.bool(1, "keepdim")) },
  OpEntry("norm") { s in s.input.norm(s.order(0, "p"), dims: s.dims(1), keepDim: s.bool(2, "keepdim")) },
  OpEntry("norm_fro") { s in s.input.norm(dims: s.dims(1)) },
  OpEntry("norm_inf") { s in s.input.norm(s.order(0), dims: s.dims(1)) },
  OpEntry("linalg_vector_norm") { s in s.input.norm(s.order(-1, "ord"), dims: s.dims(), keepDim: s.keepDim) },
  OpEntry("linalg_matrix_norm") { s in matrixNorm(s, s.ints(1, "dim")!, keepDim: s.bool(2, "keepdim")) }
    .skipping(needsSingularValues),
  OpEntry("linalg_norm", linalgNorm).skipping(needsSingularValues),
  // Finite differences see no slope at 0.
  OpEntry("linalg_norm_subgradients_at_zero", linalgNorm).skipping(needsSingularValues).withoutFiniteDifferences(),
  OpEntry("dist") { s in s.input.dist(s.tensor(0)!, p: s.order(1)) },
  OpEntry("renorm") { s in s.input.renorm(s.double(0)!, dim: s.int(1)!, maxNorm: s.double(2)!) },
  // PyTorch's weights are float32 here, and their divisor loses digits when the correction is subtracted.
  OpEntry("cov") { s in
    s.input.cov(
      correction: s.int(-1, "correction") ?? 1, frequencies: s.tensor(-1, "fweights"),
      weights: s.tensor(-1, "aweights"))
  }.tolerance(2e-4, 1e-6),
  // Rounding decides on which side of the bound ±1 the correlation of a variable with itself falls, and with it
  // whether the gradient passes.
  OpEntry("corrcoef") { s in s.input.corrcoef() },
]

private func order(_ s: GoldenSample) -> GoldenValue { s.value(0, "ord") }

@Sendable private func needsSingularValues(_ s: GoldenSample) -> String? {
  let isMatrix = (s.ints(1, "dim")?.count ?? (s.has(0, "ord") ? s.input.rank : 1)) == 2
  switch order(s) {
  case .string("nuc"): return "the nuclear norm needs singular values"
  case .int(2) where isMatrix, .int(-2) where isMatrix: return "the norms of order 2 and -2 need singular values"
  case .double(2) where isMatrix, .double(-2) where isMatrix:
    return "the norms of order 2 and -2 need singular values"
  default: return nil
  }
}

private func matrixNorm(_ s: GoldenSample, _ dims: [Int], keepDim: Bool) -> Tensor {
  let kind: MatrixNorm
  switch order(s) {
  case .int(1), .double(1): kind = .largestColumn
  case .int(-1), .double(-1): kind = .smallestColumn
  case .double(.infinity): kind = .largestRow
  case .double(-.infinity): kind = .smallestRow
  default: kind = .frobenius
  }
  return s.input.matrixNorm(kind, dims: (dims[0], dims[1]), keepDim: keepDim)
}

@Sendable private func linalgNorm(_ s: GoldenSample) -> Tensor {
  let keepDim = s.bool(2, "keepdim")
  if !s.has(0, "ord") { return s.input.norm(dims: s.dims(1), keepDim: keepDim) }
  let dims = s.ints(1, "dim") ?? Array(0..<s.input.rank)
  if dims.count == 2 { return matrixNorm(s, dims, keepDim: keepDim) }
  return s.input.norm(s.double(0, "ord")!, dims: dims, keepDim: keepDim)
}
