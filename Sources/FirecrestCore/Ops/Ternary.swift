import CPUKernelAPI
import FirecrestCPU

/// a + b · c
struct Addcmul: MultiOp {
  var savedInputs: [Int] { [1, 2] }
  func savedInputs(needs: (Int) -> Bool) -> [Int] { (needs(2) ? [1] : []) + (needs(1) ? [2] : []) }
  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { try ternarySpec(inputs) }
  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) { runTernary(.addcmul, inputs, outputs[0], cpu) }
  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    let product = inputs[1] * inputs[2]
    return [inputs[0] + product]
  }
  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil, nil, nil] }
    return [g, saved.needs[1] ? g * saved.input(2) : nil, saved.needs[2] ? g * saved.input(1) : nil]
  }
}

/// a + b / c
struct Addcdiv: MultiOp {
  var savedInputs: [Int] { [1, 2] }
  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let specs = try ternarySpec(inputs)
    guard specs[0].dtype.isFloatingPoint else {
      throw OpError("division of integers is not supported here", help: "convert one with to(.float32)")
    }
    return specs
  }
  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) { runTernary(.addcdiv, inputs, outputs[0], cpu) }
  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    let quotient = inputs[1] / inputs[2]
    return [inputs[0] + quotient]
  }
  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil, nil, nil] }
    let gb = g / saved.input(2)
    return [g, gb, saved.needs[2] ? -gb * (saved.input(1) / saved.input(2)) : nil]
  }
}

/// a + c · (b − a), computed from the nearer end
struct Lerp: MultiOp {
  var savedInputs: [Int] { [0, 1, 2] }
  func savedInputs(needs: (Int) -> Bool) -> [Int] { (needs(2) ? [0, 1] : []) + (needs(0) || needs(1) ? [2] : []) }
  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let specs = try ternarySpec(inputs)
    _ = try specs[0].requireFloat()
    return specs
  }
  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) { runTernary(.lerp, inputs, outputs[0], cpu) }
  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    let way = inputs[1] - inputs[0]
    return [inputs[0] + inputs[2] * way]
  }
  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil, nil, nil] }
    let ga = saved.needs[0] ? g * (1 - saved.input(2)) : nil
    let gc = saved.needs[2] ? g * (saved.input(1) - saved.input(0)) : nil
    return [ga, saved.needs[1] ? g * saved.input(2) : nil, gc]
  }
}

extension Tensor {
  /// x + `value` · a · b, element by element, in the tensors' common type (PyTorch's `addcmul`). Beside integers
  /// `value` loses its fraction.
  public func addcmul(_ a: Tensor, _ b: Tensor, value: some TensorScalar = 1) -> Tensor {
    adding(Addcmul(), a, b, value.scalar, "addcmul")
  }

  /// x + `value` · a / b, element by element, in floating types (PyTorch's `addcdiv`).
  public func addcdiv(_ a: Tensor, _ b: Tensor, value: some TensorScalar = 1) -> Tensor {
    adding(Addcdiv(), a, b, value.scalar, "addcdiv")
  }

  private func adding(_ op: some MultiOp, _ a: Tensor, _ b: Tensor, _ value: Scalar, _ operation: String) -> Tensor {
    let inputs = promote(self, a, b)
    if value == .int(1) { return apply(op, inputs)[0] }
    let dtype = inputs[0].dtype
    var value = value
    if !dtype.isFloatingPoint {
      dtype.refuse(value, operation)
      value = .int(Int(value.doubleValue))
    }
    // Half types compute in float32: the number and its products would be rounded to them first.
    return apply(op, [inputs[0].wide, inputs[1].wide * value, inputs[2].wide])[0].to(dtype)
  }

  /// The point between this tensor (`weight` 0) and `end` (`weight` 1) (PyTorch's `lerp`); floating types only.
  public func lerp(_ end: Tensor, _ weight: some TensorOperand) -> Tensor {
    if dtype.isHalf && end.dtype == dtype && ((weight as? Tensor)?.dtype ?? dtype) == dtype {
      return wide.lerp(end.wide, weight).to(dtype)
    }
    let (a, w) = weight.promoted(beside: self)
    return apply(Lerp(), promote(a, end, w))[0]
  }
}
