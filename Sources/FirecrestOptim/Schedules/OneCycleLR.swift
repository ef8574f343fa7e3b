import FirecrestCPU
import FirecrestCore

/// One cycle: the rates rise to a maximum and fall far below where they began, while momentum goes the other way
/// (PyTorch's `OneCycleLR`; Smith and Topin, 2017). Call `step()` after every batch.
public final class OneCycleLR: LRScheduler {
  /// The shape of rise and fall.
  public enum Anneal: Sendable {
    /// Half a cosine.
    case cos
    /// A straight line.
    case linear
  }

  private struct Phase {
    let end: Double
    let rates: (GroupOption, GroupOption)
    let momenta: (GroupOption, GroupOption)
  }

  private let totalSteps: Int
  private let phases: [Phase]
  private let annealStrategy: Anneal
  /// The setting that is cycled as momentum, nil for none.
  private let momentumOption: GroupOption?

  /// One maximum for all groups.
  ///
  /// - Parameter optimizer: The optimizer whose rates change.
  /// - Parameter maxLR: The highest rate.
  /// - Parameter totalSteps: The steps of the whole cycle, at least 1; epochs times batches.
  /// - Parameter pctStart: The share of the steps in which the rate rises, 0 to 1.
  /// - Parameter annealStrategy: The shape of rise and fall.
  /// - Parameter cycleMomentum: Whether momentum (beta1 for the Adams) goes the other way.
  /// - Parameter baseMomentum: The lowest momentum.
  /// - Parameter maxMomentum: The highest momentum, at both ends.
  /// - Parameter divFactor: The maximum over the rate at the start.
  /// - Parameter finalDivFactor: The rate at the start over that at the end.
  /// - Parameter threePhase: Whether the fall first goes back to the start as fast as the rise, then to the end.
  public convenience init(
    _ optimizer: Optimizer, maxLR: Double, totalSteps: Int, pctStart: Double = 0.3, annealStrategy: Anneal = .cos,
    cycleMomentum: Bool = true, baseMomentum: Double = 0.85, maxMomentum: Double = 0.95, divFactor: Double = 25,
    finalDivFactor: Double = 1e4, threePhase: Bool = false
  ) {
    self.init(
      optimizer, maxLR: [maxLR], totalSteps: totalSteps, pctStart: pctStart, annealStrategy: annealStrategy,
      cycleMomentum: cycleMomentum, baseMomentum: [baseMomentum], maxMomentum: [maxMomentum], divFactor: divFactor,
      finalDivFactor: finalDivFactor, threePhase: threePhase)
  }

  /// Maxima and momenta for each group; a list of one is for all.
  public init(
    _ optimizer: Optimizer, maxLR: [Double], totalSteps: Int, pctStart: Double = 0.3, annealStrategy: Anneal = .cos,
    cycleMomentum: Bool = true, baseMomentum: [Double] = [0.85], maxMomentum: [Double] = [0.95],
    divFactor: Double = 25, finalDivFactor: Double = 1e4, threePhase: Bool = false
  ) {
    let name = "OneCycleLR"
    if totalSteps < 1 { fail(name, "totalSteps must be at least 1, and is \(totalSteps)") }
    if !(0...1).contains(pctStart) { fail(name, "pctStart must be from 0 to 1, and is \(pctStart)") }
    self.totalSteps = totalSteps
    self.annealStrategy = annealStrategy
    let total = Double(totalSteps)
    let rise = Phase(
      end: pctStart * total - 1, rates: (.initialLR, .maxLR), momenta: (.maxMomentum, .baseMomentum))
    phases =
      threePhase
      ? [
        rise,
        Phase(
          end: 2 * pctStart * total - 2, rates: (.maxLR, .initialLR), momenta: (.baseMomentum, .maxMomentum)),
        Phase(end: total - 1, rates: (.initialLR, .minLR), momenta: (.maxMomentum, .maxMomentum)),
      ] : [rise, Phase(end: total - 1, rates: (.maxLR, .minLR), momenta: (.baseMomentum, .maxMomentum))]

    let maxima = LRScheduler.perGroup(maxLR, "maxLR", optimizer, name)
    for (group, rate) in zip(optimizer.groups, maxima) {
      group[raw: .initialLR] = rate / divFactor
      group[raw: .maxLR] = rate
      group[raw: .minLR] = rate / divFactor / finalDivFactor
    }
    momentumOption =
      !cycleMomentum
      ? nil : optimizer.defaults[.beta1] != nil ? .beta1 : optimizer.defaults[.momentum] != nil ? .momentum : nil
    if cycleMomentum && momentumOption == nil {
      fail(name, "\(optimizer.name) has no momentum to cycle", help: "give cycleMomentum: false")
    }
    if let momentumOption {
      let high = LRScheduler.perGroup(maxMomentum, "maxMomentum", optimizer, name)
      let low = LRScheduler.perGroup(baseMomentum, "baseMomentum", optimizer, name)
      for (index, group) in optimizer.groups.enumerated() {
        for value in [high[index], low[index]] {
          if let reason = momentumOption.refusal(value) { fail(name, reason) }
        }
        group[raw: momentumOption] = high[index]
        group[raw: .maxMomentum] = high[index]
        group[raw: .baseMomentum] = low[index]
      }
    }
    super.init(optimizer)
  }

  /// The cycle of a training of `epochs` times `stepsPerEpoch` batches, the rest as above.
  public convenience init(
    _ optimizer: Optimizer, maxLR: Double, epochs: Int, stepsPerEpoch: Int, pctStart: Double = 0.3,
    annealStrategy: Anneal = .cos, cycleMomentum: Bool = true, baseMomentum: Double = 0.85,
    maxMomentum: Double = 0.95, divFactor: Double = 25, finalDivFactor: Double = 1e4, threePhase: Bool = false
  ) {
    if epochs < 1 || stepsPerEpoch < 1 {
      fail("OneCycleLR", "epochs and stepsPerEpoch must be at least 1, and are \(epochs) and \(stepsPerEpoch)")
    }
    self.init(
      optimizer, maxLR: [maxLR], totalSteps: epochs * stepsPerEpoch, pctStart: pctStart,
      annealStrategy: annealStrategy, cycleMomentum: cycleMomentum, baseMomentum: [baseMomentum],
      maxMomentum: [maxMomentum], divFactor: divFactor, finalDivFactor: finalDivFactor, threePhase: threePhase)
  }

  /// PyTorch's `get_lr`, which sets the momentum too.
  public override func computeLR() -> [Double] {
    if lastEpoch > totalSteps {
      fail(name, "step \(lastEpoch) of a cycle of \(totalSteps) steps", help: "give the steps of the whole training")
    }
    if !optimizer.groups.allSatisfy({ $0.has(.maxLR) }) {
      fail(
        name, "a parameter group has no cycle",
        help: "add groups, and load an optimizer's state that knows none, before the schedule is made")
    }
    let step = Double(lastEpoch)
    let index = phases.firstIndex { step <= $0.end } ?? phases.count - 1
    let start = index == 0 ? 0 : phases[index - 1].end
    let phase = phases[index]
    let part = phase.end == start ? 1 : (step - start) / (phase.end - start)
    return optimizer.groups.map { group in
      if let momentumOption {
        group[raw: momentumOption] = anneal(group[raw: phase.momenta.0], group[raw: phase.momenta.1], part)
      }
      return anneal(group[raw: phase.rates.0], group[raw: phase.rates.1], part)
    }
  }

  private func anneal(_ start: Double, _ end: Double, _ part: Double) -> Double {
    switch annealStrategy {
    case .cos: end + (start - end) / 2 * (cosine(.pi * part) + 1)
    case .linear: (end - start) * part + start
    }
  }
}
