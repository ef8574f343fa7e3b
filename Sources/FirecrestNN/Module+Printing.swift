import FirecrestCore

extension Module {
  /// The module and all below it as PyTorch prints them:
  ///
  /// ```
  /// Net(
  ///   (fc1): Linear(in_features=784, out_features=128, bias=True)
  ///   (fc2): Linear(in_features=128, out_features=10, bias=True)
  /// )
  /// ```
  public var description: String {
    // Stops where a module contains itself, before that recurses.
    _ = places(of: self, once: false)
    let extra = extraDescription
    let lines = extra.isEmpty ? [] : extra.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    return represent(typeName(self), lines, ModuleFields(self).children.map { ("(\($0.name))", $0.child.text) })
  }
}

/// Name, then in parentheses either the one line or all lines and children below each other.
private func represent(_ name: String, _ lines: [String], _ children: [(label: String, text: String)]) -> String {
  if lines.isEmpty && children.isEmpty { return "\(name)()" }
  if lines.count == 1 && children.isEmpty { return "\(name)(\(lines[0]))" }
  let all = lines + children.map { "\($0.label): " + indented($0.text) }
  return "\(name)(\n  " + all.joined(separator: "\n  ") + "\n)"
}

/// The text with all lines but the first moved to the right by two.
private func indented(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n  ")
}

extension ModuleFields.Child {
  fileprivate var text: String {
    switch self {
    case .module(let module): return module.description
    case .dictionary(let entries): return represent("ModuleDict", [], entries.map { ("(\($0.name))", $0.child.text) })
    case .list(let entries):
      // Equal neighbours are printed once, with their number.
      var runs: [(first: String, last: String, count: Int, text: String)] = []
      for entry in entries {
        let text = entry.child.text
        if let run = runs.last, run.text == text {
          runs[runs.count - 1] = (run.first, entry.name, run.count + 1, text)
        } else {
          runs.append((entry.name, entry.name, 1, text))
        }
      }
      return represent(
        "ModuleList", [],
        runs.map {
          $0.count == 1 ? ("(\($0.first))", $0.text) : ("(\($0.first)-\($0.last))", "\($0.count) x \($0.text)")
        })
    }
  }
}

/// A truth value as Python prints it.
func python(_ value: Bool) -> String { value ? "True" : "False" }

/// A pair as Python prints a tuple.
func python(_ pair: (Int, Int)) -> String { "(\(pair.0), \(pair.1))" }
