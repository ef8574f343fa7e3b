import CRuntime
import FirecrestCPU

extension Tensor {
  /// Whether operations on this tensor are recorded for `backward()`. Set it on a leaf (a tensor that no recorded
  /// operation computed) to ask for its gradient; a floating type is required (PyTorch's `requires_grad`).
  @inline(__always)
  public var requiresGrad: Bool {
    get { leafRequiresGrad || gradNode != nil }
    set {
      if gradNode != nil {
        if newValue { return }
        stop(
          "requiresGrad", "only leaf tensors can change it; this one was computed by \(gradNode!.name)", [self],
          help: "use detach() for a tensor outside of the graph")
      }
      if newValue && !dtype.isFloatingPoint {
        stop("requiresGrad", "only floating-point tensors have gradients", [self], help: "convert it with to(.float32)")
      }
      leafRequiresGrad = newValue
    }
  }

  /// Sets `requiresGrad` and returns the tensor itself (PyTorch's `requires_grad_`).
  @discardableResult
  public func requiresGrad(_ value: Bool) -> Tensor {
    requiresGrad = value
    return self
  }

  /// True where no recorded operation computed this tensor (PyTorch's `is_leaf`).
  public var isLeaf: Bool { gradNode == nil }

  /// The name of the operation that computed this tensor, as PyTorch writes it, nil for a leaf: `MulBackward0`.
  public var gradFn: String? { gradNode?.backwardName }

  /// The gradient that `backward()` has accumulated for this leaf, nil before the first. Other tensors have one after
  /// `retainGrad()` only; where it is asked for without, a warning says so once.
  public var grad: Tensor? {
    get {
      if gradient == nil && node != nil { warnOfMissingGradient() }
      return gradient
    }
    set {
      if newValue === self { stop("grad", "a tensor cannot be its own gradient", [self], help: "clone() it") }
      if let newValue, newValue.shape != shape || newValue.dtype != dtype {
        stop("grad", "a gradient has its tensor's shape and type", [self, newValue])
      }
      gradient = newValue
    }
  }

  @inline(never)
  private func warnOfMissingGradient() {
    guard extras?.retainsGrad != true, let gradFn else { return }
    warnOnce(
      "grad", "this tensor was computed by \(gradFn); only leaves keep their gradients",
      help: "call retainGrad() before backward(), or ask for requiresGrad after the arithmetic")
  }

  /// The node that computed this tensor. A view whose base was changed in place since is connected to the base anew.
  @inline(__always)
  package var gradNode: Node? {
    if let extras, extras.base != nil { refreshView(extras) }
    return node
  }

  @inline(never)
  private func refreshView(_ extras: TensorExtras) {
    guard let base = extras.base, extras.baseVersion != base.storage.version else { return }
    extras.baseVersion = base.storage.version
    // A leaf changes outside of recording only, which leaves the way from the view to it as it was.
    guard base.gradNode != nil else { return }
    let node = GradMode.with(true) {
      let ordered = base.isContiguous ? base : base.permute(base.orderOfMemory)
      return ViewNode(AsStrided(shape, strides: strides, offset: offset, of: ordered), ordered)
    }
    move(to: node, 0)
  }

  /// Gives this tensor, whose values have changed, the node that computed the new ones.
  package func move(to newNode: Node, _ output: Int) {
    if extras?.retainsGrad == true, let old = node {
      old.watchers.removeAll { if case .retain(let tensor) = $0.action { tensor() === self } else { false } }
      newNode.watchers.append(Watcher(output: output, action: .retain { [weak self] in self }))
    }
    node = newNode
    outputIndex = output
  }

  /// The tensor as whose view a view of this one counts: where views of views begin, but never beyond a leaf whose
  /// gradient is wanted.
  @inline(__always)
  package var viewBase: Tensor { leafRequiresGrad && node == nil ? self : extras?.base ?? self }

  /// Where this tensor's gradient goes.
  @inline(__always)
  package var edge: Edge {
    if let gradNode { return .node(gradNode, output: outputIndex) }
    return leafRequiresGrad ? .leaf(self) : .none
  }

  /// Adds to `.grad`, in place as PyTorch does. A first gradient that nobody else holds becomes `.grad` itself; one
  /// that others hold too is copied, so that a change of `.grad` never reaches them.
  package func accumulate(_ gradient: consuming Tensor, _ createGraph: Bool) {
    if let sum = self.gradient {
      if createGraph { self.gradient = sum + gradient } else { sum += gradient }
      return
    }
    var own = consume gradient
    if createGraph {
      self.gradient = own.clone()
    } else if own.isContiguous && isKnownUniquelyReferenced(&own) && isKnownUniquelyReferenced(&own.storage) {
      self.gradient = own
    } else {
      self.gradient = own.clone()
    }
  }

  /// The same values outside of the graph: shares the storage, never requires a gradient (PyTorch's `detach`).
  public func detach() -> Tensor { window(shape, strides: strides, offset: offset) }
}
