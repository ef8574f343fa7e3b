import CRuntime

/// Whether operations of the current thread record what `backward()` needs.
package enum GradMode {
  /// True unless the thread is inside `noGrad` or `inferenceMode`.
  @inline(__always)
  package static var isEnabled: Bool { !fc_state().pointee.grad_disabled }

  @inline(__always)
  package static func with<R, E: Error>(_ enabled: Bool, _ body: () throws(E) -> R) throws(E) -> R {
    let state = fc_state()
    let previous = state.pointee.grad_disabled
    state.pointee.grad_disabled = !enabled
    defer { state.pointee.grad_disabled = previous }
    return try body()
  }
}

/// True where operations of this thread are recorded for `backward()` (PyTorch's `is_grad_enabled`).
public var isGradEnabled: Bool { GradMode.isEnabled }

/// Runs `body` without recording its operations: results have `requiresGrad == false` (PyTorch's `torch.no_grad`).
public func noGrad<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R { try GradMode.with(false, body) }

/// Runs `body` with recording on, inside of `noGrad` too, but not of `inferenceMode` (PyTorch's `torch.enable_grad`).
public func enableGrad<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
  try GradMode.with(!fc_state().pointee.inference_mode, body)
}

/// Runs `body` with recording on or off, as a loop over the phases of training and validation wants it (PyTorch's
/// `torch.set_grad_enabled`).
public func setGradEnabled<R, E: Error>(_ mode: Bool, _ body: () throws(E) -> R) throws(E) -> R {
  mode ? try enableGrad(body) : try noGrad(body)
}

/// Runs `body` without recording, and marks its results so that later recording refuses to save them: a promise that
/// they never take part in autograd (PyTorch's `torch.inference_mode`).
public func inferenceMode<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
  let state = fc_state()
  let previous = state.pointee.inference_mode
  state.pointee.inference_mode = true
  defer { state.pointee.inference_mode = previous }
  return try GradMode.with(false, body)
}
