import Firecrest
import TestSupport
import Testing

/// Walking modules: modes, freezing, replacing, sharing, conversion, hooks.
@Suite struct ModuleTests {
  final class Block: Layer, ModeDependent {
    var training = true
    let fc: Linear
    var dropout: Dropout? = Dropout(p: 0.5)
    init(_ size: Int) { fc = Linear(size, size) }
    func forward(_ x: Tensor) -> Tensor { fc(x).dropout(p: 0.5, training: training) }
  }

  final class Net: Layer {
    let blocks = [Block(4), Block(4)]
    let byName: [String: any Layer] = ["b": BatchNorm1d(4), "a": Dropout()]
    var fc = Linear(4, 3)
    func forward(_ x: Tensor) -> Tensor {
      var x = x
      for block in blocks { x = block(x) }
      return fc(byName["b"]!(x))
    }
  }

  private func modes(_ module: any Module) -> [Bool] {
    module.modules().compactMap { ($0 as? any ModeDependent)?.training }
  }

  @Test func trainAndEval() {
    let net = Net()
    #expect(modes(net) == [true, true, true, true, true, true])
    let same: Net = net.eval()
    #expect(same === net && modes(net) == [false, false, false, false, false, false])
    net.blocks[1].train()
    #expect(modes(net) == [false, false, true, true, false, false])
    net.train(true)
    #expect(!modes(net).contains(false))
  }

  @Test func members() {
    let net = Net()
    #expect(
      net.namedChildren().map(\.name) == ["blocks.0", "blocks.1", "by_name.a", "by_name.b", "fc"])
    #expect(
      net.namedModules().map(\.name) == [
        "", "blocks.0", "blocks.0.fc", "blocks.0.dropout", "blocks.1", "blocks.1.fc", "blocks.1.dropout", "by_name.a",
        "by_name.b", "fc",
      ])
    #expect(net.submodule("blocks.1.fc") === net.blocks[1].fc)
    #expect(net.submodule("blocks.2") == nil)
    #expect(net.submodule("") === net)
    #expect(
      net.namedBuffers().map(\.name)
        == ["running_mean", "running_var", "num_batches_tracked"].map { "by_name.b.\($0)" })
    #expect(net.parameterCount == 2 * 20 + 8 + 15)
    net.blocks[0].dropout = nil
    #expect(net.blocks[0].children().count == 1)
  }

  @Test func applyVisitsChildrenFirst() {
    let net = Net()
    var names: [String] = []
    net.apply { names.append(String(describing: type(of: $0))) }
    #expect(
      names == [
        "Linear", "Dropout", "Block", "Linear", "Dropout", "Block", "Dropout", "BatchNorm1d", "Linear", "Net",
      ])
    net.apply { if let layer = $0 as? Linear { Init.constant(layer.weight, 2) } }
    #expect(net.blocks[1].fc.weight.toArray(Float.self) == Array(repeating: 2, count: 16))
  }

  @Test func replacedLayerIsSeen() {
    let net = Net()
    net.fc = Linear(4, 10)
    #expect(net.stateDict()["fc.weight"]!.shape == [10, 4])
    #expect(net.parameters().last! === net.fc.bias!)
    #expect("\(net)".contains("(fc): Linear(in_features=4, out_features=10, bias=True)"))
    #expect(net(Tensor.randn(2, 4)).shape == [2, 10])
    net.fc.bias = nil
    #expect(net.namedParameters().last!.name == "fc.weight")
    #expect(net(Tensor.randn(2, 4)).shape == [2, 10])
  }

  @Test func freezing() {
    let net = Net()
    net.freeze()
    net.fc = Linear(4, 10)
    #expect(net.parameters().filter(\.requiresGrad).count == 2)
    net(Tensor.randn(3, 4)).sum().backward()
    #expect(net.fc.weight.grad != nil && net.blocks[0].fc.weight.grad == nil)
    // What takes a frozen parameter's place is frozen too.
    net.blocks[0].fc.weight = Tensor.ones(4, 4)
    #expect(!net.blocks[0].fc.weight.requiresGrad)
    net.unfreeze()
    #expect(net.parameters().allSatisfy { $0.requiresGrad })
    net(Tensor.randn(3, 4)).sum().backward()
    net.zeroGrad()
    #expect(net.parameters().allSatisfy { $0.grad == nil })
  }

  @Test func sharedParametersStayAsTheyWere() {
    let embed = Embedding(10, 4), decoder = Linear(4, 10, bias: false)
    embed.freeze()
    decoder.weight = embed.weight
    #expect(!embed.weight.requiresGrad && decoder.weight === embed.weight)
    let other = Embedding(10, 4), frozen = Linear(4, 10, bias: false).freeze()
    frozen.weight = other.weight
    #expect(other.weight.requiresGrad)
    frozen.freeze()
    frozen.weight = Tensor.zeros(10, 4)
    #expect(!frozen.weight.requiresGrad, "what is new is as what was there")
  }

  @Test func parameterBecomesLeaf() {
    let layer = Linear(2, 2)
    let values = Tensor.ones(2, 2)
    layer.weight = values
    #expect(layer.weight === values && values.requiresGrad)
    let computed = Tensor.ones(2, 2, requiresGrad: true) * 3
    layer.weight = computed
    #expect(layer.weight.isLeaf && layer.weight.requiresGrad && layer.weight.toArray(Float.self) == [3, 3, 3, 3])
  }

  @Test func sharing() throws {
    final class Tied: Module {
      let table = Embedding(3, 2)
      let output = Linear(2, 3, bias: false)
      let again: Embedding
      init() {
        again = table
        output.weight = table.weight
      }
    }
    let net = Tied()
    #expect(net.parameters().count == 1 && net.parameterCount == 6)
    #expect(net.namedParameters().map(\.name) == ["table.weight"])
    #expect(net.modules().count == 3)
    #expect(net.stateDict().names == ["table.weight", "output.weight", "again.weight"])
    net.to(.float64)
    #expect(net.output.weight === net.table.weight && net.table.weight.dtype == .float64)
    (net.output(net.table(Tensor([1]))).sum()).backward()
    #expect(net.table.weight.grad === net.output.weight.grad)
    var state = net.stateDict()
    for name in state.names { state[name] = Tensor.full([3, 2], 5.0) }
    try net.load(state)
    #expect(net.output.weight.toArray(Double.self) == [5, 5, 5, 5, 5, 5])
  }

  @Test func conversion() {
    let net = Net()
    net(Tensor.randn(3, 4)).sum().backward()
    net.blocks[0].fc.weight.requiresGrad = false
    net.to(.float64)
    #expect(net.parameters().allSatisfy { $0.dtype == .float64 })
    #expect(net.buffers().map(\.dtype) == [.float64, .float64, .int64])
    #expect(net.fc.weight.grad!.dtype == .float64)
    #expect(!net.blocks[0].fc.weight.requiresGrad && net.blocks[1].fc.weight.requiresGrad)
    #expect(net(Tensor.randn(3, 4, dtype: .float64)).dtype == .float64)
    let weight = net.fc.weight
    #expect(net.to(.cpu).fc.weight === weight)
    #expect(net.to(.float64).fc.weight === weight)
  }

  @Test func forwardHooks() {
    let net = Net().eval()
    nonisolated(unsafe) var shapes: [Shape] = []
    let handle = net.blocks[1].registerForwardHook { layer, x, y in
      #expect(layer === net.blocks[1])
      shapes += [x.shape, y.shape]
      return nil
    }
    _ = net(Tensor.randn(3, 4))
    #expect(shapes == [[3, 4], [3, 4]])
    let doubling = net.fc.registerForwardHook { _, _, y in y * 0 + 7 }
    #expect(net(Tensor.randn(1, 4)).toArray(Float.self) == [7, 7, 7])
    handle.remove()
    _ = net(Tensor.randn(3, 4))
    #expect(shapes.count == 4)
    doubling.remove()
    #expect(net(Tensor.randn(1, 4)).toArray(Float.self) != [7, 7, 7])
    // A hook does not keep its layer.
    weak var gone: Linear?
    do {
      let layer = Linear(2, 2)
      layer.registerForwardHook { _, _, _ in nil }
      gone = layer
    }
    #expect(gone == nil)
    // Nor does what it captured stay once the layer is gone, as soon as any layer is called.
    final class Large {}
    weak var captured: Large?
    do {
      let layer = Linear(2, 2), large = Large()
      layer.registerForwardHook { _, _, _ in
        _ = large
        return nil
      }
      captured = large
    }
    _ = net(Tensor.randn(1, 4))
    #expect(captured == nil)
  }

  @Test func superclassesAndLazyProperties() {
    class Base: Module { let first = Linear(1, 1) }
    final class Derived: Base {
      let second = Linear(1, 1)
      lazy var third = Linear(1, 1)
    }
    let net = Derived()
    #expect(net.namedChildren().map(\.name) == ["first", "second"])
    _ = net.third
    #expect(net.namedChildren().map(\.name) == ["first", "second", "third"])
  }

  /// Plain data of all kinds does not disturb.
  @Test func otherProperties() {
    enum Kind { case small, large(Int) }
    struct Options { var name = "x", sizes = [1, 2], window = 0..<3, kind = Kind.large(3) }
    final class Helper { let tensor = Tensor.ones(2) }
    final class Plain: Module {
      let options = Options(), kind = Kind.small, shape: Shape = [2, 3], dtype = DType.float32
      let pair = (1, "two"), words = ["a": 1], counts = Array(0..<10_000), nothing: Linear? = nil
      let generator = Generator(seed: 1), helper = Helper(), closure: (Tensor) -> Tensor = { $0 }
      let inline = InlineArray<4, Int>(repeating: 1), memory = UnsafeMutablePointer<Int>.allocate(capacity: 1)
      let fc = Linear(1, 1)
      deinit { memory.deallocate() }
    }
    #expect(Plain().namedParameters().map(\.name) == ["fc.weight", "fc.bias"])
    #expect("\(Plain())" == "Plain(\n  (fc): Linear(in_features=1, out_features=1, bias=True)\n)")
  }

  @Test func bufferBeforeItIsSet() async {
    final class Late: Module { @Buffer(persistent: false) var mask: Tensor }
    #expect(Late().stateDict().isEmpty && Late().buffers().isEmpty)
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { _ = Late().mask },
      "Firecrest: Buffer: read before a tensor was set")
  }
}
