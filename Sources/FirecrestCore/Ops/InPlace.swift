import CPUKernelAPI
import FirecrestCPU

/// Overwrites a tensor's values with those of another, for autograd: what arrives at the new values goes to the new
/// value's node, except outside of the window that was overwritten, where it goes on to the old values.
final class OverwriteNode: Node {
  private let window: AsStrided
  private let whole: Bool
  /// The base's dimensions as they lie in memory; nil where in their own order.
  private let order: [Int]?
  private let base: TensorSpec
  private let valueSpec: TensorSpec

  /// - Parameters:
  ///   - base: The tensor changed, still with the node of its old values.
  ///   - view: The window of it that changes; `base` itself where all does.
  ///   - value: What the window holds now.
  init(_ base: Tensor, _ view: Tensor, _ value: Tensor) {
    whole = base === view
    order = whole || base.isContiguous ? nil : base.orderOfMemory
    window =
      whole
      ? AsStrided(view.shape, strides: view.shape.contiguousStrides, offset: 0)
      : AsStrided(view.shape, strides: view.strides, offset: view.offset, of: base)
    self.base = base.spec
    valueSpec = value.spec
    let first = base.edge
    let second = value.edge
    super.init()
    edge0 = first
    edge1 = second
  }

  override var name: String { "copySlices" }

  override func propagate(_ gradient: consuming Tensor?, _ engine: Engine) {
    guard var gradient = consume gradient else { return }
    if let order { gradient = gradient.permute(order) }
    gradient = gradient.contiguous()
    let part = whole ? gradient : apply(window, gradient)
    if edge1.isWanted { engine.send(fit(part.clone(), valueSpec), to: edge1) }
    if edge0.isWanted {
      var rest =
        whole
        ? Tensor.zeros(base.shape, dtype: base.dtype)
        : apply(ReplaceWindow(view: window), gradient, Tensor.zeros(part.shape, dtype: part.dtype))
      if let order { rest = rest.permute(order.indices.map { order.firstIndex(of: $0)! }) }
      engine.send(rest, to: edge0)
    }
  }
}

extension Tensor {
  /// True where a change in place has to be recorded: this tensor or what it is made from takes part in autograd.
  package func isRecorded(_ values: Tensor...) -> Bool {
    GradMode.isEnabled
      && (requiresGrad || extras?.base?.requiresGrad == true || unrecordedBase?.requiresGrad == true
        || values.contains(where: \.requiresGrad))
  }

  /// What this tensor is a view of, where the view was made without recording.
  private var unrecordedBase: Tensor? { extras?.unrecordedBase ?? extras?.base?.extras?.unrecordedBase }

  /// Stops where several elements lie at one place, of which each would be written by the others too.
  package func refuseOverlap(_ operation: @autoclosure () -> String) {
    if !isContiguous && overlapsItself {
      stop(
        operation(), "several elements of the tensor to be changed lie at the same place", [self],
        help: "clone() it first")
    }
  }

  /// Stops where a leaf that requires a gradient would be changed while recording.
  package func refuseLeafChange(_ operation: @autoclosure () -> String) {
    guard GradMode.isEnabled else { return }
    for tensor in [extras?.base ?? self, self] where tensor.leafRequiresGrad && tensor.node == nil {
      stop(
        operation(), "a leaf that requires a gradient cannot be changed in place", [self],
        help: "change it inside of noGrad { }, or compute a new tensor")
    }
    if unrecordedBase?.requiresGrad == true { refuseUnrecordedView(operation()) }
  }

  private func refuseUnrecordedView(_ operation: String) -> Never {
    stop(
      operation, "a view that was made inside of noGrad { } is changed in place outside of it", [self],
      help: "make the view outside, change it inside, or clone() it")
  }

  /// Makes this tensor's values those of `value`, which has its shape, in place and recorded. All recorded changes in
  /// place end here.
  ///
  /// - Parameter fromSelf: True where `value` was computed from this tensor and by nothing that others hold: then its
  ///   node can be this tensor's own.
  package func overwrite(with value: Tensor, _ operation: String, fromSelf: Bool = false) {
    refuseLeafChange(operation)
    refuseOverlap(operation)
    let record = isRecorded(value)
    let base = extras?.base
    if record && (isUnrecordedView || base?.isUnrecordedView == true) { refuseUnrecordedView(operation) }
    // The node reads the old edges, so it is made before the values change.
    var node: (Node, Int)?
    if record {
      if fromSelf, base == nil, let own = value.gradNode {
        node = (own, value.outputIndex)
      } else {
        node = (OverwriteNode(base ?? self, self, value), 0)
      }
    }
    copyElements(value, self)
    storage.version += 1
    guard let node else { return }
    (base ?? self).move(to: node.0, node.1)
    if base != nil { _ = gradNode }
  }

  /// x = op(x, …) in place: straight into the memory where nothing is recorded and the kernel can, else by way of a new
  /// tensor.
  fileprivate func update<O: ElementwiseBinaryOp>(_ op: O, _ other: Tensor) {
    let value = resultType(self, other)
    if value.category > dtype.category {
      stop(
        op.name, "a result of type \(value) cannot be stored in a tensor of type \(dtype)", [self, other],
        help: "compute a new tensor, or convert this one with to(.\(value)) first")
    }
    refuseOverlap(op.name)
    if isRecorded(other) {
      refuseLeafChange(op.name)
      // An operation that saves its input must not see it overwritten.
      let saves = op.saves(needsA: requiresGrad, needsB: other.requiresGrad)
      let old = saves.contains(.a) || (saves.contains(.b) && other === self) ? snapshot() : self
      let (a, b) = promote(old, other === self ? old : other)
      let result = apply(op, a, b).to(dtype)
      if result.shape != shape {
        stop(op.name, "the result's shape \(result.shape) is not the tensor's", [self, other])
      }
      return overwrite(with: result, op.name, fromSelf: true)
    }
    let b = other.dtype == dtype ? other : other.to(dtype)
    do throws(OpError) {
      let shape = try broadcastShapes(shape, b.shape)
      if shape != self.shape { throw OpError("the result's shape \(shape) is not the tensor's") }
    } catch { stop(op.name, error, [self, other]) }
    // Memory read at other places than it is written must be read before.
    let source =
      b.storage === storage && !(b.offset == offset && b.strides == strides && b.shape == shape) ? b.clone() : b
    if value == dtype {
      op.run(self, source, into: self, on: .shared)
    } else {
      let (a, c) = promote(self, other)
      copyElements(apply(op, a, c), self)
    }
    storage.version += 1
  }

  /// A copy of the values with the same place in the graph.
  private func snapshot() -> Tensor {
    let copy = noGrad { clone() }
    if let node = gradNode {
      copy.node = node
      copy.outputIndex = outputIndex
    }
    return copy
  }

  /// Adds in place; shapes broadcast to this tensor's (PyTorch's `add_`).
  @_disfavoredOverload
  public static func += (x: Tensor, other: Tensor) { x.update(Add(), other) }
  /// Adds a number in place.
  @_disfavoredOverload
  public static func += (x: Tensor, other: some TensorScalar) { x.update(Add(), x.operand(other)) }
  /// Subtracts in place (PyTorch's `sub_`).
  @_disfavoredOverload
  public static func -= (x: Tensor, other: Tensor) {
    x.refuseBool("sub", help: "use logicalXor")
    x.update(Sub(), other)
  }
  /// Subtracts a number in place.
  @_disfavoredOverload
  public static func -= (x: Tensor, other: some TensorScalar) {
    x.refuseBool("sub", help: "use logicalXor")
    x.update(Sub(), x.operand(other))
  }
  /// Multiplies in place (PyTorch's `mul_`).
  @_disfavoredOverload
  public static func *= (x: Tensor, other: Tensor) {
    if x.isScaledByWider(other) { return x.overwrite(with: x * other, "mul") }
    x.update(Mul(), other)
  }
  /// Multiplies by a number in place.
  @_disfavoredOverload
  public static func *= (x: Tensor, other: some TensorScalar) {
    if x.dtype.isHalf && !x.dtype.holds(other.scalar) { return x.overwrite(with: x * other, "mul") }
    x.update(Mul(), x.operand(other))
  }
  /// Divides in place; floating tensors only (PyTorch's `div_`).
  @_disfavoredOverload
  public static func /= (x: Tensor, other: Tensor) {
    x.requireFloat("div")
    if x.isScaledByWider(other) { return x.overwrite(with: x / other, "div") }
    x.update(Div(), other)
  }
  /// Divides by a number in place; floating tensors only.
  @_disfavoredOverload
  public static func /= (x: Tensor, other: some TensorScalar) {
    x.requireFloat("div")
    if x.dtype.isHalf && !x.dtype.holds(other.scalar) { return x.overwrite(with: x / other, "div") }
    x.update(Div(), x.operand(other))
  }

  /// Whether this half tensor meets a tensor without dimensions that must not be rounded to its type first.
  private func isScaledByWider(_ other: Tensor) -> Bool {
    dtype.isHalf && other.rank == 0 && rank > 0 && other.dtype.isFloatingPoint && !other.dtype.isHalf
  }

  /// A number as the second operand of an operation on this tensor.
  @inline(__always)
  private func operand(_ value: some TensorScalar) -> Tensor {
    Tensor.scalar(value.scalar, dtype.promoted(with: value.scalar))
  }

  package func requireFloat(_ operation: String) {
    if !dtype.isFloatingPoint {
      stop(operation, "needs a floating-point tensor", [self], help: "convert it with to(.float32)")
    }
  }

  /// Replaces the values by those of `source`, broadcast and converted, in place (PyTorch's `copy_`).
  public func copy(from source: Tensor) {
    if source === self { return }
    do throws(OpError) {
      if try broadcastShapes(shape, source.shape) != shape {
        throw OpError("the source does not broadcast to \(shape)")
      }
    } catch { stop("copy", error, [self, source]) }
    let source = source.storage === storage ? source.clone() : source
    overwrite(with: source.to(dtype).expand(shape), "copy")
  }

  /// Sets every element to `value`, in place (PyTorch's `fill_`).
  public func fill(_ value: some TensorScalar) {
    dtype.refuse(value.scalar, "fill")
    if isRecorded() { return overwrite(with: Tensor.scalar(value.scalar, dtype).expand(shape), "fill") }
    refuseLeafChange("fill")
    fillElements(value.scalar)
    storage.version += 1
  }

  /// Sets every element to 0, in place (PyTorch's `zero_`).
  public func zero() { fill(0) }
}

// The same for places that can be assigned: `x[mask] += 1` computes on a copy of the selected elements, which the
// subscript then has to write back. Constants, which have no place to write to, take the forms above.
extension Tensor {
  /// Adds in place, also through a subscript.
  public static func += (x: inout Tensor, other: Tensor) { change(x, other) { $0 += $1 } }
  /// Adds a number in place, also through a subscript.
  public static func += (x: inout Tensor, other: some TensorScalar) { change(x, other) { $0 += $1 } }
  /// Subtracts in place, also through a subscript.
  public static func -= (x: inout Tensor, other: Tensor) { change(x, other) { $0 -= $1 } }
  /// Subtracts a number in place, also through a subscript.
  public static func -= (x: inout Tensor, other: some TensorScalar) { change(x, other) { $0 -= $1 } }
  /// Multiplies in place, also through a subscript.
  public static func *= (x: inout Tensor, other: Tensor) { change(x, other) { $0 *= $1 } }
  /// Multiplies by a number in place, also through a subscript.
  public static func *= (x: inout Tensor, other: some TensorScalar) { change(x, other) { $0 *= $1 } }
  /// Divides in place, also through a subscript.
  public static func /= (x: inout Tensor, other: Tensor) { change(x, other) { $0 /= $1 } }
  /// Divides by a number in place, also through a subscript.
  public static func /= (x: inout Tensor, other: some TensorScalar) { change(x, other) { $0 /= $1 } }

  @inline(__always)
  private static func change<T>(_ x: Tensor, _ other: T, _ body: (Tensor, T) -> Void) { body(x, other) }
}
