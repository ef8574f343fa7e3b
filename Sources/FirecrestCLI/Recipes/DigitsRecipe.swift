import Firecrest
import Foundation

/// `digits`: a small convolutional network on 1,438 handwritten digits of 8 by 8 pixels, tested on 359 others.
///
/// So few pictures would soon be known by heart; each is turned, sized and moved a little at random every time.
struct DigitsRecipe: Recipe {
  static let name = "digits"
  static let defaults = Hyperparameters(epochs: 20, batchSize: 32, lr: 0.01)
  static let task = Task.classes(Digits.classNames)
  static let inputShape: Shape = [1, 8, 8]
  static let largestPixel: Int? = 16

  static func network() -> any Layer {
    // ReLU after the pooling gives the same numbers as before it, from a quarter of the elements.
    Sequential(
      Conv2d(1, 32, kernelSize: 3, padding: 1), MaxPool2d(kernelSize: 2), ReLU(),
      Conv2d(32, 64, kernelSize: 3, padding: 1), MaxPool2d(kernelSize: 2), ReLU(),
      Flatten(), Dropout(p: 0.3),
      Linear(256, 128), ReLU(), Dropout(p: 0.3),
      Linear(128, 10))
  }

  static func loss(_ outputs: Tensor, _ targets: Tensor) -> Tensor { crossEntropy(outputs, targets) }

  private let train = Varied(Digits(train: true))
  private let test = Digits(train: false)

  init(data: String?, seed: UInt64) throws {
    if data != nil { throw UserError("digits brings its data along; leave --data out") }
  }

  func trainLoader(_ settings: Hyperparameters, seed: UInt64, workers: Int) -> DataLoader<(Tensor, Tensor)> {
    DataLoader(train, batchSize: settings.batchSize, shuffle: true, workers: workers, seed: seed)
  }

  func testLoader() -> DataLoader<(Tensor, Tensor)> { DataLoader(test, batchSize: 256) }
}

/// Images that are turned by up to 10°, sized by up to 10 % and moved by up to half a pixel, differently in each epoch.
struct Varied: BatchedDataset {
  let base: Digits
  private let pixels: [Float]

  init(_ base: Digits) {
    self.base = base
    pixels = base.images.toArray()
  }

  var count: Int { base.count }

  subscript(index: Int) -> (Tensor, Tensor) {
    let (image, label) = batch([index])
    return (image[0], label[0])
  }

  func batch(_ indices: [Int]) -> (Tensor, Tensor) {
    let images = indices.flatMap { index in
      vary(pixels[index * 64..<(index + 1) * 64], SampleContext.current?.at(index).generator ?? .shared)
    }
    return (Tensor(images, shape: [indices.count, 1, 8, 8]), base.labels.indexSelect(dim: 0, Tensor(indices)))
  }

  /// Each new pixel looks up, between the four nearest old ones, where it comes from.
  private func vary(_ image: ArraySlice<Float>, _ generator: Generator) -> [Float] {
    let random = Tensor.rand(4, generator: generator).toArray(Float.self).map { 2 * $0 - 1 }
    let angle = random[0] * 10 * .pi / 180
    let scale = 1 + 0.1 * random[1]
    let (cosine, sine) = (scale * cos(angle), scale * sin(angle))
    func old(_ row: Int, _ column: Int) -> Float {
      (0..<8).contains(row) && (0..<8).contains(column) ? image[image.startIndex + 8 * row + column] : 0
    }
    return (0..<64).map { i in
      // From the image's centre.
      let (x, y) = (Float(i % 8) - 3.5, Float(i / 8) - 3.5)
      let column = cosine * x - sine * y + 3.5 + 0.5 * random[2]
      let row = sine * x + cosine * y + 3.5 + 0.5 * random[3]
      let (left, top) = (column.rounded(.down), row.rounded(.down))
      let (right, down) = (column - left, row - top)
      let (c, r) = (Int(left), Int(top))
      let upper = old(r, c) * (1 - right) + old(r, c + 1) * right
      let lower = old(r + 1, c) * (1 - right) + old(r + 1, c + 1) * right
      return upper * (1 - down) + lower * down
    }
  }
}
