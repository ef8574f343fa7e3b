import FirecrestCore
import FirecrestIO
import FirecrestOptim
import TestSupport
import Testing

/// A schedule of schedules.npz, with the settings of make_optim.py.
struct ScheduleCase: CustomTestStringConvertible, Sendable {
  let name: String
  let make: @Sendable (Optimizer) -> any Stateful
  var testDescription: String { name }

  init(_ name: String, _ make: @escaping @Sendable (Optimizer) -> any Stateful) {
    self.name = name
    self.make = make
  }

  /// Two groups with rates of their own.
  func optimizer() -> Optimizer {
    let groups = [0.1, 0.025].map { ParameterGroup([Tensor.zeros([1], requiresGrad: true)], lr: $0) }
    return name == "onecycle_phases" ? Adam(groups) : SGD(groups, lr: 1, momentum: 0.5)
  }

  static let all: [ScheduleCase] = [
    .init("step") { StepLR($0, stepSize: 30) },
    .init("step_gamma") { StepLR($0, stepSize: 7, gamma: 0.9) },
    .init("multistep") { MultiStepLR($0, milestones: [20, 50, 50, 120], gamma: 0.3) },
    .init("exponential") { ExponentialLR($0, gamma: 0.97) },
    .init("cosine") { CosineAnnealingLR($0, tMax: 200) },
    .init("cosine_again") { CosineAnnealingLR($0, tMax: 30, etaMin: 1e-3) },
    .init("onecycle") { OneCycleLR($0, maxLR: 0.5, totalSteps: 200) },
    .init("onecycle_linear") {
      OneCycleLR(
        $0, maxLR: [0.5, 0.1], totalSteps: 220, pctStart: 0.25, annealStrategy: .linear, baseMomentum: [0.8, 0.7],
        maxMomentum: [0.9, 0.95], divFactor: 10, finalDivFactor: 100)
    },
    .init("onecycle_phases") { OneCycleLR($0, maxLR: 0.5, epochs: 20, stepsPerEpoch: 10, threePhase: true) },
    .init("onecycle_calm") { OneCycleLR($0, maxLR: 0.5, totalSteps: 200, cycleMomentum: false) },
    .init("linear") { LinearLR($0) },
    .init("linear_down") { LinearLR($0, startFactor: 1, endFactor: 0.1, totalIters: 150) },
    .init("constant") { ConstantLR($0, factor: 0.3, totalIters: 40) },
    .init("lambda") { LambdaLR($0) { epoch in power(0.95, epoch) } },
    .init("lambda_groups") {
      LambdaLR($0, lrLambdas: [{ 1 / Double(1 + $0) }, { 1 - Double($0) / 400 }])
    },
    .init("warmup_cosine") {
      SequentialLR(
        $0, schedulers: [LinearLR($0, startFactor: 0.1, totalIters: 10), CosineAnnealingLR($0, tMax: 190)],
        milestones: [10])
    },
    .init("sequence") {
      SequentialLR(
        $0,
        schedulers: [
          ConstantLR($0, factor: 0.1, totalIters: 5), ExponentialLR($0, gamma: 0.95), StepLR($0, stepSize: 20),
          LambdaLR($0) { epoch in power(0.99, epoch) }, MultiStepLR($0, milestones: [3, 9]), LinearLR($0),
        ], milestones: [8, 40, 90, 130, 160])
    },
    .init("chained") {
      ChainedScheduler([
        LinearLR($0, startFactor: 0.2, totalIters: 20), ExponentialLR($0, gamma: 0.98),
        StepLR($0, stepSize: 50, gamma: 0.5),
      ])
    },
    .init("plateau") { ReduceLROnPlateau($0, patience: 4) },
    .init("plateau_max") {
      ReduceLROnPlateau(
        $0, mode: .max, factor: 0.5, patience: 2, threshold: 0.05, thresholdMode: .abs, cooldown: 3,
        minLR: [0.01, 0.001])
    },
    .init("plateau_rel") {
      ReduceLROnPlateau($0, mode: .max, factor: 0.7, patience: 3, threshold: 0.01, eps: 1e-3)
    },
    .init("plateau_abs") {
      ReduceLROnPlateau($0, factor: 0.8, patience: 1, threshold: 0.02, thresholdMode: .abs, cooldown: 1)
    },
  ]
}

private func power(_ base: Double, _ exponent: Int) -> Double {
  (0..<exponent).reduce(1) { product, _ in product * base }
}

/// Learning rates against PyTorch's, and taking them up in the middle.
struct ScheduleTests {
  private static let file = try! loadNpz(fixtures.appendingPathComponent("schedules.npz").path)
  private static let measure: [Double] = file["measure"]!.toArray()

  private func advance(_ schedule: any Stateful, _ name: String, step: Int) {
    if let schedule = schedule as? LRScheduler { return schedule.step() }
    let value = Self.measure[step]
    (schedule as! ReduceLROnPlateau).step(["plateau_max", "plateau_rel"].contains(name) ? 1 - value : value)
  }

  private func rates(_ optimizer: Optimizer) -> [Double] { optimizer.groups.map(\.lr) }

  private func momenta(_ optimizer: Optimizer) -> [Double] {
    optimizer.groups.map { $0.has(.beta1) ? $0.betas.0 : $0.momentum }
  }

  @Test(arguments: ScheduleCase.all)
  func rates(of item: ScheduleCase) throws {
    let optimizer = item.optimizer()
    let schedule = item.make(optimizer)
    let want = try #require(Self.file[item.name])
    let wantMomenta = Self.file[item.name + ".momentum"]
    for step in 0..<want.shape[0] {
      let row: [Double] = want[step].toArray()
      #expect(isClose(rates(optimizer), row), "step \(step): \(rates(optimizer)), not \(row)")
      if let row = wantMomenta?[step].toArray(Double.self) {
        #expect(isClose(momenta(optimizer), row), "step \(step): \(momenta(optimizer)), not \(row)")
      }
      advance(schedule, item.name, step: step)
      let last = (schedule as? LRScheduler)?.lastLR ?? (schedule as! ReduceLROnPlateau).lastLR
      #expect(last == rates(optimizer))
    }
  }

  private func isClose(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-13 * abs($1) + 1e-18 }
  }

  /// Saved at any step, taken up with new objects: the same bits to the end.
  @Test(arguments: ScheduleCase.all)
  func resumes(_ item: ScheduleCase) throws {
    let optimizer = item.optimizer()
    let schedule = item.make(optimizer)
    var states: [Int: (NamedTensors, NamedTensors)] = [:]
    var values: [[Double]] = []
    for step in 0..<190 {
      if [0, 1, 9, 10, 37, 100].contains(step) { states[step] = (optimizer.stateDict(), schedule.stateDict()) }
      values.append(rates(optimizer) + momenta(optimizer))
      advance(schedule, item.name, step: step)
    }
    for (start, saved) in states {
      let optimizer = item.optimizer()
      let schedule = item.make(optimizer)
      try optimizer.load(saved.0)
      try schedule.load(saved.1)
      #expect(isSame(schedule.stateDict(), saved.1))
      for step in start..<190 {
        #expect(rates(optimizer) + momenta(optimizer) == values[step], "from \(start), step \(step)")
        advance(schedule, item.name, step: step)
      }
    }
  }

  /// A state that lacks an entry, has one too many or a wrong one is refused, and nothing changes.
  @Test(arguments: ScheduleCase.all)
  func refusals(_ item: ScheduleCase) throws {
    let optimizer = item.optimizer()
    let schedule = item.make(optimizer)
    let initial = schedule.stateDict()
    for step in 0..<12 { advance(schedule, item.name, step: step) }
    let later = schedule.stateDict()
    let fresh = item.make(item.optimizer())
    for name in later.names {
      var damaged = later
      damaged[name] = nil
      #expect(throws: StateError.self, "without \(name)") { try fresh.load(damaged) }
      damaged[name] = Tensor.zeros([5])
      #expect(throws: StateError.self, "wrong \(name)") { try fresh.load(damaged) }
    }
    var damaged = later
    damaged["schedulers.9.last_epoch"] = Tensor.full([], 3, dtype: .int64)
    #expect(throws: StateError.self) { try fresh.load(damaged) }
    #expect(isSame(fresh.stateDict(), initial))
  }

  /// A schedule of one's own needs the rates of an epoch and nothing else.
  @Test func ownSchedule() {
    final class Halving: LRScheduler {
      override func computeLR() -> [Double] { baseLRs.map { $0 / Double(1 << lastEpoch) } }
    }
    let optimizer = SGD([Tensor.zeros([1], requiresGrad: true)], lr: 8)
    let schedule = Halving(optimizer)
    var seen: [Double] = []
    for _ in 0..<4 {
      seen.append(optimizer.groups[0].lr)
      schedule.step()
    }
    #expect(seen == [8, 4, 2, 1])
    #expect(schedule.lastEpoch == 4 && schedule.lastLR == [0.5])
  }

  /// Layers that are unfrozen later come as a group of their own.
  @Test func aGroupAddedToAPlateau() {
    func group(_ lr: Double) -> ParameterGroup { ParameterGroup([Tensor([1.0], requiresGrad: true)], lr: lr) }
    let optimizer = SGD([group(0.1)], lr: 1)
    let schedule = ReduceLROnPlateau(optimizer, patience: 0)
    schedule.step(1)
    optimizer.addGroup(group(0.4))
    schedule.step(2)
    #expect(zip(schedule.lastLR, [0.01, 0.04]).allSatisfy { abs($0 - $1) < 1e-15 })
  }

  @Test(arguments: 0..<12)
  func misuse(_ kind: Int) async {
    let results = [
      "stepSize must be at least 1", "tMax must be at least 1", "factor must be at least 0 and below 1",
      "Adagrad has no momentum", "maxLR has 3 values for 1", "step 4 of a cycle of 3 steps", "for another optimizer",
      "0 milestones for 2 schedules", "made of others", "startFactor must be above 0",
      "a parameter group has no cycle", "a parameter group was added, which has no minLR",
    ]
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [kind] in
      let w = Tensor.zeros([2], requiresGrad: true)
      let optimizer = SGD([w], lr: 0.1)
      switch kind {
      case 0: _ = StepLR(optimizer, stepSize: 0)
      case 1: _ = CosineAnnealingLR(optimizer, tMax: 0)
      case 2: _ = ReduceLROnPlateau(optimizer, factor: 1)
      case 3: _ = OneCycleLR(Adagrad([w]), maxLR: 1, totalSteps: 10)
      case 4: _ = OneCycleLR(optimizer, maxLR: [1, 2, 3], totalSteps: 10)
      case 5:
        let schedule = OneCycleLR(optimizer, maxLR: 1, totalSteps: 3)
        for _ in 0..<4 { schedule.step() }
      case 6: _ = SequentialLR(SGD([w], lr: 1), schedulers: [StepLR(optimizer, stepSize: 1)], milestones: [])
      case 7:
        _ = SequentialLR(
          optimizer, schedulers: [StepLR(optimizer, stepSize: 1), StepLR(optimizer, stepSize: 1)], milestones: [])
      case 8:
        let chain = ChainedScheduler([StepLR(optimizer, stepSize: 1)])
        _ = SequentialLR(optimizer, schedulers: [chain], milestones: [])
      case 9: _ = LinearLR(optimizer, startFactor: 0)
      case 10:
        let schedule = OneCycleLR(optimizer, maxLR: 1, totalSteps: 9)
        optimizer.addGroup(ParameterGroup([Tensor.zeros([1], requiresGrad: true)]))
        schedule.step()
      default:
        let other = Tensor.zeros([1], requiresGrad: true), third = Tensor.zeros([1], requiresGrad: true)
        let two = SGD([ParameterGroup([w]), ParameterGroup([other])], lr: 1)
        let schedule = ReduceLROnPlateau(two, patience: 0, minLR: [0, 0])
        two.addGroup(ParameterGroup([third]))
        for loss in [1.0, 2] { schedule.step(loss) }
      }
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains(results[kind]), "\(message)")
  }

  /// Thawing layers one after the other: the run that goes on builds groups before or after the schedule.
  @Test(arguments: [false, true]) func resumesWithGroupsAddedLater(_ before: Bool) throws {
    func parameter() -> Tensor { Tensor.zeros([1], requiresGrad: true) }
    let optimizer = SGD([parameter()], lr: 0.1), schedule = StepLR(optimizer, stepSize: 2)
    let plateau = ReduceLROnPlateau(optimizer, patience: 0)
    optimizer.addGroup(ParameterGroup([parameter()], lr: 0.2))
    schedule.step()
    plateau.step(1)

    let other = SGD([parameter()], lr: 0.1)
    let late = ParameterGroup([parameter()], lr: 0.2)
    if before { other.addGroup(late) }
    let resumed = StepLR(other, stepSize: 2), resumedPlateau = ReduceLROnPlateau(other, patience: 0)
    if !before { other.addGroup(late) }
    try other.load(optimizer.stateDict())
    try resumed.load(schedule.stateDict())
    try resumedPlateau.load(plateau.stateDict())
    for loss in [2.0, 3, 4] {
      schedule.step()
      resumed.step()
      plateau.step(loss)
      resumedPlateau.step(loss)
      #expect(other.groups.map(\.lr) == optimizer.groups.map(\.lr))
      #expect(resumed.lastLR == schedule.lastLR && resumedPlateau.lastLR == plateau.lastLR)
    }
    #expect(throws: StateError.self) { try StepLR(SGD([parameter()], lr: 0.1), stepSize: 2).load(schedule.stateDict()) }
  }
}
