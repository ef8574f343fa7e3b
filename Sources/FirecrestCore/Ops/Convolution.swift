import FirecrestCPU

/// Correlation of images with weights, and a bias for each output channel: inputs x, w and perhaps b.
struct Convolution: MultiOp {
  let geometry: ConvolutionGeometry
  var name: String { "conv\(geometry.spatial)d" }
  var savedInputs: [Int] { [0, 1] }
  func savedInputs(needs: (Int) -> Bool) -> [Int] { factors(needs) }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { [TensorSpec(inputs[0].dtype, geometry.yShape)] }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    geometry.convolve(inputs[0], inputs[1], inputs.count > 2 ? inputs[2] : nil, into: outputs[0], cpu)
  }

  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    let g = geometry
    let w = inputs[1].reshape(Shape([g.groups, g.outputsPerGroup, g.tapCount]))
    let y = w.matmul(g.columns(inputs[0])).reshape(g.yShape)
    return [inputs.count > 2 ? y + inputs[2].alongChannels(y.rank) : y]
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return saved.specs.map { _ in nil } }
    return [
      saved.needs[0] ? apply(ConvolutionInputGradient(geometry: geometry), [g, saved.input(1)])[0] : nil,
      saved.needs[1] ? apply(ConvolutionWeightGradient(geometry: geometry), [saved.input(0), g])[0] : nil,
    ] + saved.needs.dropFirst(2).map { $0 ? g.sumOfChannels() : nil }
  }
}

/// The gradient of a convolution's images, inputs g, w and perhaps a bias: the transposed convolution.
struct ConvolutionInputGradient: MultiOp {
  let geometry: ConvolutionGeometry
  var name: String { "convTranspose\(geometry.spatial)d" }
  var savedInputs: [Int] { [0, 1] }
  func savedInputs(needs: (Int) -> Bool) -> [Int] { factors(needs) }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { [TensorSpec(inputs[0].dtype, geometry.xShape)] }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    geometry.convolveTransposed(inputs[0], inputs[1], inputs.count > 2 ? inputs[2] : nil, into: outputs[0], cpu)
  }

  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    let g = geometry
    let w = inputs[1].reshape(Shape([g.groups, g.outputsPerGroup, g.tapCount]))
    let columns = w.mT.matmul(inputs[0].reshape(g.groupedOutput)).reshape(g.patches.shape)
    let whole = apply(Embed(view: g.patches, shape: g.padded), columns)
    let (before, after) = (g.before, g.after)
    let margins: [Int] = [-before[2], -after[2], -before[1], -after[1], -before[0], -after[0]]
    let x = whole.pad(margins).reshape(g.xShape)
    return [inputs.count > 2 ? x + inputs[2].alongChannels(x.rank) : x]
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return saved.specs.map { _ in nil } }
    return [
      saved.needs[0] ? apply(Convolution(geometry: geometry), [g, saved.input(1)])[0] : nil,
      saved.needs[1] ? apply(ConvolutionWeightGradient(geometry: geometry), [g, saved.input(0)])[0] : nil,
    ] + saved.needs.dropFirst(2).map { $0 ? g.sumOfChannels() : nil }
  }
}

/// The gradient of a convolution's weights, inputs x and g.
struct ConvolutionWeightGradient: MultiOp {
  let geometry: ConvolutionGeometry
  var name: String { "conv\(geometry.spatial)dWeight" }
  var savedInputs: [Int] { [0, 1] }
  func savedInputs(needs: (Int) -> Bool) -> [Int] { factors(needs) }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { [TensorSpec(inputs[0].dtype, geometry.wShape)] }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    geometry.correlate(inputs[0], inputs[1], into: outputs[0], cpu)
  }

  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    let g = geometry
    return [inputs[1].reshape(g.groupedOutput).matmul(g.columns(inputs[0]).mT).sum(dim: 0).reshape(g.wShape)]
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil, nil] }
    return [
      saved.needs[0] ? apply(ConvolutionInputGradient(geometry: geometry), [saved.input(1), g])[0] : nil,
      saved.needs[1] ? apply(Convolution(geometry: geometry), [saved.input(0), g])[0] : nil,
    ]
  }
}

extension ConvolutionGeometry {
  /// The outputs as a matrix for each group of each image.
  fileprivate var groupedOutput: Shape { Shape([batch, groups, outputsPerGroup, output.volume]) }

  /// The patches as the columns of a matrix for each group of each image.
  fileprivate func columns(_ x: Tensor) -> Tensor {
    let margins: [Int] = [before[2], after[2], before[1], after[1], before[0], after[0]]
    let columns = apply(patches, x.reshape(xWhole).pad(margins).contiguous())
    return columns.reshape(Shape([batch, groups, tapCount, output.volume]))
  }
}

extension Tensor {
  /// The sums over all dimensions but the second.
  fileprivate func sumOfChannels() -> Tensor { sum(dims: (0..<rank).filter { $0 != 1 }) }
}

/// Runs a convolution or a transposed one: in float32 for the half types, by its definition for integers.
private func convolution<O: MultiOp>(_ op: O, _ inputs: [Tensor]) -> Tensor {
  switch inputs[0].dtype {
  case .float32, .float64: return apply(op, inputs)[0]
  case .float16, .bfloat16: return apply(op, inputs.map { $0.to(.float32) })[0].to(inputs[0].dtype)
  default: return op.decomposed(inputs)![0]
  }
}

/// What both kinds of convolution refuse; the input comes back with a batch dimension.
private func checked(
  _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ spatial: Int, groups: Int, _ operation: String
) -> Tensor {
  let all = [input, weight] + (bias.map { [$0] } ?? [])
  if weight.rank != spatial + 2 {
    stop(operation, "the weight must have \(spatial + 2) dimensions, not \(weight.rank)", all)
  }
  if input.rank != spatial + 2 && input.rank != spatial + 1 {
    stop(
      operation, "the input must have \(spatial + 2) dimensions ([N, C, …]) or \(spatial + 1), not \(input.rank)", all)
  }
  if all.contains(where: { $0.dtype != input.dtype }) {
    stop(operation, "the types differ", all, help: "convert them to one with to(_:)")
  }
  if input.dtype == .bool { stop(operation, "is not defined for bool", all, help: "convert with to(.float32)") }
  if groups < 1 { stop(operation, "groups must be positive, not \(groups)", all) }
  return input.rank == spatial + 1 ? input.unsqueeze(dim: 0) : input
}

private func convolve(
  _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ spatial: Int, stride: some SpatialSizes,
  padding: some ConvolutionPadding, dilation: some SpatialSizes, groups: Int
) -> Tensor {
  let operation = "conv\(spatial)d"
  let x = checked(input, weight, bias, spatial, groups: groups, operation)
  let all = [input, weight] + (bias.map { [$0] } ?? [])
  let (channels, outputs) = (x.shape[1], weight.shape[0])
  if weight.shape[1] * groups != channels {
    stop(
      operation, "the weight is for \(weight.shape[1] * groups) input channels in \(groups) groups, not \(channels)",
      all, help: "weights are [out, in / groups, …], inputs [N, in, …]")
  }
  if outputs % groups != 0 { stop(operation, "\(outputs) output channels do not divide into \(groups) groups", all) }
  if let bias, bias.shape != [outputs] { stop(operation, "the bias must have shape [\(outputs)]", all) }
  let stride = spatialSizes(stride, count: spatial, otherwise: 1, least: 1, operation, "stride", all)
  let dilation = spatialSizes(dilation, count: spatial, otherwise: 1, least: 1, operation, "dilation", all)
  let size = spatialVector(Array(x.shape.dropFirst(2)), otherwise: 1)
  let kernel = spatialVector(Array(weight.shape.dropFirst(2)), otherwise: 1)
  if kernel.volume == 0 { stop(operation, "the kernel has no elements", all) }
  let reach = dilation &* (kernel &- 1)
  guard let amounts = padding.amounts(count: spatial, reach: reach.last(spatial)) else {
    stop(operation, "padding \(padding) does not fit \(spatial) spatial dimensions", all)
  }
  if padding.keepsSize && stride != SIMD3(repeating: 1) {
    stop(operation, "padding .same needs a stride of 1", all, help: "give the padding as numbers")
  }
  if amounts.before.contains(where: { $0 < 0 }) { stop(operation, "padding \(padding) must not be negative", all) }
  if amounts.before.contains(where: { $0 > largestSize }) {
    stop(operation, "padding \(padding) is more than any image has", all)
  }
  let before = spatialVector(amounts.before, otherwise: 0)
  let after = spatialVector(amounts.after, otherwise: 0)
  let room = size &+ before &+ after &- reach &- 1
  if room.min() < 0 {
    stop(
      operation,
      "the kernel reaches over \((reach &+ 1).last(spatial)), the padded input is only "
        + "\((size &+ before &+ after).last(spatial))", all, help: "add padding, or use a smaller kernel")
  }
  let output = room / stride &+ 1
  // A single position needs no step, and a large one would be framed with memory.
  let geometry = ConvolutionGeometry(
    spatial: spatial, batch: x.shape[0], channels: channels, outputs: outputs, groups: groups, input: size,
    kernel: kernel, output: output, stride: stride.replacing(with: 1, where: output .== 1), dilation: dilation,
    before: before, after: after)
  let y = convolution(Convolution(geometry: geometry), [x, weight] + (bias.map { [$0] } ?? []))
  return input.rank == spatial + 1 ? y.squeeze(dim: 0) : y
}

private func convolveTransposed(
  _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ spatial: Int, stride: some SpatialSizes,
  padding: some SpatialSizes, outputPadding: some SpatialSizes, groups: Int, dilation: some SpatialSizes
) -> Tensor {
  let operation = "convTranspose\(spatial)d"
  let x = checked(input, weight, bias, spatial, groups: groups, operation)
  let all = [input, weight] + (bias.map { [$0] } ?? [])
  let (channels, outputs) = (x.shape[1], weight.shape[1] * groups)
  if weight.shape[0] != channels || channels % groups != 0 {
    stop(
      operation, "the weight is for \(weight.shape[0]) input channels in \(groups) groups, not \(channels)", all,
      help: "weights are [in, out / groups, …], inputs [N, in, …]")
  }
  if let bias, bias.shape != [outputs] { stop(operation, "the bias must have shape [\(outputs)]", all) }
  let stride = spatialSizes(stride, count: spatial, otherwise: 1, least: 1, operation, "stride", all)
  let dilation = spatialSizes(dilation, count: spatial, otherwise: 1, least: 1, operation, "dilation", all)
  let padding = spatialSizes(padding, count: spatial, otherwise: 0, least: 0, operation, "padding", all)
  let extra = spatialSizes(outputPadding, count: spatial, otherwise: 0, least: 0, operation, "outputPadding", all)
  let size = spatialVector(Array(x.shape.dropFirst(2)), otherwise: 1)
  let kernel = spatialVector(Array(weight.shape.dropFirst(2)), otherwise: 1)
  if kernel.volume == 0 { stop(operation, "the kernel has no elements", all) }
  for d in 0..<3 where extra[d] > 0 && extra[d] >= stride[d] && extra[d] >= dilation[d] {
    stop(operation, "outputPadding \(extra[d]) must be less than the stride or the dilation", all)
  }
  let result = (size &- 1) &* stride &- 2 &* padding &+ dilation &* (kernel &- 1) &+ extra &+ 1
  if result.min() < 1 || size.min() < 1 {
    stop(operation, "the output would have size \(result.last(spatial))", all, help: "use less padding")
  }
  let geometry = ConvolutionGeometry(
    spatial: spatial, batch: x.shape[0], channels: outputs, outputs: channels, groups: groups, input: result,
    kernel: kernel, output: size, stride: stride, dilation: dilation, before: padding, after: padding &- extra)
  let y = convolution(ConvolutionInputGradient(geometry: geometry), [x, weight] + (bias.map { [$0] } ?? []))
  return input.rank == spatial + 1 ? y.squeeze(dim: 0) : y
}

/// Slides a kernel along signals (PyTorch's `nn.functional.conv1d`): `conv2d` with one spatial dimension.
///
/// - Parameters:
///   - input: [N, C, L], or [C, L] for a result without N.
///   - weight: [O, C / groups, k].
///   - bias: [O], added to each output channel.
///   - stride: Elements from one position of the kernel to the next.
///   - padding: Zeros at both ends, `.same` or `.valid`.
///   - dilation: Distance of the kernel's elements.
///   - groups: Channels are split into so many groups that do not see each other.
/// - Returns: [N, O, L'] with L' = (L + 2 · padding − dilation · (k − 1) − 1) / stride + 1.
public func conv1d(
  _ input: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: some SpatialSizes = 1,
  padding: some ConvolutionPadding = 0, dilation: some SpatialSizes = 1, groups: Int = 1
) -> Tensor {
  convolve(input, weight, bias, 1, stride: stride, padding: padding, dilation: dilation, groups: groups)
}

/// Slides a kernel over images: each output is the sum of the products of the kernel and the elements under it
/// (PyTorch's `nn.functional.conv2d`).
///
/// - Parameters:
///   - input: [N, C, H, W], or [C, H, W] for a result without N.
///   - weight: [O, C / groups, kh, kw].
///   - bias: [O], added to each output channel.
///   - stride: Elements from one position of the kernel to the next: a number, or [vertical, horizontal].
///   - padding: Zeros on all sides: a number, [top and bottom, left and right], `.same` or `.valid`.
///   - dilation: Distance of the kernel's elements: a number, or [vertical, horizontal].
///   - groups: Channels are split into so many groups that do not see each other.
/// - Returns: [N, O, H', W'] with H' = (H + 2 · padding − dilation · (kh − 1) − 1) / stride + 1, rounded down.
public func conv2d(
  _ input: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: some SpatialSizes = 1,
  padding: some ConvolutionPadding = 0, dilation: some SpatialSizes = 1, groups: Int = 1
) -> Tensor {
  convolve(input, weight, bias, 2, stride: stride, padding: padding, dilation: dilation, groups: groups)
}

/// Slides a kernel through volumes (PyTorch's `nn.functional.conv3d`): `conv2d` with three spatial dimensions.
///
/// - Parameters:
///   - input: [N, C, D, H, W], or [C, D, H, W] for a result without N.
///   - weight: [O, C / groups, kd, kh, kw].
///   - bias: [O], added to each output channel.
///   - stride: Elements from one position of the kernel to the next: a number, or one for each dimension.
///   - padding: Zeros on all sides: a number, one for each dimension, `.same` or `.valid`.
///   - dilation: Distance of the kernel's elements: a number, or one for each dimension.
///   - groups: Channels are split into so many groups that do not see each other.
public func conv3d(
  _ input: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: some SpatialSizes = 1,
  padding: some ConvolutionPadding = 0, dilation: some SpatialSizes = 1, groups: Int = 1
) -> Tensor {
  convolve(input, weight, bias, 3, stride: stride, padding: padding, dilation: dilation, groups: groups)
}

/// The transposed convolution of signals (PyTorch's `nn.functional.conv_transpose1d`); see `convTranspose2d`.
///
/// - Parameters:
///   - input: [N, C, L], or [C, L] for a result without N.
///   - weight: [C, O / groups, k].
///   - bias: [O], added to each output channel.
///   - stride: Elements from one input's place in the output to the next one's.
///   - padding: Elements cut off at both ends of the output.
///   - outputPadding: Elements more at the end of the output.
///   - groups: Channels are split into so many groups that do not see each other.
///   - dilation: Distance of the kernel's elements.
public func convTranspose1d(
  _ input: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: some SpatialSizes = 1,
  padding: some SpatialSizes = 0, outputPadding: some SpatialSizes = 0, groups: Int = 1,
  dilation: some SpatialSizes = 1
) -> Tensor {
  convolveTransposed(
    input, weight, bias, 1, stride: stride, padding: padding, outputPadding: outputPadding, groups: groups,
    dilation: dilation)
}

/// The gradient of `conv2d`'s input as an operation: each element spreads a kernel over the output, which grows by
/// `stride` (PyTorch's `nn.functional.conv_transpose2d`).
///
/// - Parameters:
///   - input: [N, C, H, W], or [C, H, W] for a result without N.
///   - weight: [C, O / groups, kh, kw].
///   - bias: [O], added to each output channel.
///   - stride: Elements from one input's place in the output to the next one's: a number, or [vertical, horizontal].
///   - padding: Elements cut off on all sides of the output.
///   - outputPadding: Rows and columns more at the end of the output; less than the stride or the dilation.
///   - groups: Channels are split into so many groups that do not see each other.
///   - dilation: Distance of the kernel's elements.
/// - Returns: [N, O, H', W'] with H' = (H − 1) · stride − 2 · padding + dilation · (kh − 1) + outputPadding + 1.
public func convTranspose2d(
  _ input: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: some SpatialSizes = 1,
  padding: some SpatialSizes = 0, outputPadding: some SpatialSizes = 0, groups: Int = 1,
  dilation: some SpatialSizes = 1
) -> Tensor {
  convolveTransposed(
    input, weight, bias, 2, stride: stride, padding: padding, outputPadding: outputPadding, groups: groups,
    dilation: dilation)
}

/// The transposed convolution of volumes (PyTorch's `nn.functional.conv_transpose3d`); see `convTranspose2d`.
///
/// - Parameters:
///   - input: [N, C, D, H, W], or [C, D, H, W] for a result without N.
///   - weight: [C, O / groups, kd, kh, kw].
///   - bias: [O], added to each output channel.
///   - stride: Elements from one input's place in the output to the next one's.
///   - padding: Elements cut off on all sides of the output.
///   - outputPadding: Elements more at the end of each dimension of the output.
///   - groups: Channels are split into so many groups that do not see each other.
///   - dilation: Distance of the kernel's elements.
public func convTranspose3d(
  _ input: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: some SpatialSizes = 1,
  padding: some SpatialSizes = 0, outputPadding: some SpatialSizes = 0, groups: Int = 1,
  dilation: some SpatialSizes = 1
) -> Tensor {
  convolveTransposed(
    input, weight, bias, 3, stride: stride, padding: padding, outputPadding: outputPadding, groups: groups,
    dilation: dilation)
}
