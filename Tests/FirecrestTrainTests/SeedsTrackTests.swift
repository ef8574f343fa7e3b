import Firecrest
import Foundation
import Testing

/// A folder with MNIST's files, where `FIRECREST_DATA` names one.
private let mnistFolder: String? = Settings.dataFolder.flatMap { folder in
  [folder, folder + "/mnist", folder + "/MNIST/raw"].first {
    FileManager.default.fileExists(atPath: $0 + "/t10k-images-idx3-ubyte.gz")
  }
}

/// The blocks of the deep-learning track's sections 3 (building networks), 4 (training) and 8 (evaluation and
/// debugging). Digits enlarged to MNIST's 784 pixels stand for MNIST, which the last test takes where it is there.
@Suite struct SeedsTrackTests {
  final class SimpleNN: Layer {
    let fc1: Linear
    let fc2: Linear

    init(_ inputSize: Int, _ hiddenSize: Int, _ outputSize: Int) {
      fc1 = Linear(inputSize, hiddenSize)
      fc2 = Linear(hiddenSize, outputSize)
    }

    func forward(_ x: Tensor) -> Tensor {
      var x = fc1(x).relu()
      x = fc2(x)
      return x
    }
  }

  @Test func theModuleFramework() {
    let model = SimpleNN(784, 128, 10)
    #expect(
      "\(model)" == """
        SimpleNN(
          (fc1): Linear(in_features=784, out_features=128, bias=True)
          (fc2): Linear(in_features=128, out_features=10, bias=True)
        )
        """)
    #expect(model.parameterCount == 101_770)
    #expect(model.stateDict().names == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"])
    #expect(model(Tensor.randn(64, 784)).shape == [64, 10])
  }

  @Test func commonLayerTypes() {
    #expect(Linear(8, 3)(Tensor.randn(2, 8)).shape == [2, 3])
    #expect(Conv2d(1, 32, kernelSize: 3, padding: 1)(Tensor.randn(2, 1, 28, 28)).shape == [2, 32, 28, 28])
    let dropped = Dropout(p: 0.5)(Tensor.ones(1000))
    #expect(Set(dropped.toArray(Float.self)) == [0, 2])
    let columns = BatchNorm1d(4)(Tensor.randn(50, 4) * 3 + 7)
    #expect(columns.mean(dim: 0).abs().max().item() < 1e-4)
    #expect((columns.square().mean(dim: 0) - 1).abs().max().item() < 1e-3)
    let channels = BatchNorm2d(4)(Tensor.randn(5, 4, 6, 6) * 3 + 7)
    #expect(channels.mean(dims: [0, 2, 3]).abs().max().item() < 1e-4)
  }

  /// Digits as float32 [count, 784], and their classes.
  private func loader(train: Bool) -> DataLoader<(Tensor, Tensor)> {
    let digits = Digits(train: train)
    let images = digits.images.repeatInterleave(3, dim: 2).repeatInterleave(3, dim: 3).pad([2, 2, 2, 2])
    let data = TensorDataset(images.flatten(from: 1), digits.labels)
    return DataLoader(data, batchSize: 64, shuffle: train)
  }

  /// The block of section 4, with the loss of every step beside it.
  private func training(
    _ trainLoader: DataLoader<(Tensor, Tensor)>, numEpochs: Int
  ) -> (model: SimpleNN, losses: [Double], log: [String]) {
    let model = SimpleNN(784, 128, 10)
    let criterion = CrossEntropyLoss()
    let optimizer = Adam(model.parameters(), lr: 0.001)

    var losses: [Double] = []
    var log: [String] = []
    for epoch in 0..<numEpochs {
      for (batchIdx, (data, target)) in trainLoader.enumerated() {
        // Forward pass
        let output = model(data)
        let loss = criterion(output, target)

        // Backward pass
        optimizer.zeroGrad()
        loss.backward()
        optimizer.step()

        losses.append(loss.item())
        if batchIdx % 100 == 0 {
          log.append("Epoch \(epoch), Loss: " + String(format: "%.4f", loss.item()))
        }
      }
    }
    return (model, losses, log)
  }

  @Test func completeTrainingLoop() {
    let trainLoader = loader(train: true)
    let (_, losses, log) = training(trainLoader, numEpochs: 5)
    #expect(trainLoader.count == 23 && losses.count == 5 * 23)
    #expect(log.count == 5 && log[4] == "Epoch 4, Loss: " + String(format: "%.4f", losses[4 * 23]))
    #expect(abs(losses[0] - 2.303) < 0.3, "ln 10, a guess among ten classes")
    #expect(losses.suffix(23).reduce(0, +) / 23 < 0.6, "\(losses.suffix(23))")
  }

  /// The rule θ = θ − α∇J(θ) that the section states, by hand and by the optimizer.
  @Test func gradientDescent() {
    let theta = Tensor([1.0, -2], requiresGrad: true)
    let optimizer = SGD([theta], lr: 0.1)
    (theta * theta).sum().backward()
    let byHand = noGrad { theta - 0.1 * theta.grad! }
    optimizer.step()
    #expect("\(byHand)" == "tensor([ 0.8000, -1.6000])")
    #expect(theta.toArray(Float.self) == byHand.toArray(Float.self))
  }

  @Test func evaluationMode() {
    let (model, _, _) = training(loader(train: true), numEpochs: 5)
    let testLoader = loader(train: false)

    let accuracy = Accuracy()
    let confusion = ConfusionMatrix(classCount: 10)
    var correct = 0
    model.eval()
    noGrad {
      for (data, target) in testLoader {
        let output = model(data)
        #expect(!output.requiresGrad)
        accuracy.update(output, target)
        confusion.update(output, target)
        correct += (output.argmax(dim: 1) .== target).sum().item(as: Int.self)
      }
    }
    #expect(accuracy.value > 0.75, "\(accuracy.value)")
    #expect(accuracy.correct == correct && accuracy.count == 359)
    #expect(confusion.value.diagonal().sum().item(as: Int.self) == correct)
    #expect(confusion.value.sum(dim: 1).toArray(Int.self) == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36])
  }

  /// In evaluation mode the same input gives the same output, in training mode it does not.
  @Test func evaluationModeTurnsDropoutOff() {
    let model = Sequential(SimpleNN(784, 128, 64), BatchNorm1d(64), Dropout(p: 0.5))
    let x = Tensor.randn(8, 784)
    #expect(model(x).toArray(Float.self) != model(x).toArray(Float.self))
    model.eval()
    #expect(model(x).toArray(Float.self) == model(x).toArray(Float.self))
  }

  @Test func commonDebuggingTechniques() throws {
    let model = SimpleNN(784, 128, 10)
    let (data, target) = try #require(loader(train: true).makeIterator().next())

    // The shapes of tensors, of all layers at once.
    #expect("\(data.shape) \(target.shape)" == "[64, 784] [64]")
    let summary = model.summary(inputShape: data.shape)
    #expect(summary.rows.map(\.outputShape) == [[64, 10], [64, 128], [64, 10]])

    // The flow of gradients.
    crossEntropy(model(data), target).backward()
    for (name, param) in model.namedParameters() {
      let norm = try #require(param.grad, "\(name) has no gradient").norm().item()
      #expect(norm.isFinite && norm > 0, "\(name): \(norm)")
    }

    // Curves of loss and accuracy.
    try withFolder { folder in
      let log = try CSVLog(folder + "/metrics.csv", columns: ["epoch", "train_loss", "test_accuracy"])
      for epoch in 1...3 { try log.append([Double(epoch), 1 / Double(epoch), 1 - 1 / Double(epoch)]) }
      try Curves(CSVTable(folder + "/metrics.csv"), title: "SimpleNN").write(to: folder + "/curves.svg")
      #expect(try text(folder + "/curves.svg").hasPrefix("<svg "))
    }

    // The memory in use.
    let large = Tensor.zeros(1 << 24)
    withExtendedLifetime(large) { #expect(Memory.statistics.inUse >= 1 << 26) }
  }

  /// The sections once more, on MNIST itself.
  @Test(.enabled(if: mnistFolder != nil, "FIRECREST_DATA names no folder with mnist")) func onMNIST() throws {
    func loader(train: Bool) throws -> DataLoader<(Tensor, Tensor)> {
      let mnist = try MNIST(mnistFolder!, train: train)
      return DataLoader(TensorDataset(mnist.images.flatten(from: 1), mnist.labels), batchSize: 64, shuffle: train)
    }
    let testLoader = try loader(train: false)
    let (model, losses, log) = training(try loader(train: true), numEpochs: 1)
    #expect(losses.count == 938 && log.count == 10)
    let accuracy = Accuracy()
    model.eval()
    noGrad { for (data, target) in testLoader { accuracy.update(model(data), target) } }
    #expect(accuracy.count == 10_000 && accuracy.value > 0.93, "\(accuracy.value)")
  }
}
