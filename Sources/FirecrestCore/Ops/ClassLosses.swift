/// −ln p of the target classes, from the logarithms of probabilities (PyTorch's `nll_loss`).
///
/// - Parameters:
///   - input: [C], [N, C] or [N, C, d1, …] log-probabilities.
///   - target: Class numbers (int64) of the input's shape without C.
///   - weight: [C], scales each class; the mean is then a weighted one.
///   - ignoreIndex: Targets of this number count neither in the loss nor in the mean.
///   - reduction: `.mean` (the default), `.sum` or `.none`.
public func nllLoss(
  _ input: Tensor, _ target: Tensor, weight: Tensor? = nil, ignoreIndex: Int = -100, reduction: Reduction = .mean
) -> Tensor {
  let dim = classDim(input, "nllLoss")
  checkWeight(input, weight, dim, "nllLoss")
  return nllLoss(input, target, weight: weight, ignoreIndex: ignoreIndex, reduction: reduction, dim, "nllLoss")
}

private func nllLoss(
  _ input: Tensor, _ target: Tensor, weight: Tensor?, ignoreIndex: Int, reduction: Reduction, _ dim: Int,
  _ operation: String
) -> Tensor {
  checkTarget(input, target, dim, operation)
  let isIgnored = noGrad { target .== ignoreIndex }
  let classes = noGrad { target.maskedFill(isIgnored, 0) }
  let picked = input.gather(dim: dim, classes.unsqueeze(dim: dim), operation) { stranger in
    stop(
      operation, "target \(stranger) is not one of the input's \(input.shape[dim]) classes", [input, target],
      help: "classes count from 0; \(ignoreIndex) is ignored")
  }.squeeze(dim: dim)
  var scale = noGrad { isIgnored.logicalNot().to(input.dtype) }
  if let weight { scale = scale * weight.indexSelect(dim: 0, classes.reshape(-1)).view(target.shape).to(input.dtype) }
  // Not a product where ignored: there the input may be infinite.
  let losses = (-picked * scale).zeroed(where: isIgnored)
  switch reduction {
  case .none: return losses
  case .sum: return losses.sum()
  case .mean: return losses.sum() / scale.sum()
  }
}

/// The cross entropy of the softmax of `input` and the target: `nllLoss` of `logSoftmax` (PyTorch's `cross_entropy`).
///
/// - Parameters:
///   - input: [C], [N, C] or [N, C, d1, …] unnormalized logarithms (logits).
///   - target: Class numbers (int64) of the input's shape without C, or probabilities of the input's shape.
///   - weight: [C], scales each class.
///   - ignoreIndex: Class numbers that count neither in the loss nor in the mean. Not for probabilities.
///   - labelSmoothing: The part (0 ... 1) of the target's probability that is spread evenly over all classes.
///   - reduction: `.mean` (the default), `.sum` or `.none`.
public func crossEntropy(
  _ input: Tensor, _ target: Tensor, weight: Tensor? = nil, ignoreIndex: Int = -100, reduction: Reduction = .mean,
  labelSmoothing: Double = 0
) -> Tensor {
  let dim = classDim(input, "crossEntropy")
  if labelSmoothing < 0 || labelSmoothing > 1 {
    stop("crossEntropy", "labelSmoothing is \(labelSmoothing), not in 0 ... 1", [input, target])
  }
  checkWeight(input, weight, dim, "crossEntropy")
  let logs = input.logSoftmax(dim: dim)
  let scaled = weight.map { logs * $0.alongClasses(dim, input.rank) } ?? logs
  let count = input.shape[dim]
  if target.dtype.isFloatingPoint {
    if target.shape != input.shape {
      stop(
        "crossEntropy", "target probabilities must have the input's shape", [input, target],
        help: "class numbers are integers: convert them with to(.int64)")
    }
    if ignoreIndex >= 0 {
      stop(
        "crossEntropy", "ignoreIndex is \(ignoreIndex), but the target holds probabilities", [input, target],
        help: "only class numbers can be ignored; set the input's rows to ignore aside")
    }
    var wanted = target
    if labelSmoothing > 0 { wanted = target * (1 - labelSmoothing) + labelSmoothing / Double(count) }
    let losses = -(scaled * wanted).sum(dim: dim)
    switch reduction {
    case .none: return losses
    case .sum: return losses.sum()
    case .mean: return losses.sum() / losses.elementCount
    }
  }
  let plain = nllLoss(
    logs, target, weight: weight, ignoreIndex: ignoreIndex, reduction: reduction, dim, "crossEntropy")
  if labelSmoothing == 0 { return plain }
  let isIgnored = noGrad { target .== ignoreIndex }
  let even = (-scaled.sum(dim: dim)).zeroed(where: isIgnored)
  let smooth: Tensor
  switch reduction {
  case .none: smooth = even
  case .sum: smooth = even.sum()
  case .mean:
    var total = noGrad { isIgnored.logicalNot().to(input.dtype) }
    if let weight {
      let classes = noGrad { target.maskedFill(isIgnored, 0).reshape(-1) }
      total = total * weight.indexSelect(dim: 0, classes).view(target.shape)
    }
    smooth = even.sum() / total.sum()
  }
  return plain * (1 - labelSmoothing) + smooth * (labelSmoothing / Double(count))
}

private func classDim(_ input: Tensor, _ operation: String) -> Int {
  if input.rank == 0 || !input.dtype.isFloatingPoint {
    stop(operation, "needs a floating-point input with a dimension of classes", [input])
  }
  return input.rank == 1 ? 0 : 1
}

private func checkWeight(_ input: Tensor, _ weight: Tensor?, _ dim: Int, _ operation: String) {
  let count = input.shape[dim]
  if let weight, weight.shape != [count] {
    stop(operation, "the weight must have one element for each of the \(count) classes", [input, weight])
  }
}

private func checkTarget(_ input: Tensor, _ target: Tensor, _ dim: Int, _ operation: String) {
  var shape = input.shape
  shape.remove(at: dim)
  if target.shape != shape {
    stop(operation, "the target must have the input's shape without the classes, \(shape)", [input, target])
  }
  if !target.dtype.isInteger {
    stop(operation, "the target must hold class numbers", [input, target], help: "convert it with to(.int64)")
  }
}

extension Tensor {
  /// A vector of classes in the form that broadcasts with a tensor that has them in `dim`.
  fileprivate func alongClasses(_ dim: Int, _ rank: Int) -> Tensor {
    var shape = Shape(repeating: 1, count: rank)
    shape[dim] = elementCount
    return view(shape)
  }
}
