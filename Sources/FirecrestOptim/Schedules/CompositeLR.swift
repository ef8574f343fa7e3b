import FirecrestCPU

/// Schedules one after the other, each from its own epoch 0 on (PyTorch's `SequentialLR`).
///
/// ```swift
/// let warmUp = LinearLR(optimizer, startFactor: 0.1, totalIters: 5)
/// let rest = CosineAnnealingLR(optimizer, tMax: 95)
/// let schedule = SequentialLR(optimizer, schedulers: [warmUp, rest], milestones: [5])
/// ```
public final class SequentialLR: LRScheduler {
  /// The schedules in their order.
  public let schedulers: [LRScheduler]
  private let milestones: [Int]

  /// - Parameter optimizer: The optimizer of all the schedules.
  /// - Parameter schedulers: At least one; none that is itself made of others.
  /// - Parameter milestones: The epoch at which each schedule but the first begins, ascending.
  public init(_ optimizer: Optimizer, schedulers: [LRScheduler], milestones: [Int]) {
    self.schedulers = schedulers
    self.milestones = milestones
    checkComposition("SequentialLR", schedulers, optimizer)
    if schedulers.contains(where: { $0 is SequentialLR || $0 is ChainedScheduler }) {
      fail("SequentialLR", "a schedule is itself made of others", help: "list its schedules and milestones instead")
    }
    if milestones.count != schedulers.count - 1 {
      fail(
        "SequentialLR", "\(milestones.count) milestones for \(schedulers.count) schedules",
        help: "give the epoch at which each schedule but the first begins")
    }
    if zip(milestones, milestones.dropFirst()).contains(where: { $0 >= $1 }) {
      fail("SequentialLR", "the milestones \(milestones) are not ascending")
    }
    super.init(composing: optimizer)
    // Making the schedules set the rates of their epochs 0; only the first one's count.
    for group in optimizer.groups { group[raw: .lr] = group[raw: .initialLR] }
    for scheduler in schedulers { scheduler.lastEpoch -= 1 }
    current.initialStep()
    lastLR = current.lastLR
  }

  private var index: Int { milestones.count { $0 <= lastEpoch } }

  /// The schedule whose turn it is.
  public var current: LRScheduler { schedulers[index] }

  /// Goes one epoch on.
  public override func step() {
    lastEpoch += 1
    if milestones.contains(lastEpoch) { current.restart() } else { current.step() }
    lastLR = current.lastLR
  }

  override var parts: [LRScheduler] { schedulers }
}

/// Schedules at the same time, each going on from the rates that the one before it left (PyTorch's `ChainedScheduler`).
public final class ChainedScheduler: LRScheduler {
  /// The schedules in their order.
  public let schedulers: [LRScheduler]

  /// - Parameter schedulers: At least one, all of one optimizer.
  public init(_ schedulers: [LRScheduler]) {
    self.schedulers = schedulers
    guard let first = schedulers.first else { fail("ChainedScheduler", "there is no schedule") }
    checkComposition("ChainedScheduler", schedulers, first.optimizer)
    super.init(composing: first.optimizer)
  }

  /// Takes a step of each schedule.
  public override func step() {
    lastEpoch += 1
    for scheduler in schedulers { scheduler.step() }
    lastLR = currentLR
  }

  override var parts: [LRScheduler] { schedulers }
}

private func checkComposition(_ name: String, _ schedulers: [LRScheduler], _ optimizer: Optimizer) {
  if schedulers.isEmpty { fail(name, "there is no schedule") }
  for (index, scheduler) in schedulers.enumerated() where scheduler.optimizer !== optimizer {
    fail(name, "schedule \(index), a \(scheduler.name), is for another optimizer")
  }
}
