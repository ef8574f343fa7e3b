import Firecrest
import Foundation

/// `mnist`: a convolutional network on 60,000 handwritten digits of 28 by 28 pixels, tested on 10,000 others.
struct MNISTRecipe: Recipe {
  static let name = "mnist"
  static let defaults = Hyperparameters(epochs: 3, batchSize: 64, lr: 0.004)
  static let task = Task.classes(MNIST.classNames)
  static let inputShape: Shape = [1, 28, 28]
  static let largestPixel: Int? = 255

  static func network() -> any Layer {
    // ReLU after the pooling gives the same numbers as before it, from a quarter of the elements.
    Sequential(
      Conv2d(1, 32, kernelSize: 3), MaxPool2d(kernelSize: 2), ReLU(),
      Conv2d(32, 64, kernelSize: 3), MaxPool2d(kernelSize: 2), ReLU(),
      Flatten(), Dropout(p: 0.25),
      Linear(1600, 128), ReLU(), Dropout(p: 0.5),
      Linear(128, 10))
  }

  static func loss(_ outputs: Tensor, _ targets: Tensor) -> Tensor { crossEntropy(outputs, targets) }

  private let images: (train: MNIST, test: MNIST)

  init(data: String?, seed: UInt64) throws {
    if let data {
      do { images = (try MNIST(data, train: true), try MNIST(data, train: false)) } catch let error as FileError {
        guard error.kind == .system(ENOENT) else { throw error }
        throw FileError(
          error.kind, file: error.file, error.reason,
          help: "name the folder that holds it, or leave out --data to have it downloaded")
      }
    } else {
      images = (try MNIST(train: true), try MNIST(train: false))
    }
  }

  func trainLoader(_ settings: Hyperparameters, seed: UInt64, workers: Int) -> DataLoader<(Tensor, Tensor)> {
    DataLoader(images.train, batchSize: settings.batchSize, shuffle: true, workers: workers, seed: seed)
  }

  func testLoader() -> DataLoader<(Tensor, Tensor)> { DataLoader(images.test, batchSize: 500) }
}
