import FirecrestCPU
import FirecrestCore
import FirecrestOptim
import TestSupport
import Testing

/// Optimizers against PyTorch's, step by step over the same gradients.
@Suite(.serialized)
struct OptimizerTests {
  private let goldens = OptimizerGoldens.shared

  /// Parameters and states after 50 steps.
  @Test(arguments: OptimizerCase.all, [DType.float32, .float64])
  func trajectory(of item: OptimizerCase, in dtype: DType) throws {
    let parameters = goldens.parameters(dtype)
    let optimizer = item.make(parameters)
    goldens.run(optimizer, parameters)
    let relative = dtype == .float32 ? item.error : 1e-14
    let state = optimizer.stateDict()
    for i in parameters.indices {
      let prefix = "\(item.name).\(dtype).\(i)"
      let want = goldens.file[prefix]!
      // What matters is the error beside the way that a parameter has gone, some units here.
      let wrong = difference(parameters[i].detach(), want, relative: relative, absolute: relative)
      #expect(wrong == nil, "\(prefix): \(wrong ?? "")")
      for (name, want) in goldens.file where name.hasPrefix(prefix + ".") {
        let got = try #require(state["state.\(i).\(name.dropFirst(prefix.count + 1))"], "\(name)")
        let wrong = difference(got, want, relative: 3 * relative, absolute: relative)
        #expect(wrong == nil, "\(name): \(wrong ?? "")")
      }
    }
  }

  /// Saved after 20 steps, loaded into a new optimizer with other settings: the same bits as without interruption.
  @Test(arguments: OptimizerCase.all)
  func resumes(_ item: OptimizerCase) throws {
    let whole = goldens.parameters(.float32)
    let first = item.make(whole)
    goldens.run(first, whole, 0..<20)
    let saved = first.stateDict()
    let copies = whole.map { $0.detach().clone().requiresGrad(true) }
    goldens.run(first, whole, 20..<50)

    let second = item.make(copies)
    second.groups[0].lr = 17
    try second.load(saved)
    #expect(isSame(second.stateDict(), saved))
    goldens.run(second, copies, 20..<50)
    #expect(bits(copies) == bits(whole))
    #expect(isSame(second.stateDict(), first.stateDict()))
  }

  /// Parameters and gradients with gaps, transposed, or of a half type are updated like any other.
  @Test(arguments: OptimizerCase.all)
  func layouts(_ item: OptimizerCase) {
    let dense = goldens.parameters(.float32)
    let plain = item.make(dense)
    goldens.run(plain, dense)

    let odd = goldens.parameters(.float32).map { noncontiguous($0.detach()).requiresGrad(true) }
    let optimizer = item.make(odd)
    for step in 0..<OptimizerGoldens.steps {
      goldens.setGradients(odd, step: step)
      for parameter in odd where step % 2 == 0 { parameter.grad = parameter.grad.map { noncontiguous($0) } }
      optimizer.step()
    }
    #expect(bits(odd) == bits(dense))
    #expect(isSame(optimizer.stateDict(), plain.stateDict()))
  }

  /// A step of a half type is the float32 step from the same values, rounded.
  @Test(arguments: OptimizerCase.all, [DType.float16, .bfloat16])
  func halfTypes(_ item: OptimizerCase, _ dtype: DType) {
    let half = goldens.parameters(dtype)
    let optimizer = item.make(half)
    let wide = half.map { $0.detach().to(.float32).clone().requiresGrad(true) }
    let reference = item.make(wide)
    for step in 0..<OptimizerGoldens.steps {
      goldens.setGradients(half, step: step)
      for (h, w) in zip(half, wide) { w.grad = h.grad?.to(.float32) }
      optimizer.step()
      reference.step()
      noGrad { for w in wide { w.copy(from: w.detach().to(dtype)) } }
    }
    #expect(half.allSatisfy { $0.dtype == dtype })
    #expect(bits(half) == bits(wide))
    #expect(isSame(optimizer.stateDict(), reference.stateDict()))
  }

  /// One large and several small parameters: the same bits for any number of threads.
  @Test(arguments: OptimizerCase.all)
  func threads(_ item: OptimizerCase) {
    let shapes: [Shape] = [[3], [151, 517], [17, 63], [], [0], [60_003], [64]]
    let generator = Generator(seed: 5)
    let initial = shapes.map { Tensor.randn($0, generator: generator) }
    let gradients = shapes.map { Tensor.randn($0, generator: generator) }
    func run(_ threads: Int) -> Bits {
      let pool = ThreadPool.shared
      let before = pool.count
      defer { pool.count = before }
      pool.count = threads
      let parameters = initial.map { $0.clone().requiresGrad(true) }
      for (parameter, gradient) in zip(parameters, gradients) { parameter.grad = gradient.clone() }
      let optimizer = item.make(parameters)
      for _ in 0..<3 { optimizer.step() }
      return bits(parameters + optimizer.stateDict().map(\.tensor))
    }
    let alone = run(1)
    for count in [2, 3, 7] { #expect(run(count) == alone, "\(count) threads") }
  }

  @Test func groupsHaveTheirOwnSettings() {
    let parameters = goldens.parameters(.float64)
    let alone = goldens.parameters(.float64)
    let optimizer = SGD(
      [ParameterGroup([parameters[0]]), ParameterGroup([parameters[1]], lr: 0.3, weightDecay: 0.2)], lr: 0.01,
      momentum: 0.9)
    optimizer.addGroup(ParameterGroup([parameters[2]], momentum: 0))
    #expect(optimizer.groups.map(\.lr) == [0.01, 0.3, 0.01])
    #expect(optimizer.groups.map(\.momentum) == [0.9, 0.9, 0])
    #expect(optimizer.groups.map(\.weightDecay) == [0, 0.2, 0])
    let single = [
      SGD([alone[0]], lr: 0.01, momentum: 0.9), SGD([alone[1]], lr: 0.3, momentum: 0.9, weightDecay: 0.2),
      SGD([alone[2]], lr: 0.01),
    ]
    for step in 0..<20 {
      if step == 10 {
        optimizer.groups[1].lr = 0.05
        single[1].groups[0].lr = 0.05
      }
      goldens.setGradients(parameters, step: step)
      goldens.setGradients(alone, step: step)
      optimizer.step()
      for other in single { other.step() }
    }
    #expect(bits(parameters) == bits(alone))
  }

  @Test func aParameterWithoutGradientStays() {
    let parameters = goldens.parameters(.float32)
    let optimizer = Adam(parameters)
    goldens.setGradients(parameters, step: 0)
    parameters[1].grad = nil
    let before = bits([parameters[1]])
    optimizer.step()
    #expect(bits([parameters[1]]) == before)
    #expect(!optimizer.stateDict().names.contains { $0.hasPrefix("state.1.") })
    #expect(optimizer.stateDict()["state.0.step"]?.item() == 1)
  }

  @Test func gradientsAreForgotten() throws {
    let parameters = goldens.parameters(.float32)
    let optimizer = SGD(parameters, lr: 0.1)
    goldens.setGradients(parameters, step: 0)
    let kept = try #require(parameters[0].grad)
    optimizer.zeroGrad(setToNil: false)
    #expect(parameters[0].grad === kept && kept.abs().max().item() == 0)
    optimizer.zeroGrad()
    #expect(parameters.allSatisfy { $0.grad == nil })
    optimizer.zeroGrad(setToNil: false)
    #expect(parameters.allSatisfy { $0.grad == nil })
  }

  @Test func aClosureGivesTheLoss() {
    let w = Tensor([3.0, -2.0], dtype: .float64, requiresGrad: true)
    let optimizer = SGD([w], lr: 0.25)
    var losses: [Double] = []
    for _ in 0..<3 {
      let loss = noGrad {
        optimizer.step {
          optimizer.zeroGrad()
          let loss = (w * w).sum()
          loss.backward()
          return loss
        }
      }
      losses.append(loss.item())
    }
    #expect(losses == [13, 3.25, 0.8125])
    #expect(w.toArray(Double.self) == [0.375, -0.25])
  }

  /// A step is a change in place: what was saved for a backward pass before it must not be used after it.
  @Test func aStepCountsAsChange() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let w = Tensor([3.0], requiresGrad: true)
      let x = Tensor([2.0], requiresGrad: true)
      let loss = (w * x).sum()
      w.grad = Tensor([1.0])
      SGD([w], lr: 0.1).step()
      loss.backward()
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("in place"), "\(message)")
  }

  /// In a process of its own, where nobody else takes memory.
  @Test func steadyStateTakesNoMemory() async {
    await #expect(processExitsWith: .success) {
      let parameters = [Tensor.randn([300, 300]), Tensor.randn([300])].map { $0.requiresGrad(true) }
      for parameter in parameters { parameter.grad = Tensor.randn(parameter.shape) }
      let optimizers = [
        SGD(parameters, lr: 0.1, momentum: 0.9), Adam(parameters, amsgrad: true), RMSprop(parameters),
        Adagrad(parameters),
      ]
      for optimizer in optimizers {
        optimizer.step()
        let before = Memory.statistics.allocations
        for _ in 0..<5 { optimizer.step() }
        precondition(Memory.statistics.allocations == before, "\(optimizer)")
      }
    }
  }

  @Test func infiniteParametersStay() {
    let w = Tensor([Float.infinity, 1], shape: [2]).requiresGrad(true)
    w.grad = Tensor([0.5, 0.5] as [Float], shape: [2])
    SGD([w], lr: 0.1).step()
    #expect(w.toArray(Float.self) == [.infinity, 1 - 0.1 * 0.5])
  }

  @Test func printsAsPyTorch() {
    let w = Tensor.zeros([2], requiresGrad: true)
    let adam = """
      AdamW (
      Parameter Group 0
          amsgrad: False
          betas: (0.9, 0.999)
          eps: 1e-08
          lr: 0.001
          maximize: False
          weight_decay: 0.01
      )
      """
    #expect("\(AdamW([w]))" == adam)
    let sgd = """
      SGD (
      Parameter Group 0
          dampening: 0
          lr: 0.1
          maximize: False
          momentum: 0.9
          nesterov: True
          weight_decay: 0
      )
      """
    #expect("\(SGD([w], lr: 0.1, momentum: 0.9, nesterov: true))" == sgd)
  }

  /// An optimizer of one's own, by tensor operations.
  @Test func ownOptimizer() throws {
    final class Heavy: Optimizer {
      init(_ parameters: [Tensor], lr: Double, momentum: Double) {
        super.init([ParameterGroup(parameters)], defaults: [.lr: lr, .momentum: momentum])
      }
      override var stateNames: [String] { ["velocity"] }
      override func update(_ p: Tensor, gradient: Tensor, state: ParameterState, group: ParameterGroup) {
        let velocity = state["velocity"].map { $0 * group.momentum + gradient } ?? gradient.clone()
        state["velocity"] = velocity
        p -= group.lr * velocity
      }
    }
    let (mine, theirs) = (goldens.parameters(.float64), goldens.parameters(.float64))
    let own = Heavy(mine, lr: 0.1, momentum: 0.9)
    goldens.run(own, mine, 0..<20)
    goldens.run(SGD(theirs, lr: 0.1, momentum: 0.9), theirs, 0..<20)
    for (a, b) in zip(mine, theirs) {
      #expect(difference(a.detach(), b.detach(), relative: 1e-13, absolute: 1e-13) == nil)
    }
    let copies = mine.map { $0.detach().clone().requiresGrad(true) }
    let second = Heavy(copies, lr: 1, momentum: 0)
    try second.load(own.stateDict())
    goldens.run(own, mine, 20..<30)
    goldens.run(second, copies, 20..<30)
    #expect(bits(copies) == bits(mine))
  }
}
