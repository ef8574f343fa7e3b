import Firecrest
import FirecrestIO
import Foundation
import Testing

/// Saving and loading the state of modules.
@Suite struct StateTests {
  private func net() -> Sequential {
    Sequential([("fc", Linear(2, 3)), ("norm", BatchNorm1d(3)), ("out", Linear(3, 1))])
  }

  @Test func roundTrip() throws {
    let (a, b) = (net(), net())
    _ = a(Tensor.randn(8, 2))
    let state = a.stateDict()
    let report = try b.load(state)
    #expect(report.isComplete && report.loaded == state.names)
    for (name, tensor) in b.stateDict() {
      #expect(tensor.toArray(Double.self) == state[name]!.toArray(Double.self), "\(name)")
    }
    let x = Tensor.randn(4, 2)
    #expect(a.eval()(x).toArray(Float.self) == b.eval()(x).toArray(Float.self))
    #expect(b.stateDict()["norm.num_batches_tracked"]!.item(as: Int.self) == 1)
  }

  @Test func throughAFile() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("state-\(UUID()).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (a, b) = (net(), net())
    try saveSafetensors(a.stateDict(), to: path)
    // A file has its own order.
    #expect(try b.load(loadSafetensors(path)).isComplete)
    #expect(a.stateDict()["fc.weight"]!.toArray(Float.self) == b.stateDict()["fc.weight"]!.toArray(Float.self))
  }

  /// PyTorch counts batches since 0.4.1 and loads older files.
  @Test func countsOfBatchesMayBeAbsent() throws {
    let (a, b) = (net(), net())
    _ = b(Tensor.randn(8, 2))
    var state = a.stateDict()
    state["norm.num_batches_tracked"] = nil
    #expect(try b.load(state).isComplete)
    #expect(b.stateDict()["norm.num_batches_tracked"]!.item(as: Int.self) == 1)
    state["norm.running_mean"] = nil
    #expect(throws: StateError.self) { try b.load(state) }
  }

  /// Optimizers hold the parameters themselves.
  @Test func loadsInPlace() throws {
    let net = net()
    let parameters = net.parameters()
    let before = parameters.map(\.requiresGrad)
    net["fc"].freeze()
    try net.load(self.net().to(.float64).stateDict())
    #expect(zip(net.parameters(), parameters).allSatisfy { $0 === $1 })
    #expect(net.parameters().allSatisfy { $0.dtype == .float32 && $0.isLeaf })
    #expect(before == [true, true, true, true, true, true])
    #expect(net.parameters().map(\.requiresGrad) == [false, false, true, true, true, true])
  }

  /// The state is a copy: training on does not change it, and changing it does not change the module.
  @Test func stateIsACopy() {
    let net = net()
    let best = net.stateDict()
    let weight = best["fc.weight"]!.toArray(Float.self)
    Init.zeros((net["fc"] as! Linear).weight)
    #expect(best["fc.weight"]!.toArray(Float.self) == weight)
    #expect(best.allSatisfy { !$0.tensor.requiresGrad })
  }

  @Test func strict() throws {
    let net = net()
    let before = net.stateDict()
    var state = self.net().stateDict()
    state["fc.bias"] = nil
    state["out.weight"] = Tensor.zeros(2, 3)
    state["extra"] = Tensor.zeros(1)
    let error = try #require(throws: StateError.self) { try net.load(state) }
    #expect(error.missing == ["fc.bias"])
    #expect(error.unexpected == ["extra"])
    #expect(error.mismatched == [.init("out.weight", expected: "[1, 3]", found: "[2, 3]")])
    #expect(
      error.description
        == """
        Sequential: the state does not fit
          missing: fc.bias
          unexpected: extra
          out.weight: needs [1, 3], found [2, 3]
        """)
    for (name, tensor) in net.stateDict() {
      #expect(tensor.toArray(Double.self) == before[name]!.toArray(Double.self), "\(name)")
    }
  }

  @Test func notStrict() throws {
    let net = net()
    let head = net.stateDict()["out.weight"]!.toArray(Float.self)
    var state = self.net().stateDict()
    state["fc.bias"] = nil
    state["out.weight"] = Tensor.zeros(2, 3)
    state["extra"] = Tensor.zeros(1)
    let report = try net.load(state, strict: false)
    #expect(!report.isComplete)
    #expect(report.missing == ["fc.bias"] && report.unexpected == ["extra"])
    #expect(report.mismatched.map(\.name) == ["out.weight"])
    #expect(report.loaded.count == 7)
    #expect(
      report.description
        == """
        loaded 7 of 9 tensors
          missing: fc.bias
          unexpected: extra
          out.weight: needs [1, 3], found [2, 3]
        """)
    #expect(net.stateDict()["fc.weight"]!.toArray(Float.self) == state["fc.weight"]!.toArray(Float.self))
    #expect(net.stateDict()["out.weight"]!.toArray(Float.self) == head)
  }

  @Test func nonPersistentBuffersStayOut() throws {
    final class Masked: Module {
      @Buffer var step = Tensor.zeros([], dtype: .int64)
      @Buffer(persistent: false) var mask = Tensor.ones(2)
      @Buffer var none: Tensor? = nil
    }
    let module = Masked()
    #expect(module.stateDict().names == ["step"])
    #expect(module.namedBuffers().map(\.name) == ["step", "mask"])
    try module.load(["step": Tensor(4)])
    #expect(module.step.item() == 4)
    #expect(throws: StateError.self) { try module.load(["step": Tensor(4), "mask": Tensor.ones(2)]) }
  }

  /// An old checkpoint of one's own that has the module's own tensors in it.
  @Test func ownTensors() throws {
    let layer = Linear(2, 2)
    let values = layer.weight.toArray(Float.self)
    try layer.load(["weight": layer.weight, "bias": layer.bias!])
    #expect(layer.weight.toArray(Float.self) == values && layer.weight.requiresGrad)
  }

  @Test func namesAPrefix() throws {
    let state = net().stateDict()
    let saved = NamedTensors(state.map { ("module.\($0.name)", $0.tensor) })
    let error = #expect(throws: StateError.self) { try net().load(saved) }
    #expect(error?.description.hasSuffix("\n  help:  load state.removing(prefix: \"module.\")") == true)
    #expect(try net().load(saved.removing(prefix: "module.")).isComplete)
    let one = #expect(throws: StateError.self) { try Linear(2, 3).load(["x.weight": Tensor.ones(3, 2)]) }
    #expect(one?.description.contains("help:") == false)
  }

  @Test func conversionAfterTheOptimizerStops() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let layer = Linear(2, 2)
      let optimizer = SGD(layer.parameters(), lr: 0.1)
      layer.to(.float64)
      layer(Tensor.ones(1, 2, dtype: .float64)).sum().backward()
      optimizer.step()
    }
    expectMessage(result, "SGD: a module has other parameters since to(_:) converted them")
  }
}
