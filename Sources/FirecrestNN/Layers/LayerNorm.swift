import FirecrestCore

/// Each row, the last dimensions of the input, minus its mean and divided by its standard deviation, then scaled and
/// shifted (PyTorch's `nn.LayerNorm`; Ba, Kiros and Hinton, 2016).
public final class LayerNorm: Layer {
  /// The sizes of the dimensions that make a row.
  public let normalizedShape: Shape
  /// Added to the variance.
  public let eps: Double
  /// Of the row's shape, begins as ones; nil where nothing is scaled.
  @Parameter public var weight: Tensor?
  /// Of the row's shape, begins as zeros; nil where nothing is shifted.
  @Parameter public var bias: Tensor?

  /// - Parameters:
  ///   - normalizedShape: The sizes of the dimensions that make a row.
  ///   - eps: Added to the variance.
  ///   - elementwiseAffine: Whether elements are scaled, and shifted with `bias`, by parameters.
  ///   - bias: Whether elements are shifted where `elementwiseAffine`.
  public init(_ normalizedShape: Shape, eps: Double = 1e-5, elementwiseAffine: Bool = true, bias: Bool = true) {
    self.normalizedShape = normalizedShape
    self.eps = eps
    weight = elementwiseAffine ? Tensor.ones(normalizedShape) : nil
    self.bias = elementwiseAffine && bias ? Tensor.zeros(normalizedShape) : nil
  }

  /// A row is one dimension of this size.
  public convenience init(_ size: Int, eps: Double = 1e-5, elementwiseAffine: Bool = true, bias: Bool = true) {
    self.init([size] as Shape, eps: eps, elementwiseAffine: elementwiseAffine, bias: bias)
  }

  /// The input, normalized.
  public func forward(_ x: Tensor) -> Tensor { x.layerNorm(normalizedShape, weight: weight, bias: bias, eps: eps) }

  /// As PyTorch prints it.
  public var extraDescription: String {
    "\(python(normalizedShape)), eps=\(eps), elementwise_affine=\(python(weight != nil)), bias=\(python(bias != nil))"
  }
}

/// Each row, the last dimensions of the input, divided by the root of the mean of its squares, then scaled (PyTorch's
/// `nn.RMSNorm`; Zhang and Sennrich, 2019).
public final class RMSNorm: Layer {
  /// The sizes of the dimensions that make a row.
  public let normalizedShape: Shape
  /// Added to the mean; nil for the smallest step from 1 of the type.
  public let eps: Double?
  /// Of the row's shape, begins as ones; nil where nothing is scaled.
  @Parameter public var weight: Tensor?

  /// - Parameters:
  ///   - normalizedShape: The sizes of the dimensions that make a row.
  ///   - eps: Added to the mean; nil for the smallest step from 1 of the type.
  ///   - elementwiseAffine: Whether elements are scaled by parameters.
  public init(_ normalizedShape: Shape, eps: Double? = nil, elementwiseAffine: Bool = true) {
    self.normalizedShape = normalizedShape
    self.eps = eps
    weight = elementwiseAffine ? Tensor.ones(normalizedShape) : nil
  }

  /// A row is one dimension of this size.
  public convenience init(_ size: Int, eps: Double? = nil, elementwiseAffine: Bool = true) {
    self.init([size] as Shape, eps: eps, elementwiseAffine: elementwiseAffine)
  }

  /// The input, normalized.
  public func forward(_ x: Tensor) -> Tensor { x.rmsNorm(normalizedShape, weight: weight, eps: eps) }

  /// As PyTorch prints it.
  public var extraDescription: String {
    "\(python(normalizedShape)), eps=\(eps.map { "\($0)" } ?? "None"), elementwise_affine=\(python(weight != nil))"
  }
}

/// Groups of neighbouring channels of [N, C, …] minus their mean and divided by their standard deviation for each
/// sample, then scaled and shifted by channel (PyTorch's `nn.GroupNorm`; Wu and He, 2018).
public final class GroupNorm: Layer {
  /// The number of groups.
  public let numGroups: Int
  /// The number of channels.
  public let numChannels: Int
  /// Added to the variance.
  public let eps: Double
  /// [numChannels], begins as ones; nil where nothing is scaled.
  @Parameter public var weight: Tensor?
  /// [numChannels], begins as zeros; nil where nothing is shifted.
  @Parameter public var bias: Tensor?

  /// - Parameters:
  ///   - numGroups: The number of groups, which divides the number of channels.
  ///   - numChannels: The number of channels.
  ///   - eps: Added to the variance.
  ///   - affine: Whether channels are scaled, and shifted with `bias`, by parameters.
  ///   - bias: Whether channels are shifted where `affine`.
  public init(_ numGroups: Int, _ numChannels: Int, eps: Double = 1e-5, affine: Bool = true, bias: Bool = true) {
    if numGroups < 1 || numChannels % numGroups != 0 {
      stop("GroupNorm", "\(numChannels) channels do not divide into \(numGroups) groups", [])
    }
    self.numGroups = numGroups
    self.numChannels = numChannels
    self.eps = eps
    weight = affine ? Tensor.ones([numChannels]) : nil
    self.bias = affine && bias ? Tensor.zeros([numChannels]) : nil
  }

  /// The input, normalized.
  public func forward(_ x: Tensor) -> Tensor {
    if x.rank < 2 || x.shape[1] != numChannels {
      stop("GroupNorm", "needs an input [N, \(numChannels), …]", [x])
    }
    return x.groupNorm(groups: numGroups, weight: weight, bias: bias, eps: eps)
  }

  /// As PyTorch prints it.
  public var extraDescription: String {
    "\(numGroups), \(numChannels), eps=\(eps), affine=\(python(weight != nil)), bias=\(python(bias != nil))"
  }
}

extension LayerNorm: KnownFields {
  var knownSlots: [(name: String, slot: any TensorSlot)] { [("weight", _weight), ("bias", _bias)] }
}

extension RMSNorm: KnownFields {
  var knownSlots: [(name: String, slot: any TensorSlot)] { [("weight", _weight)] }
}

extension GroupNorm: KnownFields {
  var knownSlots: [(name: String, slot: any TensorSlot)] { [("weight", _weight), ("bias", _bias)] }
}
