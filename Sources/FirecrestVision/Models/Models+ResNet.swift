// What each function's documentation leaves out stands at `Models`: the pictures that weights expect, and their files.
extension Models {
  /// ResNet-18: two `.basic` blocks in each stage, 11.7 million parameters (torchvision's `resnet18`).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func resnet18(numClasses: Int = 1000) -> ResNet {
    ResNet(block: .basic, layers: [2, 2, 2, 2], numClasses: numClasses)
  }

  /// ResNet-18 with the weights `IMAGENET1K_V1` (47 MB; 69.8 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func resnet18(pretrained: Bool) throws -> ResNet {
    try make(resnet18(), weights: pretrained ? "resnet18-f37072fd" : nil)
  }

  /// ResNet-34: 3, 4, 6 and 3 `.basic` blocks, 21.8 million parameters (torchvision's `resnet34`).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func resnet34(numClasses: Int = 1000) -> ResNet {
    ResNet(block: .basic, layers: [3, 4, 6, 3], numClasses: numClasses)
  }

  /// ResNet-34 with the weights `IMAGENET1K_V1` (87 MB; 73.3 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func resnet34(pretrained: Bool) throws -> ResNet {
    try make(resnet34(), weights: pretrained ? "resnet34-b627a593" : nil)
  }

  /// ResNet-50: 3, 4, 6 and 3 `.bottleneck` blocks, 25.6 million parameters (torchvision's `resnet50`).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func resnet50(numClasses: Int = 1000) -> ResNet {
    ResNet(block: .bottleneck, layers: [3, 4, 6, 3], numClasses: numClasses)
  }

  /// ResNet-50 with the weights `IMAGENET1K_V1` (103 MB; 76.1 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func resnet50(pretrained: Bool) throws -> ResNet {
    try make(resnet50(), weights: pretrained ? "resnet50-0676ba61" : nil)
  }

  /// ResNet-101: 3, 4, 23 and 3 `.bottleneck` blocks, 44.5 million parameters (torchvision's `resnet101`).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func resnet101(numClasses: Int = 1000) -> ResNet {
    ResNet(block: .bottleneck, layers: [3, 4, 23, 3], numClasses: numClasses)
  }

  /// ResNet-101 with the weights `IMAGENET1K_V1` (179 MB; 77.4 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func resnet101(pretrained: Bool) throws -> ResNet {
    try make(resnet101(), weights: pretrained ? "resnet101-63fe2227" : nil)
  }

  /// ResNet-152: 3, 8, 36 and 3 `.bottleneck` blocks, 60.2 million parameters (torchvision's `resnet152`).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func resnet152(numClasses: Int = 1000) -> ResNet {
    ResNet(block: .bottleneck, layers: [3, 8, 36, 3], numClasses: numClasses)
  }

  /// ResNet-152 with the weights `IMAGENET1K_V1` (242 MB; 78.3 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func resnet152(pretrained: Bool) throws -> ResNet {
    try make(resnet152(), weights: pretrained ? "resnet152-394f9c45" : nil)
  }

  /// ResNeXt-50 32x4d: ResNet-50 with 32 groups of 4 channels, 25.0 million parameters (torchvision's
  /// `resnext50_32x4d`; Xie et al., 2016).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func resnext50_32x4d(numClasses: Int = 1000) -> ResNet {
    ResNet(block: .bottleneck, layers: [3, 4, 6, 3], numClasses: numClasses, groups: 32, widthPerGroup: 4)
  }

  /// ResNeXt-50 32x4d with the weights `IMAGENET1K_V1` (100 MB; 77.6 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func resnext50_32x4d(pretrained: Bool) throws -> ResNet {
    try make(resnext50_32x4d(), weights: pretrained ? "resnext50_32x4d-7cdf4587" : nil)
  }

  /// Wide ResNet-50-2: ResNet-50 with twice the channels within blocks, 68.9 million parameters (torchvision's
  /// `wide_resnet50_2`; Zagoruyko and Komodakis, 2016).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func wideResnet50_2(numClasses: Int = 1000) -> ResNet {
    ResNet(block: .bottleneck, layers: [3, 4, 6, 3], numClasses: numClasses, widthPerGroup: 128)
  }

  /// Wide ResNet-50-2 with the weights `IMAGENET1K_V1` (138 MB; 78.5 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func wideResnet50_2(pretrained: Bool) throws -> ResNet {
    try make(wideResnet50_2(), weights: pretrained ? "wide_resnet50_2-95faca4d" : nil)
  }
}
