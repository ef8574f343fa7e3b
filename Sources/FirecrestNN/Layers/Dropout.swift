import FirecrestCore

/// What the dropout layers share: a probability and the mode.
public class DropoutLayer: Layer, ModeDependent {
  /// The probability of being dropped.
  public let p: Double
  /// True while training; otherwise nothing is dropped.
  public var training = true

  /// - Parameter p: The probability of being dropped, 0 ... 1.
  public init(p: Double = 0.5) {
    self.p = p
    if !(0...1).contains(p) { stop(typeName(self), "\(p) is not a probability", [], help: "use 0 ... 1") }
  }

  /// The input with elements dropped; the input itself in evaluation.
  public func forward(_ x: Tensor) -> Tensor { x }

  /// The probability, as PyTorch prints it.
  public var extraDescription: String { "p=\(p), inplace=False" }
}

/// In training, sets each element to 0 with probability `p` and multiplies the others by 1/(1−p) (PyTorch's
/// `nn.Dropout`).
public final class Dropout: DropoutLayer {
  /// The input with elements dropped; the input itself in evaluation.
  public override func forward(_ x: Tensor) -> Tensor { x.dropout(p: p, training: training) }
}

/// Dropout of whole channels of [N, C, L] or [C, L] (PyTorch's `nn.Dropout1d`).
public final class Dropout1d: DropoutLayer {
  /// The input with channels dropped; the input itself in evaluation.
  public override func forward(_ x: Tensor) -> Tensor {
    if x.rank != 2 { return x.channelDropout(p: p, training: training) }
    return x.unsqueeze(dim: 0).channelDropout(p: p, training: training).squeeze(dim: 0)
  }
}

/// Dropout of whole channels of [N, C, H, W] (PyTorch's `nn.Dropout2d`).
public final class Dropout2d: DropoutLayer {
  /// The input with channels dropped; the input itself in evaluation.
  public override func forward(_ x: Tensor) -> Tensor { x.channelDropout(p: p, training: training) }
}

/// Dropout that keeps mean and variance of what `SELU` makes (PyTorch's `nn.AlphaDropout`).
public final class AlphaDropout: DropoutLayer {
  /// The input with elements replaced; the input itself in evaluation.
  public override func forward(_ x: Tensor) -> Tensor { x.alphaDropout(p: p, training: training) }
}

/// `AlphaDropout` of whole channels (PyTorch's `nn.FeatureAlphaDropout`).
public final class FeatureAlphaDropout: DropoutLayer {
  /// The input with channels replaced; the input itself in evaluation.
  public override func forward(_ x: Tensor) -> Tensor { x.channelAlphaDropout(p: p, training: training) }
}

extension DropoutLayer: KnownFields {}
