import FirecrestCore
import FirecrestNN

/// A residual network: blocks of convolutions around which the input takes a shortcut (torchvision's `ResNet`; He,
/// Zhang, Ren and Sun, 2015).
///
/// Images [N, 3, H, W] become [N, numClasses]. The parts have torchvision's names and can be replaced:
/// `net.fc = Linear(net.fc.inFeatures, 10)`. All but the last layer, as a sequence, computes features [N, C, 1, 1]:
/// `Sequential(net.children().dropLast().compactMap { $0 as? any Layer })`.
///
/// Convolutions begin normal with the standard deviation √(2 / outputs that an input reaches), batch norms with ones and
/// zeros, `fc` as `Linear` does. See `Models` for the networks of the paper, and for weights.
public final class ResNet: Layer {
  /// What a network consists of.
  public enum Block: Sendable {
    /// Two convolutions of 3 by 3 (torchvision's `BasicBlock`).
    case basic
    /// Convolutions of 1 by 1, 3 by 3 and 1 by 1, the last with four times the channels (torchvision's `Bottleneck`).
    /// The 3 by 3 one makes the steps, as in "ResNet V1.5".
    case bottleneck

    /// The channels of a block's output for each of its width.
    var expansion: Int { self == .basic ? 1 : 4 }
  }

  /// The first convolution, of 7 by 7: three channels become 64 of half the height and width.
  public var conv1: Conv2d
  /// Normalizes what `conv1` gives.
  public var bn1: BatchNorm2d
  /// The nonlinearity behind `bn1`.
  public var relu: any Layer
  /// Halves height and width once more.
  public var maxpool: any Layer
  /// Blocks of 64 channels, times 4 for `.bottleneck`.
  public var layer1: Sequential
  /// Blocks of 128 channels, which halve height and width.
  public var layer2: Sequential
  /// Blocks of 256 channels, which halve height and width.
  public var layer3: Sequential
  /// Blocks of 512 channels, which halve height and width.
  public var layer4: Sequential
  /// The mean of each channel.
  public var avgpool: any Layer
  /// The classes' scores.
  public var fc: Linear

  /// A network with random weights.
  ///
  /// - Parameters:
  ///   - block: What the network consists of.
  ///   - layers: The number of blocks in `layer1` to `layer4`.
  ///   - numClasses: The size of the output.
  ///   - zeroInitResidual: Whether the last batch norm of each block begins with zeros as weight, so that the block
  ///     begins as its shortcut.
  ///   - groups: The groups of the 3 by 3 convolutions; 1 for `.basic`.
  ///   - widthPerGroup: The channels of each group in `layer1`; 64 for `.basic`.
  ///   - replaceStrideWithDilation: Whether `layer2`, `layer3` and `layer4` keep height and width and instead spread the
  ///     kernels' elements; false for `.basic`.
  public init(
    block: Block, layers: [Int], numClasses: Int = 1000, zeroInitResidual: Bool = false, groups: Int = 1,
    widthPerGroup: Int = 64, replaceStrideWithDilation: [Bool] = [false, false, false]
  ) {
    if layers.count != 4 || layers.contains(where: { $0 < 1 }) {
      stop("ResNet", "layers \(layers) are not four positive numbers", [], help: "ResNet-18 has [2, 2, 2, 2]")
    }
    if replaceStrideWithDilation.count != 3 {
      stop("ResNet", "replaceStrideWithDilation needs a value for each of layer2, layer3 and layer4", [])
    }
    if block == .basic && (groups != 1 || widthPerGroup != 64 || replaceStrideWithDilation.contains(true)) {
      stop("ResNet", ".basic blocks have one group of 64 channels and no dilation", [], help: "use .bottleneck")
    }
    conv1 = Conv2d(3, 64, kernelSize: 7, stride: 2, padding: 3, bias: false)
    bn1 = BatchNorm2d(64)
    relu = ReLU()
    maxpool = MaxPool2d(kernelSize: 3, stride: 2, padding: 1)
    var stages = Stages(block: block, groups: groups, widthPerGroup: widthPerGroup)
    layer1 = stages.next(channels: 64, count: layers[0], stride: 1, dilate: false)
    layer2 = stages.next(channels: 128, count: layers[1], stride: 2, dilate: replaceStrideWithDilation[0])
    layer3 = stages.next(channels: 256, count: layers[2], stride: 2, dilate: replaceStrideWithDilation[1])
    layer4 = stages.next(channels: 512, count: layers[3], stride: 2, dilate: replaceStrideWithDilation[2])
    avgpool = AdaptiveAvgPool2d([1, 1])
    fc = Linear(512 * block.expansion, numClasses)

    for module in modules() {
      switch module {
      case let conv as Conv2d: Init.kaimingNormal(conv.weight, mode: .fanOut, nonlinearity: .relu)
      case let block as BasicBlock where zeroInitResidual: Init.zeros(block.bn2.weight!)
      case let block as Bottleneck where zeroInitResidual: Init.zeros(block.bn3.weight!)
      default: break
      }
    }
  }

  /// [N, numClasses].
  public func forward(_ x: Tensor) -> Tensor {
    var x = maxpool(relu(bn1(conv1(x))))
    for layer in [layer1, layer2, layer3, layer4] { x = layer(consume x) }
    return fc(avgpool(x).flatten(from: 1))
  }
}

/// Makes one stage of blocks after the other, each of which begins with the channels that the one before ends with.
private struct Stages {
  let block: ResNet.Block
  let groups: Int
  let widthPerGroup: Int
  private var channels = 64
  private var dilation = 1

  init(block: ResNet.Block, groups: Int, widthPerGroup: Int) {
    self.block = block
    self.groups = groups
    self.widthPerGroup = widthPerGroup
  }

  mutating func next(channels width: Int, count: Int, stride: Int, dilate: Bool) -> Sequential {
    // The first block still has the distances of the stage before.
    let firstDilation = dilation
    if dilate { dilation *= stride }
    let stride = dilate ? 1 : stride
    let blocks = (0..<count).map { i in
      i == 0
        ? makeBlock(width, stride: stride, dilation: firstDilation)
        : makeBlock(width, stride: 1, dilation: dilation)
    }
    return Sequential(blocks)
  }

  private mutating func makeBlock(_ width: Int, stride: Int, dilation: Int) -> any Layer {
    let input = channels
    channels = width * block.expansion
    var shortcut: Sequential?
    if stride != 1 || input != channels {
      shortcut = Sequential(
        Conv2d(input, channels, kernelSize: 1, stride: stride, bias: false), BatchNorm2d(channels))
    }
    switch block {
    case .basic: return ResNet.BasicBlock(input, width, stride: stride, downsample: shortcut)
    case .bottleneck:
      return ResNet.Bottleneck(
        input, inner: width * widthPerGroup / 64 * groups, channels, stride: stride, downsample: shortcut,
        groups: groups, dilation: dilation)
    }
  }
}
