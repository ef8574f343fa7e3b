import FirecrestCore
import TestSupport

let activationEntries: [OpEntry] = [
  unary("sigmoid") { $0.sigmoid() },
  unary("nn_functional_relu") { $0.relu() },
  unary("nn_functional_relu6") { $0.relu6() },
  OpEntry("nn_functional_leaky_relu") { s in s.input.leakyRelu(negativeSlope: s.double(0, "negative_slope") ?? 0.01) },
  OpEntry("nn_functional_elu") { s in s.input.elu(alpha: s.double(0, "alpha") ?? 1) },
  unary("nn_functional_selu") { $0.selu() },
  // PyTorch's 1 / α has the exactness of float32.
  OpEntry("nn_functional_celu") { s in s.input.celu(alpha: s.double(0, "alpha") ?? 1) }.tolerance(1e-7, 1e-7),
  OpEntry("nn_functional_gelu") { s in s.input.gelu(approximate: s.string(-1, "approximate") == "tanh") },
  unary("nn_functional_silu") { $0.silu() },
  unary("nn_functional_mish") { $0.mish() },
  OpEntry("nn_functional_softplus") { s in
    s.input.softplus(beta: s.double(0, "beta") ?? 1, threshold: s.double(1, "threshold") ?? 20)
  },
  unary("nn_functional_softsign") { $0.softsign() },
  unary("nn_functional_tanhshrink") { $0.tanhshrink() },
  OpEntry("nn_functional_hardtanh") { s in
    s.input.hardtanh(min: s.double(0, "min_val") ?? -1, max: s.double(1, "max_val") ?? 1)
  },
  // PyTorch's 1/6 has the exactness of float32.
  unary("nn_functional_hardsigmoid") { $0.hardsigmoid() }.tolerance(1e-7, 1e-7),
  unary("nn_functional_hardswish") { $0.hardswish() },
  OpEntry("nn_functional_hardshrink") { s in s.input.hardshrink(s.double(0, "lambd") ?? 0.5) },
  OpEntry("nn_functional_softshrink") { s in s.input.softshrink(s.double(0, "lambd") ?? 0.5) },
  unary("nn_functional_logsigmoid") { $0.logSigmoid() },
  OpEntry("nn_functional_glu") { s in s.input.glu(dim: s.int(0, "dim") ?? -1) },
  OpEntry("nn_functional_prelu") { s in s.input.prelu(s.tensor(0, "weight")!) },
  OpEntry("nn_functional_rrelu") { s in
    s.input.rrelu(lower: s.double(0, "lower") ?? 1.0 / 8, upper: s.double(1, "upper") ?? 1.0 / 3)
  },
  OpEntry("nn_functional_threshold") { s in s.input.threshold(s.scalar(0, "threshold")!, value: s.scalar(1, "value")!)
  },
]
