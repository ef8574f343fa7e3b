import CPUKernelAPI
import FirecrestCPU
import FirecrestCore

/// Scales all gradients down together where their norm, taken over all of them as one vector, is above `maxNorm`
/// (PyTorch's `nn.utils.clip_grad_norm_`). Call it between `backward()` and `step()`.
///
/// - Parameter parameters: Those without a gradient are skipped.
/// - Parameter maxNorm: The largest norm left, up to rounding.
/// - Parameter normType: The order of the norm; `.infinity` for the largest size of an element.
/// - Parameter errorIfNonfinite: Whether the program stops where the norm is infinite or NaN. If not, such a norm scales
///   the gradients like any other, which makes them 0 or NaN.
/// - Returns: The norm before clipping.
@discardableResult
public func clipGradNorm(
  _ parameters: [Tensor], maxNorm: Double, normType: Double = 2, errorIfNonfinite: Bool = false
) -> Double {
  if maxNorm.isNaN { fail("clipGradNorm", "maxNorm is not a number") }
  return noGrad {
    let gradients = parameters.compactMap(\.grad)
    if gradients.isEmpty { return 0 }
    let norms = gradients.map { $0.to($0.dtype.accumulator).norm(normType).item() }
    let total = Tensor(norms, shape: [norms.count]).norm(normType).item()
    if errorIfNonfinite && !total.isFinite {
      fail(
        "clipGradNorm", "the norm of all gradients is \(total), so they cannot be clipped",
        help: "look for the first loss that is infinite or NaN, or leave errorIfNonfinite off")
    }
    let factor = maxNorm / (total + 1e-6)
    // NaN is no reason to leave the gradients as they are.
    if factor >= 1 { return total }
    for gradient in gradients { gradient *= factor }
    return total
  }
}

/// Limits every element of all gradients to −clipValue ... clipValue (PyTorch's `nn.utils.clip_grad_value_`). NaN stays.
///
/// - Parameter parameters: Those without a gradient are skipped.
/// - Parameter clipValue: The largest size left, 0 or more.
public func clipGradValue(_ parameters: [Tensor], clipValue: Double) {
  if !(clipValue >= 0) { fail("clipGradValue", "clipValue must not be negative, and is \(clipValue)") }
  noGrad {
    for gradient in parameters.compactMap(\.grad) {
      let low = Tensor.full([], -clipValue, dtype: gradient.dtype)
      let high = Tensor.full([], clipValue, dtype: gradient.dtype)
      runTernary(.clamp, [gradient, low, high], gradient, .shared)
      gradient.storage.version += 1
    }
  }
}
