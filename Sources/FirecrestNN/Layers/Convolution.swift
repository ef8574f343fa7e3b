import FirecrestCore

/// What convolutions of one, two and three dimensions share.
public class ConvolutionLayer: Layer {
  /// The number of channels of the input.
  public let inChannels: Int
  /// The number of channels of the output.
  public let outChannels: Int
  /// The kernel's sizes, one for each spatial dimension.
  public let kernelSize: [Int]
  /// The steps from one position of the kernel to the next.
  public let stride: [Int]
  /// What is added around the input.
  public let padding: any ConvolutionPadding
  /// The distances of the kernel's elements.
  public let dilation: [Int]
  /// Channels are split into so many groups that do not see each other.
  public let groups: Int
  /// [outChannels, inChannels / groups, kernel sizes …]
  @Parameter public var weight: Tensor
  /// [outChannels], nil without a bias.
  @Parameter public var bias: Tensor?

  init(
    _ inChannels: Int, _ outChannels: Int, _ spatial: Int, _ kernelSize: some SpatialSizes, _ stride: some SpatialSizes,
    _ padding: any ConvolutionPadding, _ dilation: some SpatialSizes, _ groups: Int, bias: Bool
  ) {
    let layer = "Conv\(spatial)d"
    checkSizes(layer, [("inChannels", inChannels), ("outChannels", outChannels)])
    if groups < 1 || inChannels % groups != 0 || outChannels % groups != 0 {
      stop(layer, "\(inChannels) and \(outChannels) channels do not divide into \(groups) groups", [])
    }
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.kernelSize = sizes(kernelSize, spatial, layer, "kernelSize", least: 1)
    self.stride = sizes(stride, spatial, layer, "stride", least: 1)
    self.dilation = sizes(dilation, spatial, layer, "dilation", least: 1)
    // Numbers are checked here, where the mistake is, and stored one for each dimension, as PyTorch prints them.
    if let numbers = padding as? any SpatialSizes {
      self.padding = sizes(numbers, spatial, layer, "padding", least: 0)
    } else {
      self.padding = padding
    }
    if padding.keepsSize && self.stride.contains(where: { $0 != 1 }) {
      stop(layer, "padding .same needs a stride of 1, not \(self.stride)", [], help: "give the padding as numbers")
    }
    self.groups = groups
    let weight = Init.layerWeight(Shape([outChannels, inChannels / groups] + self.kernelSize))
    self.weight = weight
    self.bias = bias ? Init.layerBias(weight) : nil
  }

  /// The convolution; subclasses say of how many dimensions.
  public func forward(_ x: Tensor) -> Tensor { x }

  /// As PyTorch prints it.
  public var extraDescription: String {
    var text = "\(inChannels), \(outChannels), kernel_size=\(python(Shape(kernelSize))), "
    text += "stride=\(python(Shape(stride)))"
    if let numbers = padding as? [Int] {
      if numbers.contains(where: { $0 != 0 }) { text += ", padding=\(python(Shape(numbers)))" }
    } else {
      text += ", padding=\(padding.keepsSize ? "same" : "valid")"
    }
    if dilation.contains(where: { $0 != 1 }) { text += ", dilation=\(python(Shape(dilation)))" }
    if groups != 1 { text += ", groups=\(groups)" }
    return text + (bias == nil ? ", bias=False" : "")
  }
}

/// Slides kernels along signals [N, C, L] or [C, L] (PyTorch's `nn.Conv1d`).
///
/// Weight and bias begin uniform in ±1/√(inputs of a kernel).
public final class Conv1d: ConvolutionLayer {
  /// A layer with random weights.
  ///
  /// - Parameters:
  ///   - inChannels: The number of channels of the input.
  ///   - outChannels: The number of channels of the output.
  ///   - kernelSize: The number of elements under the kernel.
  ///   - stride: Elements from one position of the kernel to the next.
  ///   - padding: Zeros at both ends, or `.same` for an output of the input's size, or `.valid` for none.
  ///   - dilation: Distance of the kernel's elements.
  ///   - groups: Channels are split into so many groups that do not see each other.
  ///   - bias: Whether a bias is added.
  public init(
    _ inChannels: Int, _ outChannels: Int, kernelSize: Int, stride: Int = 1, padding: some ConvolutionPadding = 0,
    dilation: Int = 1, groups: Int = 1, bias: Bool = true
  ) {
    super.init(inChannels, outChannels, 1, kernelSize, stride, padding, dilation, groups, bias: bias)
  }

  /// [N, outChannels, L'].
  public override func forward(_ x: Tensor) -> Tensor {
    conv1d(x, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}

/// Slides kernels over images [N, C, H, W] or [C, H, W] (PyTorch's `nn.Conv2d`).
///
/// Weight and bias begin uniform in ±1/√(inputs of a kernel).
public final class Conv2d: ConvolutionLayer {
  /// A layer with random weights.
  ///
  /// - Parameters:
  ///   - inChannels: The number of channels of the input.
  ///   - outChannels: The number of channels of the output.
  ///   - kernelSize: A number, or [height, width].
  ///   - stride: Elements from one position of the kernel to the next: a number, or [vertical, horizontal].
  ///   - padding: Zeros on all sides: a number, or [top and bottom, left and right], or `.same` for an output of the
  ///     input's size, or `.valid` for none.
  ///   - dilation: Distance of the kernel's elements: a number, or [vertical, horizontal].
  ///   - groups: Channels are split into so many groups that do not see each other.
  ///   - bias: Whether a bias is added.
  public init(
    _ inChannels: Int, _ outChannels: Int, kernelSize: some SpatialSizes, stride: some SpatialSizes = 1,
    padding: some ConvolutionPadding = 0, dilation: some SpatialSizes = 1, groups: Int = 1, bias: Bool = true
  ) {
    super.init(inChannels, outChannels, 2, kernelSize, stride, padding, dilation, groups, bias: bias)
  }

  /// [N, outChannels, H', W'].
  public override func forward(_ x: Tensor) -> Tensor {
    conv2d(x, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}

/// One size for each spatial dimension; stops where there are not as many, or one is less than `least`.
func sizes(_ sizes: any SpatialSizes, _ spatial: Int, _ layer: String, _ what: String, least: Int) -> [Int] {
  guard let result = sizes.sizes(count: spatial) else {
    stop(layer, "\(what) \(sizes) does not fit \(spatial) spatial dimensions", [], help: "give 1 or \(spatial) numbers")
  }
  if let bad = result.first(where: { $0 < least }) { stop(layer, "\(what) \(bad) must be at least \(least)", []) }
  return result
}

/// Sizes as Python prints them: a number as a number, an array as a tuple.
func python(_ sizes: any SpatialSizes) -> String { (sizes as? [Int]).map { python(Shape($0)) } ?? "\(sizes)" }

extension ConvolutionLayer: KnownFields {
  var knownSlots: [(name: String, slot: any TensorSlot)] { [("weight", _weight), ("bias", _bias)] }
}
