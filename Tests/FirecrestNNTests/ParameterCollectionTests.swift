import Firecrest
import Testing

@Suite struct ParameterCollectionTests {
  private final class Net: Layer {
    let ws: ParameterList = [Tensor.ones(2, 3), Tensor.ones(4)]
    let d = ParameterDict(["b": Tensor.ones(1), "a": Tensor.ones(2, 2, dtype: .float16)])
    func forward(_ x: Tensor) -> Tensor { x * ws[0] }
  }

  @Test func namesAndTraining() throws {
    let net = Net()
    #expect(net.stateDict().names == ["ws.0", "ws.1", "d.a", "d.b"])
    #expect(net.parameters().allSatisfy { $0.requiresGrad })
    let optimizer = SGD([net.ws[0], net.ws[-1]], lr: 0.5)
    net(Tensor.ones(2, 3)).sum().backward()
    optimizer.step()
    #expect(net.ws[0].toArray(Float.self) == Array(repeating: 0.5, count: 6))
    let other = Net()
    try other.load(net.stateDict())
    #expect(other.ws[0].toArray(Float.self) == Array(repeating: 0.5, count: 6))
    net.to(.float64)
    #expect(net.ws.allSatisfy { $0.dtype == .float64 } && net.ws.count == 2)
  }

  @Test func changes() {
    let list = ParameterList()
    #expect(list.isEmpty)
    list.append(Tensor.ones(1))
    list[0] = Tensor.zeros(3)
    #expect(list.count == 1 && list[-1].shape == [3] && list[0].requiresGrad)
    let choices: ParameterDict = ["y": Tensor.ones(1), "x": Tensor.ones(2)]
    choices["z"] = Tensor.ones(3)
    choices["y"] = nil
    choices["x"] = Tensor.zeros(5)
    #expect(choices.keys == ["x", "z"] && choices["x"]?.shape == [5] && choices["y"] == nil && choices.count == 2)
  }

  /// As PyTorch 2.13 prints the same.
  @Test func printing() {
    #expect(
      "\(Net())" == """
        Net(
          (ws): ParameterList(
              (0): Parameter containing: [torch.float32 of size 2x3]
              (1): Parameter containing: [torch.float32 of size 4]
          )
          (d): ParameterDict(
              (a): Parameter containing: [torch.HalfTensor of size 2x2]
              (b): Parameter containing: [torch.FloatTensor of size 1]
          )
        )
        """)
    #expect("\(ParameterList())" == "ParameterList()")
    #expect(
      "\(ParameterList([Tensor(1.0)]))" == "ParameterList(  (0): Parameter containing: [torch.float32 of size ])")
  }

  @Test func misuseStops() async {
    var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = ParameterList([Tensor.ones(1)])[1]
    }
    expectMessage(result, "ParameterList: there is no parameter 1 among 1")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      ParameterDict()["a.b"] = Tensor.ones(1)
    }
    expectMessage(result, "ParameterDict: \"a.b\" cannot be a parameter's name")
  }
}
