import FirecrestCore

/// x where positive, else x · `negativeSlope` (PyTorch's `nn.LeakyReLU`).
public final class LeakyReLU: Layer {
  /// The slope where x is negative.
  public let negativeSlope: Double

  /// - Parameter negativeSlope: The slope where x is negative.
  public init(_ negativeSlope: Double = 0.01) { self.negativeSlope = negativeSlope }

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.leakyRelu(negativeSlope: negativeSlope) }

  /// As PyTorch prints it.
  public var extraDescription: String { "negative_slope=\(negativeSlope)" }
}

/// x where positive, else α (eˣ − 1) (PyTorch's `nn.ELU`).
public final class ELU: Layer {
  /// α, the limit for small x with its sign changed.
  public let alpha: Double

  /// - Parameter alpha: α, the limit for small x with its sign changed.
  public init(alpha: Double = 1) { self.alpha = alpha }

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.elu(alpha: alpha) }

  /// As PyTorch prints it.
  public var extraDescription: String { "alpha=\(alpha)" }
}

/// x where positive, else α (e^(x/α) − 1) (PyTorch's `nn.CELU`).
public final class CELU: Layer {
  /// α, the limit for small x with its sign changed.
  public let alpha: Double

  /// - Parameter alpha: α, the limit for small x with its sign changed.
  public init(alpha: Double = 1) { self.alpha = alpha }

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.celu(alpha: alpha) }

  /// As PyTorch prints it.
  public var extraDescription: String { "alpha=\(alpha)" }
}

/// x Φ(x), Φ the cumulative normal distribution (PyTorch's `nn.GELU`).
public final class GELU: Layer {
  /// Whether to compute it by tanh, as GPT-2 does (PyTorch's `approximate='tanh'`).
  public let approximate: Bool

  /// - Parameter approximate: Whether to compute it by tanh, as GPT-2 does (PyTorch's `approximate='tanh'`).
  public init(approximate: Bool = false) { self.approximate = approximate }

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.gelu(approximate: approximate) }

  /// As PyTorch prints it.
  public var extraDescription: String { "approximate='\(approximate ? "tanh" : "none")'" }
}

/// ln(1 + e^(βx)) / β (PyTorch's `nn.Softplus`).
public final class Softplus: Layer {
  /// β, how sharp the bend is.
  public let beta: Double
  /// Where βx is above it, x itself is returned.
  public let threshold: Double

  /// - Parameters:
  ///   - beta: β, how sharp the bend is.
  ///   - threshold: Where βx is above it, x itself is returned.
  public init(beta: Double = 1, threshold: Double = 20) {
    self.beta = beta
    self.threshold = threshold
  }

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.softplus(beta: beta, threshold: threshold) }

  /// As PyTorch prints it.
  public var extraDescription: String { "beta=\(beta), threshold=\(threshold)" }
}

/// x, at least `min` and at most `max` (PyTorch's `nn.Hardtanh`).
public final class Hardtanh: Layer {
  /// The least output; PyTorch's `min_val`.
  public let min: Double
  /// The largest output; PyTorch's `max_val`.
  public let max: Double

  /// - Parameters:
  ///   - min: The least output; PyTorch's `min_val`.
  ///   - max: The largest output; PyTorch's `max_val`.
  public init(min: Double = -1, max: Double = 1) {
    self.min = min
    self.max = max
  }

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.hardtanh(min: min, max: max) }

  /// As PyTorch prints it.
  public var extraDescription: String { "min_val=\(min), max_val=\(max)" }
}

/// x moved towards 0 by λ (PyTorch's `nn.Softshrink`).
public final class Softshrink: Layer {
  /// λ, at least 0; PyTorch's `lambd`.
  public let lambda: Double

  /// - Parameter lambda: λ, at least 0; PyTorch's `lambd`.
  public init(_ lambda: Double = 0.5) { self.lambda = lambda }

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.softshrink(lambda) }

  /// As PyTorch prints it.
  public var extraDescription: String { "\(lambda)" }
}

/// 0 where |x| ≤ λ, else x (PyTorch's `nn.Hardshrink`).
public final class Hardshrink: Layer {
  /// λ; PyTorch's `lambd`.
  public let lambda: Double

  /// - Parameter lambda: λ; PyTorch's `lambd`.
  public init(_ lambda: Double = 0.5) { self.lambda = lambda }

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.hardshrink(lambda) }

  /// As PyTorch prints it.
  public var extraDescription: String { "\(lambda)" }
}

/// x where it is above `threshold`, else `value` (PyTorch's `nn.Threshold`).
public final class Threshold: Layer {
  /// What x has to exceed.
  public let threshold: Double
  /// What stands in its place otherwise.
  public let value: Double

  /// - Parameters:
  ///   - threshold: What x has to exceed.
  ///   - value: What stands in its place otherwise.
  public init(_ threshold: Double, value: Double) {
    self.threshold = threshold
    self.value = value
  }

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.threshold(threshold, value: value) }

  /// As PyTorch prints it.
  public var extraDescription: String { "threshold=\(threshold), value=\(value)" }
}

/// The first half along `dim` times the sigmoid of the second (PyTorch's `nn.GLU`).
public final class GLU: Layer {
  /// The dimension that is halved; its size is even.
  public let dim: Int

  /// - Parameter dim: The dimension that is halved; its size is even.
  public init(dim: Int = -1) { self.dim = dim }

  /// Half as many elements as the input has.
  public func forward(_ x: Tensor) -> Tensor { x.glu(dim: dim) }

  /// As PyTorch prints it.
  public var extraDescription: String { "dim=\(dim)" }
}

/// eˣ divided by its sum along `dim` (PyTorch's `nn.Softmax`).
public final class Softmax: Layer {
  /// The dimension along which the result sums to 1.
  public let dim: Int

  /// - Parameter dim: The dimension along which the result sums to 1.
  public init(dim: Int) { self.dim = dim }

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.softmax(dim: dim) }

  /// As PyTorch prints it.
  public var extraDescription: String { "dim=\(dim)" }
}

/// ln softmax(x) along `dim` (PyTorch's `nn.LogSoftmax`).
public final class LogSoftmax: Layer {
  /// The dimension along which the probabilities sum to 1.
  public let dim: Int

  /// - Parameter dim: The dimension along which the probabilities sum to 1.
  public init(dim: Int) { self.dim = dim }

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.logSoftmax(dim: dim) }

  /// As PyTorch prints it.
  public var extraDescription: String { "dim=\(dim)" }
}

/// softmax(−x) along `dim` (PyTorch's `nn.Softmin`).
public final class Softmin: Layer {
  /// The dimension along which the result sums to 1.
  public let dim: Int

  /// - Parameter dim: The dimension along which the result sums to 1.
  public init(dim: Int) { self.dim = dim }

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.softmin(dim: dim) }

  /// As PyTorch prints it.
  public var extraDescription: String { "dim=\(dim)" }
}

/// x where positive, else x · `weight`, slopes that are learned (PyTorch's `nn.PReLU`).
public final class PReLU: Layer {
  /// The number of slopes.
  public let numParameters: Int
  /// [numParameters]
  @Parameter public var weight: Tensor

  /// - Parameters:
  ///   - numParameters: 1, or the number of channels (dim 1 of the input).
  ///   - initial: Where the slopes begin; PyTorch's `init`.
  public init(_ numParameters: Int = 1, initial: Double = 0.25) {
    checkSizes("PReLU", [("numParameters", numParameters)])
    self.numParameters = numParameters
    weight = Tensor.full([numParameters], initial)
  }

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.prelu(weight) }

  /// As PyTorch prints it.
  public var extraDescription: String { "num_parameters=\(numParameters)" }
}

extension LeakyReLU: KnownFields {}
extension ELU: KnownFields {}
extension CELU: KnownFields {}
extension GELU: KnownFields {}
extension Softplus: KnownFields {}
extension Hardtanh: KnownFields {}
extension Softshrink: KnownFields {}
extension Hardshrink: KnownFields {}
extension Threshold: KnownFields {}
extension GLU: KnownFields {}
extension Softmax: KnownFields {}
extension LogSoftmax: KnownFields {}
extension Softmin: KnownFields {}
