import FirecrestCore
import FirecrestNN

extension ResNet {
  /// Two convolutions of 3 by 3 around which the input takes a shortcut (torchvision's `BasicBlock`).
  public final class BasicBlock: Layer {
    /// The first convolution, which makes the steps.
    public let conv1: Conv2d
    /// Normalizes what `conv1` gives.
    public let bn1: BatchNorm2d
    /// The nonlinearity, behind `bn1` and behind the sum.
    public let relu = ReLU()
    /// The second convolution.
    public let conv2: Conv2d
    /// Normalizes what `conv2` gives.
    public let bn2: BatchNorm2d
    /// Gives the input the output's shape; nil where it has it.
    public let downsample: Sequential?

    init(_ inChannels: Int, _ outChannels: Int, stride: Int, downsample: Sequential?) {
      conv1 = Conv2d(inChannels, outChannels, kernelSize: 3, stride: stride, padding: 1, bias: false)
      bn1 = BatchNorm2d(outChannels)
      conv2 = Conv2d(outChannels, outChannels, kernelSize: 3, padding: 1, bias: false)
      bn2 = BatchNorm2d(outChannels)
      self.downsample = downsample
    }

    /// [N, outChannels, H / stride, W / stride].
    public func forward(_ x: Tensor) -> Tensor {
      let y = bn2(conv2(relu(bn1(conv1(x)))))
      return relu(y + (downsample?(x) ?? x))
    }
  }

  /// Convolutions of 1 by 1, 3 by 3 and 1 by 1 around which the input takes a shortcut (torchvision's `Bottleneck`).
  public final class Bottleneck: Layer {
    /// The first convolution, of 1 by 1.
    public let conv1: Conv2d
    /// Normalizes what `conv1` gives.
    public let bn1: BatchNorm2d
    /// The convolution of 3 by 3, which makes the steps.
    public let conv2: Conv2d
    /// Normalizes what `conv2` gives.
    public let bn2: BatchNorm2d
    /// The last convolution, of 1 by 1.
    public let conv3: Conv2d
    /// Normalizes what `conv3` gives.
    public let bn3: BatchNorm2d
    /// The nonlinearity, behind `bn1`, `bn2` and the sum.
    public let relu = ReLU()
    /// Gives the input the output's shape; nil where it has it.
    public let downsample: Sequential?

    init(
      _ inChannels: Int, inner: Int, _ outChannels: Int, stride: Int, downsample: Sequential?, groups: Int,
      dilation: Int
    ) {
      conv1 = Conv2d(inChannels, inner, kernelSize: 1, bias: false)
      bn1 = BatchNorm2d(inner)
      conv2 = Conv2d(
        inner, inner, kernelSize: 3, stride: stride, padding: dilation, dilation: dilation, groups: groups, bias: false)
      bn2 = BatchNorm2d(inner)
      conv3 = Conv2d(inner, outChannels, kernelSize: 1, bias: false)
      bn3 = BatchNorm2d(outChannels)
      self.downsample = downsample
    }

    /// [N, outChannels, H / stride, W / stride].
    public func forward(_ x: Tensor) -> Tensor {
      let y = bn3(conv3(relu(bn2(conv2(relu(bn1(conv1(x))))))))
      return relu(y + (downsample?(x) ?? x))
    }
  }
}
