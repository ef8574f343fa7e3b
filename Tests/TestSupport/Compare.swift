import FirecrestCore

/// Where two tensors differ, nil where they agree within `relative`·|expected| + `absolute`. NaN equals NaN, and
/// infinities must be the same.
public func difference(
  _ actual: Tensor, _ expected: Tensor, relative: Double = 0, absolute: Double = 0, checkDType: Bool = true
) -> String? {
  if checkDType && actual.dtype != expected.dtype { return "dtype \(actual.dtype), expected \(expected.dtype)" }
  if actual.shape != expected.shape { return "shape \(actual.shape), expected \(expected.shape)" }
  if !actual.dtype.isFloatingPoint && !expected.dtype.isFloatingPoint {
    let (a, e) = (actual.toArray(Int.self), expected.toArray(Int.self))
    guard let i = a.indices.first(where: { a[$0] != e[$0] }) else { return nil }
    return "element \(i) of \(expected.shape): \(a[i]), expected \(e[i])"
  }
  let (a, e) = (actual.toArray(Double.self), expected.toArray(Double.self))
  var worst: (index: Int, excess: Double)?
  for i in a.indices {
    if a[i] == e[i] || (a[i].isNaN && e[i].isNaN) { continue }
    let allowed = relative * abs(e[i]) + absolute
    let error = abs(a[i] - e[i])
    if error <= allowed { continue }
    let excess = error.isNaN || allowed == 0 ? Double.infinity : error / allowed
    if worst == nil || excess > worst!.excess { worst = (i, excess) }
  }
  guard let worst else { return nil }
  return "element \(worst.index) of \(expected.shape): \(a[worst.index]), expected \(e[worst.index])"
}

/// The same values in memory that is not contiguous: every second element of a larger tensor in each dimension.
public func noncontiguous(_ x: Tensor) -> Tensor {
  if x.rank == 0 || x.elementCount <= 1 { return x }
  var big = Shape()
  var strides = Shape()
  for size in x.shape { big.append(size * 2) }
  let memory = Tensor.zeros(big, dtype: x.dtype)
  for d in 0..<x.rank { strides.append(memory.strides[d] * 2) }
  let window = memory.window(x.shape, strides: strides, offset: 1)
  window.copy(from: x)
  return window
}
