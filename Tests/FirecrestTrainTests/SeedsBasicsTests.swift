import Firecrest
import Foundation
import Synchronization
import Testing

/// How often a program paused at `raise(SIGTRAP)`; what a signal handler counts must be global.
private let pauses = Atomic<Int>(0)

/// The blocks of the introduction's chapter "Deep Learning Basics", one test a block. The tests that continue from a
/// block before begin with it.
@Suite struct SeedsBasicsTests {
  final class Net: Layer {
    let fc1 = Linear(10, 10)  // 10 inputs, 10 outputs
    let fc2 = Linear(10, 1)  // 1 output

    func forward(_ x: Tensor) -> Tensor {
      let x = fc1(x).relu()
      return fc2(x)
    }
  }

  @Test func buildingAFeedforwardNetwork() {
    let net = Net()
    #expect(
      "\(net)" == """
        Net(
          (fc1): Linear(in_features=10, out_features=10, bias=True)
          (fc2): Linear(in_features=10, out_features=1, bias=True)
        )
        """)
    #expect(net.parameterCount == 121)
    #expect(net(Tensor.randn(7, 10)).shape == [7, 1])
  }

  /// The blocks from "Preparing the Data" to "Training the Network".
  private func training() -> (net: Net, losses: [Double], log: [String]) {
    let net = Net()
    let inputFeatures = Tensor.randn(100, 10)  // 100 samples of 10 features
    let targetValues = Tensor.randn(100, 1)

    let lossFn = MSELoss()
    let optimizer = SGD(net.parameters(), lr: 0.01)

    var losses: [Double] = []
    var log: [String] = []
    for epoch in 0..<100 {
      let outputs = net(inputFeatures)
      let loss = lossFn(outputs, targetValues)
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      losses.append(loss.item())
      if epoch % 10 == 0 { log.append("Epoch: \(epoch), Loss: \(loss.item())") }
    }
    return (net, losses, log)
  }

  @Test func trainingAFeedforwardNetwork() {
    let (_, losses, log) = training()
    #expect(log.count == 10 && log[0] == "Epoch: 0, Loss: \(losses[0])" && log[9].hasPrefix("Epoch: 90, Loss: "))
    // All samples in every step, and small steps: the loss falls each time.
    #expect(zip(losses, losses.dropFirst()).allSatisfy { $0 > $1 })
    #expect(losses[99] < 0.98 * losses[0])
  }

  @Test func evaluatingAFeedforwardNetwork() {
    let (net, losses, _) = training()
    let lossFn = MSELoss()
    let testFeatures = Tensor.randn(50, 10)
    let testTargets = Tensor.randn(50, 1)

    let testOutputs = noGrad { net(testFeatures) }
    let testLoss = lossFn(testOutputs, testTargets)

    #expect(testOutputs.shape == [50, 1] && !testOutputs.requiresGrad && testOutputs.gradFn == nil)
    #expect(!testLoss.requiresGrad && "Test Loss: \(testLoss.item())".hasPrefix("Test Loss: "))
    // The targets are noise of variance 1, which no network foresees.
    #expect(testLoss.item() > 0.2 && testLoss.item() < 5 && losses[99] < 5)
    let errors = zip(testOutputs.toArray(Double.self), testTargets.toArray(Double.self)).map { ($0 - $1) * ($0 - $1) }
    #expect(abs(testLoss.item() - errors.reduce(0, +) / 50) < 1e-5)
  }

  @Test func computationalGraph() {
    let a = Tensor([2.0], requiresGrad: true)
    let b = Tensor([3.0], requiresGrad: true)
    let f = (a * b) + b
    f.backward()
    #expect("\(a.grad!)" == "tensor([3.])")  // df/da
    #expect("\(b.grad!)" == "tensor([3.])")  // df/db
    #expect(f.gradFn == "AddBackward0")
  }

  final class MultiLayer: Layer {
    let hidden = Linear(10, 20)
    let output = Linear(20, 1)
    let relu = ReLU()

    func forward(_ x: Tensor) -> Tensor {
      var x = hidden(x)
      x = relu(x)
      x = output(x)
      return x
    }
  }

  @Test func buildingANetworkWithModule() {
    let net = MultiLayer()
    #expect(
      "\(net)" == """
        MultiLayer(
          (hidden): Linear(in_features=10, out_features=20, bias=True)
          (output): Linear(in_features=20, out_features=1, bias=True)
          (relu): ReLU()
        )
        """)
    let x = Tensor.randn(5, 10)
    let expected =
      (x.matmul(net.hidden.weight.T) + net.hidden.bias!).clamp(min: 0).matmul(net.output.weight.T) + net.output.bias!
    #expect((net(x) - expected).abs().max().item() < 1e-5)
  }

  /// What the chapter lists as a module's merits.
  @Test func whyModule() throws {
    let net = MultiLayer()
    // Parameter management.
    #expect(net.namedParameters().map(\.name) == ["hidden.weight", "hidden.bias", "output.weight", "output.bias"])
    #expect(net.parameters().map(\.shape) == [[20, 10], [20], [1, 20], [1]])
    // Device management.
    #expect(net.to(.cpu) === net && net.parameters().allSatisfy { $0.device == .cpu })
    // Easy to use with optimizers.
    let optimizer = SGD(net.parameters(), lr: 0.1)
    let x = Tensor.randn(5, 10)
    let before = net.output.bias!.item()
    net(x).sum().backward()
    optimizer.step()
    #expect(abs(net.output.bias!.item() - (before - 0.1 * 5)) < 1e-5)
    // Saving and loading.
    try withFolder { folder in
      try net.save(to: "\(folder)/net.safetensors")
      let other = MultiLayer()
      #expect(other(x).toArray(Float.self) != net(x).toArray(Float.self))
      try other.load(from: "\(folder)/net.safetensors")
      #expect(other(x).toArray(Float.self) == net(x).toArray(Float.self))
    }
    // Training and evaluation mode.
    let dropout = Dropout(p: 0.5)
    let regularized = Sequential(net, dropout)
    #expect(dropout.training)
    regularized.eval()
    #expect(!dropout.training)
    regularized.train()
    #expect(dropout.training)
  }

  final class Paused: Layer {
    let fc = Linear(10, 1)

    func forward(_ x: Tensor) -> Tensor {
      raise(SIGTRAP)  // A debugger stops here.
      let x = fc(x)
      return x
    }
  }

  /// A breakpoint in the code, as `pdb.set_trace()` is one; a signal handler stands for the debugger.
  @Test func debuggingWithABreakpoint() {
    let previous = signal(SIGTRAP) { _ in pauses.add(1, ordering: .relaxed) }
    defer { signal(SIGTRAP, previous) }
    let net = Paused()
    let x = Tensor.randn(3, 10)
    let y = net(x)
    #expect(pauses.load(ordering: .relaxed) == 1 && y.shape == [3, 1])

    // Without a debugger: hooks show what goes into a layer and what comes out.
    var seen: [(input: Shape, output: Tensor)] = []
    let hook = net.fc.registerForwardHook { _, input, output in
      seen.append((input.shape, output))
      return nil
    }
    let z = net(x)
    #expect(seen.count == 1 && seen[0].input == [3, 10] && seen[0].output === z)
    hook.remove()
    _ = net(x)
    #expect(seen.count == 1)
  }

  @Test func drawingNeedsGraphviz() async {
    await #expect(processExitsWith: .success) {
      setenv("PATH", "/nowhere", 1)
      try withFolder { folder in
        let error = #expect(throws: FileError.self) { try makeDot(Tensor(1.0)).render("\(folder)/g", format: .svg) }
        #expect(error?.kind == .system(ENOENT) && error?.help.contains("apt-get install graphviz") == true)
        guard try FileManager.default.contentsOfDirectory(atPath: folder) == ["g"] else { exit(1) }
      }
    }
  }

  @Test func visualizingANetwork() throws {
    let model = Sequential()
    model.append(Linear(8, 16), name: "W0")
    model.append(Tanh(), name: "tanh")
    model.append(Linear(16, 1), name: "W1")

    let x = Tensor.randn(1, 8)
    let y = model(x)

    try withFolder { folder in
      try makeDot(y, params: model.namedParameters()).save(to: "\(folder)/rnn_torchviz.gv")
      #expect(
        try text("\(folder)/rnn_torchviz.gv") == #"""
          digraph {
            node [style=filled shape=box fontname=monospace fontsize=10 height=0.2]
            0 [label="W0.weight\n[16, 8]" fillcolor=lightblue]
            1 [label="W0.bias\n[16]" fillcolor=lightblue]
            2 [label="LinearBackward0" fillcolor=lightgrey]
            0 -> 2
            1 -> 2
            3 [label="TanhBackward0" fillcolor=lightgrey]
            2 -> 3
            4 [label="W1.weight\n[1, 16]" fillcolor=lightblue]
            5 [label="W1.bias\n[1]" fillcolor=lightblue]
            6 [label="LinearBackward0" fillcolor=lightgrey]
            3 -> 6
            4 -> 6
            5 -> 6
            7 [label="[1, 1]" fillcolor=darkolivegreen1]
            6 -> 7
          }

          """#)
      // Where Graphviz is, as the text says to install it.
      guard let search = ProcessInfo.processInfo.environment["PATH"],
        search.split(separator: ":").contains(where: { FileManager.default.isExecutableFile(atPath: "\($0)/dot") })
      else { return print("without Graphviz no picture is drawn") }
      try makeDot(y, params: model.namedParameters()).render("\(folder)/rnn_torchviz", format: .png)
      let picture = try loadImage("\(folder)/rnn_torchviz.png", mode: .rgb)
      #expect(picture.shape[1] > 100 && picture.shape[2] > 50)
    }
  }
}
