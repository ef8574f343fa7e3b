import FirecrestCore
import FirecrestIO
import FirecrestNN
import Testing

@testable import FirecrestVision

/// Networks against torchvision's: layers, results, gradients, first weights.
@Suite(.serialized) struct ModelTests {
  private func sha256(_ lines: [String]) -> String {
    let hash = SHA256()
    hash.update(lines.joined(separator: "\n").utf8)
    return hash.hexadecimal()
  }

  @Test(arguments: ModelGolden.shared.published)
  func isTorchvisionsNetwork(_ golden: ModelGolden.Published) throws {
    let network = try golden.make(pretrained: false)
    #expect(network.parameterCount == golden.parameters)
    #expect(sha256(network.stateDict().map { "\($0.name) \($0.tensor.shape)" }) == golden.state)
    #expect(sha256(network.namedParameters().map(\.name)) == golden.names)
    #expect(sha256([network.description]) == golden.repr)
  }

  @Test(arguments: ModelGolden.shared.networks)
  func computesWhatTorchvisionComputes(_ golden: ModelGolden.Network) throws {
    let network = try golden.make()
    let x = golden.images()
    let largest = golden.logits.reduce(0) { max($0, abs($1)) }
    func error() -> Double {
      let logits = noGrad { network(x.to(network.parameters()[0].dtype)) }.flatten().toArray(Double.self)
      let found = stride(from: 0, to: logits.count, by: 37).map { logits[$0] }
      #expect(found.count == golden.logits.count)
      return zip(found, golden.logits).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
    }
    network.eval()
    #expect(error() < 1e-4)

    guard let training = golden.training else { return }
    network.to(.float64)
    #expect(error() < 1e-8)
    network.train()
    let loss = crossEntropy(network(x), Tensor([3, 7]))
    loss.backward()
    #expect(abs(loss.item() - training.loss) < 1e-8 * training.loss)
    let parameters = network.namedParameters()
    #expect(parameters.count == training.gradients.count)
    for (name, parameter) in parameters {
      let norm = try #require(parameter.grad, "\(name)").square().sum().sqrt().item()
      #expect(abs(norm - training.gradients[name]!) <= 1e-6 * training.gradients[name]!, "\(name)")
    }
    let buffers = network.namedBuffers()
    #expect(buffers.count == training.buffers.count)
    for (name, buffer) in buffers {
      let norm = buffer.to(.float64).square().sum().sqrt().item()
      #expect(abs(norm - training.buffers[name]!) <= 1e-8 * training.buffers[name]!, "\(name)")
    }
  }

  /// Sample mean and standard deviation of a weight of enough numbers fit √(2 / fan).
  private func expectNormal(_ conv: Conv2d, fan: Int) {
    let (weight, count) = (conv.weight.detach(), Double(conv.weight.elementCount))
    let expected = (2 / Double(fan)).squareRoot()
    #expect(abs(weight.square().mean().sqrt().item() / expected - 1) < 4 / (2 * count).squareRoot(), "\(conv)")
    #expect(abs(weight.mean().item()) < 4 * expected / count.squareRoot(), "\(conv)")
    // Normal, not uniform, which ends at √3.
    #expect(weight.abs().max().item() > 2.5 * expected, "\(conv)")
  }

  private func expectNeutral(_ norm: BatchNorm2d, weight: Double = 1) {
    #expect(norm.weight!.detach().toArray(Double.self).allSatisfy { $0 == weight })
    #expect(norm.bias!.detach().toArray(Double.self).allSatisfy { $0 == 0 })
  }

  @Test func residualNetworksBeginAsTorchvisions() {
    let network = ResNet(block: .bottleneck, layers: [1, 1, 1, 1], numClasses: 10, groups: 2)
    for module in network.modules() {
      if let conv = module as? Conv2d {
        // As in PyTorch, groups are not considered.
        expectNormal(conv, fan: conv.outChannels * conv.kernelSize[0] * conv.kernelSize[1])
      } else if let norm = module as? BatchNorm2d {
        expectNeutral(norm)
      }
    }
    let bound = 1 / 2048.0.squareRoot()
    let (weight, bias) = (network.fc.weight.detach().abs().max().item(), network.fc.bias!.detach().abs().max().item())
    #expect(weight <= bound && weight > 0.99 * bound && bias <= bound && bias > 0)

    let zero = ResNet(block: .bottleneck, layers: [2, 1, 1, 1], zeroInitResidual: true)
    for case let block as ResNet.Bottleneck in zero.modules() {
      expectNeutral(block.bn3, weight: 0)
      expectNeutral(block.bn2)
    }
    let basic = ResNet(block: .basic, layers: [2, 1, 1, 1], zeroInitResidual: true)
    for case let block as ResNet.BasicBlock in basic.modules() {
      expectNeutral(block.bn2, weight: 0)
      expectNeutral(block.bn1)
    }
    // A block that begins as its shortcut.
    let x = Tensor.rand(1, 64, 4, 4)
    #expect(basic.layer1(x).toArray(Float.self) == x.toArray(Float.self))
  }

  @Test func denseNetworksBeginAsTorchvisions() {
    let network = DenseNet(growthRate: 16, blockConfig: [2, 2], numInitFeatures: 32, numClasses: 10)
    for module in network.modules() {
      if let conv = module as? Conv2d {
        expectNormal(conv, fan: conv.inChannels * conv.kernelSize[0] * conv.kernelSize[1])
      } else if let norm = module as? BatchNorm2d {
        expectNeutral(norm)
      }
    }
    #expect(network.classifier.inFeatures == 64)
    #expect(network.classifier.bias!.detach().toArray(Float.self) == [Float](repeating: 0, count: 10))
    #expect(network.classifier.weight.detach().abs().max().item() <= 0.125)
  }

  @Test func dropsInTrainingOnly() {
    let network = DenseNet(growthRate: 4, blockConfig: [1], numInitFeatures: 4, dropRate: 0.5, numClasses: 2)
    let x = Tensor.randn(1, 3, 32, 32)
    func zeros() -> Double {
      let y = noGrad { network.features["denseblock1"](Tensor.randn(1, 4, 16, 16)) }
      return (y[0, 4...] .== 0).to(.float32).mean().item()
    }
    #expect(abs(zeros() - 0.5) < 0.1)
    network.eval()
    #expect(zeros() == 0)
    #expect(network(x).toArray(Float.self) == network(x).toArray(Float.self))
  }

  @Test func partsCanBeReplaced() {
    let network = Models.resnet18(numClasses: 10)
    #expect(network.fc.outFeatures == 10)
    network.conv1 = Conv2d(1, 64, kernelSize: 3, padding: 1, bias: false)
    network.maxpool = Identity()
    network.fc = Linear(network.fc.inFeatures, 4)
    network.eval()
    let x = Tensor.randn(2, 1, 16, 16)
    let y = network(x)
    #expect(y.shape == [2, 4])
    // As the documentation has it.
    let trunk = Sequential(network.children().dropLast().compactMap { $0 as? any Layer })
    let features = trunk(x)
    #expect(features.shape == [2, 512, 1, 1])
    #expect(network.fc(features.flatten(from: 1)).toArray(Float.self) == y.toArray(Float.self))

    let dense = Models.densenet121(numClasses: 10)
    #expect(dense.classifier.outFeatures == 10)
    dense.classifier = Linear(dense.classifier.inFeatures, 3)
    #expect(dense.eval()(Tensor.randn(1, 3, 32, 32)).shape == [1, 3])
  }

  @Test func misuseStops() async {
    func expectMessage(_ result: ExitTest.Result?, _ text: String) {
      let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(message.contains(text), "\(message)")
    }
    var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = ResNet(block: .basic, layers: [2, 2, 2])
    }
    expectMessage(result, "Firecrest: ResNet: layers [2, 2, 2] are not four positive numbers")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = ResNet(block: .basic, layers: [2, 2, 2, 2], groups: 32, widthPerGroup: 4)
    }
    expectMessage(result, "Firecrest: ResNet: .basic blocks have one group of 64 channels and no dilation")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = ResNet(block: .bottleneck, layers: [1, 1, 1, 1], replaceStrideWithDilation: [true])
    }
    expectMessage(result, "Firecrest: ResNet: replaceStrideWithDilation needs a value for each of layer2, layer3")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = DenseNet(blockConfig: [3, 0])
    }
    expectMessage(result, "Firecrest: DenseNet: blockConfig [3, 0] is not a list of positive numbers")
  }
}
