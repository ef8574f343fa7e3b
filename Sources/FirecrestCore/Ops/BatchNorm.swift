import CPUKernelAPI
import FirecrestCPU

/// Batch normalization by the batch's own statistics: inputs x [N, C, …] and the weight and the bias [C], results y,
/// the mean and the variance.
struct BatchNorm: MultiOp {
  let eps: Double
  let hasWeight: Bool
  let hasBias: Bool
  var name: String { "batchNorm" }
  var savedInputs: [Int] { hasWeight ? [0, 1] : [0] }
  var savedOutputs: [Int] { [1, 2] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let x = try inputs[0].requireFloat(), vector = TensorSpec(x.dtype, [x.shape[1]])
    for input in inputs.dropFirst() where input.shape != vector.shape {
      throw OpError("weight and bias must have shape \(vector.shape), not \(input.shape)")
    }
    return [x, vector, vector]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let x = inputs[0].contiguous()
    let weight = hasWeight ? inputs[1].contiguous() : nil
    let bias = hasBias ? inputs[inputs.count - 1].contiguous() : nil
    Self.forEachChannels(x, cpu) { batch in
      cpu.kernels.batchNorm(
        x.dtype, batch, x.pointer, weight: weight?.pointer, bias: bias?.pointer, eps: eps, outputs[0].pointer,
        mean: outputs[1].pointer, variance: outputs[2].pointer)
    }
  }

  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    let x = inputs[0], dims = (0..<x.rank).filter { $0 != 1 }
    let (variance, mean) = x.varMean(dims: dims, correction: 0, keepDim: true)
    var y = (x - mean) * (variance + eps).rsqrt()
    if hasWeight { y = y * inputs[1].alongChannels(x.rank) }
    if hasBias { y = y + inputs[inputs.count - 1].alongChannels(x.rank) }
    return [y, mean.reshape(-1), variance.reshape(-1)]
  }

  /// The mean and the variance are for the running statistics; gradients come through y alone.
  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return saved.specs.map { _ in nil } }
    let x = saved.input(0), weight = hasWeight ? saved.input(1) : nil
    var result: [Tensor]
    if GradMode.isEnabled {
      result = derivative(g, x, weight)
    } else {
      let op = BatchNormBackward(eps: eps, hasWeight: hasWeight)
      result = apply(op, [g, x, saved.output(1), saved.output(2)] + (weight.map { [$0] } ?? []))
    }
    if !hasBias { result.remove(at: 2) }
    if !hasWeight { result.remove(at: 1) }
    return result
  }

  /// The gradients of x, weight and bias as a composition, which has derivatives itself.
  private func derivative(_ g: Tensor, _ x: Tensor, _ weight: Tensor?) -> [Tensor] {
    let dims = (0..<x.rank).filter { $0 != 1 }
    let (variance, mean) = x.varMean(dims: dims, correction: 0, keepDim: true)
    let inverse = (variance + eps).rsqrt(), normal = (x - mean) * inverse
    let product = g * normal
    let scale = weight.map { $0.alongChannels(x.rank) * inverse } ?? inverse
    let means = g.mean(dims: dims, keepDim: true) + normal * product.mean(dims: dims, keepDim: true)
    return [(g - means) * scale, product.sum(dims: dims), g.sum(dims: dims)]
  }

  /// Calls `body` with ranges of channels, on several threads where it pays.
  fileprivate static func forEachChannels(_ x: Tensor, _ cpu: CPU, _ body: (ChannelBatch) -> Void) {
    let (count, channels) = (x.shape[0], x.shape[1])
    let size = x.shape.dropFirst(2).reduce(1, *)
    // Pieces of whole cache lines.
    let multiple = size == 1 ? 16 : 1
    cpu.parallel(channels, grain: max(1, CPU.grain / 2 / max(1, count * size)), multiple: multiple) { range in
      body(ChannelBatch(batch: count, channels: channels, size: size, range: range))
    }
  }
}

/// The gradients of x, weight and bias; inputs g, x, the mean, the variance and perhaps the weight.
private struct BatchNormBackward: MultiOp {
  let eps: Double
  let hasWeight: Bool
  var name: String { "batchNormBackward" }
  var isDifferentiable: Bool { false }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { [inputs[1], inputs[2], inputs[2]] }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let g = inputs[0].contiguous(), x = inputs[1].contiguous()
    let weight = hasWeight ? inputs[4].contiguous() : nil
    BatchNorm.forEachChannels(x, cpu) { batch in
      cpu.kernels.batchNormBackward(
        x.dtype, batch, g.pointer, x.pointer, weight: weight?.pointer, mean: inputs[2].pointer,
        variance: inputs[3].pointer, eps: eps, outputs[0].pointer, gWeight: outputs[1].pointer,
        gBias: outputs[2].pointer)
    }
  }
}

/// x · scale + shift, where scale and shift hold one number for each channel (dim 1); inputs x, scale and perhaps shift.
struct ChannelAffine: MultiOp {
  var name: String { "channelAffine" }
  var savedInputs: [Int] { [0, 1] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let x = try inputs[0].requireFloat()
    for input in inputs.dropFirst() where input.shape != [x.shape[1]] {
      throw OpError("vectors of channels must have shape [\(x.shape[1])], not \(input.shape)")
    }
    return [x]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let x = inputs[0].contiguous(), scale = inputs[1].contiguous()
    let shift = inputs.count > 2 ? inputs[2].contiguous() : nil
    BatchNorm.forEachChannels(x, cpu) { batch in
      cpu.kernels.channelAffine(
        x.dtype, batch, x.pointer, scale: scale.pointer, shift: shift?.pointer, outputs[0].pointer)
    }
  }

  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    let y = inputs[0] * inputs[1].alongChannels(inputs[0].rank)
    return [inputs.count > 2 ? y + inputs[2].alongChannels(y.rank) : y]
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return saved.specs.map { _ in nil } }
    let dims = (0..<g.rank).filter { $0 != 1 }
    return [
      saved.needs[0] ? apply(ChannelAffine(), [g, saved.input(1)])[0] : nil,
      saved.needs[1] ? (g * saved.input(0)).sum(dims: dims) : nil,
    ] + saved.needs.dropFirst(2).map { $0 ? g.sum(dims: dims) : nil }
  }
}

extension Tensor {
  /// A vector as [C, 1, …], which broadcasts with a tensor of `rank` dimensions, the second of them C.
  func alongChannels(_ rank: Int) -> Tensor {
    view(Shape([elementCount] + Array(repeating: 1, count: Swift.max(0, rank - 2))))
  }
}
