import CRuntime
import FirecrestCPU

/// One backward pass: carries gradients from the roots to the leaves, each node once, in topological order.
package final class Engine {
  package let createGraph: Bool
  private let retainGraph: Bool
  /// Captured gradients of `grad(of:wrt:)`; nil in `backward()`, which accumulates into leaves instead.
  private var captured: [Tensor?]?
  private var leafSlots: [ObjectIdentifier: [Int]] = [:]
  private var nodeSlots: [ObjectIdentifier: [(output: Int, slot: Int)]] = [:]
  /// Nodes below which a captured tensor lies; nil means all. Only these compute gradients: others that a captured
  /// tensor comes from keep what they saved.
  private var needed: Set<ObjectIdentifier>?
  /// A max-heap by sequence number.
  private var heap: [Node] = []
  /// Leaves with hooks wait until their whole gradient is there.
  private var waitingLeaves: [(leaf: Tensor, gradient: Tensor)] = []
  private var waitingIndex: [ObjectIdentifier: Int] = [:]

  package init(createGraph: Bool, retainGraph: Bool) {
    self.createGraph = createGraph
    self.retainGraph = retainGraph
  }

  /// Accumulates the gradients of `roots` into the leaves.
  package func backward(_ roots: [(Tensor, Tensor)]) {
    GradMode.with(createGraph) {
      for (root, gradient) in roots { send(gradient, to: root.edge) }
      drain()
    }
  }

  /// The gradients of `roots` for `inputs`, nil where no path leads there.
  package func gradients(_ roots: [(Tensor, Tensor)], of inputs: [Tensor]) -> [Tensor?] {
    captured = Array(repeating: nil, count: inputs.count)
    for (slot, input) in inputs.enumerated() {
      switch input.edge {
      case .none: continue
      case .leaf(let leaf): leafSlots[ObjectIdentifier(leaf), default: []].append(slot)
      case .node(let node, let output): nodeSlots[ObjectIdentifier(node), default: []].append((output, slot))
      }
    }
    needed = nodesLeading(from: roots.map(\.0))
    backward(roots)
    return captured!
  }

  /// The nodes at and below `roots` with a capture below them, found without recursion.
  private func nodesLeading(from roots: [Tensor]) -> Set<ObjectIdentifier> {
    var leading: Set<ObjectIdentifier> = []
    var seen: Set<ObjectIdentifier> = []
    var stack: [(node: Node, children: [Edge], next: Int)] = []
    func push(_ edge: Edge) {
      if case .node(let node, _) = edge, seen.insert(ObjectIdentifier(node)).inserted {
        stack.append((node, node.edges, 0))
      }
    }
    for root in roots {
      push(root.edge)
      while let top = stack.last {
        if top.next < top.children.count {
          stack[stack.count - 1].next += 1
          push(top.children[top.next])
          continue
        }
        stack.removeLast()
        let leads = top.children.contains {
          switch $0 {
          case .none: false
          case .leaf(let leaf): leafSlots[ObjectIdentifier(leaf)] != nil
          case .node(let node, _): isWanted(node, leading)
          }
        }
        if leads { leading.insert(ObjectIdentifier(top.node)) }
      }
    }
    return leading
  }

  private func isWanted(_ node: Node, _ leading: Set<ObjectIdentifier>) -> Bool {
    leading.contains(ObjectIdentifier(node)) || nodeSlots[ObjectIdentifier(node)] != nil
  }

  /// Adds `gradient` to what has arrived at `edge`.
  @inline(__always)
  package func send(_ gradient: consuming Tensor?, to edge: borrowing Edge) {
    guard let gradient = consume gradient else { return }
    switch copy edge {
    case .none: break
    case .node(let node, let output): deliver(gradient, node, output)
    case .leaf(let leaf):
      // Frozen since: nothing arrives there any more.
      if captured == nil && !leaf.leafRequiresGrad { break }
      if captured != nil || leaf.extras != nil {
        hold(gradient, leaf)
      } else {
        leaf.accumulate(consume gradient, createGraph)
      }
    }
  }

  /// The `.grad` of the leaf at `edge`, where adding to it in place is all that would happen to a gradient sent there.
  package func sum(at edge: Edge) -> Tensor? {
    guard case .leaf(let leaf) = edge, captured == nil, !createGraph, leaf.extras == nil, leaf.leafRequiresGrad,
      let sum = leaf.grad,
      sum.isContiguous, sum.extras == nil, !isAnomalyDetectionEnabled
    else { return nil }
    return sum
  }

  private func deliver(_ gradient: consuming Tensor, _ node: Node, _ output: Int) {
    if let needed, !isWanted(node, needed) { return }
    if output == 0 {
      if let sum = node.pending.take() {
        node.pending = createGraph ? sum + gradient : apply(Add(), reusing: sum, gradient)
      } else {
        node.pending = gradient
      }
    } else if let sum = node.morePending[output] {
      node.morePending[output] = sum + gradient
    } else {
      node.morePending[output] = gradient
    }
    if !node.isQueued {
      node.isQueued = true
      push(node)
    }
  }

  private func hold(_ gradient: Tensor, _ leaf: Tensor) {
    let id = ObjectIdentifier(leaf)
    if let index = waitingIndex[id] {
      waitingLeaves[index].gradient = waitingLeaves[index].gradient + gradient
    } else if captured == nil || leafSlots[id] != nil {
      waitingIndex[id] = waitingLeaves.count
      waitingLeaves.append((leaf, gradient))
    }
  }

  private func drain() {
    while let node = pop() {
      node.isQueued = false
      if !node.watchers.isEmpty { serve(node) }
      if captured != nil { capture(node) }
      // Taken out: a node that nobody shares its gradient with may write over it.
      var gradient = node.pending.take()
      if needed?.contains(ObjectIdentifier(node)) ?? true {
        node.propagate(gradient.take(), self)
        if !retainGraph { node.releaseSaved() }
      }
      if !node.morePending.isEmpty { node.morePending = [:] }
    }
    for (leaf, gradient) in waitingLeaves {
      var gradient = gradient
      for hook in leaf.extras?.hooks ?? [] { gradient = call(hook.body, gradient) }
      if captured == nil {
        leaf.accumulate(gradient, createGraph)
      } else {
        for slot in leafSlots[ObjectIdentifier(leaf)] ?? [] { captured![slot] = gradient }
      }
    }
    waitingLeaves = []
    waitingIndex = [:]
  }

  private func capture(_ node: Node) {
    for (output, slot) in nodeSlots[ObjectIdentifier(node)] ?? [] {
      captured![slot] = output == 0 ? node.pending : node.morePending[output]
    }
  }

  /// What `hook` makes of a gradient.
  private func call(_ hook: (Tensor) -> Tensor?, _ gradient: Tensor) -> Tensor {
    guard let changed = hook(gradient) else { return gradient }
    if changed.shape != gradient.shape {
      stop("registerHook", "a hook returned a gradient of another shape", [gradient, changed])
    }
    return changed.dtype == gradient.dtype ? changed : changed.to(gradient.dtype)
  }

  /// Hooks first, in the order they were added; then tensors that keep the gradient get what the hooks made of it.
  private func serve(_ node: Node) {
    func gradient(_ output: Int) -> Tensor? { output == 0 ? node.pending : node.morePending[output] }
    for watcher in node.watchers {
      guard case .hook(_, let hook) = watcher.action, let g = gradient(watcher.output) else { continue }
      let changed = call(hook, g)
      if watcher.output == 0 { node.pending = changed } else { node.morePending[watcher.output] = changed }
    }
    for watcher in node.watchers {
      guard let g = gradient(watcher.output) else { continue }
      switch watcher.action {
      case .hook: break
      case .retain(let tensor):
        guard let tensor = tensor() else { break }
        // Only a leaf's gradient grows in place.
        if let sum = tensor.gradient { tensor.gradient = sum + g } else { tensor.accumulate(g, createGraph) }
      }
    }
  }

  private func push(_ node: Node) {
    heap.append(node)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if heap[parent].sequence >= heap[child].sequence { break }
      heap.swapAt(parent, child)
      child = parent
    }
  }

  private func pop() -> Node? {
    guard let last = heap.popLast() else { return nil }
    guard let top = heap.first else { return last }
    heap[0] = last
    var parent = 0
    while true {
      var child = 2 * parent + 1
      if child >= heap.count { break }
      if child + 1 < heap.count && heap[child + 1].sequence > heap[child].sequence { child += 1 }
      if heap[parent].sequence >= heap[child].sequence { break }
      heap.swapAt(parent, child)
      parent = child
    }
    return top
  }

  /// In anomaly mode, stops where `name`'s gradient has a NaN.
  @inline(__always)
  package func inspect(_ gradient: Tensor?, _ name: @autoclosure () -> String, input: Int) {
    if isAnomalyDetectionEnabled, let gradient { refuseNaN(gradient, name(), input) }
  }

  @inline(never)
  private func refuseNaN(_ gradient: Tensor, _ name: String, _ input: Int) {
    let bad = noGrad { gradient.isNaN().any().item(as: Bool.self) }
    if bad {
      fail(
        "backward", "\(name) computed NaN as the gradient of its input \(input)",
        values: ["gradient  \(gradient.summary)"],
        help: "look at the values that go into \(name): a zero divisor, log or sqrt of 0, an overflow")
    }
  }
}
