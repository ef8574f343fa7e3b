import FirecrestCore

/// max(x, 0) (PyTorch's `nn.ReLU`).
public final class ReLU: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.relu() }
}

/// min(max(x, 0), 6) (PyTorch's `nn.ReLU6`).
public final class ReLU6: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.relu6() }
}

/// λx where positive, else λα (eˣ − 1), with the λ and α that keep mean and variance (PyTorch's `nn.SELU`).
public final class SELU: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.selu() }
}

/// x · sigmoid(x), also called swish (PyTorch's `nn.SiLU`).
public final class SiLU: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.silu() }
}

/// x · tanh(softplus(x)) (PyTorch's `nn.Mish`).
public final class Mish: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.mish() }
}

/// 1 / (1 + e⁻ˣ) (PyTorch's `nn.Sigmoid`).
public final class Sigmoid: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.sigmoid() }
}

/// ln sigmoid(x) (PyTorch's `nn.LogSigmoid`).
public final class LogSigmoid: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.logSigmoid() }
}

/// The hyperbolic tangent (PyTorch's `nn.Tanh`).
public final class Tanh: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: consuming Tensor) -> Tensor { x.tanh() }
}

/// x / (1 + |x|) (PyTorch's `nn.Softsign`).
public final class Softsign: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.softsign() }
}

/// x − tanh(x) (PyTorch's `nn.Tanhshrink`).
public final class Tanhshrink: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.tanhshrink() }
}

/// x · relu6(x + 3) / 6 (PyTorch's `nn.Hardswish`).
public final class Hardswish: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.hardswish() }
}

/// relu6(x + 3) / 6 (PyTorch's `nn.Hardsigmoid`).
public final class Hardsigmoid: Layer {
  /// A layer without parameters.
  public init() {}

  /// The function of each element.
  public func forward(_ x: Tensor) -> Tensor { x.hardsigmoid() }
}

extension ReLU: KnownFields {}
extension ReLU6: KnownFields {}
extension SELU: KnownFields {}
extension SiLU: KnownFields {}
extension Mish: KnownFields {}
extension Sigmoid: KnownFields {}
extension LogSigmoid: KnownFields {}
extension Tanh: KnownFields {}
extension Softsign: KnownFields {}
extension Tanhshrink: KnownFields {}
extension Hardswish: KnownFields {}
extension Hardsigmoid: KnownFields {}
