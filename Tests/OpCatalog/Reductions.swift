import TestSupport

import FirecrestCore

let reductionEntries: [OpEntry] = [
  OpEntry("sum") { s in
    s.has(0, "dim")
      ? s.input.sum(dims: s.ints(0, "dim")!, keepDim: s.bool(1, "keepdim"), dtype: s.dtype(-1))
      : s.input.sum(dtype: s.dtype(-1))
  },
  OpEntry("any") { s in
    s.has(0, "dim") ? s.input.any(dims: s.ints(0, "dim")!, keepDim: s.bool(1, "keepdim")) : s.input.any()
  },
]
