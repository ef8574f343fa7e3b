import FirecrestCPU

/// The largest element of each window and, if wanted, its position in its plane.
struct MaxPool: MultiOp {
  let geometry: PoolingGeometry
  let spatial: Int
  let withIndices: Bool
  var name: String { "maxPool\(spatial)d" }
  var savedOutputs: [Int] { withIndices ? [1] : [] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let values = TensorSpec(inputs[0].dtype, geometry.yShape)
    return withIndices ? [values, TensorSpec(.int64, geometry.yShape)] : [values]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let x = inputs[0].contiguous(), y = outputs[0]
    let indices = withIndices ? outputs[1].pointer.assumingMemoryBound(to: Int64.self) : nil
    let (size, count) = (geometry.size.volume, geometry.output.volume)
    geometry.forEachPlanes(cpu) { plan, planes in
      cpu.kernels.maxPool(
        x.dtype, plan, planes: planes.count, x.pointer + planes.lowerBound * size * x.dtype.size,
        y.pointer + planes.lowerBound * count * x.dtype.size, indices.map { $0 + planes.lowerBound * count })
    }
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0], withIndices else { return [nil] }
    return [apply(MaxPoolBackward(geometry: geometry, spatial: spatial), g, saved.output(1))]
  }
}

/// Gradients added at the positions that `MaxPool` found.
private struct MaxPoolBackward: BinaryOp {
  let geometry: PoolingGeometry
  let spatial: Int
  var name: String { "maxPool\(spatial)dBackward" }
  var saves: Saves { .b }

  func infer(_ g: TensorSpec, _ indices: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(g.dtype, geometry.xShape)
  }

  func run(_ g: Tensor, _ indices: Tensor, into y: Tensor, on cpu: CPU) {
    let g = g.contiguous(), places = indices.pointer.assumingMemoryBound(to: Int64.self)
    let (size, count, width) = (geometry.size.volume, geometry.output.volume, g.dtype.size)
    cpu.parallel(geometry.planes, grain: max(1, CPU.grain / max(1, size + count)), multiple: 1) { planes in
      cpu.kernels.unpool(
        g.dtype, planes: planes.count, size: size, count: count, g.pointer + planes.lowerBound * count * width,
        places + planes.lowerBound * count, y.pointer + planes.lowerBound * size * width)
    }
  }

  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let planes = g.reshape(Shape([geometry.planes, geometry.size.volume]))
    let places = saved.b.reshape(Shape([geometry.planes, geometry.output.volume]))
    return (planes.gather(dim: 1, places).reshape(geometry.yShape), nil)
  }
}

/// The sum of each window divided by its count.
private struct AveragePool: UnaryOp {
  let geometry: PoolingGeometry
  let name: String

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { TensorSpec(x.dtype, geometry.yShape) }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    let x = x.contiguous()
    let (size, count, width) = (geometry.size.volume, geometry.output.volume, x.dtype.size)
    geometry.forEachPlanes(cpu) { plan, planes in
      cpu.kernels.averagePool(
        x.dtype, plan, planes: planes.count, x.pointer + planes.lowerBound * size * width,
        y.pointer + planes.lowerBound * count * width)
    }
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    apply(AveragePoolBackward(geometry: geometry, name: name + "_backward"), g)
  }
}

/// Each gradient divided by its window's count, added to all elements of the window.
private struct AveragePoolBackward: UnaryOp {
  let geometry: PoolingGeometry
  let name: String

  func infer(_ g: TensorSpec) throws(OpError) -> TensorSpec { TensorSpec(g.dtype, geometry.xShape) }

  func run(_ g: Tensor, into y: Tensor, on cpu: CPU) {
    let g = g.contiguous()
    if geometry.yShape.elementCount == 0 { return y.fillElements(.int(0)) }
    let (size, count, width) = (geometry.size.volume, geometry.output.volume, g.dtype.size)
    geometry.forEachPlanes(cpu) { plan, planes in
      cpu.kernels.averagePoolBackward(
        g.dtype, plan, planes: planes.count, g.pointer + planes.lowerBound * count * width,
        y.pointer + planes.lowerBound * size * width)
    }
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    apply(AveragePool(geometry: geometry, name: String(name.dropLast("_backward".count))), g)
  }
}

/// What all poolings refuse.
private func checkPooled(_ x: Tensor, _ spatial: Int, _ operation: String) {
  if x.rank != spatial + 1 && x.rank != spatial + 2 {
    stop(operation, "the input must have \(spatial + 2) dimensions ([N, C, …]) or \(spatial + 1), not \(x.rank)", [x])
  }
  if x.dtype == .bool { stop(operation, "is not defined for bool", [x], help: "convert with to(.float32)") }
}

/// The type that the kernels pool a tensor in.
private func poolingType(_ dtype: DType) -> DType {
  switch dtype {
  case .float32, .float64: dtype
  case .float16, .bfloat16: .float32
  default: .int64
  }
}

/// Regular windows over the last `spatial` dimensions.
struct RegularWindows {
  let kernel: SIMD3<Int>
  let stride: SIMD3<Int>
  let padding: SIMD3<Int>
  let dilation: SIMD3<Int>
  let output: SIMD3<Int>

  init(
    _ x: Tensor, _ spatial: Int, _ operation: String, kernel: some SpatialSizes, stride: (some SpatialSizes)?,
    padding: some SpatialSizes, dilation: some SpatialSizes, ceilMode: Bool
  ) {
    checkPooled(x, spatial, operation)
    self.kernel = spatialSizes(kernel, count: spatial, otherwise: 1, least: 1, operation, "kernelSize", [x])
    self.stride =
      stride.map { spatialSizes($0, count: spatial, otherwise: 1, least: 1, operation, "stride", [x]) } ?? self.kernel
    self.padding = spatialSizes(padding, count: spatial, otherwise: 0, least: 0, operation, "padding", [x])
    self.dilation = spatialSizes(dilation, count: spatial, otherwise: 1, least: 1, operation, "dilation", [x])
    let size = spatialVector(Array(x.shape.dropFirst(x.rank - spatial)), otherwise: 1)
    var output = SIMD3(repeating: 1)
    for d in 0..<3 {
      let reach = self.dilation[d] * (self.kernel[d] - 1) + 1, step = self.stride[d], pad = self.padding[d]
      if pad > reach / 2 {
        stop(operation, "padding \(pad) is more than half of what the kernel reaches over, \(reach)", [x])
      }
      let room = size[d] + 2 * pad - reach
      output[d] = room < 0 ? 0 : (room + (ceilMode ? step - 1 : 0)) / step + 1
      if room < 0 && ceilMode && room + step - 1 >= 0 { output[d] = 1 }
      // The last window starts inside the input or its padding before it.
      if ceilMode && (output[d] - 1) * step >= size[d] + pad { output[d] -= 1 }
      if output[d] < 1 {
        stop(operation, "a kernel that reaches over \(reach) does not fit dim of size \(size[d])", [x])
      }
    }
    self.output = output
  }

  func geometry(_ x: Tensor, _ spatial: Int, countsPadding: Bool = true, divisor: Int? = nil) -> PoolingGeometry {
    PoolingGeometry(
      x, spatial: spatial, kernel: kernel, stride: stride, padding: padding, dilation: dilation, output: output,
      countsPadding: countsPadding, divisor: divisor)
  }
}

/// The maxima of windows, and their positions where they are wanted or the gradient needs them.
func maxima(
  _ x: consuming Tensor, _ spatial: Int, _ geometry: PoolingGeometry, withIndices: Bool
) -> (Tensor, Tensor?) {
  let type = poolingType(x.dtype)
  if !withIndices && type == x.dtype && type != .int64, let pairs = geometry.pairs {
    return (pairMaxima(x, geometry, pairs), nil)
  }
  let op = MaxPool(
    geometry: geometry, spatial: spatial, withIndices: withIndices || x.requiresGrad && GradMode.isEnabled)
  let results = apply(op, [x.to(type)])
  return (results[0].to(x.dtype), results.count > 1 ? results[1] : nil)
}

/// The means of windows.
func averages(_ x: Tensor, _ geometry: PoolingGeometry, _ operation: String) -> Tensor {
  apply(AveragePool(geometry: geometry, name: operation), x.to(poolingType(x.dtype))).to(x.dtype)
}

func averagePool(
  _ x: Tensor, _ spatial: Int, kernel: some SpatialSizes, stride: (some SpatialSizes)?, padding: some SpatialSizes,
  ceilMode: Bool, countIncludePad: Bool, divisor: Int?
) -> Tensor {
  let operation = "avgPool\(spatial)d"
  if divisor == 0 { stop(operation, "divisorOverride must not be 0", [x]) }
  let windows = RegularWindows(
    x, spatial, operation, kernel: kernel, stride: stride, padding: padding, dilation: 1, ceilMode: ceilMode)
  return averages(x, windows.geometry(x, spatial, countsPadding: countIncludePad, divisor: divisor), operation)
}

/// The windows of an adaptive pooling.
func adaptiveGeometry(
  _ x: Tensor, _ spatial: Int, _ outputSize: some AdaptiveSizes, _ operation: String
) -> PoolingGeometry {
  checkPooled(x, spatial, operation)
  let input = Array(x.shape.dropFirst(x.rank - spatial))
  guard let sizes = outputSize.sizes(input: input) else {
    stop(operation, "outputSize \(outputSize) does not fit \(spatial) spatial dimensions", [x])
  }
  if sizes.contains(where: { $0 < 0 }) { stop(operation, "outputSize \(sizes) must not be negative", [x]) }
  if sizes.contains(where: { $0 > largestSize }) {
    stop(operation, "outputSize \(sizes) is more than any image has", [x])
  }
  for (size, wanted) in zip(input, sizes) where size == 0 && wanted > 0 {
    stop(operation, "there is nothing to pool in a dim of size 0", [x])
  }
  return PoolingGeometry(adaptive: x, spatial: spatial, output: spatialVector(sizes, otherwise: 1))
}
