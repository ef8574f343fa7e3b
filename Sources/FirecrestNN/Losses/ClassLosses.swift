import FirecrestCore

/// The cross entropy of softmax(input) and the target, the loss of classifiers (PyTorch's `nn.CrossEntropyLoss`).
///
/// Input: [C], [N, C] or [N, C, d1, …] unnormalized logarithms (logits). Target: class numbers (int64) of the input's
/// shape without C, or probabilities of the input's shape.
public final class CrossEntropyLoss: Loss {
  /// [C], scales each class.
  @Buffer public var weight: Tensor?
  /// Targets of this number count neither in the loss nor in the mean.
  public let ignoreIndex: Int
  /// The part (0 ... 1) of the target's probability that is spread evenly over all classes.
  public let labelSmoothing: Double
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - weight: [C], scales each class.
  ///   - ignoreIndex: Targets of this number count neither in the loss nor in the mean.
  ///   - labelSmoothing: The part (0 ... 1) of the target's probability that is spread evenly over all classes.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(
    weight: Tensor? = nil, ignoreIndex: Int = -100, labelSmoothing: Double = 0, reduction: Reduction = .mean
  ) {
    self.weight = weight
    self.ignoreIndex = ignoreIndex
    self.labelSmoothing = labelSmoothing
    self.reduction = reduction
  }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
    crossEntropy(
      input, target, weight: weight, ignoreIndex: ignoreIndex, reduction: reduction, labelSmoothing: labelSmoothing)
  }
}

/// −ln p of the target classes, from the logarithms that `LogSoftmax` makes (PyTorch's `nn.NLLLoss`).
///
/// Input: [C], [N, C] or [N, C, d1, …]. Target: class numbers (int64) of the input's shape without C.
public final class NLLLoss: Loss {
  /// [C], scales each class; the mean is then a weighted one.
  @Buffer public var weight: Tensor?
  /// Targets of this number count neither in the loss nor in the mean.
  public let ignoreIndex: Int
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - weight: [C], scales each class; the mean is then a weighted one.
  ///   - ignoreIndex: Targets of this number count neither in the loss nor in the mean.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(weight: Tensor? = nil, ignoreIndex: Int = -100, reduction: Reduction = .mean) {
    self.weight = weight
    self.ignoreIndex = ignoreIndex
    self.reduction = reduction
  }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
    nllLoss(input, target, weight: weight, ignoreIndex: ignoreIndex, reduction: reduction)
  }
}

/// −(t ln x + (1 − t) ln(1 − x)) of probabilities x (PyTorch's `nn.BCELoss`); more accurate from logits:
/// `BCEWithLogitsLoss`.
public final class BCELoss: Loss {
  /// Scales each value; broadcasts.
  @Buffer public var weight: Tensor?
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - weight: Scales each value; broadcasts.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(weight: Tensor? = nil, reduction: Reduction = .mean) {
    self.weight = weight
    self.reduction = reduction
  }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
    binaryCrossEntropy(input, target, weight: weight, reduction: reduction)
  }
}

/// `BCELoss` of sigmoid(x), without overflow (PyTorch's `nn.BCEWithLogitsLoss`).
public final class BCEWithLogitsLoss: Loss {
  /// Scales each value; broadcasts.
  @Buffer public var weight: Tensor?
  /// Scales the part of the positive examples; broadcasts.
  @Buffer public var posWeight: Tensor?
  /// What is made of the values.
  public let reduction: Reduction

  /// - Parameters:
  ///   - weight: Scales each value; broadcasts.
  ///   - posWeight: Scales the part of the positive examples; broadcasts.
  ///   - reduction: `.mean` (the default), `.sum` or `.none`.
  public init(weight: Tensor? = nil, posWeight: Tensor? = nil, reduction: Reduction = .mean) {
    self.weight = weight
    self.posWeight = posWeight
    self.reduction = reduction
  }

  /// The loss.
  public func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
    binaryCrossEntropyWithLogits(input, target, weight: weight, posWeight: posWeight, reduction: reduction)
  }
}
