import CPUKernelAPI
import FirecrestCPU

/// condition ? a : b
struct Where: MultiOp {
  var savedInputs: [Int] { [0] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    guard inputs[0].dtype == .bool else {
      throw OpError("the condition must be bool, not \(inputs[0].dtype)", help: "compare it: condition .!= 0")
    }
    let values = try broadcastSpec(inputs[1], inputs[2])
    return [TensorSpec(values.dtype, try broadcastShapes(inputs[0].shape, values.shape))]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let type = outputs[0].dtype
    ElementwiseLoop(inputs[0], inputs[1], inputs[2], into: outputs[0]).run(cpu) {
      cpu.kernels.select(type, $0, $1[0], $1[1], $1[2], $1[3])
    }
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil, nil, nil] }
    let condition = saved.input(0)
    return [nil, saved.needs[1] ? g.kept(where: condition) : nil, saved.needs[2] ? g.zeroed(where: condition) : nil]
  }
}

extension Tensor {
  /// This tensor's elements where `condition` holds, those of `other` elsewhere (PyTorch's `where`). All three
  /// broadcast; `condition` is bool.
  public func `where`(_ condition: Tensor, _ other: some TensorOperand) -> Tensor {
    let (a, b) = other.promoted(beside: self)
    return apply(Where(), [condition, a, b])[0]
  }
}
