import FirecrestCore

extension Optimizer {
  /// What `stateDict()` returns; see there.
  func savedState() -> NamedTensors {
    var saved = NamedTensors()
    var index = 0
    for (number, group) in groups.enumerated() {
      for option in GroupOption.allCases where group.has(option) {
        saved.set("groups.\(number).\(option.name)", group[raw: option])
      }
      let indices = Array(index..<index + group.parameters.count)
      saved["groups.\(number).params"] = Tensor(indices, shape: [indices.count])
      index += indices.count
    }
    index = 0
    for group in groups {
      for (parameter, state) in zip(group.parameters, group.states) {
        // A state that came into being with a setting changed since the last step is part of what must be there.
        if state.step > 0 { _ = fusedUpdate(parameter, state, group) }
        if countsSteps && state.step > 0 { saved.set("state.\(index).step", state.step) }
        for (name, tensor) in state.all { saved["state.\(index).\(name)"] = noGrad { tensor.clone() } }
        index += 1
      }
    }
    return saved
  }

  /// What `load(_:)` does; see there. Everything is read and checked before anything changes.
  func loadState(_ saved: NamedTensors) throws(StateError) {
    var reading = StateReading(saved, of: name)
    var settings: [[GroupOption: Double]] = []
    var states: [ParameterState] = []
    for (number, group) in groups.enumerated() {
      let values = readSettings("groups.\(number).", &reading)
      reading.expectIndices("groups.\(number).params", from: states.count, count: group.parameters.count)
      for parameter in group.parameters {
        states.append(readState(parameter, "state.\(states.count).", values, &reading))
      }
      settings.append(values)
    }
    try reading.finish()
    var index = 0
    for (group, values) in zip(groups, settings) {
      for (option, value) in values { group[raw: option] = value }
      // What a schedule had left there, and the loaded state does not have, would be taken for its own.
      for option in GroupOption.allCases where option.isScheduled && values[option] == nil { group[raw: option] = .nan }
      group.states = Array(states[index..<index + group.parameters.count])
      index += group.parameters.count
    }
  }

  private func readSettings(_ prefix: String, _ reading: inout StateReading) -> [GroupOption: Double] {
    var result: [GroupOption: Double] = [:]
    for option in GroupOption.allCases where defaults[option] != nil || option.isScheduled {
      let key = prefix + option.name
      guard let value = reading.number(key, required: !option.isScheduled) else { continue }
      // A schedule may have made the rate whatever it likes.
      let reason = option == .lr ? (value.isNaN ? "NaN" : nil) : option.refusal(value)
      if let reason { reading.mismatch(key, "a valid value", reason) }
      result[option] = value
    }
    return result
  }

  private func readState(
    _ parameter: Tensor, _ prefix: String, _ settings: [GroupOption: Double], _ reading: inout StateReading
  ) -> ParameterState {
    let result = ParameterState(stateNames)
    let wide = parameter.stateDType
    for name in stateNames {
      guard let tensor = reading.tensor(prefix + name) else { continue }
      if tensor.shape != parameter.shape || !tensor.dtype.isFloatingPoint {
        reading.mismatch(prefix + name, "\(wide)\(parameter.shape)", "\(tensor.dtype)\(tensor.shape)")
        continue
      }
      // One's own optimizers may keep their states in the wide type or in the parameter's.
      let type = isFused || tensor.dtype == wide ? wide : parameter.dtype
      result[name] = noGrad { tensor.to(type).contiguous().clone() }
    }
    guard countsSteps else { return result }
    if let step = reading.integer(prefix + "step", required: !result.all.isEmpty) {
      if step < 0 { reading.mismatch(prefix + "step", "a number of steps", "\(step)") }
      result.step = step
    }
    if result.step > 0 {
      for name in requiredStates({ settings[$0] ?? 0 }) where reading.tensor(prefix + name) == nil {
        reading.lacks(prefix + name)
      }
    }
    return result
  }
}
