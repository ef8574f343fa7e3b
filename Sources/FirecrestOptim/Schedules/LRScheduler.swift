import FirecrestCPU
import FirecrestCore

/// What all schedules of the learning rate have in common (PyTorch's `lr_scheduler.LRScheduler`).
///
/// ```swift
/// let schedule = CosineAnnealingLR(optimizer, tMax: 20)
/// for epoch in 0..<20 {
///   train(optimizer)
///   schedule.step()
/// }
/// ```
///
/// A schedule changes the `lr` of the optimizer's groups; its own state says where in the schedule it is. To resume,
/// make optimizer and schedule as before, then load the states of both; settings such as `gamma` come from the program.
///
/// A schedule of your own is a subclass with a `computeLR`. Many of PyTorch's, and so these, go on from the rates that
/// the groups have, so that several schedules can act on one optimizer.
open class LRScheduler: Stateful {
  /// The optimizer whose rates change.
  public let optimizer: Optimizer
  /// How often `step()` was called.
  public internal(set) var lastEpoch = -1
  /// The rates that the groups started from, before any schedule.
  public private(set) var baseLRs: [Double] = []
  /// The rates after the last step (PyTorch's `get_last_lr`).
  public internal(set) var lastLR: [Double] = []
  /// True during the first computation, in which epoch 0 begins.
  public private(set) var isInitial = false

  /// A schedule at its beginning: sets the rates of epoch 0. A subclass sets its own properties before it calls this.
  public init(_ optimizer: Optimizer) {
    self.optimizer = optimizer
    for group in optimizer.groups where !group.has(.initialLR) { group[raw: .initialLR] = group.lr }
    baseLRs = optimizer.groups.map { $0[raw: .initialLR] }
    initialStep()
  }

  /// A schedule made of others, which are at their beginnings and set the rates.
  init(composing optimizer: Optimizer) {
    self.optimizer = optimizer
    baseLRs = optimizer.groups.map { $0[raw: .initialLR] }
    lastLR = currentLR
    lastEpoch = 0
  }

  /// The schedules that this one is made of.
  var parts: [LRScheduler] { [] }

  /// The class's name, for messages.
  var name: String { "\(type(of: self))" }

  func initialStep() {
    isInitial = true
    step()
    isInitial = false
  }

  /// Goes one epoch (or batch, as the schedule is meant) on. Call it after `optimizer.step()`.
  open func step() {
    lastEpoch += 1
    set(computeLR())
  }

  /// Begins again at epoch 0, as a schedule does whose turn comes.
  func restart() {
    lastEpoch = 0
    set(closedFormLR() ?? computeLR())
  }

  /// The rates of the groups for `lastEpoch` (PyTorch's `get_lr`).
  open func computeLR() -> [Double] { fail(name, "has no rates", help: "override computeLR()") }

  /// The rates for `lastEpoch` from nothing but the epoch and `baseLRs`, nil where `computeLR` does that. `SequentialLR`
  /// asks for it when it comes to a schedule.
  open func closedFormLR() -> [Double]? { nil }

  /// The rates that the groups have now.
  public var currentLR: [Double] { optimizer.groups.map { $0[raw: .lr] } }

  private func set(_ rates: [Double]) {
    if rates.count != optimizer.groups.count {
      fail(
        name, "there are \(rates.count) rates for \(optimizer.groups.count) parameter groups",
        help: "add groups before the schedule is made")
    }
    for (group, rate) in zip(optimizer.groups, rates) { group[raw: .lr] = rate }
    lastLR = rates
  }

  /// One value for each group: the given ones, or one for all.
  func perGroup(_ values: [Double], _ label: String) -> [Double] {
    LRScheduler.perGroup(values, label, optimizer, name)
  }

  static func perGroup(_ values: [Double], _ label: String, _ optimizer: Optimizer, _ name: String) -> [Double] {
    let count = optimizer.groups.count
    if values.count == 1 { return Array(repeating: values[0], count: count) }
    if values.count != count { fail(name, "\(label) has \(values.count) values for \(count) parameter groups") }
    return values
  }

  /// Where the schedule is: `last_epoch`, `base_lrs` and `last_lr`; one that is made of others has their states under
  /// `schedulers.0.` and so on.
  open func stateDict() -> NamedTensors {
    var state = NamedTensors()
    state.set("last_epoch", lastEpoch)
    state["base_lrs"] = Tensor(baseLRs, shape: [baseLRs.count])
    state["last_lr"] = Tensor(lastLR, shape: [lastLR.count])
    for (index, part) in parts.enumerated() { state.merge(part.stateDict(), prefix: Self.prefix(index)) }
    return state
  }

  /// Takes up the schedule where it was. The optimizer's rates are part of the optimizer's own state.
  ///
  /// - Throws: `StateError` where the state lacks something that this schedule needs, or has something it does not
  ///   know; nothing has changed then.
  open func load(_ state: NamedTensors) throws {
    let prefixes = parts.indices.map(Self.prefix)
    let isOwn = { (name: String) in !prefixes.contains { name.hasPrefix($0) } }
    var reading = StateReading(NamedTensors(state.filter { isOwn($0.name) }.map { ($0.name, $0.tensor) }), of: name)
    let epoch = reading.integer("last_epoch")
    let base = reading.rates("base_lrs", groups: optimizer.groups.count)
    let last = reading.rates("last_lr", groups: optimizer.groups.count)
    try reading.finish()
    let before = parts.map { $0.stateDict() }
    do {
      for (part, prefix) in zip(parts, prefixes) { try part.load(state.removing(prefix: prefix)) }
    } catch {
      for (part, old) in zip(parts, before) { try part.load(old) }
      throw error
    }
    if let epoch, let base, let last { (lastEpoch, baseLRs, lastLR) = (epoch, base, last) }
  }

  private static func prefix(_ index: Int) -> String { "schedulers.\(index)." }
}
