import Firecrest
import Foundation
import TestSupport
import Testing

/// The blocks of the introduction's chapter on convolutional networks ("Building CNNs"), one test a block. Where a block
/// takes CIFAR-10's images of 3 by 32 by 32, digits enlarged to that size stand for them.
@Suite struct SeedsConvolutionTests {
  @Test func convolution() {
    let inputs = Tensor.ones(1, 1, 3, 3)
    let filters = Tensor.ones(1, 1, 2, 2)
    let outputs = conv2d(inputs, filters, stride: 1, padding: 0)
    #expect("\(outputs)" == "tensor([[[[4., 4.],\n          [4., 4.]]]])")
  }

  @Test func maxPooling() {
    let inputs = Tensor([[[[1.0, 2, 1, 2], [2, 4, 2, 1], [1, 2, 4, 2], [2, 1, 2, 1]]]])
    let m = MaxPool2d(kernelSize: 2, stride: 2)
    let output = m(inputs)
    #expect("\(output)" == "tensor([[[[4., 2.],\n          [2., 4.]]]])")
  }

  final class Net: Layer {
    let conv1 = Conv2d(3, 6, kernelSize: 3)  // 3 input channels, 6 output channels, a kernel of 3 by 3
    let conv2 = Conv2d(6, 16, kernelSize: 3)
    let fc1 = Linear(16 * 6 * 6, 120)  // 6 by 6 is what is left of the image
    let fc2 = Linear(120, 84)
    let fc3 = Linear(84, 10)

    func forward(_ x: Tensor) -> Tensor {
      var x = maxPool2d(conv1(x).relu(), kernelSize: [2, 2])
      // One number is enough for a square.
      x = maxPool2d(conv2(x).relu(), kernelSize: 2)
      x = x.view(-1, numFlatFeatures(x))
      x = fc1(x).relu()
      x = fc2(x).relu()
      x = fc3(x)
      return x
    }

    func numFlatFeatures(_ x: Tensor) -> Int {
      let size = x.shape[1...]  // all dimensions but the batch's
      var numFeatures = 1
      for s in size { numFeatures *= s }
      return numFeatures
    }
  }

  @Test func aSimpleCNN() {
    let net = Net()
    #expect(
      "\(net)" == """
        Net(
          (conv1): Conv2d(3, 6, kernel_size=(3, 3), stride=(1, 1))
          (conv2): Conv2d(6, 16, kernel_size=(3, 3), stride=(1, 1))
          (fc1): Linear(in_features=576, out_features=120, bias=True)
          (fc2): Linear(in_features=120, out_features=84, bias=True)
          (fc3): Linear(in_features=84, out_features=10, bias=True)
        )
        """)
    #expect(net.parameterCount == 81_302)
  }

  @Test func aSimpleCNNForwardAndBackward() {
    let net = Net()
    let input = Tensor.randn(1, 3, 32, 32)
    let out = net(input)
    #expect(out.shape == [1, 10])
    #expect("\(out)".hasPrefix("tensor([[") && "\(out)".hasSuffix("grad_fn=<LinearBackward0>)"))

    net.zeroGrad()
    #expect(net.parameters().allSatisfy { $0.grad == nil })
    let gradient = Tensor.randn(1, 10)
    out.backward(gradient: gradient)
    #expect(net.parameters().allSatisfy { $0.grad?.shape == $0.shape })
    // The last bias is added to the output as it is.
    #expect(net.fc3.bias!.grad!.toArray(Float.self) == gradient.toArray(Float.self))
    #expect(net.conv1.weight.grad!.abs().max().item() > 0)
  }

  /// Digits as float32 [count, 3, 32, 32] from −1 to 1, and their classes.
  private func images(train: Bool) -> TensorDataset<(Tensor, Tensor)> {
    let digits = Digits(train: train)
    let images = digits.images.repeatInterleave(4, dim: 2).repeatInterleave(4, dim: 3).expand(-1, 3, -1, -1)
    return TensorDataset((images - 0.5) / 0.5, digits.labels)
  }

  @Test func trainingACNN() {
    let trainloader = DataLoader(images(train: true), batchSize: 2, shuffle: true)

    let net = Net()
    let criterion = CrossEntropyLoss()
    let optimizer = SGD(net.parameters(), lr: 0.001, momentum: 0.9)

    var log: [String] = []
    var losses: [Double] = []
    for epoch in 0..<2 {
      var runningLoss = 0.0
      for (i, data) in trainloader.enumerated() {
        let (inputs, labels) = data

        optimizer.zeroGrad()

        let outputs = net(inputs)
        let loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()

        // Every 120 mini-batches of the 719 here, where the seed has thousands.
        runningLoss += loss.item()
        if i % 120 == 119 {
          log.append(String(format: "[%d, %5d] loss: %.3f", epoch + 1, i + 1, runningLoss / 120))
          losses.append(runningLoss / 120)
          runningLoss = 0
        }
      }
    }
    log.append("Finished Training")

    #expect(log.count == 11 && log.last == "Finished Training")
    #expect(log[0].hasPrefix("[1,   120] loss: 2.") && log[9].hasPrefix("[2,   600] loss: "))
    // Such small steps begin slowly: from ln 10, a guess among ten classes.
    #expect(abs(losses[0] - 2.303) < 0.1 && losses[9] < 0.9 * losses[0], "\(losses)")

    let accuracy = Accuracy()
    noGrad { for (x, y) in DataLoader(images(train: false), batchSize: 100) { accuracy.update(net(x), y) } }
    #expect(accuracy.count == 359 && accuracy.value > 0.3, "\(accuracy.value)")
  }

  /// The means against overfitting that the chapter lists, but for augmentation: a part of the data held out, dropout,
  /// batch normalization, weight decay, and stopping where the loss on the held-out part no longer falls.
  @Test func regularization() throws {
    let parts = randomSplit(Digits(train: true), [0.8, 0.2])
    let (train, validation) = (DataLoader(parts[0], batchSize: 32, shuffle: true), DataLoader(parts[1], batchSize: 287))

    let net = Sequential(
      Conv2d(1, 8, kernelSize: 3), BatchNorm2d(8), ReLU(), Flatten(), Dropout(p: 0.5), Linear(288, 10))
    let criterion = CrossEntropyLoss()
    let optimizer = SGD(net.parameters(), lr: 0.05, momentum: 0.9, weightDecay: 1e-4)

    let stopping = EarlyStopping(patience: 1)
    var best = net.stateDict()
    func validationLoss() -> Double {
      net.eval()
      defer { net.train() }
      let loss = Mean()
      noGrad { for (x, y) in validation { loss.update(criterion(net(x), y).item(), weight: Double(y.elementCount)) } }
      return loss.value
    }
    for _ in 0..<10 {
      for (inputs, labels) in train {
        optimizer.zeroGrad()
        criterion(net(inputs), labels).backward()
        optimizer.step()
      }
      stopping.update(validationLoss())
      if stopping.isBest { best = net.stateDict() }
      if stopping.shouldStop { break }
    }
    try net.load(best)

    #expect(validationLoss() == stopping.best && stopping.best! < 0.5, "\(stopping.best!)")
    let accuracy = Accuracy()
    net.eval()
    noGrad { for (x, y) in DataLoader(Digits(train: false), batchSize: 359) { accuracy.update(net(x), y) } }
    #expect(accuracy.value > 0.85, "\(accuracy.value)")
  }

  /// Runs `body` with files that make_models.py wrote in the place of torchvision's, which are too large for a test.
  private func withTestWeights<R>(_ body: () throws -> R) throws -> R {
    var place = PretrainedWeights.Place()
    place.folder = fixtures.appendingPathComponent("Models").path
    let files = try FileManager.default.contentsOfDirectory(atPath: place.folder)
    for published in ["resnet18-f37072fd", "resnet50-0676ba61", "densenet161-8d451a50"] {
      let file = files.first { $0.split(separator: "-")[0] == published.split(separator: "-")[0] }!
      place.substitutes[published] = String(file.dropLast(4))
    }
    return try PretrainedWeights.$place.withValue(place, operation: body)
  }

  /// The same block stands in the deep-learning track, section 7 ("Transfer Learning").
  @Test func usingAPretrainedNetwork() throws {
    let (images, labels) = self.images(train: true).batch(Array(0..<32))
    try withTestWeights {
      let net = try Models.resnet18(pretrained: true)
      let first = net.conv1.weight.detach().clone()

      // Only the last layer is to be trained.
      for param in net.parameters() { param.requiresGrad = false }

      net.fc = Linear(net.fc.inFeatures, 10)

      let outputs = net(images)
      #expect(outputs.shape == [32, 10])

      #expect(first.toArray(Float.self) == (try Models.resnet18(pretrained: true)).conv1.weight.toArray(Float.self))
      let trained = net.namedParameters().filter(\.tensor.requiresGrad).map(\.name)
      #expect(trained == ["fc.weight", "fc.bias"])
      let before = net.stateDict()
      let optimizer = SGD(net.parameters(), lr: 0.1)
      crossEntropy(outputs, labels).backward()
      optimizer.step()
      let changed = net.stateDict().filter { $0.tensor.toArray(Float.self) != before[$0.name]!.toArray(Float.self) }
      #expect(changed.map(\.name) == trained)
    }
  }

  @Test func advancedArchitectures() throws {
    let (images, _) = self.images(train: true).batch(Array(0..<2))
    try withTestWeights {
      let resnet = try Models.resnet50(pretrained: true)
      let densenet = try Models.densenet161(pretrained: true)
      // What stands in the first file; the second, of old, does not say.
      #expect(resnet.bn1.numBatchesTracked!.item() == 7)

      for net in [resnet, densenet] as [any Layer] {
        let scores = noGrad { net.eval()(images) }
        #expect(scores.shape == [2, 1000] && scores.isFinite().all().item() == 1)
      }
    }
  }
}
