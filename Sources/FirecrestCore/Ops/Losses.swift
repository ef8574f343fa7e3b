import CPUKernelAPI
import FirecrestCPU

/// What a loss makes of its values, one for each element.
public enum Reduction: Sendable {
  /// All values.
  case none
  /// Their mean.
  case mean
  /// Their sum.
  case sum
}

extension Tensor {
  /// These losses as `reduction` says, after weighting.
  package func reduced(_ reduction: Reduction, weight: Tensor? = nil) -> Tensor {
    let values = weight.map { self * $0 } ?? self
    switch reduction {
    case .none: return values
    case .sum: return values.sum()
    // The sum may be beyond a half type where the mean is not.
    case .mean: return values.dtype.isHalf ? values.mean() : values.sum() / values.elementCount
    }
  }
}

/// −(t ln x + (1 − t) ln(1 − x)), the logarithms at least −100
struct BinaryCrossEntropy: BinaryOp {
  var name: String { "binaryCrossEntropy" }
  var saves: Saves { [.a, .b] }

  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec {
    guard a.shape == b.shape else { throw OpError("input and target differ in shape") }
    return try broadcastSpec(a, b).requireFloat()
  }

  func run(_ x: Tensor, _ t: Tensor, into y: Tensor, on cpu: CPU) {
    runBinary(.binaryCrossEntropy, x, t, y, cpu, cost: 12)
  }

  func decomposed(_ x: Tensor, _ t: Tensor) -> Tensor? {
    let yes = t * x.log().clamp(min: -100)
    let no = (1 - t) * (-x).log1p().clamp(min: -100)
    return -(yes + no)
  }

  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let (x, t) = (saved.a, saved.b)
    let gx = saved.needsA ? apply(BinaryCrossEntropyBackward(), [g, x, t])[0] : nil
    return (gx, saved.needsB ? -g * x.logit() : nil)
  }
}

/// g (x − t) / (x (1 − x)), kept finite where x is 0 or 1 as PyTorch does
struct BinaryCrossEntropyBackward: MultiOp {
  var name: String { "binaryCrossEntropyBackward" }
  var savedInputs: [Int] { [0, 1, 2] }
  private static let least = 1e-12

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { try ternarySpec(inputs) }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    runTernary(.binaryCrossEntropyBackward, inputs, outputs[0], cpu)
  }

  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    let (g, x, t) = (inputs[0], inputs[1], inputs[2])
    return [g * (x - t) / ((1 - x) * x).clamp(min: Self.least)]
  }

  func vjp(_ gg: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let gg = gg[0] else { return [nil, nil, nil] }
    let (g, x, t) = (saved.input(0), saved.input(1), saved.input(2))
    let spread = (1 - x) * x
    let weight = gg / spread.clamp(min: Self.least)
    var gx: Tensor?
    if saved.needs[1] {
      // The bound takes part in the derivative where it is not reached.
      let slope = ((1 - 2 * x) / spread).kept(where: spread .>= Self.least)
      gx = weight * g * (1 - (x - t) * slope)
    }
    return [saved.needs[0] ? weight * (x - t) : nil, gx, saved.needs[2] ? -weight * g : nil]
  }
}

/// Says once that a loss of shapes that broadcast is hardly what was meant: [N, 1] beside [N] is [N, N] differences. As
/// in PyTorch it is computed all the same.
private func warnIfShapesDiffer(_ input: Tensor, _ target: Tensor, _ operation: String) {
  if input.shape == target.shape { return }
  warnOnce(
    operation, "the target's shape \(target.shape) is not the input's \(input.shape); they are broadcast",
    help: "reshape one, with squeeze(dim: -1) perhaps")
}

private func requireShapes(of input: Tensor, _ target: Tensor, _ operation: String) {
  if input.shape != target.shape {
    stop(
      operation, "input and target differ in shape", [input, target], help: "reshape one, with squeeze(dim: -1) perhaps"
    )
  }
}

/// (x − t)² (PyTorch's `mse_loss`).
public func mseLoss(_ input: Tensor, _ target: Tensor, reduction: Reduction = .mean) -> Tensor {
  warnIfShapesDiffer(input, target, "mseLoss")
  return (input - target).square().reduced(reduction)
}

/// |x − t| (PyTorch's `l1_loss`).
public func l1Loss(_ input: Tensor, _ target: Tensor, reduction: Reduction = .mean) -> Tensor {
  warnIfShapesDiffer(input, target, "l1Loss")
  return (input - target).abs().reduced(reduction)
}

/// ½ (x − t)² / β where |x − t| < β, else |x − t| − ½ β, with β ≥ 0 (PyTorch's `smooth_l1_loss`).
public func smoothL1Loss(
  _ input: Tensor, _ target: Tensor, beta: Double = 1, reduction: Reduction = .mean
) -> Tensor {
  if !(beta >= 0) { stop("smoothL1Loss", "beta must not be negative, but is \(beta)", [input, target]) }
  if beta == 0 { return l1Loss(input, target, reduction: reduction) }
  warnIfShapesDiffer(input, target, "smoothL1Loss")
  let d = input - target
  let size = d.abs()
  // Clamped, for the square's gradient is NaN at infinity, where it is not taken.
  let near = d.clamp(min: -beta, max: beta).square() * (0.5 / beta)
  return near.where(size .< beta, size - 0.5 * beta).reduced(reduction)
}

/// ½ (x − t)² where |x − t| < δ, else δ (|x − t| − ½ δ), with δ > 0 (PyTorch's `huber_loss`).
public func huberLoss(_ input: Tensor, _ target: Tensor, delta: Double = 1, reduction: Reduction = .mean) -> Tensor {
  if !(delta > 0) { stop("huberLoss", "delta must be positive, but is \(delta)", [input, target]) }
  warnIfShapesDiffer(input, target, "huberLoss")
  let d = input - target
  let size = d.abs()
  let far = (size - 0.5 * delta) * delta
  return (d.clamp(min: -delta, max: delta).square() * 0.5).where(size .< delta, far).reduced(reduction)
}

/// −(t ln x + (1 − t) ln(1 − x)) of probabilities x (PyTorch's `binary_cross_entropy`). From the outputs of a model
/// before their sigmoid, `binaryCrossEntropyWithLogits` is more accurate. Stops where an x or t is not in 0 … 1.
public func binaryCrossEntropy(
  _ input: Tensor, _ target: Tensor, weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  let loss = apply(BinaryCrossEntropy(), input, target).reduced(reduction, weight: weight)
  // The loss of what is no probability is NaN: only then is it worth while to look for one.
  if (loss.elementCount == 1 ? loss : noGrad { loss.sum() }).item().isNaN {
    requireProbabilities(input, "input", help: "take its sigmoid, or binaryCrossEntropyWithLogits")
    requireProbabilities(target, "target", help: "classes of two are 0 and 1")
  }
  return loss
}

private func requireProbabilities(_ x: Tensor, _ name: String, help: String) {
  if x.elementCount == 0 { return }
  let (least, greatest) = noGrad { x.aminmax() }
  if !(least.item() >= 0 && greatest.item() <= 1) {
    stop(
      "binaryCrossEntropy",
      "the \(name) must be probabilities, from 0 to 1; it goes from \(least.item()) to \(greatest.item())", [x],
      help: help)
  }
}

/// `binaryCrossEntropy` of sigmoid(x), without overflow (PyTorch's `binary_cross_entropy_with_logits`).
///
/// - Parameters:
///   - weight: Scales each value; broadcasts.
///   - posWeight: Scales the part of the positive examples; broadcasts.
///   - target: The values to come close to, of the input's shape.
///   - input: The predicted values.
///   - reduction: `.mean` (the default), `.sum` or `.none`.
public func binaryCrossEntropyWithLogits(
  _ input: Tensor, _ target: Tensor, weight: Tensor? = nil, posWeight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  requireShapes(of: input, target, "binaryCrossEntropyWithLogits")
  let no = (1 - target) * input
  let log = input.logSigmoid()
  let yes = posWeight.map { (target * ($0 - 1) + 1) * log } ?? log
  return (no - yes).reduced(reduction, weight: weight)
}

/// What `klDiv` makes of its values.
public enum KLDivReduction: Sendable {
  /// All values.
  case none
  /// Their mean, which is not the divergence: that is a sum over each sample.
  case mean
  /// The mean of the samples' divergences: the sum by the size of the first dimension (PyTorch's `batchmean`).
  case batchMean
  /// Their sum.
  case sum
}

/// t (ln t − x), where x are logarithms of probabilities (PyTorch's `kl_div`). `.batchMean` is the divergence as
/// mathematics defines it; the default is PyTorch's.
///
/// - Parameter logTarget: Whether `target` holds logarithms too.
/// - Parameter input: The predicted values.
/// - Parameter target: The values to come close to, of a shape that broadcasts with the input.
/// - Parameter reduction: `.mean` (the default), `.batchMean`, `.sum` or `.none`.
public func klDiv(
  _ input: Tensor, _ target: Tensor, logTarget: Bool = false, reduction: KLDivReduction = .mean
) -> Tensor {
  let values = logTarget ? target.exp() * (target - input) : target.xlogy(target) - target * input
  switch reduction {
  case .none: return values
  case .mean: return values.reduced(.mean)
  case .sum: return values.sum()
  case .batchMean: return input.rank == 0 ? values.sum() : values.sum() / input.shape[0]
  }
}

/// The negative logarithm of the normal density of t around x: ½ (ln v + (x − t)² / v) (PyTorch's
/// `gaussian_nll_loss`).
///
/// - Parameters:
///   - variance: v, of the input's shape, without its last dimension, or with 1 there; raised to `eps`.
///   - full: Whether to add the constant ½ ln 2π.
///   - target: The values to come close to, of a shape that broadcasts with the input.
///   - eps: Keeps divisors and logarithms away from 0.
///   - input: The predicted values.
///   - reduction: `.mean` (the default), `.sum` or `.none`.
public func gaussianNLLLoss(
  _ input: Tensor, _ target: Tensor, variance: Tensor, full: Bool = false, eps: Double = 1e-6,
  reduction: Reduction = .mean
) -> Tensor {
  var v = variance
  if v.rank == input.rank - 1, v.rank > 0 || input.rank == 1, v.shape != input.shape {
    var shape = v.shape
    shape.append(1)
    v = v.view(shape)
  }
  if v.elementCount > 0 && noGrad({ v.amin().item() }) < 0 {
    stop("gaussianNLLLoss", "the variance has negative elements", [variance], help: "take its exp, or softplus")
  }
  // The bound takes no part in the derivative.
  let raised = noGrad { v.clamp(min: eps) - v }
  v = v + raised
  var values = (v.log() + (input - target).square() / v) * 0.5
  if full { values = values + 0.9189385332046727 }
  return values.reduced(reduction)
}

/// The negative logarithm of the Poisson probability of t (PyTorch's `poisson_nll_loss`).
///
/// - Parameters:
///   - logInput: Whether `input` is the logarithm of the rate: eˣ − t x, else x − t ln(x + `eps`).
///   - full: Whether to add Stirling's approximation of ln t!, where t > 1.
///   - target: The values to come close to, of a shape that broadcasts with the input.
///   - input: The predicted values.
///   - reduction: `.mean` (the default), `.sum` or `.none`.
///   - eps: Keeps divisors and logarithms away from 0.
public func poissonNLLLoss(
  _ input: Tensor, _ target: Tensor, logInput: Bool = true, full: Bool = false, eps: Double = 1e-8,
  reduction: Reduction = .mean
) -> Tensor {
  var values = logInput ? input.exp() - target * input : input - target * (input + eps).log()
  if full {
    let safe = target.where(target .> 1, 1)
    let stirling = safe * safe.log() - safe + (safe * (2 * Double.pi)).log() * 0.5
    values = values + stirling.kept(where: target .> 1)
  }
  return values.reduced(reduction)
}

/// ln(1 + e^(−t x)) for t of 1 and −1, of the input's shape (PyTorch's `soft_margin_loss`).
public func softMarginLoss(_ input: Tensor, _ target: Tensor, reduction: Reduction = .mean) -> Tensor {
  requireShapes(of: input, target, "softMarginLoss")
  return (-target * input).exp().log1p().reduced(reduction)
}

/// max(0, −t (a − b) + `margin`) for t of 1 and −1, with as many dimensions as the inputs (PyTorch's
/// `margin_ranking_loss`).
public func marginRankingLoss(
  _ first: Tensor, _ second: Tensor, _ target: Tensor, margin: Double = 0, reduction: Reduction = .mean
) -> Tensor {
  if first.rank != second.rank || target.rank != first.rank {
    stop("marginRankingLoss", "inputs and target differ in the number of dimensions", [first, second, target])
  }
  return (-target * (first - second) + margin).clamp(min: 0).reduced(reduction)
}

/// x where t is 1, max(0, `margin` − x) where t is −1 (PyTorch's `hinge_embedding_loss`).
public func hingeEmbeddingLoss(
  _ input: Tensor, _ target: Tensor, margin: Double = 1, reduction: Reduction = .mean
) -> Tensor {
  let apart = (margin - input).clamp(min: 0).kept(where: target .!= 1)
  return (apart + input.kept(where: target .!= -1)).reduced(reduction)
}

/// 1 − cos φ where t is 1, max(0, cos φ − `margin`) where t is −1, with the angle φ between two vectors (PyTorch's
/// `cosine_embedding_loss`).
///
/// - Parameters:
///   - first: [D] or [N, D]: one vector, or one a row.
///   - second: The vectors to compare with, of a shape that broadcasts with the first.
///   - target: 1 or −1 for each pair: of rank 0 for one pair, [N] for rows.
///   - margin: Cosines up to this are far enough apart.
///   - reduction: `.mean` (the default), `.sum` or `.none`.
public func cosineEmbeddingLoss(
  _ first: Tensor, _ second: Tensor, _ target: Tensor, margin: Double = 0, reduction: Reduction = .mean
) -> Tensor {
  if target.rank > 1 || first.rank != target.rank + 1 || second.rank != first.rank {
    stop(
      "cosineEmbeddingLoss", "needs vectors and a target of rank 0, or matrices and a target of rank 1",
      [first, second, target])
  }
  let cosine = first.cosineSimilarity(second, dim: -1, eps: 1e-6)
  let near = (1 - cosine).kept(where: target .== 1)
  let far = (cosine - margin).clamp(min: 0).kept(where: target .== -1)
  return (near + far).reduced(reduction)
}
