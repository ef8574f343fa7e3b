import FirecrestCore

/// Compares the gradients of `function` with central differences along one random direction through all inputs, and
/// `twice` the gradients of these gradients likewise, as PyTorch's `gradcheck` and `gradgradcheck` do with `fast_mode`.
/// The gradients given to the results count as inputs of the second comparison. Nil where all agrees.
func directionFailure(_ function: ([Tensor]) -> [Tensor], _ inputs: [Tensor], twice: Bool) -> String? {
  let random = Generator(seed: 7)
  let (failure, given) = compare(function, inputs, random)
  if failure != nil || !twice { return failure }
  func gradients(_ all: [Tensor]) -> [Tensor] {
    let (xs, vs) = (Array(all[..<inputs.count]), Array(all[inputs.count...]))
    let ys = function(xs).filter(\.requiresGrad)
    let found = grad(of: ys, wrt: xs, gradients: vs, createGraph: true, allowUnused: true)
    return found.enumerated().map { $1 ?? Tensor.zeros(xs[$0].shape, dtype: .float64) }
  }
  return compare(gradients, inputs + given, random).failure.map { "second derivative: \($0)" }
}

/// Compares the first derivatives alone; `given` are the gradients that it chose for the results that require one.
private func compare(
  _ function: ([Tensor]) -> [Tensor], _ inputs: [Tensor], _ random: Generator
) -> (failure: String?, given: [Tensor]) {
  func like(_ tensors: [Tensor]) -> [Tensor] { tensors.map { Tensor.randn(like: $0, generator: random) } }
  func sum(_ a: [Tensor?], _ b: [Tensor], _ f: (Tensor) -> Tensor = { $0 }) -> Double {
    zip(a, b).reduce(0) { total, pair in total + (pair.0.map { f($0.detach() * pair.1).sum().item() } ?? 0) }
  }
  let xs = inputs.map { $0.detach().clone().requiresGrad(true) }
  let ys = function(xs)
  let (weights, direction) = (like(ys), like(inputs))
  // A result that requires no gradient is taken for a constant, and the differences say whether it is one.
  let roots = zip(ys, weights).filter { $0.0.requiresGrad }
  let given = roots.map(\.1)
  let gradients = grad(of: roots.map(\.0), wrt: xs, gradients: given, allowUnused: true)
  let step = 1e-6
  func value(_ step: Double) -> Double {
    sum(function(zip(inputs, direction).map { ($0.detach() + $1 * step).requiresGrad(true) }), weights)
  }
  let (backward, slope) = (sum(gradients, direction), (value(step) - value(-step)) / (2 * step))
  let error = abs(backward - slope)
  if error <= 1e-6 { return (nil, given) }
  // Rounding of the values leaves noise in their difference.
  let noise = 1e-15 * sum(ys, weights, { $0.abs() }) / step
  if error <= 1e-6 + 1e-6 * sum(gradients, direction, { $0.abs() }) + noise { return (nil, given) }
  return ("backward gives \(backward) along a random direction, differences give \(slope)", given)
}
