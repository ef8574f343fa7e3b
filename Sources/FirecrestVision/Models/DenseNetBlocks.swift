import FirecrestCore
import FirecrestNN

extension DenseNet {
  /// What one layer of a block adds: a convolution of 1 by 1 and one of 3 by 3, each behind a batch norm and a ReLU
  /// (torchvision's `_DenseLayer`).
  public final class DenseLayer: Layer, ModeDependent {
    /// Normalizes the input.
    public let norm1: BatchNorm2d
    /// The nonlinearity behind `norm1`.
    public let relu1 = ReLU()
    /// The convolution of 1 by 1.
    public let conv1: Conv2d
    /// Normalizes what `conv1` gives.
    public let norm2: BatchNorm2d
    /// The nonlinearity behind `norm2`.
    public let relu2 = ReLU()
    /// The convolution of 3 by 3.
    public let conv2: Conv2d
    /// The probability with which training drops a number.
    public let dropRate: Double
    /// True while training.
    public var training = true

    init(_ inChannels: Int, _ growthRate: Int, bnSize: Int, dropRate: Double) {
      norm1 = BatchNorm2d(inChannels)
      conv1 = Conv2d(inChannels, bnSize * growthRate, kernelSize: 1, bias: false)
      norm2 = BatchNorm2d(bnSize * growthRate)
      conv2 = Conv2d(bnSize * growthRate, growthRate, kernelSize: 3, padding: 1, bias: false)
      self.dropRate = dropRate
    }

    /// [N, growthRate, H, W], of all that the layers before computed, side by side.
    public func forward(_ x: Tensor) -> Tensor {
      let y = conv2(relu2(norm2(conv1(relu1(norm1(x))))))
      return dropRate > 0 ? y.dropout(p: dropRate, training: training) : y
    }
  }

  /// Layers each of which sees the input and what all layers before it added (torchvision's `_DenseBlock`).
  public final class DenseBlock: Layer, ModuleContainer {
    /// The layers with their names, `denselayer1`, ….
    package let namedLayers: [(name: String, layer: any Layer)]

    init(_ inChannels: Int, count: Int, _ growthRate: Int, bnSize: Int, dropRate: Double) {
      namedLayers = (0..<count).map { i in
        (
          "denselayer\(i + 1)",
          DenseLayer(inChannels + i * growthRate, growthRate, bnSize: bnSize, dropRate: dropRate)
        )
      }
    }

    /// [N, C + growthRate times the number of layers, H, W]: the input, then what each layer added.
    public func forward(_ x: Tensor) -> Tensor { namedLayers.reduce(x) { x, next in cat([x, next.layer(x)], dim: 1) } }
  }

  /// Halves channels, height and width between two blocks (torchvision's `_Transition`).
  public final class Transition: Layer {
    /// Normalizes the input.
    public let norm: BatchNorm2d
    /// The nonlinearity behind `norm`.
    public let relu = ReLU()
    /// The convolution of 1 by 1.
    public let conv: Conv2d
    /// The mean of each 2 by 2 numbers.
    public let pool = AvgPool2d(kernelSize: 2, stride: 2)

    init(_ inChannels: Int, _ outChannels: Int) {
      norm = BatchNorm2d(inChannels)
      conv = Conv2d(inChannels, outChannels, kernelSize: 1, bias: false)
    }

    /// [N, outChannels, H / 2, W / 2].
    public func forward(_ x: Tensor) -> Tensor { pool(conv(relu(norm(x)))) }
  }
}
