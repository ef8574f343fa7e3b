import FirecrestCore
import FirecrestIO
import FirecrestNN
import Foundation
import TestSupport

@testable import FirecrestVision

/// `Tests/Fixtures/models.json`, which `make_models.py` describes.
struct ModelGolden: Decodable, Sendable {
  struct Published: Decodable, Sendable, CustomStringConvertible {
    let name: String
    let weights: String
    let parameters: Int
    let state: String
    let names: String
    let repr: String
    var description: String { name }
  }

  struct Training: Decodable, Sendable {
    let loss: Double
    let gradients: [String: Double]
    let buffers: [String: Double]
  }

  struct Network: Decodable, Sendable, CustomStringConvertible {
    let name: String
    let file: String
    let size: Int
    let logits: [Double]
    let training: Training?
    var description: String { name }

    /// The state that PyTorch wrote.
    var path: String { "\(ModelGolden.folder)/\(file).pth" }

    /// Two images by the formula `fill` of make_models.py.
    func images() -> Tensor {
      let places = Tensor.arange(2 * 3 * size * size) * 7919 + (104_729 + 12_345)
      return ((places.remainder(10_007) - 5003).to(.float64) / 5004).view(2, 3, size, size)
    }
  }

  let published: [Published]
  let networks: [Network]

  /// Where the states lie.
  static let folder = fixtures.appendingPathComponent("Models").path
  static let shared = try! JSONDecoder().decode(
    ModelGolden.self, from: Data(contentsOf: fixtures.appendingPathComponent("models.json")))

  static func network(_ name: String) -> Network { shared.networks.first { $0.name == name }! }

  /// A place where the published files of these networks are those that PyTorch wrote for the tests.
  static func place(_ folder: String = folder, server: String = "http://127.0.0.1:1") -> PretrainedWeights.Place {
    var place = PretrainedWeights.Place()
    place.folder = folder
    place.server = server
    for published in shared.published {
      guard let network = shared.networks.first(where: { $0.name == published.name }) else { continue }
      place.substitutes[published.file] = network.file
    }
    return place
  }
}

extension ModelGolden.Published {
  /// The name of the published file without `.pth`.
  var file: String { String(weights.split(separator: "/").last!.dropLast(4)) }

  /// The network from its own function.
  func make(pretrained: Bool) throws -> any Layer {
    switch name {
    case "resnet18": try Models.resnet18(pretrained: pretrained)
    case "resnet34": try Models.resnet34(pretrained: pretrained)
    case "resnet50": try Models.resnet50(pretrained: pretrained)
    case "resnet101": try Models.resnet101(pretrained: pretrained)
    case "resnet152": try Models.resnet152(pretrained: pretrained)
    case "resnext50_32x4d": try Models.resnext50_32x4d(pretrained: pretrained)
    case "wide_resnet50_2": try Models.wideResnet50_2(pretrained: pretrained)
    case "densenet121": try Models.densenet121(pretrained: pretrained)
    case "densenet161": try Models.densenet161(pretrained: pretrained)
    case "densenet169": try Models.densenet169(pretrained: pretrained)
    case "densenet201": try Models.densenet201(pretrained: pretrained)
    default: fatalError("no network \(name)")
    }
  }
}

extension ModelGolden.Network {
  /// The network with the state that PyTorch wrote: published ones as users get them, from a folder with their file.
  func make() throws -> any Layer {
    if let published = ModelGolden.shared.published.first(where: { $0.name == name }) {
      return try PretrainedWeights.$place.withValue(ModelGolden.place()) { try published.make(pretrained: true) }
    }
    let network: any Layer =
      switch name {
      case "dilated":
        ResNet(
          block: .bottleneck, layers: [1, 2, 1, 2], numClasses: 20, groups: 4, widthPerGroup: 8,
          replaceStrideWithDilation: [false, true, true])
      case "dense": DenseNet(growthRate: 4, blockConfig: [2, 3, 2], numInitFeatures: 6, bnSize: 2, numClasses: 20)
      default: fatalError("no network \(name)")
      }
    try network.load(loadTorch(path))
    return network
  }
}
