import FirecrestCPU

/// What an operation knows of a tensor before it runs: its type and shape.
package struct TensorSpec: Equatable, Sendable, CustomStringConvertible {
  package var dtype: DType
  package var shape: Shape

  @inline(__always)
  package init(_ dtype: DType, _ shape: Shape) {
    self.dtype = dtype
    self.shape = shape
  }

  /// `float32[2, 3]`.
  package var description: String { "\(dtype)\(shape)" }
}

/// Why an operation refuses its inputs. `apply` turns it into the message that stops the program; tests catch it.
package struct OpError: Error, Equatable {
  package var reason: String
  package var help: String?

  package init(_ reason: String, help: String? = nil) {
    self.reason = reason
    self.help = help
  }
}

/// Stops the program with a message that shows the tensors involved.
@inline(never)
package func stop(_ operation: String, _ reason: String, _ inputs: [Tensor], help: String? = nil) -> Never {
  let labels =
    inputs.count == 1 ? ["input"] : inputs.count == 2 ? ["left ", "right"] : inputs.indices.map { "input \($0)" }
  fail(operation, reason, values: zip(labels, inputs).map { "\($0)  \($1.summary)" }, help: help)
}

@inline(never)
package func stop(_ operation: String, _ error: OpError, _ inputs: [Tensor]) -> Never {
  stop(operation, error.reason, inputs, help: error.help)
}

extension TensorSpec {
  /// This spec, if its type is floating; the usual first line of `infer` of an operation that has a derivative.
  package func requireFloat() throws(OpError) -> TensorSpec {
    guard dtype.isFloatingPoint else {
      throw OpError("needs a floating-point tensor, not \(dtype)", help: "convert it with to(.float32)")
    }
    return self
  }
}

/// A dimension number as 0 ..< rank. Scalars accept 0 and −1, as in PyTorch.
package func resolveDim(_ dim: Int, rank: Int) throws(OpError) -> Int {
  let bound = max(1, rank)
  guard dim >= -bound && dim < bound else {
    throw OpError("dimension \(dim) is out of range for \(rank) dimensions", help: "use \(-bound)...\(bound - 1)")
  }
  return dim < 0 ? dim + bound : dim
}

extension Tensor {
  /// A dimension number as 0 ..< rank, or the program stops in the name of `operation`.
  @inline(__always)
  package func resolve(_ dim: Int, _ operation: String) -> Int {
    if dim >= 0 && dim < rank { return dim }
    do { return try resolveDim(dim, rank: rank) } catch { stop(operation, error, [self]) }
  }
}

/// The shape that broadcasting two shapes gives: aligned at the end, sizes equal or 1.
@inline(__always)
package func broadcastShapes(_ a: Shape, _ b: Shape) throws(OpError) -> Shape {
  if a == b { return a }
  return try broadcastUnequal(a, b)
}

private func broadcastUnequal(_ a: Shape, _ b: Shape) throws(OpError) -> Shape {
  let count = max(a.count, b.count)
  var result = Shape(repeating: 1, count: count)
  for i in 1...max(1, count) where i <= count {
    let x = i <= a.count ? a[a.count - i] : 1
    let y = i <= b.count ? b[b.count - i] : 1
    guard x == y || x == 1 || y == 1 else {
      throw OpError(
        "shapes do not broadcast: sizes \(x) and \(y) in dim \(count - i)",
        help: "sizes must be equal or 1, aligned at the last dimension")
    }
    result[count - i] = x == 1 ? y : x
  }
  return result
}
