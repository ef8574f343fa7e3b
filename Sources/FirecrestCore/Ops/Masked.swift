import CPUKernelAPI
import FirecrestCPU

/// y = mask ? value : x, of an input, a mask that broadcasts with it, and a value without dimensions.
struct MaskedFill: MultiOp {
  var savedInputs: [Int] { [1] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    if inputs[1].dtype != .bool { throw OpError("the mask must be of type bool", help: "convert it with to(.bool)") }
    return [TensorSpec(inputs[0].dtype, try broadcastShapes(inputs[0].shape, inputs[1].shape))]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    ElementwiseLoop(inputs[1], inputs[2], inputs[0], into: outputs[0]).run(cpu) {
      cpu.kernels.select(inputs[0].dtype, $0, $1[0], $1[1], $1[2], $1[3])
    }
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil, nil, nil] }
    let mask = saved.input(1)
    return [
      saved.needs[0] ? g.maskedFill(mask, 0) : nil, nil,
      saved.needs[2] ? g.maskedFill(mask.logicalNot(), 0).sum() : nil,
    ]
  }
}

extension Tensor {
  /// The tensor with `value` where `mask`, of type bool, is true; both broadcast (PyTorch's `masked_fill`).
  public func maskedFill(_ mask: Tensor, _ value: some TensorScalar) -> Tensor {
    dtype.refuse(value.scalar, "maskedFill")
    return maskedFill(mask, Tensor.scalar(value.scalar, dtype))
  }

  /// The tensor with the value of a tensor without dimensions where `mask` is true.
  public func maskedFill(_ mask: Tensor, _ value: Tensor) -> Tensor {
    if value.rank != 0 { stop("maskedFill", "the value must be a tensor without dimensions", [self, mask, value]) }
    if value.dtype.category > dtype.category {
      stop("maskedFill", "a value of type \(value.dtype) does not fit a tensor of type \(dtype)", [self, mask, value])
    }
    return apply(MaskedFill(), [self, mask, value.to(dtype)])[0]
  }

  /// The elements where `mask`, of type bool, is true, as a vector in row-major order; both broadcast (PyTorch's
  /// `masked_select`).
  public func maskedSelect(_ mask: Tensor) -> Tensor {
    let (x, offsets) = masked(mask, "maskedSelect")
    return x.taking(offsets, RunLayout(x.shape), offsets.shape, "maskedSelect")
  }

  /// The tensor with the first elements of `source`, in order, where `mask` is true (PyTorch's `masked_scatter`);
  /// tensor and mask broadcast.
  public func maskedScatter(_ mask: Tensor, _ source: Tensor) -> Tensor {
    if source.dtype != dtype { stop("maskedScatter", "the source must have the tensor's type", [self, source]) }
    let (x, offsets) = masked(mask, "maskedScatter")
    let count = offsets.elementCount
    if source.elementCount < count {
      stop("maskedScatter", "the mask is true \(count) times, more than the source has elements", [mask, source])
    }
    let values = source.reshape(-1).narrow(dim: 0, start: 0, length: count)
    return x.putting(values, offsets, RunLayout(x.shape), "maskedScatter")
  }

  /// This tensor and the mask in their common shape, the mask as the positions where it is true.
  private func masked(_ mask: Tensor, _ operation: String) -> (Tensor, Tensor) {
    if mask.dtype != .bool {
      stop(operation, "the mask must be of type bool", [self, mask], help: "convert it with to(.bool)")
    }
    do {
      let common = try broadcastShapes(shape, mask.shape)
      return (expand(common), noGrad { mask.expand(common) }.nonzeroPositions())
    } catch { stop(operation, error, [self, mask]) }
  }
}
