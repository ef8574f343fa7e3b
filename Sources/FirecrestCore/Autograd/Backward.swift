import CRuntime
import FirecrestCPU

extension Tensor {
  /// Computes the gradient of this tensor for every leaf it depends on and adds it to the leaves' `.grad`
  /// (PyTorch's `backward`).
  ///
  /// - Parameters:
  ///   - gradient: The gradient of some later scalar for this tensor, of its shape; may be left out for a tensor of
  ///     one element, where it is 1.
  ///   - retainGraph: Keeps what the graph saved, so that it can be gone through once more. Default: `createGraph`.
  ///   - createGraph: Records the computation of the gradients, for derivatives of higher order.
  public func backward(gradient: Tensor? = nil, retainGraph: Bool? = nil, createGraph: Bool = false) {
    Engine(createGraph: createGraph, retainGraph: retainGraph ?? createGraph)
      .backward([(self, rootGradient(gradient, "backward"))])
  }

  fileprivate func rootGradient(_ gradient: Tensor?, _ operation: String) -> Tensor {
    if !requiresGrad {
      stop(
        operation, "this tensor does not require a gradient and no recorded operation computed it", [self],
        help: "set requiresGrad on the inputs, and compute outside of noGrad { }")
    }
    if let gradient {
      if gradient.shape != shape {
        stop(operation, "the given gradient has another shape", [self, gradient], help: "it must be \(shape)")
      }
      return gradient.dtype == dtype ? gradient : gradient.to(dtype)
    }
    if elementCount != 1 {
      stop(
        operation, "only a tensor of one element has a gradient without being given one", [self],
        help: "reduce it, e.g. with sum() or mean(), or pass gradient: a tensor of shape \(shape)")
    }
    return Tensor.full(shape, 1, dtype: dtype)
  }

  /// Keeps the gradient of a tensor that is not a leaf in its `.grad` (PyTorch's `retain_grad`).
  public func retainGrad() {
    if !requiresGrad { stop("retainGrad", "this tensor does not require a gradient", [self]) }
    guard let node = gradNode else { return }
    if extras == nil { extras = TensorExtras() }
    if extras!.retainsGrad { return }
    extras!.retainsGrad = true
    node.watchers.append(Watcher(output: outputIndex, action: .retain { [weak self] in self }))
  }

  /// Calls `hook` with this tensor's gradient whenever a backward pass computes it; what it returns, if anything,
  /// takes the gradient's place (PyTorch's `register_hook`). Returns a handle that removes it.
  @discardableResult
  public func registerHook(_ hook: @escaping (Tensor) -> Tensor?) -> HookHandle {
    if !requiresGrad { stop("registerHook", "this tensor does not require a gradient", [self]) }
    let id = HookHandle.next()
    if let node = gradNode {
      node.watchers.append(Watcher(output: outputIndex, action: .hook(id: id, hook)))
      return HookHandle { [weak node] in
        node?.watchers.removeAll { if case .hook(id, _) = $0.action { true } else { false } }
      }
    }
    if extras == nil { extras = TensorExtras() }
    extras!.hooks.append((id, hook))
    return HookHandle { [weak self] in self?.extras?.hooks.removeAll { $0.id == id } }
  }
}

/// Removes a hook (PyTorch's `RemovableHandle`).
public struct HookHandle {
  private let action: () -> Void
  fileprivate init(_ action: @escaping () -> Void) { self.action = action }

  /// The hook is not called any more.
  public func remove() { action() }

  fileprivate static func next() -> Int { Node.nextSequence() }
}

/// The gradients of `outputs` for `inputs`, without touching any `.grad` (PyTorch's `torch.autograd.grad`). Entry i is
/// nil where `inputs[i]` does not take part and `allowUnused` is true; otherwise that stops the program.
///
/// - Parameters:
///   - gradients: One gradient an output; may be left out where every output has one element.
///   - createGraph: Records the computation, so that the results can be differentiated again.
///   - retainGraph: Keeps what the graph saved, so that it can be gone through once more. Default: `createGraph`.
///   - inputs: The tensors whose gradients are asked for.
///   - outputs: The tensors that are differentiated.
///   - allowUnused: Returns nil for an input that takes no part, instead of stopping.
public func grad(
  of outputs: [Tensor], wrt inputs: [Tensor], gradients: [Tensor?]? = nil, retainGraph: Bool? = nil,
  createGraph: Bool = false, allowUnused: Bool = false
) -> [Tensor?] {
  if let gradients, gradients.count != outputs.count {
    fail("grad", "\(outputs.count) outputs but \(gradients.count) gradients")
  }
  for input in inputs where !input.requiresGrad {
    stop("grad", "an input does not require a gradient", [input], help: "set its requiresGrad before it is used")
  }
  let roots = outputs.enumerated().map { ($1, $1.rootGradient(gradients?[$0], "grad")) }
  let result = Engine(createGraph: createGraph, retainGraph: retainGraph ?? createGraph).gradients(roots, of: inputs)
  if !allowUnused, let unused = result.firstIndex(where: { $0 == nil }) {
    stop(
      "grad", "input \(unused) does not take part in the computation of the outputs", [inputs[unused]],
      help: "pass allowUnused: true to get nil for it")
  }
  return result
}

/// The gradient of one output for one input; see `grad(of:wrt:gradients:retainGraph:createGraph:allowUnused:)`.
public func grad(
  of output: Tensor, wrt input: Tensor, gradient: Tensor? = nil, retainGraph: Bool? = nil, createGraph: Bool = false
) -> Tensor {
  grad(of: [output], wrt: [input], gradients: [gradient], retainGraph: retainGraph, createGraph: createGraph)[0]!
}

/// True inside of `detectAnomaly`.
package var isAnomalyDetectionEnabled: Bool { fc_state().pointee.detect_anomaly }

/// While `body` runs, `backward` checks every gradient it computes and stops at the first NaN with the name of the
/// operation that made it (PyTorch's `torch.autograd.detect_anomaly`). Slows backward down; for debugging.
public func detectAnomaly<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
  let state = fc_state()
  let previous = state.pointee.detect_anomaly
  state.pointee.detect_anomaly = true
  defer { state.pointee.detect_anomaly = previous }
  return try body()
}
