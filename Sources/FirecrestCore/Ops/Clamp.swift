import CPUKernelAPI
import FirecrestCPU

/// max(x, low): unlike `maximum`, an element at the bound has the whole gradient
struct ClampMin: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.maximum
  var name: String { "clamp" }
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (g.kept(where: saved.a .>= saved.b), saved.needsB ? g.kept(where: saved.a .< saved.b) : nil)
  }
}

/// min(x, high)
struct ClampMax: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.minimum
  var name: String { "clamp" }
  var saves: Saves { [.a, .b] }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (g.kept(where: saved.a .<= saved.b), saved.needsB ? g.kept(where: saved.a .> saved.b) : nil)
  }
}

/// min(max(x, low), high)
struct Clamp: MultiOp {
  var savedInputs: [Int] { [0, 1, 2] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { try ternarySpec(inputs) }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) { runTernary(.clamp, inputs, outputs[0], cpu) }

  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    // The bounds' derivatives follow their order, which the nested form does not know.
    if inputs[1].requiresGrad || inputs[2].requiresGrad { return nil }
    return [apply(ClampMax(), apply(ClampMin(), inputs[0], inputs[1]), inputs[2])]
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil, nil, nil] }
    let (x, low, high) = (saved.input(0), saved.input(1), saved.input(2))
    let gx = saved.needs[0] ? g.kept(where: (x .>= low) & (x .<= high)) : nil
    let gLow = saved.needs[1] ? g.kept(where: (low .< high) & (x .< low)) : nil
    let gHigh = saved.needs[2] ? g.kept(where: (high .< low) | (x .> high)) : nil
    return [gx, gLow, gHigh]
  }
}

/// The spec of an operation of three elements of one type, broadcast.
package func ternarySpec(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
  [try broadcastSpec(try broadcastSpec(inputs[0], inputs[1]), inputs[2])]
}

package func runTernary(_ kernel: TernaryKernel, _ inputs: [Tensor], _ y: Tensor, _ cpu: CPU) {
  ElementwiseLoop(inputs[0], inputs[1], inputs[2], into: y).run(cpu, cost: 2) {
    cpu.kernels.ternary(kernel, y.dtype, $0, $1[0], $1[1], $1[2], $1[3])
  }
}

/// Three tensors in their common type.
package func promote(_ a: Tensor, _ b: Tensor, _ c: Tensor) -> [Tensor] {
  let all = [a, b, c], dtype = resultType(all)
  return all.map { $0.to(dtype) }
}

extension Tensor {
  /// The elements, at least `min` and at most `max`: numbers or tensors that broadcast (PyTorch's `clamp`). Where `min`
  /// is larger than `max` the result is `max`; NaN stays. The gradient passes at the bounds and between them.
  public func clamp(min: some TensorOperand, max: some TensorOperand) -> Tensor {
    refuseBound(min)
    refuseBound(max)
    if let min = min as? Tensor, let max = max as? Tensor { return apply(Clamp(), promote(self, min, max))[0] }
    let (x, _) = min.promoted(beside: self)
    let (y, high) = max.promoted(beside: x)
    // Anew, for the type may have grown to one that holds what the first did not.
    let (_, low) = min.promoted(beside: y)
    return apply(Clamp(), [y, low, high])[0]
  }
  /// The elements, at least `min` (PyTorch's `clamp_min`).
  public func clamp(min: some TensorOperand) -> Tensor {
    refuseBound(min)
    return combined(ClampMin(), min)
  }
  /// The elements, at most `max` (PyTorch's `clamp_max`).
  public func clamp(max: some TensorOperand) -> Tensor {
    refuseBound(max)
    return combined(ClampMax(), max)
  }

  /// A bound that the elements' integer type does not hold would become another one.
  private func refuseBound(_ bound: some TensorOperand) {
    if dtype.isFloatingPoint { return }
    if let number = bound as? any TensorScalar, dtype.promoted(with: number.scalar) == dtype {
      dtype.refuse(number.scalar, "clamp")
    }
  }
}
