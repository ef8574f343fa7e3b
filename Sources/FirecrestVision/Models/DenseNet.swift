import FirecrestCore
import FirecrestNN

/// A densely connected network: within a block each layer sees what all layers before it computed (torchvision's
/// `DenseNet`; Huang, Liu, van der Maaten and Weinberger, 2016).
///
/// Images [N, 3, H, W] of at least 29 by 29 pixels become [N, numClasses]. `features` holds all but the last layer, with
/// torchvision's names; `net.classifier = Linear(net.classifier.inFeatures, 10)` changes the classes.
///
/// Convolutions begin normal with the standard deviation √(2 / inputs of a unit), batch norms with ones and zeros,
/// `classifier` as `Linear` does, but with zeros as bias. See `Models` for the networks of the paper, and for weights.
public final class DenseNet: Layer {
  /// All up to the last batch norm: `conv0`, `norm0`, `relu0`, `pool0`, `denseblock1`, `transition1`, …, `norm5`.
  public var features: Sequential
  /// The classes' scores.
  public var classifier: Linear

  /// A network with random weights.
  ///
  /// - Parameters:
  ///   - growthRate: The channels that each layer adds.
  ///   - blockConfig: The number of layers in each block.
  ///   - numInitFeatures: The channels of the first convolution.
  ///   - bnSize: The channels within a layer, as a multiple of `growthRate`.
  ///   - dropRate: The probability with which training drops a number that a layer adds.
  ///   - numClasses: The size of the output.
  public init(
    growthRate: Int = 32, blockConfig: [Int] = [6, 12, 24, 16], numInitFeatures: Int = 64, bnSize: Int = 4,
    dropRate: Double = 0, numClasses: Int = 1000
  ) {
    if blockConfig.isEmpty || blockConfig.contains(where: { $0 < 1 }) {
      stop("DenseNet", "blockConfig \(blockConfig) is not a list of positive numbers", [])
    }
    features = Sequential([
      ("conv0", Conv2d(3, numInitFeatures, kernelSize: 7, stride: 2, padding: 3, bias: false)),
      ("norm0", BatchNorm2d(numInitFeatures)), ("relu0", ReLU()),
      ("pool0", MaxPool2d(kernelSize: 3, stride: 2, padding: 1)),
    ])
    var channels = numInitFeatures
    for (i, count) in blockConfig.enumerated() {
      let block = DenseBlock(channels, count: count, growthRate, bnSize: bnSize, dropRate: dropRate)
      features.append(block, name: "denseblock\(i + 1)")
      channels += count * growthRate
      if i < blockConfig.count - 1 {
        features.append(Transition(channels, channels / 2), name: "transition\(i + 1)")
        channels /= 2
      }
    }
    features.append(BatchNorm2d(channels), name: "norm5")
    classifier = Linear(channels, numClasses)

    for module in modules() {
      if let conv = module as? Conv2d { Init.kaimingNormal(conv.weight) }
    }
    Init.zeros(classifier.bias!)
  }

  /// [N, numClasses].
  public func forward(_ x: Tensor) -> Tensor {
    let y = features(x).relu()
    return classifier(adaptiveAvgPool2d(y, outputSize: 1).flatten(from: 1))
  }
}
