import FirecrestCPU

/// Compares the gradients that `backward` computes for `function` with central differences of its values, and stops
/// the program at the first that disagrees (PyTorch's `torch.autograd.gradcheck`).
///
/// - Parameters:
///   - function: Results of `inputs`; must be smooth around them and give the same each time.
///   - inputs: float64, since differences in float32 are too coarse.
///   - step: The distance of the differences.
///   - absolute: The absolute tolerance of the comparison.
///   - relative: The relative tolerance of the comparison.
/// - Returns: true, so that it can stand in an assertion.
@discardableResult
public func gradcheck(
  _ function: ([Tensor]) -> [Tensor], _ inputs: [Tensor], step: Double = 1e-6, relative: Double = 1e-3,
  absolute: Double = 1e-5
) -> Bool {
  if let failure = gradcheckFailure(function, inputs, step: step, relative: relative, absolute: absolute) {
    fail("gradcheck", failure)
  }
  return true
}

/// What `gradcheck` objects to, nil where all agrees.
package func gradcheckFailure(
  _ function: ([Tensor]) -> [Tensor], _ inputs: [Tensor], step: Double = 1e-6, relative: Double = 1e-3,
  absolute: Double = 1e-5
) -> String? {
  for (i, input) in inputs.enumerated() where input.dtype != .float64 {
    return "input \(i) is \(input.dtype); finite differences need float64"
  }
  let leaves = inputs.map { $0.detach().clone().requiresGrad(true) }
  let outputs = function(leaves)
  for (o, output) in outputs.enumerated() where output.requiresGrad {
    // One output element at a time would be slow; a fixed mix of all of them finds the same errors.
    let mix: [Double] = (0..<output.elementCount).map { element in
      0.5 + Double(element * 7 % 11) / 11.0
    }
    let weights = Tensor(mix, shape: output.shape, dtype: output.dtype)
    let analytic = grad(of: [output], wrt: leaves, gradients: [weights], retainGraph: true, allowUnused: true)
    for (i, leaf) in leaves.enumerated() {
      let computed = analytic[i]?.toArray(Double.self) ?? Array(repeating: 0, count: leaf.elementCount)
      for e in 0..<leaf.elementCount {
        func value(_ shift: Double) -> Double {
          noGrad {
            let moved = leaves.map { $0.clone() }
            moved[i].withElements(Double.self) { $0[e] += shift }
            for tensor in moved { tensor.requiresGrad = true }
            let result = enableGrad { function(moved)[o] }
            return (result * weights).sum().item()
          }
        }
        let numeric = (value(step) - value(-step)) / (2 * step)
        let error = abs(computed[e] - numeric)
        if !(error <= relative * abs(numeric) + absolute) {
          return "output \(o), input \(i), element \(e): backward gives \(computed[e]), differences give \(numeric)"
        }
      }
    }
  }
  return nil
}
