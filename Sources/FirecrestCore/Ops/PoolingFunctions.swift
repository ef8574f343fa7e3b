/// The output sizes of an adaptive pooling: one number for all spatial dimensions, or an array with one for each, where
/// nil keeps the input's size.
public protocol AdaptiveSizes: Sendable {
  /// One size for each dimension of `input`, nil if there are not as many.
  func sizes(input: [Int]) -> [Int]?
}

/// A number, or nil for the input's size.
public protocol AdaptiveSize: Sendable {
  /// The size for an input of this one.
  func size(input: Int) -> Int
}

extension Int: AdaptiveSize, AdaptiveSizes {
  /// This number.
  public func size(input: Int) -> Int { self }
  /// This number for each dimension.
  public func sizes(input: [Int]) -> [Int]? { Array(repeating: self, count: input.count) }
}

extension Optional: AdaptiveSize where Wrapped == Int {
  /// This number, or the input's size.
  public func size(input: Int) -> Int { self ?? input }
}

extension Array: AdaptiveSizes where Element: AdaptiveSize {
  /// One size for each dimension, nil if there are not as many.
  public func sizes(input: [Int]) -> [Int]? { count == input.count ? zip(self, input).map { $0.size(input: $1) } : nil }
}

/// The largest element of each window of a signal (PyTorch's `nn.functional.max_pool1d`); see `maxPool2d`.
///
/// - Parameters:
///   - input: [N, C, L] or [C, L].
///   - kernelSize: Elements in a window.
///   - stride: Elements from one window to the next; the kernel size if not given.
///   - padding: Elements at both ends that never win, at most half a window.
///   - dilation: Distance of a window's elements.
///   - ceilMode: Whether a last window that is not full counts.
public func maxPool1d(
  _ input: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, dilation: some SpatialSizes = 1, ceilMode: Bool = false
) -> Tensor {
  maxPool(input, 1, kernelSize, stride, padding, dilation, ceilMode, withIndices: false).0
}

/// The largest element of each window of a plane (PyTorch's `nn.functional.max_pool2d`). NaN counts as largest.
///
/// - Parameters:
///   - input: [N, C, H, W] or [C, H, W].
///   - kernelSize: The window: a number, or [height, width].
///   - stride: Elements from one window to the next; the kernel size if not given.
///   - padding: Elements on all sides that never win, at most half a window.
///   - dilation: Distance of a window's elements.
///   - ceilMode: Whether last windows that are not full count.
public func maxPool2d(
  _ input: consuming Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, dilation: some SpatialSizes = 1, ceilMode: Bool = false
) -> Tensor {
  maxPool(input, 2, kernelSize, stride, padding, dilation, ceilMode, withIndices: false).0
}

/// The largest element of each window of a volume (PyTorch's `nn.functional.max_pool3d`); see `maxPool2d`.
///
/// - Parameters:
///   - input: [N, C, D, H, W] or [C, D, H, W].
///   - kernelSize: The window: a number, or one for each dimension.
///   - stride: Elements from one window to the next; the kernel size if not given.
///   - padding: Elements on all sides that never win, at most half a window.
///   - dilation: Distance of a window's elements.
///   - ceilMode: Whether last windows that are not full count.
public func maxPool3d(
  _ input: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, dilation: some SpatialSizes = 1, ceilMode: Bool = false
) -> Tensor {
  maxPool(input, 3, kernelSize, stride, padding, dilation, ceilMode, withIndices: false).0
}

/// `maxPool1d` with the position of each maximum in its signal (PyTorch's `max_pool1d(return_indices=True)`).
public func maxPool1dWithIndices(
  _ input: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, dilation: some SpatialSizes = 1, ceilMode: Bool = false
) -> (values: Tensor, indices: Tensor) {
  let (values, indices) = maxPool(input, 1, kernelSize, stride, padding, dilation, ceilMode, withIndices: true)
  return (values, indices!)
}

/// `maxPool2d` with the position of each maximum in its plane, row by row (PyTorch's `max_pool2d(return_indices=True)`).
public func maxPool2dWithIndices(
  _ input: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, dilation: some SpatialSizes = 1, ceilMode: Bool = false
) -> (values: Tensor, indices: Tensor) {
  let (values, indices) = maxPool(input, 2, kernelSize, stride, padding, dilation, ceilMode, withIndices: true)
  return (values, indices!)
}

/// `maxPool3d` with the position of each maximum in its volume (PyTorch's `max_pool3d(return_indices=True)`).
public func maxPool3dWithIndices(
  _ input: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, dilation: some SpatialSizes = 1, ceilMode: Bool = false
) -> (values: Tensor, indices: Tensor) {
  let (values, indices) = maxPool(input, 3, kernelSize, stride, padding, dilation, ceilMode, withIndices: true)
  return (values, indices!)
}

private func maxPool(
  _ x: consuming Tensor, _ spatial: Int, _ kernel: some SpatialSizes, _ stride: (some SpatialSizes)?,
  _ padding: some SpatialSizes, _ dilation: some SpatialSizes, _ ceilMode: Bool, withIndices: Bool
) -> (Tensor, Tensor?) {
  let windows = RegularWindows(
    copy x, spatial, "maxPool\(spatial)d", kernel: kernel, stride: stride, padding: padding, dilation: dilation,
    ceilMode: ceilMode)
  let geometry = windows.geometry(x, spatial)
  return maxima(x, spatial, geometry, withIndices: withIndices)
}

/// The mean of each window of a signal (PyTorch's `nn.functional.avg_pool1d`); see `avgPool2d`.
///
/// - Parameters:
///   - input: [N, C, L] or [C, L].
///   - kernelSize: Elements in a window.
///   - stride: Elements from one window to the next; the kernel size if not given.
///   - padding: Zeros at both ends, at most half a window.
///   - ceilMode: Whether a last window that is not full counts.
///   - countIncludePad: Whether padding counts in the divisor.
public func avgPool1d(
  _ input: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, ceilMode: Bool = false, countIncludePad: Bool = true
) -> Tensor {
  averagePool(
    input, 1, kernel: kernelSize, stride: stride, padding: padding, ceilMode: ceilMode,
    countIncludePad: countIncludePad, divisor: nil)
}

/// The mean of each window of a plane (PyTorch's `nn.functional.avg_pool2d`).
///
/// - Parameters:
///   - input: [N, C, H, W] or [C, H, W].
///   - kernelSize: The window: a number, or [height, width].
///   - stride: Elements from one window to the next; the kernel size if not given.
///   - padding: Zeros on all sides, at most half a window.
///   - ceilMode: Whether last windows that are not full count.
///   - countIncludePad: Whether padding counts in the divisor.
///   - divisorOverride: The divisor of all windows, if given.
public func avgPool2d(
  _ input: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, ceilMode: Bool = false, countIncludePad: Bool = true, divisorOverride: Int? = nil
) -> Tensor {
  averagePool(
    input, 2, kernel: kernelSize, stride: stride, padding: padding, ceilMode: ceilMode,
    countIncludePad: countIncludePad, divisor: divisorOverride)
}

/// The mean of each window of a volume (PyTorch's `nn.functional.avg_pool3d`); see `avgPool2d`.
///
/// - Parameters:
///   - input: [N, C, D, H, W] or [C, D, H, W].
///   - kernelSize: The window: a number, or one for each dimension.
///   - stride: Elements from one window to the next; the kernel size if not given.
///   - padding: Zeros on all sides, at most half a window.
///   - ceilMode: Whether last windows that are not full count.
///   - countIncludePad: Whether padding counts in the divisor.
///   - divisorOverride: The divisor of all windows, if given.
public func avgPool3d(
  _ input: Tensor, kernelSize: some SpatialSizes, stride: (some SpatialSizes)? = nil as Int?,
  padding: some SpatialSizes = 0, ceilMode: Bool = false, countIncludePad: Bool = true, divisorOverride: Int? = nil
) -> Tensor {
  averagePool(
    input, 3, kernel: kernelSize, stride: stride, padding: padding, ceilMode: ceilMode,
    countIncludePad: countIncludePad, divisor: divisorOverride)
}

/// Means over windows that cover a signal [N, C, L] or [C, L] and of which there are `outputSize` (PyTorch's
/// `nn.functional.adaptive_avg_pool1d`).
public func adaptiveAvgPool1d(_ input: Tensor, outputSize: some AdaptiveSizes) -> Tensor {
  averages(input, adaptiveGeometry(input, 1, outputSize, "adaptiveAvgPool1d"), "adaptiveAvgPool1d")
}

/// Means over windows that cover a plane [N, C, H, W] or [C, H, W] and of which there are `outputSize`: a number, or
/// [height, width], where nil keeps the input's size (PyTorch's `nn.functional.adaptive_avg_pool2d`).
public func adaptiveAvgPool2d(_ input: Tensor, outputSize: some AdaptiveSizes) -> Tensor {
  averages(input, adaptiveGeometry(input, 2, outputSize, "adaptiveAvgPool2d"), "adaptiveAvgPool2d")
}

/// Means over windows that cover a volume [N, C, D, H, W] or [C, D, H, W] and of which there are `outputSize`
/// (PyTorch's `nn.functional.adaptive_avg_pool3d`).
public func adaptiveAvgPool3d(_ input: Tensor, outputSize: some AdaptiveSizes) -> Tensor {
  averages(input, adaptiveGeometry(input, 3, outputSize, "adaptiveAvgPool3d"), "adaptiveAvgPool3d")
}

/// Maxima over the windows of `adaptiveAvgPool1d`, with their positions (PyTorch's `nn.functional.adaptive_max_pool1d`
/// with `return_indices`).
public func adaptiveMaxPool1d(
  _ input: Tensor, outputSize: some AdaptiveSizes
) -> (values: Tensor, indices: Tensor) {
  let (values, indices) = maxima(
    input, 1, adaptiveGeometry(input, 1, outputSize, "adaptiveMaxPool1d"), withIndices: true)
  return (values, indices!)
}

/// Maxima over the windows of `adaptiveAvgPool2d`, with their positions in the plane (PyTorch's
/// `nn.functional.adaptive_max_pool2d` with `return_indices`).
public func adaptiveMaxPool2d(
  _ input: Tensor, outputSize: some AdaptiveSizes
) -> (values: Tensor, indices: Tensor) {
  let (values, indices) = maxima(
    input, 2, adaptiveGeometry(input, 2, outputSize, "adaptiveMaxPool2d"), withIndices: true)
  return (values, indices!)
}

/// Maxima over the windows of `adaptiveAvgPool3d`, with their positions in the volume (PyTorch's
/// `nn.functional.adaptive_max_pool3d` with `return_indices`).
public func adaptiveMaxPool3d(
  _ input: Tensor, outputSize: some AdaptiveSizes
) -> (values: Tensor, indices: Tensor) {
  let (values, indices) = maxima(
    input, 3, adaptiveGeometry(input, 3, outputSize, "adaptiveMaxPool3d"), withIndices: true)
  return (values, indices!)
}
