import FirecrestCore
import TestSupport

extension GoldenSample {
  /// A loss's `reduction`.
  fileprivate var reduction: Reduction {
    switch string(-1, "reduction") {
    case "none": .none
    case "sum": .sum
    default: .mean
    }
  }
  fileprivate var klDivReduction: KLDivReduction {
    switch string(-1, "reduction") {
    case "none": .none
    case "sum": .sum
    case "batchmean": .batchMean
    default: .mean
    }
  }
  fileprivate var target: Tensor { tensor(0, "target")! }
}

let lossEntries: [OpEntry] = [
  OpEntry("nn_functional_mse_loss") { s in mseLoss(s.input, s.target, reduction: s.reduction) },
  OpEntry("nn_functional_l1_loss") { s in l1Loss(s.input, s.target, reduction: s.reduction) },
  OpEntry("nn_functional_smooth_l1_loss") { s in
    smoothL1Loss(s.input, s.target, beta: s.double(-1, "beta") ?? 1, reduction: s.reduction)
  },
  OpEntry("nn_functional_huber_loss") { s in
    huberLoss(s.input, s.target, delta: s.double(-1, "delta") ?? 1, reduction: s.reduction)
  },
  OpEntry("nn_functional_binary_cross_entropy") { s in
    binaryCrossEntropy(s.input, s.target, weight: s.tensor(-1, "weight"), reduction: s.reduction)
  },
  OpEntry("nn_functional_binary_cross_entropy_with_logits") { s in
    binaryCrossEntropyWithLogits(
      s.input, s.target, weight: s.tensor(-1, "weight"), posWeight: s.tensor(-1, "pos_weight"), reduction: s.reduction)
  },
  OpEntry("nn_functional_kl_div") { s in
    klDiv(s.input, s.target, logTarget: s.bool(-1, "log_target"), reduction: s.klDivReduction)
  },
  OpEntry("nn_functional_gaussian_nll_loss") { s in
    gaussianNLLLoss(
      s.input, s.target, variance: s.tensor(1, "var")!, full: s.bool(-1, "full"), eps: s.double(-1, "eps") ?? 1e-6,
      reduction: s.reduction)
  },
  OpEntry("nn_functional_poisson_nll_loss") { s in
    poissonNLLLoss(
      s.input, s.target, logInput: s.bool(-1, "log_input", true), full: s.bool(-1, "full"),
      eps: s.double(-1, "eps") ?? 1e-8, reduction: s.reduction)
  },
  OpEntry("nn_functional_soft_margin_loss") { s in softMarginLoss(s.input, s.target, reduction: s.reduction) },
  OpEntry("nn_functional_margin_ranking_loss") { s in
    marginRankingLoss(
      s.input, s.tensor(0, "input2")!, s.tensor(1, "target")!, margin: s.double(-1, "margin") ?? 0,
      reduction: s.reduction)
  },
  OpEntry("nn_functional_cosine_embedding_loss") { s in
    cosineEmbeddingLoss(
      s.input, s.tensor(0, "input2")!, s.tensor(1, "target")!, margin: s.double(-1, "margin") ?? 0,
      reduction: s.reduction)
  },
  OpEntry("nn_functional_hinge_embedding_loss") { s in
    hingeEmbeddingLoss(s.input, s.target, margin: s.double(-1, "margin") ?? 1, reduction: s.reduction)
  },
]
