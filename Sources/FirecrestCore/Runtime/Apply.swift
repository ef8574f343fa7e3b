import CRuntime
import FirecrestCPU

// The one door: every operation is inferred, allocated, run and recorded here.

/// Runs an operation of one tensor.
@inline(never)
package func apply<O: UnaryOp>(_ op: O, _ x: Tensor) -> Tensor {
  let spec: TensorSpec
  do { spec = try op.infer(x.spec) } catch { stop(op.name, error, [x]) }
  if Decomposition.isPreferred, let y = op.decomposed(x) { return y }
  let y = Tensor(empty: spec.shape, spec.dtype)
  op.run(x, into: y, on: .shared)
  if x.requiresGrad && GradMode.isEnabled && op.isDifferentiable { y.node = UnaryNode(op, x, y) }
  return y
}

/// Runs an operation of two tensors.
@inline(never)
package func apply<O: BinaryOp>(_ op: O, _ a: Tensor, _ b: Tensor) -> Tensor {
  let spec: TensorSpec
  do { spec = try op.infer(a.spec, b.spec) } catch { stop(op.name, error, [a, b]) }
  if Decomposition.isPreferred, let y = op.decomposed(a, b) { return y }
  let y = Tensor(empty: spec.shape, spec.dtype)
  op.run(a, b, into: y, on: .shared)
  if (a.requiresGrad || b.requiresGrad) && GradMode.isEnabled && op.isDifferentiable {
    y.node = BinaryNode(op, a, b, y)
  }
  return y
}

/// Runs an operation of any number of tensors. Results of integer or bool type take no part in autograd.
package func apply<O: MultiOp>(_ op: O, _ inputs: [Tensor]) -> [Tensor] {
  let specs: [TensorSpec]
  do { specs = try op.infer(inputs.map(\.spec)) } catch { stop(op.name, error, inputs) }
  if Decomposition.isPreferred, let outputs = op.decomposed(inputs) { return outputs }
  let outputs = specs.map { Tensor(empty: $0.shape, $0.dtype) }
  op.run(inputs, into: outputs, on: .shared)
  if GradMode.isEnabled && op.isDifferentiable && inputs.contains(where: \.requiresGrad) {
    let node = MultiNode(op, inputs, outputs)
    for (index, y) in outputs.enumerated() where y.dtype.isFloatingPoint {
      y.node = node
      y.outputIndex = index
    }
  }
  return outputs
}

/// Runs an operation of one tensor, on the memory of that tensor where nobody else can see it: what an expression or a
/// layer passes on to the next, or a gradient on its way. Saves memory, and time with it.
package func apply<O: UnaryOp>(_ op: O, reusing x: consuming Tensor) -> Tensor {
  var x = x
  let isRecorded = x.requiresGrad && GradMode.isEnabled && op.isDifferentiable
  if isRecorded && op.saves.contains(.x) || !Tensor.isReusable(&x) || (try? op.infer(x.spec)) != x.spec {
    return apply(op, x)
  }
  let y = x.window(x.shape, strides: x.shape.contiguousStrides, offset: 0)
  op.run(x, into: y, on: .shared)
  if isRecorded { y.node = UnaryNode(op, x, y) }
  return y
}

/// Runs an operation of two tensors, on the memory of the first where nobody else can see it and nothing is recorded.
package func apply<O: BinaryOp>(_ op: O, reusing a: consuming Tensor, _ b: Tensor) -> Tensor {
  var a = a
  let isRecorded = (a.requiresGrad || b.requiresGrad) && GradMode.isEnabled && op.isDifferentiable
  if isRecorded || !Tensor.isReusable(&a) || (try? op.infer(a.spec, b.spec)) != a.spec { return apply(op, a, b) }
  let y = a.window(a.shape, strides: a.shape.contiguousStrides, offset: 0)
  op.run(a, b, into: y, on: .shared)
  return y
}

/// Runs an operation of a tensor and a number in their common type, on the tensor's memory where nobody else can see
/// it.
@inline(__always)
package func apply<O: BinaryOp>(_ op: O, reusing a: consuming Tensor, _ b: some TensorScalar) -> Tensor {
  let scalar = b.scalar, dtype = a.dtype.promoted(with: scalar)
  if dtype != a.dtype { a = a.to(dtype) }
  return apply(op, reusing: a, Tensor.scalar(scalar, dtype))
}

extension Tensor {
  /// Runs an operation of floating types on this tensor, integers and bool as float32, and on its memory where nobody
  /// else can see it.
  @inline(__always)
  package consuming func inFloating<O: UnaryOp>(_ op: O) -> Tensor {
    dtype.isFloatingPoint ? apply(op, reusing: self) : apply(op, reusing: to(.float32))
  }

  /// Whether a result may be written over `x`: nothing but this variable refers to the tensor, nothing but the tensor to
  /// its memory, and it has no more of that than it needs.
  fileprivate static func isReusable(_ x: inout Tensor) -> Bool {
    isKnownUniquelyReferenced(&x) && isKnownUniquelyReferenced(&x.storage) && x.storage.isAllocated
      && x.isContiguous && x.storage.byteCount == x.elementCount * x.dtype.size && x.extras == nil
      && !x.leafRequiresGrad
      && x.isInference == fc_state().pointee.inference_mode && !Decomposition.isPreferred
  }
}

/// Makes a view. It remembers its base, so that a change in place through either is seen by autograd in both.
@inline(never)
package func apply<O: ViewOp>(_ op: O, _ x: Tensor) -> Tensor {
  let window: (shape: Shape, strides: Shape, offset: Int)
  do { window = try op.window(x) } catch { stop(op.name, error, [x]) }
  let y = x.window(window.shape, strides: window.strides, offset: window.offset)
  if GradMode.isEnabled {
    let extras = TensorExtras()
    extras.base = x.viewBase
    extras.baseVersion = x.storage.version
    y.extras = extras
    if x.requiresGrad { y.node = ViewNode(op, x) }
  } else {
    y.rememberUnrecorded(viewOf: x)
  }
  return y
}

extension Tensor {
  /// Remembers, for a view made without recording, whose view it is where a gradient goes there.
  func rememberUnrecorded(viewOf x: Tensor) {
    isUnrecordedView = true
    let base = x.extras?.unrecordedBase ?? x.viewBase
    if !base.requiresGrad || fc_state().pointee.inference_mode { return }
    let extras = TensorExtras()
    extras.unrecordedBase = base
    self.extras = extras
  }
}

/// Lets tests run operations by their definitions instead of their kernels.
package enum Decomposition {
  @inline(__always)
  static var isPreferred: Bool { fc_state().pointee.prefer_decomposition }

  /// Calls `body` with `apply` choosing the decomposition of every operation that has one, on this thread.
  package static func preferred<R>(_ body: () throws -> R) rethrows -> R {
    let state = fc_state()
    let previous = state.pointee.prefer_decomposition
    state.pointee.prefer_decomposition = true
    defer { state.pointee.prefer_decomposition = previous }
    return try body()
  }
}
