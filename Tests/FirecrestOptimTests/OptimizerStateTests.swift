import FirecrestCore
import FirecrestOptim
import Testing

/// What a saved state holds, and which states are refused.
struct OptimizerStateTests {
  private let goldens = OptimizerGoldens.shared

  private func trained() -> (Optimizer, [Tensor]) {
    let parameters = goldens.parameters(.float32)
    let optimizer = Adam(
      [ParameterGroup(Array(parameters[..<2])), ParameterGroup([parameters[2]], lr: 0.5)], lr: 0.01)
    goldens.run(optimizer, parameters, 0..<5)
    return (optimizer, parameters)
  }

  @Test func names() {
    let (optimizer, _) = trained()
    let state = optimizer.stateDict()
    let settings = ["lr", "weight_decay", "maximize", "betas.0", "betas.1", "eps", "amsgrad", "params"]
    #expect(
      state.names == [0, 1].flatMap { group in settings.map { "groups.\(group).\($0)" } }
        + [0, 1, 2].flatMap { i in ["step", "exp_avg", "exp_avg_sq"].map { "state.\(i).\($0)" } })
    #expect(state["groups.1.lr"]?.item() == 0.5)
    #expect(state["groups.1.params"]?.toArray(Int.self) == [2])
    #expect(state["state.0.step"]?.item() == 5)
    // Steps without a gradient do not count.
    #expect(state["state.2.step"]?.item() == 3)
    #expect(state["state.0.exp_avg"]?.shape == [5, 7])
  }

  @Test func laterStepsLeaveASavedStateAlone() throws {
    let (optimizer, parameters) = trained()
    let saved = optimizer.stateDict()
    let before = bits(saved.map(\.tensor))
    goldens.run(optimizer, parameters, 5..<10)
    #expect(bits(saved.map(\.tensor)) == before)
    try optimizer.load(saved)
    goldens.run(optimizer, parameters, 5..<10)
    #expect(bits(saved.map(\.tensor)) == before)
  }

  /// Everything wrong is named, and nothing has changed.
  @Test(arguments: 0..<9)
  func refusals(_ kind: Int) throws {
    let (optimizer, _) = trained()
    let before = optimizer.stateDict()
    var state = before
    for (name, tensor) in state where name.hasPrefix("state.") {
      state[name] = tensor + (name.hasSuffix("step") ? 1 : 9)
    }
    let name: String
    switch kind {
    case 0:
      name = "groups.1.eps"
      state[name] = nil
    case 1:
      name = "state.1.exp_avg_sq"
      state[name] = nil
    case 2:
      name = "state.2.step"
      state[name] = nil
    case 3:
      name = "state.0.exp_avg"
      state[name] = Tensor.zeros([7, 5])
    case 4:
      name = "state.0.exp_avg"
      state[name] = Tensor.zeros([5, 7], dtype: .int64)
    case 5:
      name = "groups.0.betas.0"
      state[name] = Tensor.full([], 1.5, dtype: .float64)
    case 6:
      name = "groups.0.params"
      state[name] = Tensor([0, 2], shape: [2])
    case 7:
      name = "state.3.exp_avg"
      state[name] = Tensor.zeros([1])
    default:
      name = "state.1.step"
      state[name] = Tensor.full([], -1, dtype: .int64)
    }
    let error = #expect(throws: StateError.self) { try optimizer.load(state) }
    let named = (error?.missing ?? []) + (error?.unexpected ?? []) + (error?.mismatched.map(\.name) ?? [])
    #expect(named == [name])
    #expect(error?.object == "Adam")
    #expect(isSame(optimizer.stateDict(), before))
  }

  @Test func anotherOptimizersState() {
    let (optimizer, _) = trained()
    let other = SGD(goldens.parameters(.float32), lr: 0.1)
    let before = other.stateDict()
    #expect(throws: StateError.self) { try other.load(optimizer.stateDict()) }
    #expect(isSame(other.stateDict(), before))
  }

  /// What a schedule left in the settings goes where the loaded state has nothing of the kind, as in PyTorch.
  @Test func aStateWithoutASchedule() throws {
    let (plain, _) = trained()
    let (optimizer, _) = trained()
    optimizer.groups[0].lr = 0.25
    _ = StepLR(optimizer, stepSize: 3)
    #expect(optimizer.stateDict()["groups.0.initial_lr"]?.item() == 0.25)
    try optimizer.load(plain.stateDict())
    #expect(isSame(optimizer.stateDict(), plain.stateDict()))
    #expect(LambdaLR(optimizer) { _ in 1 }.baseLRs == plain.groups.map(\.lr))
  }

  /// As in PyTorch, states take on the precision of the parameters that they come to.
  @Test func aStateOfAnotherPrecision() throws {
    let (optimizer, _) = trained()
    let state = optimizer.stateDict()
    let wide = goldens.parameters(.float64)
    let other = Adam([ParameterGroup(Array(wide[..<2])), ParameterGroup([wide[2]], lr: 0.5)], lr: 0.01)
    try other.load(state)
    let loaded = other.stateDict()["state.0.exp_avg"]
    #expect(loaded?.dtype == .float64)
    #expect(loaded?.toArray(Double.self) == state["state.0.exp_avg"]?.toArray(Double.self))
  }

  /// A setting switched on since the last step: its states are saved too, and the resumed run goes the same way.
  @Test func aSettingChangedBeforeSaving() throws {
    let parameters = goldens.parameters(.float64)
    let optimizer = RMSprop(parameters)
    goldens.run(optimizer, parameters, 0..<4)
    optimizer.groups[0].momentum = 0.9
    optimizer.groups[0].centered = true
    let saved = optimizer.stateDict()
    let copies = parameters.map { $0.detach().clone().requiresGrad(true) }
    let second = RMSprop(copies)
    try second.load(saved)
    goldens.run(optimizer, parameters, 4..<9)
    goldens.run(second, copies, 4..<9)
    #expect(bits(copies) == bits(parameters))
  }

  /// Wrong settings stop the program with a message that names them.
  @Test(arguments: 0..<14)
  func misuse(_ kind: Int) async {
    let results = [
      "lr must not be negative", "Nesterov momentum needs a momentum", "Nesterov momentum needs a momentum",
      "betas.1 must be at least 0 and below 1", "momentum must not be negative", "no parameter to optimize",
      "no parameter to optimize", "appears twice", "only leaf tensors", "only floating-point tensors",
      "'momentum', which Adam does not have", "another optimizer's", "lr must not be negative",
      "there is no setting 'betas.0'",
    ]
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [kind] in
      let w = Tensor.zeros([2], requiresGrad: true)
      switch kind {
      case 0: _ = SGD([w], lr: -1)
      case 1: _ = SGD([w], lr: 0.1, nesterov: true)
      case 2: _ = SGD([ParameterGroup([w], dampening: 0.1)], lr: 0.1, momentum: 0.9, nesterov: true)
      case 3: _ = Adam([w], betas: (0.9, 1))
      case 4: _ = RMSprop([w], momentum: -0.1)
      case 5: _ = Adam([] as [Tensor])
      case 6: _ = Adam([] as [ParameterGroup])
      case 7: _ = Adam([w, w])
      case 8: _ = Adam([w * 2])
      case 9: _ = Adam([Tensor([1, 2])])
      case 10: _ = Adam([ParameterGroup([w], momentum: 0.9)])
      case 11:
        let group = ParameterGroup([w])
        _ = (Adam([group]), Adam([group]))
      case 12: SGD([w], lr: 0.1).groups[0].lr = -.ulpOfOne
      default: _ = SGD([w], lr: 0.1).groups[0].betas
      }
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains(results[kind]), "\(message)")
  }

  @Test func refusesParametersThatCannotBeChanged() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = SGD([Tensor.zeros([1]).expand([3]).requiresGrad(true)], lr: 0.1)
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("SGD: several elements of the tensor to be changed lie at the same place"), "\(message)")
  }
}
