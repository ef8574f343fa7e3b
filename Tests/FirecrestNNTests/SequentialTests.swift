import Firecrest
import TestSupport
import Testing

@Suite struct SequentialTests {
  @Test func spellings() {
    let names = ["0.weight", "0.bias", "2.weight", "2.bias"]
    let deep = true
    let variadic = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    let array = Sequential([Linear(2, 3), ReLU(), Linear(3, 1)])
    let literal: Sequential = [Linear(2, 3), ReLU(), Linear(3, 1)]
    let built = Sequential {
      Linear(2, 3)
      if deep { ReLU() } else { Tanh() }
      for _ in 0..<1 { Linear(3, 1) }
    }
    for net in [variadic, array, literal, built] {
      #expect(net.stateDict().names == names)
      #expect(net.count == 3 && net(Tensor.ones(4, 2)).shape == [4, 1])
    }
    let named = Sequential([("hidden", Linear(2, 3)), ("act", ReLU()), ("out", Linear(3, 1))])
    #expect(named.stateDict().names == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"])
  }

  @Test func runsInOrder() {
    let (a, b) = (Linear(2, 3), Linear(3, 1))
    let x = Tensor.randn(5, 2)
    let expected = b(a(x).relu())
    #expect(difference(Sequential(a, ReLU(), b)(x), expected) == nil)
    #expect(Sequential()(x) === x)
  }

  @Test func access() {
    let net = Sequential([("fc", Linear(2, 3)), ("act", ReLU())])
    #expect(net[0] === net["fc"] && net[-1] === net["act"])
    net[1] = Tanh()
    #expect(net["act"] is Tanh)
    net["fc"] = Linear(2, 5)
    net.append(Linear(5, 1), name: "out")
    net.append(Sigmoid())
    #expect(net.stateDict().names == ["fc.weight", "fc.bias", "out.weight", "out.bias"])
    #expect(net.count == 4 && !net.isEmpty && net["3"] is Sigmoid)
    #expect(net.map { String(describing: type(of: $0)) } == ["Linear", "Tanh", "Linear", "Sigmoid"])
    let part = net[1..<3]
    #expect(part.count == 2 && part["out"] === net[2])
    #expect(net[2...].count == 2 && net[..<1].count == 1)
    #expect(net(Tensor.ones(3, 2)).shape == [3, 1])
  }
}
