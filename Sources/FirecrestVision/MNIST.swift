import FirecrestCore
import FirecrestData

/// 70,000 handwritten digits of 28 by 28 pixels (Y. LeCun, C. Cortes, C. Burges): 60,000 to train and 10,000 to test
/// (torchvision's `MNIST`).
///
/// ```swift
/// let train = try MNIST(train: true)
/// let test = try MNIST("data/mnist", train: false)
/// for (images, labels) in DataLoader(train, batchSize: 64, shuffle: true) { … }   // [64, 1, 28, 28], [64]
/// ```
///
/// What is downloaded is checked by the SHA-256 of its unpacked content.
public struct MNIST: ImageDataset {
  /// uint8 `[count, 1, 28, 28]`, from 0 to 255.
  public let pixels: Tensor
  /// int64 `[count]`, from 0 to 9.
  public let labels: Tensor
  /// 255.
  public var largestPixel: Int { 255 }
  /// "0" to "9".
  public static let classNames = (0...9).map(String.init)

  static let files = IDXPair(
    name: "MNIST", folder: "mnist",
    mirrors: [
      "https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist",
      "http://yann.lecun.com/exdb/mnist",
    ],
    checksums: [
      "train-images-idx3-ubyte": .unpackedSHA256("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
      "train-labels-idx1-ubyte": .unpackedSHA256("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
      "t10k-images-idx3-ubyte": .unpackedSHA256("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
      "t10k-labels-idx1-ubyte": .unpackedSHA256("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ])

  /// The images from the folder that `FIRECREST_DATA` names, from the cache (`Settings.cacheFolder`), or downloaded into
  /// the cache.
  ///
  /// - Parameters:
  ///   - train: The training images, or the test images.
  ///   - download: Whether missing files may be downloaded.
  /// - Throws: `FileError` where files are missing or damaged, `DownloadError` where no address gives one.
  public init(train: Bool = true, download: Bool = true) throws {
    (pixels, labels) = try Self.files.load(train: train, download: download)
  }

  /// The images from a folder.
  ///
  /// - Parameters:
  ///   - folder: Holds the files as published, `train-images-idx3-ubyte` and so on, plain or with `.gz`; or has them in
  ///     `MNIST/raw`, as torchvision puts them, or in `mnist`.
  ///   - train: The training images, or the test images.
  ///   - download: Whether missing files are downloaded, into `folder`.
  /// - Throws: `FileError` where files are missing or damaged, `DownloadError` where no address gives one.
  public init(_ folder: String, train: Bool = true, download: Bool = false) throws {
    (pixels, labels) = try Self.files.load(train: train, from: folder, download: download)
  }
}

/// 70,000 pictures of clothes of 28 by 28 pixels from Zalando (H. Xiao, K. Rasul, R. Vollgraf): 60,000 to train and
/// 10,000 to test (torchvision's `FashionMNIST`).
///
/// What is downloaded is checked by the SHA-256 of the published archives.
public struct FashionMNIST: ImageDataset {
  /// uint8 `[count, 1, 28, 28]`, from 0 to 255.
  public let pixels: Tensor
  /// int64 `[count]`, from 0 to 9.
  public let labels: Tensor
  /// 255.
  public var largestPixel: Int { 255 }
  /// "T-shirt/top", "Trouser", …
  public static let classNames = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
  ]

  static let files = IDXPair(
    name: "FashionMNIST", folder: "fashion-mnist",
    mirrors: [
      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
      "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
      "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    ],
    checksums: [
      "train-images-idx3-ubyte": .sha256("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
      "train-labels-idx1-ubyte": .sha256("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
      "t10k-images-idx3-ubyte": .sha256("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
      "t10k-labels-idx1-ubyte": .sha256("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ])

  /// The images from the folder that `FIRECREST_DATA` names, from the cache (`Settings.cacheFolder`), or downloaded into
  /// the cache.
  ///
  /// - Parameters:
  ///   - train: The training images, or the test images.
  ///   - download: Whether missing files may be downloaded.
  /// - Throws: `FileError` where files are missing or damaged, `DownloadError` where no address gives one.
  public init(train: Bool = true, download: Bool = true) throws {
    (pixels, labels) = try Self.files.load(train: train, download: download)
  }

  /// The images from a folder.
  ///
  /// - Parameters:
  ///   - folder: Holds the files as published, `train-images-idx3-ubyte` and so on, plain or with `.gz`; or has them in
  ///     `FashionMNIST/raw`, as torchvision puts them, or in `fashion-mnist`.
  ///   - train: The training images, or the test images.
  ///   - download: Whether missing files are downloaded, into `folder`.
  /// - Throws: `FileError` where files are missing or damaged, `DownloadError` where no address gives one.
  public init(_ folder: String, train: Bool = true, download: Bool = false) throws {
    (pixels, labels) = try Self.files.load(train: train, from: folder, download: download)
  }
}
