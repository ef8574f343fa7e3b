import FirecrestCore

/// x · weightᵀ + bias, the fully connected layer (PyTorch's `nn.Linear`).
///
/// Input [..., inFeatures], output [..., outFeatures]. Weight and bias begin uniform in ±1/√inFeatures.
public final class Linear: Layer {
  /// The size of the input's last dimension.
  public let inFeatures: Int
  /// The size of the output's last dimension.
  public let outFeatures: Int
  /// [outFeatures, inFeatures]
  @Parameter public var weight: Tensor
  /// [outFeatures], nil without a bias.
  @Parameter public var bias: Tensor?

  /// A layer with random weights.
  ///
  /// - Parameters:
  ///   - inFeatures: The size of the input's last dimension.
  ///   - outFeatures: The size of the output's last dimension.
  ///   - bias: Whether a bias is added.
  public init(_ inFeatures: Int, _ outFeatures: Int, bias: Bool = true) {
    checkSizes("Linear", [("inFeatures", inFeatures), ("outFeatures", outFeatures)])
    self.inFeatures = inFeatures
    self.outFeatures = outFeatures
    let weight = Init.layerWeight([outFeatures, inFeatures])
    self.weight = weight
    self.bias = bias ? Init.layerBias(weight) : nil
  }

  /// x · weightᵀ + bias.
  public func forward(_ x: Tensor) -> Tensor { linear(x, weight, bias) }

  /// The sizes, as PyTorch prints them.
  public var extraDescription: String {
    "in_features=\(inFeatures), out_features=\(outFeatures), bias=\(python(bias != nil))"
  }
}

/// For each output o the number aᵀ weight[o] b + bias[o] of two inputs (PyTorch's `nn.Bilinear`).
///
/// Inputs [..., in1Features] and [..., in2Features], output [..., outFeatures]. Weight and bias begin uniform in
/// ±1/√in1Features.
public final class Bilinear: Module {
  /// The size of the first input's last dimension.
  public let in1Features: Int
  /// The size of the second input's last dimension.
  public let in2Features: Int
  /// The size of the output's last dimension.
  public let outFeatures: Int
  /// [outFeatures, in1Features, in2Features]
  @Parameter public var weight: Tensor
  /// [outFeatures], nil without a bias.
  @Parameter public var bias: Tensor?

  /// A layer with random weights.
  ///
  /// - Parameters:
  ///   - in1Features: The size of the first input's last dimension.
  ///   - in2Features: The size of the second input's last dimension.
  ///   - outFeatures: The size of the output's last dimension.
  ///   - bias: Whether a bias is added.
  public init(_ in1Features: Int, _ in2Features: Int, _ outFeatures: Int, bias: Bool = true) {
    checkSizes(
      "Bilinear", [("in1Features", in1Features), ("in2Features", in2Features), ("outFeatures", outFeatures)])
    self.in1Features = in1Features
    self.in2Features = in2Features
    self.outFeatures = outFeatures
    let bound = in1Features > 0 ? 1 / Double(in1Features).squareRoot() : 0
    weight = Init.uniform(Tensor.empty([outFeatures, in1Features, in2Features]), from: -bound, to: bound)
    self.bias = bias ? Init.uniform(Tensor.empty([outFeatures]), from: -bound, to: bound) : nil
  }

  /// The layer's output for two inputs.
  public func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor { bilinear(a, b, weight, bias) }

  /// The sizes, as PyTorch prints them.
  public var extraDescription: String {
    "in1_features=\(in1Features), in2_features=\(in2Features), out_features=\(outFeatures), "
      + "bias=\(python(bias != nil))"
  }
}

/// Stops where a size is negative.
func checkSizes(_ layer: String, _ sizes: [(name: String, value: Int)]) {
  for (name, value) in sizes where value < 0 { stop(layer, "\(name) is \(value), which is negative", []) }
}

extension Linear: KnownFields {
  var knownSlots: [(name: String, slot: any TensorSlot)] { [("weight", _weight), ("bias", _bias)] }
}

extension Bilinear: KnownFields {
  var knownSlots: [(name: String, slot: any TensorSlot)] { [("weight", _weight), ("bias", _bias)] }
}
