/// A directed graph as text in Graphviz's language DOT. `save(to:)` writes it, `render(_:format:)` draws it.
public struct Digraph: Sendable, Hashable, CustomStringConvertible {
  /// The text.
  public let source: String

  /// The text.
  public var description: String { source }
}

/// The graph that `output.backward()` would go through (torchviz's `make_dot`): the leaves whose gradients it computes
/// in light blue, the recorded operations by their `gradFn` in grey, and the output in green. Arrows point the way the
/// values went.
///
/// ```swift
/// try makeDot(net(x), params: net.namedParameters()).render("net")   // net.png
/// ```
///
/// The same computation gives the same text: nodes are numbered, operations in the order in which they were recorded.
///
/// - Parameters:
///   - output: What was computed. Without a recorded operation behind it, it stands alone.
///   - params: Names of leaves; those without one show their shape only.
public func makeDot(_ output: Tensor, params: [(name: String, tensor: Tensor)] = []) -> Digraph {
  let nodes = recordedNodes(behind: output)
  let names = [ObjectIdentifier: String](
    params.map { (ObjectIdentifier($0.tensor), $0.name) }, uniquingKeysWith: { first, _ in first })
  var numbers: [ObjectIdentifier: Int] = [:]
  var lines: [String] = []

  /// The number of an object, which is declared where it is met first.
  func number(_ object: AnyObject, _ label: String, _ colour: String) -> Int {
    if let known = numbers[ObjectIdentifier(object)] { return known }
    let number = numbers.count
    numbers[ObjectIdentifier(object)] = number
    lines.append("\(number) [label=\"\(label)\" fillcolor=\(colour)]")
    return number
  }
  func number(_ tensor: Tensor, _ colour: String) -> Int {
    let name = names[ObjectIdentifier(tensor)].map { escaped($0) + "\\n" } ?? ""
    return number(tensor, "\(name)\(tensor.shape)", colour)
  }
  func number(_ node: Node) -> Int { number(node, escaped(node.backwardName), "lightgrey") }

  for node in nodes {
    // An operation's inputs were recorded before it, so that only leaves are new here.
    let sources = node.edges.compactMap { edge -> Int? in
      switch edge {
      case .none: nil
      case .node(let before, _): number(before)
      case .leaf(let leaf): number(leaf, "lightblue")
      }
    }
    let target = number(node)
    lines += sources.map { "\($0) -> \(target)" }
  }
  let last = number(output, "darkolivegreen1")
  if let node = output.gradNode { lines.append("\(number(node)) -> \(last)") }

  let style = "node [style=filled shape=box fontname=monospace fontsize=10 height=0.2]"
  return Digraph(source: "digraph {\n" + ([style] + lines).map { "  \($0)\n" }.joined() + "}\n")
}

/// The operations that an output comes from, in the order of recording; found without recursion.
private func recordedNodes(behind output: Tensor) -> [Node] {
  var seen: Set<ObjectIdentifier> = []
  var result: [Node] = []
  var stack = [output.edge]
  while let edge = stack.popLast() {
    guard case .node(let node, _) = edge, seen.insert(ObjectIdentifier(node)).inserted else { continue }
    result.append(node)
    stack += node.edges
  }
  return result.sorted { $0.sequence < $1.sequence }
}

/// Text inside of a quoted label.
private func escaped(_ text: String) -> String {
  text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
}
