import FirecrestCore
import TestSupport

extension GoldenSample {
  fileprivate var reduction: Reduction {
    switch string(-1, "reduction") {
    case "none": .none
    case "sum": .sum
    default: .mean
    }
  }
  fileprivate func running(_ position: Int, _ keyword: String) -> Tensor? {
    // In-place changes must not reach the stored sample.
    tensor(position, keyword).map { $0.clone() }
  }
}

let normalizationEntries: [OpEntry] = [
  OpEntry("softmax") { s in s.input.softmax(dim: s.int(0, "dim")!) },
  OpEntry("softmax_with_dtype") { s in s.input.softmax(dim: s.int(0, "dim")!, dtype: s.dtype(-1)) },
  OpEntry("log_softmax") { s in s.input.logSoftmax(dim: s.int(0, "dim")!) },
  OpEntry("log_softmax_with_dtype") { s in s.input.logSoftmax(dim: s.int(0, "dim")!, dtype: s.dtype(-1)) },
  OpEntry("nn_functional_softmin") { s in s.input.softmin(dim: s.int(0, "dim")!) },
  OpEntry("nn_functional_softmin_with_dtype") { s in s.input.softmin(dim: s.int(0, "dim")!, dtype: s.dtype(-1)) },
  OpEntry("_softmax_backward_data") { s in
    apply(SoftmaxBackward(isLog: false, dim: s.input.resolve(s.int(1)!, "softmax")), s.input, s.tensor(0)!)
  },
  OpEntry("nn_functional_normalize") { s in
    s.input.normalize(p: s.double(-1, "p") ?? 2, dim: s.int(-1, "dim") ?? 1, eps: s.double(-1, "eps") ?? 1e-12)
  },
  OpEntry("nn_functional_layer_norm") { s in
    s.input.layerNorm(
      Shape(s.ints(0)!), weight: s.tensor(1, "weight"), bias: s.tensor(2, "bias"), eps: s.double(-1, "eps") ?? 1e-5)
  },
  OpEntry("nn_functional_rms_norm") { s in
    // PyTorch's default depends on the type; so that float32 can be compared with float64, one for both.
    s.input.rmsNorm(Shape(s.ints(0)!), weight: s.tensor(1, "weight"), eps: s.double(-1, "eps") ?? Double.ulpOfOne)
  },
  OpEntry("nn_functional_group_norm") { s in
    s.input.groupNorm(
      groups: s.int(0)!, weight: s.tensor(-1, "weight"), bias: s.tensor(-1, "bias"), eps: s.double(-1, "eps") ?? 1e-5)
  },
  OpEntry("nn_functional_batch_norm") { s in
    s.input.batchNorm(
      runningMean: s.running(0, "running_mean"), runningVar: s.running(1, "running_var"), weight: s.tensor(2, "weight"),
      bias: s.tensor(3, "bias"), training: s.bool(-1, "training"), momentum: s.double(-1, "momentum") ?? 0.1,
      eps: s.double(-1, "eps") ?? 1e-5)
  }.skipping { s in s.input.rank < 2 ? "an input without channels is refused" : nil },
  OpEntry("nn_functional_instance_norm") { s in
    s.input.instanceNorm(
      runningMean: s.running(-1, "running_mean"), runningVar: s.running(-1, "running_var"),
      weight: s.tensor(-1, "weight"), bias: s.tensor(-1, "bias"), useInputStats: s.bool(-1, "use_input_stats", true),
      momentum: s.double(-1, "momentum") ?? 0.1, eps: s.double(-1, "eps") ?? 1e-5)
  },
  OpEntry("nn_functional_local_response_norm") { s in
    s.input.localResponseNorm(
      s.int(0)!, alpha: s.double(-1, "alpha") ?? 1e-4, beta: s.double(-1, "beta") ?? 0.75, k: s.double(-1, "k") ?? 1)
  }.skipping { s in s.dtype.isFloatingPoint ? nil : "PyTorch rounds the averages of integers down" },
  OpEntry("nn_functional_nll_loss") { s in
    nllLoss(
      s.input, s.tensor(0, "target")!, weight: s.tensor(-1, "weight"), ignoreIndex: s.int(-1, "ignore_index") ?? -100,
      reduction: s.reduction)
  },
  OpEntry("nn_functional_cross_entropy") { s in
    crossEntropy(
      s.input, s.tensor(0, "target")!, weight: s.tensor(-1, "weight"), ignoreIndex: s.int(-1, "ignore_index") ?? -100,
      reduction: s.reduction, labelSmoothing: s.double(-1, "label_smoothing") ?? 0)
  },
  OpEntry("nn_functional_pairwise_distance") { s in
    s.input.pairwiseDistance(
      s.tensor(0, "x2")!, p: s.double(-1, "p") ?? 2, eps: s.double(-1, "eps") ?? 1e-6, keepDim: s.bool(-1, "keepdim"))
  },
  OpEntry("nn_functional_cosine_similarity") { s in
    s.input.cosineSimilarity(s.tensor(0, "x2")!, dim: s.int(-1, "dim") ?? 1, eps: s.double(-1, "eps") ?? 1e-8)
  },
  OpEntry("cdist") { s in s.input.cdist(s.tensor(0, "x2")!, p: s.double(1, "p") ?? 2) },
  OpEntry("nn_functional_pdist") { s in s.input.pdist(p: s.double(-1, "p") ?? 2) },
]
