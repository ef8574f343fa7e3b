import FirecrestCore

/// What normalization by channel shares: scale and shift, running statistics, and the mode.
public class ChannelNorm: Layer, ModeDependent {
  /// The number of channels, dim 1 of the input.
  public let numFeatures: Int
  /// Added to the variance.
  public let eps: Double
  /// The share of a new batch in the running statistics; nil for the mean over all batches.
  public let momentum: Double?
  /// True while training.
  public var training = true
  /// [numFeatures], begins as ones; nil where nothing is scaled.
  @Parameter public var weight: Tensor?
  /// [numFeatures], begins as zeros; nil where nothing is shifted.
  @Parameter public var bias: Tensor?
  /// [numFeatures], nil where no statistics are kept.
  @Buffer public var runningMean: Tensor?
  /// [numFeatures], nil where no statistics are kept.
  @Buffer public var runningVar: Tensor?
  /// How many batches the statistics have seen: int64 without dimensions, nil where none are kept.
  @Buffer public var numBatchesTracked: Tensor?

  init(_ numFeatures: Int, _ eps: Double, _ momentum: Double?, affine: Bool, bias: Bool, trackRunningStats: Bool) {
    self.numFeatures = numFeatures
    self.eps = eps
    self.momentum = momentum
    weight = affine ? Tensor.ones([numFeatures]) : nil
    self.bias = affine && bias ? Tensor.zeros([numFeatures]) : nil
    runningMean = trackRunningStats ? Tensor.zeros([numFeatures]) : nil
    runningVar = trackRunningStats ? Tensor.ones([numFeatures]) : nil
    numBatchesTracked = trackRunningStats ? Tensor.zeros([], dtype: .int64) : nil
    checkSizes(typeName(self), [("numFeatures", numFeatures)])
  }

  /// The numbers of dimensions that an input may have, and how they are called.
  var ranks: (counts: [Int], names: String) { ([2, 3], "[N, C] or [N, C, L]") }

  /// The input, normalized; subclasses say over what.
  public func forward(_ x: Tensor) -> Tensor { x }

  /// The input, checked.
  fileprivate func checked(_ x: Tensor, channelDim: Int) -> Tensor {
    if !ranks.counts.contains(x.rank) {
      stop(
        typeName(self), "needs an input \(ranks.names), not of \(x.rank) dimensions", [x],
        help: ranks.counts.contains(x.rank + 1) ? "unsqueeze(dim: 0) makes a batch of one" : "reshape it")
    }
    if x.shape[channelDim] != numFeatures {
      stop(typeName(self), "the input has \(x.shape[channelDim]) channels, the layer \(numFeatures)", [x])
    }
    return x
  }

  /// Counts a batch, and returns its share in the running statistics.
  fileprivate func nextShare() -> Double {
    guard training, let numBatchesTracked else { return momentum ?? 0 }
    noGrad { numBatchesTracked += 1 }
    return momentum ?? 1 / numBatchesTracked.item()
  }

  /// As PyTorch prints it.
  public var extraDescription: String {
    "\(numFeatures), eps=\(eps), momentum=\(momentum.map { "\($0)" } ?? "None"), affine=\(python(weight != nil)), "
      + "bias=\(python(bias != nil)), track_running_stats=\(python(runningMean != nil))"
  }
}

/// What the batch norms share.
public class BatchNorm: ChannelNorm {
  /// A layer that begins with ones as weight and zeros as bias.
  ///
  /// - Parameters:
  ///   - numFeatures: The number of channels.
  ///   - eps: Added to the variance.
  ///   - momentum: The share of a new batch in the running statistics; nil for the mean over all batches.
  ///   - affine: Whether channels are scaled, and shifted with `bias`, by parameters.
  ///   - bias: Whether channels are shifted where `affine`.
  ///   - trackRunningStats: Whether statistics are kept for evaluation, which otherwise uses the batch's own.
  public init(
    _ numFeatures: Int, eps: Double = 1e-5, momentum: Double? = 0.1, affine: Bool = true, bias: Bool = true,
    trackRunningStats: Bool = true
  ) {
    super.init(numFeatures, eps, momentum, affine: affine, bias: bias, trackRunningStats: trackRunningStats)
  }

  /// The input with each channel normalized over the batch, in evaluation by the running statistics.
  public override func forward(_ x: Tensor) -> Tensor {
    let x = checked(x, channelDim: 1)
    let share = nextShare()
    return x.batchNorm(
      runningMean: runningMean, runningVar: runningVar, weight: weight, bias: bias,
      training: training || runningMean == nil, momentum: share, eps: eps)
  }
}

/// Each channel of [N, C] or [N, C, L] minus its mean and divided by its standard deviation over the batch; in
/// evaluation by running statistics (PyTorch's `nn.BatchNorm1d`; Ioffe and Szegedy, 2015).
///
/// The running variance is the unbiased one, as in PyTorch.
public final class BatchNorm1d: BatchNorm {}

/// `BatchNorm1d` for images [N, C, H, W] (PyTorch's `nn.BatchNorm2d`).
public final class BatchNorm2d: BatchNorm {
  override var ranks: (counts: [Int], names: String) { ([4], "[N, C, H, W]") }
}

/// Each channel of each image of [N, C, H, W] or [C, H, W] minus its mean and divided by its standard deviation
/// (PyTorch's `nn.InstanceNorm2d`; Ulyanov, Vedaldi and Lempitsky, 2016).
public final class InstanceNorm2d: ChannelNorm {
  /// A layer that by default has neither parameters nor statistics.
  ///
  /// - Parameters:
  ///   - numFeatures: The number of channels.
  ///   - eps: Added to the variance.
  ///   - momentum: The share of a new batch in the running statistics.
  ///   - affine: Whether channels are scaled, and shifted with `bias`, by parameters.
  ///   - bias: Whether channels are shifted where `affine`.
  ///   - trackRunningStats: Whether statistics are kept, which evaluation then uses instead of the image's own.
  public init(
    _ numFeatures: Int, eps: Double = 1e-5, momentum: Double = 0.1, affine: Bool = false, bias: Bool = true,
    trackRunningStats: Bool = false
  ) {
    super.init(numFeatures, eps, momentum, affine: affine, bias: bias, trackRunningStats: trackRunningStats)
  }

  override var ranks: (counts: [Int], names: String) { ([3, 4], "[N, C, H, W] or [C, H, W]") }

  /// The input, normalized.
  public override func forward(_ x: Tensor) -> Tensor {
    let batch = checked(x, channelDim: -3).rank == 3 ? x.unsqueeze(dim: 0) : x
    // As PyTorch has it, these statistics do not count their batches.
    let y = batch.instanceNorm(
      runningMean: runningMean, runningVar: runningVar, weight: weight, bias: bias,
      useInputStats: training || runningMean == nil, momentum: momentum ?? 0, eps: eps)
    return x.rank == 3 ? y.squeeze(dim: 0) : y
  }
}

extension ChannelNorm: KnownFields {
  var knownSlots: [(name: String, slot: any TensorSlot)] {
    [
      ("weight", _weight), ("bias", _bias), ("running_mean", _runningMean),
      ("running_var", _runningVar), ("num_batches_tracked", _numBatchesTracked),
    ]
  }
}
