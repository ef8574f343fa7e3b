import Firecrest

/// One step of training on a batch that stays the same.
private func training(
  _ network: some Layer, _ optimizer: Optimizer, _ loss: @escaping (Tensor, Tensor) -> Tensor, _ inputs: Tensor,
  _ targets: Tensor
) -> () -> Void {
  return {
    optimizer.zeroGrad()
    loss(network(inputs), targets).backward()
    optimizer.step()
  }
}

/// Training of a network with ten classes on a batch of 64, by Adam.
private func classifier(_ network: some Layer, _ shape: Int...) -> () -> Void {
  training(
    network, Adam(network.parameters()), { crossEntropy($0, $1) }, Tensor.randn(Shape([64] + shape)),
    Tensor.randint(high: 10, [64]))
}

/// The networks of Benchmarks/pytorch_baseline.py: each run is one step.
let networkWorkloads: [Workload] = [
  Workload(name: "qnet-forward") {
    let network = Sequential(Linear(5, 8), ReLU(), Linear(8, 2))
    let state = Tensor.randn(1, 5)
    return { noGrad { _ = network(state) } }
  },
  Workload(name: "mlp-regression") {
    let network = Sequential(Linear(10, 10), ReLU(), Linear(10, 1))
    return training(
      network, SGD(network.parameters(), lr: 0.01), { mseLoss($0, $1) }, Tensor.randn(100, 10), Tensor.randn(100, 1))
  },
  Workload(name: "mlp-mnist") { classifier(Sequential(Linear(784, 128), ReLU(), Linear(128, 10)), 784) },
  Workload(name: "lenet-cifar") { classifier(LeNet(), 3, 32, 32) },
  Workload(name: "cnn-mnist") {
    classifier(
      Sequential(
        Conv2d(1, 32, kernelSize: 3, padding: 1), ReLU(), MaxPool2d(kernelSize: 2),
        Conv2d(32, 64, kernelSize: 3, padding: 1), ReLU(), MaxPool2d(kernelSize: 2),
        Flatten(), Linear(3136, 128), ReLU(), Dropout(p: 0.5), Linear(128, 10)), 1, 28, 28)
  },
  Workload(name: "gan-mnist", build: adversaries),
  Workload(name: "vae-mnist") {
    let network = Autoencoder()
    let images = Tensor.rand(128, 784)
    let optimizer = Adam(network.parameters())
    return {
      optimizer.zeroGrad()
      let (made, mean, logVariance) = network(images)
      let distance = binaryCrossEntropy(made, images, reduction: .sum)
      let divergence = -0.5 * (1 + logVariance - mean.square() - logVariance.exp()).sum()
      (distance + divergence).backward()
      optimizer.step()
    }
  },
]

private final class LeNet: Layer {
  let conv1 = Conv2d(3, 6, kernelSize: 5)
  let conv2 = Conv2d(6, 16, kernelSize: 5)
  let pool = MaxPool2d(kernelSize: 2, stride: 2)
  let fc1 = Linear(400, 120)
  let fc2 = Linear(120, 84)
  let fc3 = Linear(84, 10)

  func forward(_ x: Tensor) -> Tensor {
    var x = pool(conv1(x).relu())
    x = pool(conv2(x).relu())
    x = fc1(x.view(-1, 400)).relu()
    return fc3(fc2(x).relu())
  }
}

private final class Autoencoder: Module {
  let fc1 = Linear(784, 400)
  let fc21 = Linear(400, 20)
  let fc22 = Linear(400, 20)
  let fc3 = Linear(20, 400)
  let fc4 = Linear(400, 784)

  func callAsFunction(_ x: Tensor) -> (Tensor, Tensor, Tensor) {
    let hidden = fc1(x).relu()
    let mean = fc21(hidden)
    let logVariance = fc22(hidden)
    let z = mean + Tensor.randn(like: logVariance) * (0.5 * logVariance).exp()
    return (fc4(fc3(z).relu()).sigmoid(), mean, logVariance)
  }
}

/// One step of the discriminator on real and on generated images, then one of the generator.
private func adversaries() -> () -> Void {
  let generator = Sequential(
    Linear(100, 128), ReLU(), Linear(128, 256), ReLU(), Linear(256, 512), ReLU(), Linear(512, 784), Tanh())
  let discriminator = Sequential(
    Linear(784, 512), LeakyReLU(0.2), Linear(512, 256), LeakyReLU(0.2), Linear(256, 1), Sigmoid())
  let generatorSteps = Adam(generator.parameters(), lr: 2e-4)
  let discriminatorSteps = Adam(discriminator.parameters(), lr: 2e-4)
  let images = Tensor.rand(64, 784)
  return {
    let real = Tensor.ones(64, 1)
    let fake = Tensor.zeros(64, 1)
    discriminator.zeroGrad()
    binaryCrossEntropy(discriminator(images), real).backward()
    let made = generator(Tensor.randn(64, 100))
    binaryCrossEntropy(discriminator(made.detach()), fake).backward()
    discriminatorSteps.step()
    generator.zeroGrad()
    binaryCrossEntropy(discriminator(made), real).backward()
    generatorSteps.step()
  }
}
