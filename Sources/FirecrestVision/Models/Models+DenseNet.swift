// What each function's documentation leaves out stands at `Models`: the pictures that weights expect, and their files.
extension Models {
  /// DenseNet-121: blocks of 6, 12, 24 and 16 layers, 8.0 million parameters (torchvision's `densenet121`).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func densenet121(numClasses: Int = 1000) -> DenseNet {
    DenseNet(blockConfig: [6, 12, 24, 16], numClasses: numClasses)
  }

  /// DenseNet-121 with the weights `IMAGENET1K_V1` (32 MB; 74.4 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func densenet121(pretrained: Bool) throws -> DenseNet {
    try make(densenet121(), weights: pretrained ? "densenet121-a639ec97" : nil)
  }

  /// DenseNet-161: blocks of 6, 12, 36 and 24 layers that add 48 channels each, 28.7 million parameters
  /// (torchvision's `densenet161`).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func densenet161(numClasses: Int = 1000) -> DenseNet {
    DenseNet(growthRate: 48, blockConfig: [6, 12, 36, 24], numInitFeatures: 96, numClasses: numClasses)
  }

  /// DenseNet-161 with the weights `IMAGENET1K_V1` (116 MB; 77.1 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func densenet161(pretrained: Bool) throws -> DenseNet {
    try make(densenet161(), weights: pretrained ? "densenet161-8d451a50" : nil)
  }

  /// DenseNet-169: blocks of 6, 12, 32 and 32 layers, 14.1 million parameters (torchvision's `densenet169`).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func densenet169(numClasses: Int = 1000) -> DenseNet {
    DenseNet(blockConfig: [6, 12, 32, 32], numClasses: numClasses)
  }

  /// DenseNet-169 with the weights `IMAGENET1K_V1` (57 MB; 75.6 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func densenet169(pretrained: Bool) throws -> DenseNet {
    try make(densenet169(), weights: pretrained ? "densenet169-b2777c0a" : nil)
  }

  /// DenseNet-201: blocks of 6, 12, 48 and 32 layers, 20.0 million parameters (torchvision's `densenet201`).
  ///
  /// - Parameter numClasses: The size of the output.
  public static func densenet201(numClasses: Int = 1000) -> DenseNet {
    DenseNet(blockConfig: [6, 12, 48, 32], numClasses: numClasses)
  }

  /// DenseNet-201 with the weights `IMAGENET1K_V1` (81 MB; 76.9 % of ImageNet's validation pictures right).
  ///
  /// - Parameter pretrained: False for random weights.
  /// - Throws: `DownloadError` where no address gives the file, `FileError` where it cannot be read or is damaged.
  public static func densenet201(pretrained: Bool) throws -> DenseNet {
    try make(densenet201(), weights: pretrained ? "densenet201-c1103571" : nil)
  }
}
