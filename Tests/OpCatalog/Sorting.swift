import FirecrestCore
import TestSupport

/// Many of the integers are equal, and which of equal elements PyTorch finds is left open.
@Sendable private func hasTies(_ s: GoldenSample) -> String? {
  s.dtype == .int64 && s.outputs.count > 1 ? "which of equal elements is found is not defined in PyTorch" : nil
}

private func pair(_ found: (values: Tensor, indices: Tensor)) -> [Tensor] { [found.values, found.indices] }

extension GoldenSample {
  fileprivate var interpolation: Interpolation {
    switch string(-1, "interpolation") {
    case "lower": .lower
    case "higher": .higher
    case "nearest": .nearest
    case "midpoint": .midpoint
    default: .linear
    }
  }
}

let sortingEntries: [OpEntry] = [
  OpEntry("cumsum") { s in s.input.cumsum(dim: s.int(0)!, dtype: s.dtype(-1)) },
  OpEntry("cumprod") { s in s.input.cumprod(dim: s.int(0)!, dtype: s.dtype(-1)) },
  OpEntry("logcumsumexp") { s in s.input.logcumsumexp(dim: s.int(0)!) },
  OpEntry("cummax", several: { s in pair(s.input.cummax(dim: s.int(0)!)) }),
  OpEntry("cummin", several: { s in pair(s.input.cummin(dim: s.int(0)!)) }),
  OpEntry(
    "sort",
    several: { s in
      pair(s.input.sort(dim: s.int(0, "dim") ?? -1, descending: s.bool(1, "descending")))
    }),
  OpEntry("argsort") { s in s.input.argsort(dim: s.int(0, "dim") ?? -1, descending: s.bool(1, "descending")) },
  OpEntry("msort") { s in s.input.msort() },
  OpEntry(
    "topk",
    several: { s in
      pair(s.input.topk(s.int(0)!, dim: s.int(1, "dim") ?? -1, largest: s.bool(2, "largest", true)))
    }
  ).skipping(hasTies),
  OpEntry(
    "kthvalue",
    several: { s in
      pair(s.input.kthvalue(s.int(0)!, dim: s.int(1, "dim") ?? -1, keepDim: s.bool(2, "keepdim")))
    }
  ).skipping(hasTies),
  OpEntry(
    "median",
    several: { s in
      s.has(-1, "dim")
        ? pair(s.input.median(dim: s.int(-1, "dim")!, keepDim: s.bool(-1, "keepdim"))) : [s.input.median()]
    }),
  OpEntry(
    "nanmedian",
    several: { s in
      s.has(-1, "dim")
        ? pair(s.input.nanmedian(dim: s.int(-1, "dim")!, keepDim: s.bool(-1, "keepdim"))) : [s.input.nanmedian()]
    }),
  OpEntry("mode", several: { s in pair(s.input.mode(dim: s.int(0, "dim") ?? -1, keepDim: s.bool(1, "keepdim"))) }),
  OpEntry("quantile") { s in
    let (dim, keepDim) = (s.int(-1, "dim"), s.bool(-1, "keepdim"))
    if let q = s.tensor(0) {
      return s.input.quantile(q, dim: dim, keepDim: keepDim, interpolation: s.interpolation)
    }
    return s.input.quantile(s.double(0)!, dim: dim, keepDim: keepDim, interpolation: s.interpolation)
  },
  OpEntry("nanquantile") { s in
    let (dim, keepDim) = (s.int(-1, "dim"), s.bool(-1, "keepdim"))
    if let q = s.tensor(0) {
      return s.input.nanquantile(q, dim: dim, keepDim: keepDim, interpolation: s.interpolation)
    }
    return s.input.nanquantile(s.double(0)!, dim: dim, keepDim: keepDim, interpolation: s.interpolation)
  },
]
