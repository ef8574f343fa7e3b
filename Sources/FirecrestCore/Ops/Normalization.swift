extension Tensor {
  /// (x − mean) / √(variance + eps) over `dims`.
  fileprivate func standardized(_ dims: [Int], _ eps: Double) -> Tensor {
    let (variance, mean) = varMean(dims: dims, correction: 0, keepDim: true)
    return (self - mean) * (variance + eps).rsqrt()
  }

  /// x · weight + bias, both vectors along dim 1.
  fileprivate func scaledChannels(_ weight: Tensor?, _ bias: Tensor?) -> Tensor {
    var y = self
    if let weight { y = y * weight.alongChannels(rank) }
    if let bias { y = y + bias.alongChannels(rank) }
    return y
  }

  fileprivate func trailing(_ normalized: Shape, _ operation: String) -> [Int] {
    let start = rank - normalized.count
    if normalized.count == 0 || start < 0 || !(0..<normalized.count).allSatisfy({ shape[start + $0] == normalized[$0] })
    {
      stop(operation, "the normalized shape \(normalized) is not the end of the input's", [self])
    }
    return Array(start..<rank)
  }

  fileprivate func channels(_ operation: String) -> Int {
    if rank < 2 { stop(operation, "needs at least 2 dimensions, the second of them channels", [self]) }
    return shape[1]
  }

  /// Each row (the last dimensions, of shape `normalized`) minus its mean and divided by its standard deviation, then
  /// scaled and shifted (PyTorch's `nn.functional.layer_norm`).
  public func layerNorm(
    _ normalized: Shape, weight: Tensor? = nil, bias: Tensor? = nil, eps: Double = 1e-5
  ) -> Tensor {
    let dims = trailing(normalized, "layerNorm")
    return inFull { x in
      var y = x.standardized(dims, eps)
      if let weight { y = y * weight }
      if let bias { y = y + bias }
      return y
    }
  }

  /// Each row (the last dimensions, of shape `normalized`) divided by the root of the mean of its squares, then scaled
  /// (PyTorch's `nn.functional.rms_norm`). Without `eps`, the smallest step from 1 of the type.
  public func rmsNorm(_ normalized: Shape, weight: Tensor? = nil, eps: Double? = nil) -> Tensor {
    let dims = trailing(normalized, "rmsNorm")
    return inFull { x in
      let least = eps ?? (x.dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne))
      let y = x * (x.square().mean(dims: dims, keepDim: true) + least).rsqrt()
      return weight.map { y * $0 } ?? y
    }
  }

  /// Like `layerNorm`, over each of `groups` equal groups of channels (dim 1) and all dimensions after it; scaled and
  /// shifted by channel (PyTorch's `nn.functional.group_norm`).
  public func groupNorm(groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, eps: Double = 1e-5) -> Tensor {
    let channels = channels("groupNorm")
    if groups < 1 || channels % groups != 0 {
      stop("groupNorm", "\(channels) channels do not divide into \(groups) groups", [self])
    }
    if elementCount == 0 { return scaledChannels(weight, bias) }
    let grouped = Shape([shape[0], groups, elementCount / Swift.max(1, shape[0] * groups)])
    return inFull { x in
      x.reshape(grouped).standardized([2], eps).view(x.shape).scaledChannels(weight, bias)
    }
  }

  /// Each channel (dim 1) minus its mean and divided by its standard deviation over all other dimensions, then scaled
  /// and shifted (PyTorch's `nn.functional.batch_norm`).
  ///
  /// - Parameters:
  ///   - runningMean: The mean to use when not `training`; moved towards the batch's by `momentum` otherwise.
  ///   - runningVar: The same for the variance.
  ///   - momentum: The share of the new value in the running statistics.
  ///   - eps: Keeps divisors and logarithms away from 0.
  ///   - training: Whether the statistics of this batch are used, and the running ones updated.
  ///   - weight: Weights, one a row, class or channel as the operation needs.
  ///   - bias: Added to each channel or element, after the weight.
  public func batchNorm(
    runningMean: Tensor? = nil, runningVar: Tensor? = nil, weight: Tensor? = nil, bias: Tensor? = nil,
    training: Bool = false, momentum: Double = 0.1, eps: Double = 1e-5
  ) -> Tensor {
    let channels = channels("batchNorm")
    if !training {
      guard let runningMean, let runningVar else {
        stop("batchNorm", "needs runningMean and runningVar when not training", [self])
      }
      return inFull { x in
        var scale = (runningVar + eps).rsqrt()
        if let weight { scale = scale * weight }
        let shift = bias.map { $0 - runningMean * scale } ?? -runningMean * scale
        return apply(ChannelAffine(), [x, scale.to(x.dtype), shift.to(x.dtype)])[0]
      }
    }
    let count = channels == 0 ? 0 : elementCount / channels
    if count == 1 {
      stop("batchNorm", "needs more than one value a channel when training", [self], help: "use a larger batch")
    }
    return inFull { x in
      let op = BatchNorm(eps: eps, hasWeight: weight != nil, hasBias: bias != nil)
      let results = apply(op, [x] + [weight, bias].compactMap { $0?.to(x.dtype) })
      // Nothing has no mean.
      if count == 0 { return results[0] }
      noGrad {
        runningMean?.approach(results[1], momentum)
        runningVar?.approach(results[2] * (Double(count) / Double(count - 1)), momentum)
      }
      return results[0]
    }
  }

  /// this = (1 − momentum) this + momentum · value, in place.
  private func approach(_ value: Tensor, _ momentum: Double) {
    let target = value.reshape(shape).to(dtype)
    copy(from: self * (1 - momentum) + target * momentum)
  }

  /// Like `batchNorm`, over each sample alone (PyTorch's `nn.functional.instance_norm`).
  ///
  /// - Parameter useInputStats: False to normalize with `runningMean` and `runningVar`.
  /// - Parameter runningMean: The running mean of each channel, if there is one.
  /// - Parameter eps: Keeps divisors and logarithms away from 0.
  /// - Parameter weight: Weights, one a row, class or channel as the operation needs.
  /// - Parameter runningVar: The running variance of each channel, if there is one.
  /// - Parameter bias: Added to each channel or element, after the weight.
  /// - Parameter momentum: The share of the new value in the running statistics.
  public func instanceNorm(
    runningMean: Tensor? = nil, runningVar: Tensor? = nil, weight: Tensor? = nil, bias: Tensor? = nil,
    useInputStats: Bool = true, momentum: Double = 0.1, eps: Double = 1e-5
  ) -> Tensor {
    _ = channels("instanceNorm")
    if !useInputStats {
      return batchNorm(
        runningMean: runningMean, runningVar: runningVar, weight: weight, bias: bias, training: false, eps: eps)
    }
    let dims = Array(2..<rank)
    let count = dims.reduce(1) { $0 * shape[$1] }
    if rank < 3 || count == 1 {
      stop("instanceNorm", "needs more than one value for each channel of a sample", [self])
    }
    return inFull { x in
      let (variance, mean) = x.varMean(dims: dims, correction: 0, keepDim: true)
      noGrad {
        let unbiased = variance.mean(dim: 0) * (Double(count) / Double(count - 1))
        runningMean?.approach(mean.mean(dim: 0), momentum)
        runningVar?.approach(unbiased, momentum)
      }
      return ((x - mean) * (variance + eps).rsqrt()).scaledChannels(weight, bias)
    }
  }

  /// x / (k + alpha · mean of the squares of `size` neighbouring channels)^beta, channels beyond the ends counted as 0
  /// (PyTorch's `nn.functional.local_response_norm`).
  public func localResponseNorm(
    _ size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1
  ) -> Tensor {
    if rank < 3 { stop("localResponseNorm", "needs at least 3 dimensions, the second of them channels", [self]) }
    if elementCount == 0 { return self }
    let squares = square().movedim(1, to: -1).pad([size / 2, (size - 1) / 2])
    let sums = squares.unfold(dim: -1, size: size, step: 1).sum(dim: -1).movedim(-1, to: 1)
    let divisor = (sums * (alpha / Double(size)) + k).pow(beta)
    return self / divisor
  }
}
