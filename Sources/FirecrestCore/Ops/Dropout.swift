import FirecrestCPU

extension Tensor {
  private func checkDropout(_ p: Double, _ operation: String) {
    if !(0...1).contains(p) { stop(operation, "\(p) is not a probability", [self]) }
    requireFloat(operation)
  }

  /// A tensor of `shape` that is 1/(1−p) with probability 1−p, else 0.
  private func dropoutMask(_ shape: Shape, _ p: Double, _ generator: Generator?) -> Tensor {
    let mask = Tensor(empty: shape, dtype)
    if p == 1 { mask.fillElements(.int(0)) } else { mask.drawBernoulli(1 - p, .double(1 / (1 - p)), generator) }
    return mask
  }

  /// The shape in which whole channels (dimensions 0 and 1) share a number.
  private func channelShape(_ operation: String) -> Shape {
    if rank < 2 { stop(operation, "needs at least two dimensions: [N, C, …]", [self]) }
    var shape = Shape(repeating: 1, count: rank)
    shape[0] = self.shape[0]
    shape[1] = self.shape[1]
    return shape
  }

  /// Sets each element to 0 with probability `p` and multiplies the others by 1/(1−p), so that the mean stays; does
  /// nothing unless `training` (PyTorch's `nn.functional.dropout`).
  public func dropout(p: Double = 0.5, training: Bool = true, generator: Generator? = nil) -> Tensor {
    checkDropout(p, "dropout")
    if !training || p == 0 { return self }
    return self * dropoutMask(shape, p, generator)
  }

  /// Like `dropout`, but sets whole channels to 0: of [N, C, …] all elements of an (n, c) share their fate (PyTorch's
  /// `nn.functional.dropout1d`, `dropout2d` and `dropout3d`).
  public func channelDropout(p: Double = 0.5, training: Bool = true, generator: Generator? = nil) -> Tensor {
    checkDropout(p, "channelDropout")
    if !training || p == 0 { return self }
    return self * dropoutMask(channelShape("channelDropout"), p, generator)
  }

  /// Dropout that keeps mean and variance of what SELU activations make: elements are replaced by SELU's limit −λα,
  /// and all are scaled and shifted (PyTorch's `nn.functional.alpha_dropout`; Klambauer et al., 2017).
  public func alphaDropout(p: Double = 0.5, training: Bool = true, generator: Generator? = nil) -> Tensor {
    checkDropout(p, "alphaDropout")
    if !training || p == 0 { return self }
    return alphaDropped(p, shape, generator)
  }

  /// `alphaDropout` of whole channels (PyTorch's `nn.functional.feature_alpha_dropout`).
  public func channelAlphaDropout(p: Double = 0.5, training: Bool = true, generator: Generator? = nil) -> Tensor {
    checkDropout(p, "channelAlphaDropout")
    if !training || p == 0 { return self }
    return alphaDropped(p, channelShape("channelAlphaDropout"), generator)
  }

  private func alphaDropped(_ p: Double, _ maskShape: Shape, _ generator: Generator?) -> Tensor {
    let limit = -1.7580993408473766
    if p == 1 { return self * dropoutMask(maskShape, 1, generator) }
    let scale = 1 / ((limit * limit * p + 1) * (1 - p)).squareRoot()
    let keep = Tensor(empty: maskShape, dtype)
    keep.drawBernoulli(1 - p, .int(1), generator)
    // scale · (x · keep + limit · (1 − keep)) − scale · limit · p
    let shift = keep * (-limit * scale) + (limit * scale * (1 - p))
    return self * (keep * scale) + shift
  }
}
