import Firecrest
import TestSupport
import Testing

/// Every layer and loss against PyTorch's: printing, names, results, gradients and what becomes of the buffers.
@Suite struct LayerTests {
  @Test(arguments: NNGolden.shared.layers) func asInPyTorch(_ golden: NNGolden.LayerCase) throws {
    let module = try #require(makeLayer(golden.name), "no layer for \(golden.name)")
    // PyTorch prints nothing of a loss's options.
    #expect("\(module)" == golden.repr)
    module.to(.float64)
    module.train(golden.training)
    try module.load(NamedTensors(golden.state))
    let inputs = golden.inputs.enumerated().map { i, x in
      golden.gradients["input.\(i)"] == nil ? x : x.clone().requiresGrad(true)
    }
    var output = golden.outputs
    for _ in 0..<golden.calls { output = try call(module, inputs) }
    #expect(difference(output, golden.outputs, relative: 1e-11, absolute: 1e-12) == nil)
    if output.requiresGrad { output.backward(gradient: golden.cotangent) }
    #expect(output.requiresGrad == !golden.gradients.isEmpty)
    var gradients = Dictionary(uniqueKeysWithValues: module.namedParameters().map { ($0.name, $0.tensor.grad) })
    for (i, x) in inputs.enumerated() { gradients["input.\(i)"] = x.grad }
    for (name, expected) in golden.gradients {
      let actual = try #require(gradients[name] ?? nil, "no gradient of \(name)")
      // PyTorch's gradient of hardsigmoid has 1/6 in single precision.
      let relative = golden.name == "hardsigmoid" ? 1e-7 : 1e-10
      #expect(difference(actual, expected, relative: relative, absolute: 1e-11) == nil, "\(name)")
    }
    let buffers = module.namedBuffers()
    #expect(Set(buffers.map(\.name)) == Set(golden.buffers.keys))
    for (name, buffer) in buffers {
      let expected = try #require(golden.buffers[name])
      #expect(difference(buffer, expected, relative: 1e-12, absolute: 1e-13) == nil, "\(name)")
    }
  }

  private func call(_ module: any Module, _ inputs: [Tensor]) throws -> Tensor {
    switch module {
    case let layer as any Layer: layer(inputs[0])
    case let loss as any Loss: loss(inputs[0], inputs[1])
    case let layer as Bilinear: layer(inputs[0], inputs[1])
    case let loss as GaussianNLLLoss: loss(inputs[0], inputs[1], inputs[2])
    case let loss as MarginRankingLoss: loss(inputs[0], inputs[1], inputs[2])
    case let loss as CosineEmbeddingLoss: loss(inputs[0], inputs[1], inputs[2])
    default: try #require(nil, "\(module) cannot be called")
    }
  }

  @Test func dropoutInTraining() async {
    // In a process of its own, where no other test draws from the shared generator.
    await #expect(processExitsWith: .success) {
      manualSeed(3)
      let x = Tensor.ones(64, 8, 4, 4)
      let y = Dropout(p: 0.25)(x).toArray(Double.self)
      #expect(Set(y) == [0, Double(Float(1 / 0.75))])
      let kept = Double(y.count { $0 != 0 }) / Double(y.count)
      #expect(abs(kept - 0.75) < 0.02)
      // Whole channels.
      let sums = Set(Dropout2d(p: 0.5)(x).sum(dims: [2, 3]).toArray(Double.self))
      #expect(sums == [0, 32])
      let rows = Set(Dropout1d(p: 0.5)(Tensor.ones(64, 8)).sum(dim: 1).toArray(Double.self))
      #expect(rows == [0, 16])
      let signals = Set(Dropout1d(p: 0.5)(Tensor.ones(64, 8, 4)).sum(dim: 2).toArray(Double.self))
      #expect(signals == [0, 8])
      let alpha = AlphaDropout(p: 0.3)(Tensor.randn(20_000))
      #expect(abs(alpha.mean().item()) < 0.05 && abs(alpha.std().item() - 1) < 0.05)
      #expect(Set(FeatureAlphaDropout(p: 0.5)(Tensor.zeros(64, 8, 3)).sum(dim: 2).toArray(Float.self)).count == 2)
    }
  }

  @Test func paddingRowBeginsAsZeros() {
    let layer = Embedding(5, 3, paddingIndex: -2)
    #expect(layer.paddingIndex == 3)
    #expect(layer.weight[3].toArray(Double.self) == [0, 0, 0])
    #expect(layer.weight[2].abs().sum().item() > 0)
    let table = Tensor.arange(6.0).view(3, 2)
    let fixed = Embedding(weight: table)
    #expect(fixed.weight === table && !table.requiresGrad)
    #expect(fixed(Tensor([2, 0])).toArray(Double.self) == [4, 5, 0, 1])
    #expect(Embedding(weight: Tensor.ones(2, 2), freeze: false).weight.requiresGrad)
  }

  @Test func batchNormInHalf() {
    let norm = BatchNorm1d(2).to(.bfloat16)
    #expect(norm.numBatchesTracked?.dtype == .int64)
    #expect(norm(Tensor.randn(8, 2, dtype: .bfloat16)).dtype == .bfloat16)
  }
}
