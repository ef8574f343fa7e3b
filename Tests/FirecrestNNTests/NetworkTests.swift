import Firecrest
import Testing

/// Whole networks: what they print and what their parameters are called, as PyTorch has it for the same networks.
@Suite struct NetworkTests {
  final class Net: Layer {
    let fc1 = Linear(784, 128), fc2 = Linear(128, 10)
    func forward(_ x: Tensor) -> Tensor { fc2(fc1(x).relu()) }
  }

  final class LeNet: Layer {
    let conv1 = Conv2d(3, 6, kernelSize: 5)
    let pool = MaxPool2d(kernelSize: 2, stride: 2)
    let conv2 = Conv2d(6, 16, kernelSize: 5)
    let fc1 = Linear(400, 120), fc2 = Linear(120, 84), fc3 = Linear(84, 10)

    func forward(_ x: Tensor) -> Tensor {
      let x = pool(conv2(pool(conv1(x).relu())).relu()).view(-1, 400)
      return fc3(fc2(fc1(x).relu()).relu())
    }
  }

  final class Residual: Layer {
    let body: Sequential
    init(_ channels: Int) {
      body = Sequential(
        Conv2d(channels, channels, kernelSize: 3, padding: 1, bias: false), BatchNorm2d(channels))
    }
    func forward(_ x: Tensor) -> Tensor { (x + body(x)).relu() }
  }

  final class ResidualNet: Layer {
    let stem = Conv2d(1, 4, kernelSize: 3, padding: .same)
    let blocks = (0..<3).map { _ in Residual(4) }
    let poolOut = AdaptiveAvgPool2d(1)
    let head = Linear(4, 10)

    func forward(_ x: Tensor) -> Tensor {
      var x = stem(x)
      for block in blocks { x = block(x) }
      return head(poolOut(x).flatten(from: 1))
    }
  }

  /// Parameters of its own, declared after and between children; names with and without underscores.
  final class Mixed: Module {
    let innerLayer = Linear(2, 3)
    @Parameter var scaleFactor = Tensor.ones(3)
    @Buffer var stepCount = Tensor.zeros([], dtype: .int64)
    @Buffer(persistent: false) var cache = Tensor.zeros(5)
    let W_q = Linear(3, 3, bias: false)
    @Parameter var shift: Tensor? = nil
    @Parameter var offset = Tensor.zeros(2, 2)
  }

  final class Branches: Module {
    let branches: [String: any Layer] = [
      "right": Sequential(Linear(2, 3), ReLU()), "left": Linear(2, 3),
    ]
    let empty: [any Module] = []
    let mixed: [any Layer] = [ReLU(), Linear(2, 2), Linear(2, 2), Tanh()]
  }

  /// One module under two names, and one parameter in two modules.
  final class Shared: Module {
    let encoder: Linear
    let decoder: Linear
    let table = Embedding(4, 4)
    let output = Linear(4, 4, bias: false)
    init() {
      encoder = Linear(4, 4)
      decoder = encoder
      output.weight = table.weight
    }
  }

  class Base: Module {
    let first = Linear(2, 2)
    @Parameter var gain = Tensor.ones(2)
    var extraDescription: String { "" }
  }

  final class Derived: Base {
    let second = Linear(2, 1)
    @Parameter var bias = Tensor.zeros(1)
    override var extraDescription: String { "two\nlines" }
  }

  final class Noted: Module {
    let act = ReLU()
    var extraDescription: String { "size=3" }
  }

  final class Empty: Module {}

  static func make(_ name: String) -> (any Module)? {
    switch name {
    case "mlp": Net()
    case "lenet": LeNet()
    case "residual": ResidualNet()
    case "mixed": Mixed()
    case "branches": Branches()
    case "shared": Shared()
    case "derived": Derived()
    case "noted": Noted()
    case "empty": Empty()
    case "sequential":
      Sequential(Linear(784, 128), ReLU(), Dropout(p: 0.2), Linear(128, 10), LogSoftmax(dim: 1))
    case "named":
      Sequential([
        ("fc", Linear(3, 4)), ("norm", BatchNorm1d(4)), ("inner", Sequential(Linear(4, 4), Tanh())),
      ])
    case "nothing": Sequential()
    case "cnn":
      Sequential {
        Conv2d(1, 32, kernelSize: 3, padding: 1)
        ReLU()
        MaxPool2d(kernelSize: 2)
        Conv2d(32, 64, kernelSize: 3, padding: 1)
        ReLU()
        MaxPool2d(kernelSize: 2)
        Flatten()
        Linear(3136, 128)
        ReLU()
        Dropout(p: 0.5)
        Linear(128, 10)
      }
    default: nil
    }
  }

  @Test(arguments: NNGolden.shared.networks.map(\.name)) func asInPyTorch(_ name: String) throws {
    let golden = try #require(NNGolden.shared.networks.first { $0.name == name })
    let network = try #require(Self.make(name))
    #expect("\(network)" == golden.repr)
    let state = network.stateDict()
    #expect(state.names == golden.state.map(\.name))
    #expect(state.map(\.tensor.shape) == golden.state.map(\.shape))
    #expect(network.namedParameters().map(\.name) == golden.names)
    #expect(network.parameterCount == golden.parameters)
  }

  @Test func snakeCase() {
    final class Names: Module {
      @Parameter var attnQKV = Tensor.ones(1)
      @Parameter var inQKVProj = Tensor.ones(1)
      @Parameter var weightIhL0 = Tensor.ones(1)
      @Parameter var W = Tensor.ones(1)
      @Parameter var Wq = Tensor.ones(1)
      @Parameter var fc1 = Tensor.ones(1)
      @Parameter var hidden2Out = Tensor.ones(1)
      @Parameter var hidden2out = Tensor.ones(1)
      @Parameter var W_Query = Tensor.ones(1)
    }
    #expect(
      Names().stateDict().names == [
        "attn_qkv", "in_qkv_proj", "weight_ih_l0", "W", "Wq", "fc1", "hidden2_out", "hidden2out", "W_Query",
      ])
  }
}
