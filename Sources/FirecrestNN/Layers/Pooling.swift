import FirecrestCore

/// The largest element of each window of images [N, C, H, W] or [C, H, W] (PyTorch's `nn.MaxPool2d`).
public final class MaxPool2d: Layer {
  /// The window: a number, or [height, width].
  public let kernelSize: any SpatialSizes
  /// From one window to the next.
  public let stride: any SpatialSizes
  /// What counts as −∞ around the image.
  public let padding: any SpatialSizes
  /// The distance of a window's elements.
  public let dilation: any SpatialSizes
  /// Whether a last window may reach beyond the image.
  public let ceilMode: Bool
  private let steps: [Int]

  /// - Parameters:
  ///   - kernelSize: The window: a number, or [height, width].
  ///   - stride: From one window to the next; by default the window's size.
  ///   - padding: Rows and columns around the image that no window chooses; at most half a window.
  ///   - dilation: The distance of a window's elements.
  ///   - ceilMode: Whether a last window may reach beyond the image.
  public init(
    kernelSize: some SpatialSizes, stride: (any SpatialSizes)? = nil, padding: some SpatialSizes = 0,
    dilation: some SpatialSizes = 1, ceilMode: Bool = false
  ) {
    steps = checkedSteps("MaxPool2d", kernelSize, stride, padding)
    _ = sizes(dilation, 2, "MaxPool2d", "dilation", least: 1)
    self.kernelSize = kernelSize
    self.stride = stride ?? kernelSize
    self.padding = padding
    self.dilation = dilation
    self.ceilMode = ceilMode
  }

  /// [N, C, H', W'].
  public func forward(_ x: consuming Tensor) -> Tensor {
    maxPool2d(x, kernelSize: kernelSize, stride: steps, padding: padding, dilation: dilation, ceilMode: ceilMode)
  }

  /// As PyTorch prints it.
  public var extraDescription: String {
    "kernel_size=\(python(kernelSize)), stride=\(python(stride)), padding=\(python(padding)), "
      + "dilation=\(python(dilation)), ceil_mode=\(python(ceilMode))"
  }
}

/// The mean of each window of images [N, C, H, W] or [C, H, W] (PyTorch's `nn.AvgPool2d`).
public final class AvgPool2d: Layer {
  /// The window: a number, or [height, width].
  public let kernelSize: any SpatialSizes
  /// From one window to the next.
  public let stride: any SpatialSizes
  /// Zeros around the image.
  public let padding: any SpatialSizes
  /// Whether a last window may reach beyond the image.
  public let ceilMode: Bool
  /// Whether the zeros around the image count.
  public let countIncludePad: Bool
  private let steps: [Int]

  /// - Parameters:
  ///   - kernelSize: The window: a number, or [height, width].
  ///   - stride: From one window to the next; by default the window's size.
  ///   - padding: Zeros around the image; at most half a window.
  ///   - ceilMode: Whether a last window may reach beyond the image.
  ///   - countIncludePad: Whether the zeros around the image count.
  public init(
    kernelSize: some SpatialSizes, stride: (any SpatialSizes)? = nil, padding: some SpatialSizes = 0,
    ceilMode: Bool = false, countIncludePad: Bool = true
  ) {
    steps = checkedSteps("AvgPool2d", kernelSize, stride, padding)
    self.kernelSize = kernelSize
    self.stride = stride ?? kernelSize
    self.padding = padding
    self.ceilMode = ceilMode
    self.countIncludePad = countIncludePad
  }

  /// [N, C, H', W'].
  public func forward(_ x: Tensor) -> Tensor {
    avgPool2d(
      x, kernelSize: kernelSize, stride: steps, padding: padding, ceilMode: ceilMode, countIncludePad: countIncludePad)
  }

  /// As PyTorch prints it.
  public var extraDescription: String {
    "kernel_size=\(python(kernelSize)), stride=\(python(stride)), padding=\(python(padding))"
  }
}

/// Means of windows chosen so that the output has a given size, whatever the image's is (PyTorch's
/// `nn.AdaptiveAvgPool2d`).
public final class AdaptiveAvgPool2d: Layer {
  /// The output's size: a number, or [height, width], where nil keeps the image's.
  public let outputSize: any AdaptiveSizes

  /// - Parameter outputSize: The output's size: a number, or [height, width], where nil keeps the image's.
  public init(_ outputSize: some AdaptiveSizes) {
    guard let example = outputSize.sizes(input: [1, 1]), example.allSatisfy({ $0 > 0 }) else {
      stop("AdaptiveAvgPool2d", "outputSize \(outputSize) is not 1 or 2 positive numbers", [])
    }
    self.outputSize = outputSize
  }

  /// [N, C, height, width].
  public func forward(_ x: Tensor) -> Tensor { adaptiveAvgPool2d(x, outputSize: outputSize) }

  /// As PyTorch prints it.
  public var extraDescription: String {
    let numbers = (outputSize as? [Int?])?.map { $0.map(String.init) ?? "None" }
    return "output_size=" + (numbers.map { "(\($0.joined(separator: ", ")))" } ?? "\(outputSize)")
  }
}

/// The steps from one window to the next; stops for windows that make no sense.
private func checkedSteps(
  _ layer: String, _ kernelSize: any SpatialSizes, _ stride: (any SpatialSizes)?, _ padding: any SpatialSizes
) -> [Int] {
  let window = sizes(kernelSize, 2, layer, "kernelSize", least: 1)
  for (pad, size) in zip(sizes(padding, 2, layer, "padding", least: 0), window) where pad * 2 > size {
    stop(layer, "padding \(pad) is more than half of the window's size \(size)", [])
  }
  return stride.map { sizes($0, 2, layer, "stride", least: 1) } ?? window
}

extension MaxPool2d: KnownFields {}
extension AvgPool2d: KnownFields {}
extension AdaptiveAvgPool2d: KnownFields {}
