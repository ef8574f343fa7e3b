import FirecrestCPU
import FirecrestCore
import FirecrestData

/// Images of one size, each with a class: what `Digits`, `MNIST` and `FashionMNIST` are.
///
/// A sample is `(image, label)`: float32 `[channels, height, width]` from 0 to 1, and an int64 scalar. A batch is
/// `(images, labels)`: `[n, channels, height, width]` and `[n]`.
public protocol ImageDataset: BatchedDataset where Sample == (Tensor, Tensor), Batch == (Tensor, Tensor) {
  /// All pixels as they were stored: uint8 `[count, channels, height, width]`.
  var pixels: Tensor { get }
  /// The pixel value that becomes 1.
  var largestPixel: Int { get }
  /// All classes: int64 `[count]`.
  var labels: Tensor { get }
  /// What the classes are called.
  static var classNames: [String] { get }
}

extension ImageDataset {
  /// The number of images.
  public var count: Int { pixels.shape[0] }

  /// All images: float32 `[count, channels, height, width]` from 0 to 1. Computed anew from `pixels` at every use.
  public var images: Tensor { scaled(pixels) }

  /// One image and its class. Stops where `index` is not in `0 ..< count`.
  public subscript(index: Int) -> (Tensor, Tensor) {
    if index < 0 || index >= count { fail("\(Self.self)", "image \(index) is not in 0..<\(count)") }
    return (scaled(pixels.select(dim: 0, index)), labels.select(dim: 0, index))
  }

  /// The images and classes at `indices`.
  public func batch(_ indices: [Int]) -> (Tensor, Tensor) {
    let index = Tensor(indices, shape: [indices.count])
    return (scaled(pixels.indexSelect(dim: 0, index)), labels.indexSelect(dim: 0, index))
  }

  private func scaled(_ pixels: Tensor) -> Tensor { pixels.to(.float32) / Double(largestPixel) }
}
