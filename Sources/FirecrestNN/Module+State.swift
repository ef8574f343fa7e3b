import FirecrestCore

/// What `Module.load` found.
public struct LoadReport: Sendable, CustomStringConvertible {
  /// Names whose values were taken over.
  public let loaded: [String]
  /// Names that the module needs and the state lacks.
  public let missing: [String]
  /// Names in the state that the module does not know.
  public let unexpected: [String]
  /// Names that both have, in different shapes.
  public let mismatched: [StateError.Mismatch]

  /// True where the state was exactly the module's.
  public var isComplete: Bool { missing.isEmpty && unexpected.isEmpty && mismatched.isEmpty }

  /// The numbers, then one line for each kind of trouble.
  public var description: String {
    var lines = ["loaded \(loaded.count) of \(loaded.count + missing.count + mismatched.count) tensors"]
    if !missing.isEmpty { lines.append("  missing: \(missing.joined(separator: ", "))") }
    if !unexpected.isEmpty { lines.append("  unexpected: \(unexpected.joined(separator: ", "))") }
    for entry in mismatched { lines.append("  \(entry.name): needs \(entry.expected), found \(entry.found)") }
    return lines.joined(separator: "\n")
  }
}

extension Module {
  /// The tensors of the state with their names; a shared one under each of its names.
  private var state: [(name: String, tensor: Tensor)] {
    places(of: self, once: false).flatMap { place in
      let parts = place.fields.slots.filter(\.slot.isParameter) + place.fields.slots.filter { !$0.slot.isParameter }
      return parts.compactMap { name, slot in
        slot.isPersistent ? slot.tensor.map { (place.name(name), $0) } : nil
      }
    }
  }

  /// Copies of all parameters and persistent buffers by PyTorch's names: `conv1.weight`, `bn1.running_mean`,
  /// `blocks.0.fc.bias`. What is shared stands under each of its names. Unlike PyTorch's, the tensors do not change when
  /// training goes on: `let best = net.stateDict()` keeps the best weights.
  public func stateDict() -> NamedTensors { NamedTensors(state.map { ($0.name, $0.tensor.detach().clone()) }) }

  /// Takes over the values of a state, in place: optimizers keep their parameters. Values are converted to the types
  /// that the module has. A batch normalisation's `num_batches_tracked` may be absent, as in old files of PyTorch.
  ///
  /// - Parameters:
  ///   - state: Tensors by PyTorch's names, from `stateDict()` or a file.
  ///   - strict: With false, what fits is loaded and the rest only reported, mis-shaped tensors too: for a network whose
  ///     head was replaced.
  /// - Returns: What was loaded, and what did not fit.
  /// - Throws: `StateError` where `strict` and anything is missing, unexpected or of another shape; nothing is changed
  ///   then.
  @discardableResult
  public func load(_ state: NamedTensors, strict: Bool = true) throws(StateError) -> LoadReport {
    let own = self.state
    let names = Set(own.map(\.name))
    var missing: [String] = []
    var mismatched: [StateError.Mismatch] = []
    var pairs: [(name: String, target: Tensor, source: Tensor)] = []
    for (name, target) in own {
      guard let source = state[name] else {
        // Files of before PyTorch 0.4.1 lack it, and PyTorch loads them.
        if name.split(separator: ".").last != "num_batches_tracked" { missing.append(name) }
        continue
      }
      if source.shape == target.shape {
        pairs.append((name, target, source))
      } else {
        mismatched.append(.init(name, expected: "\(target.shape)", found: "\(source.shape)"))
      }
    }
    let report = LoadReport(
      loaded: pairs.map(\.name), missing: missing, unexpected: state.names.filter { !names.contains($0) },
      mismatched: mismatched)
    if strict && !report.isComplete {
      throw StateError(
        typeName(self), missing: missing, unexpected: report.unexpected, mismatched: mismatched)
    }
    noGrad { for (_, target, source) in pairs { target.copy(from: source.detach()) } }
    return report
  }
}
