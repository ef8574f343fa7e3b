import CPUKernelAPI
import FirecrestCPU

/// The largest of each 2 by 2 elements, the usual pooling: a byte remembers which of the four it was. `isRectified`
/// takes elements below 0 as 0, so that the gradient is that of pooling after `relu`.
struct MaxPoolPairs: MultiOp {
  let geometry: PoolingGeometry
  let pairs: PoolingPairs
  let isRectified: Bool
  /// Whether the gradient will ask which elements were chosen.
  let isRecorded: Bool
  var name: String { "maxPool2d" }
  var savedOutputs: [Int] { isRecorded ? [1] : [] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let values = TensorSpec(inputs[0].dtype, geometry.yShape)
    return isRecorded ? [values, TensorSpec(.uint8, geometry.yShape)] : [values]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let x = inputs[0].contiguous(), y = outputs[0], width = x.dtype.size
    let choices = isRecorded ? outputs[1].pointer.assumingMemoryBound(to: UInt8.self) : nil
    geometry.forEachPlanes(cpu, pairs) { planes, size, count in
      cpu.kernels.maxPool(
        x.dtype, pairs, planes: planes.count, rectified: isRectified, x.pointer + planes.lowerBound * size * width,
        y.pointer + planes.lowerBound * count * width, choices.map { $0 + planes.lowerBound * count })
    }
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0], isRecorded else { return [nil] }
    return [apply(MaxPoolPairsBackward(geometry: geometry, pairs: pairs), g, saved.output(1))]
  }
}

/// Gradients at the places that `MaxPoolPairs` chose.
private struct MaxPoolPairsBackward: BinaryOp {
  let geometry: PoolingGeometry
  let pairs: PoolingPairs
  var name: String { "maxPool2dBackward" }
  var saves: Saves { .b }

  func infer(_ g: TensorSpec, _ choices: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(g.dtype, geometry.xShape)
  }

  func run(_ g: Tensor, _ choices: Tensor, into y: Tensor, on cpu: CPU) {
    let g = g.contiguous(), choices = choices.pointer.assumingMemoryBound(to: UInt8.self), width = g.dtype.size
    geometry.forEachPlanes(cpu, pairs) { planes, size, count in
      cpu.kernels.unpool(
        g.dtype, pairs, planes: planes.count, g.pointer + planes.lowerBound * count * width,
        choices + planes.lowerBound * count, y.pointer + planes.lowerBound * size * width)
    }
  }

  func vjp(_ gg: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let choice = saved.b.to(.int64), isNone = choice .== 4
    let inWindow = (choice >> 1) * pairs.width + (choice & 1)
    let rows = Tensor.arange(pairs.rows).unsqueeze(dim: 1) * (2 * pairs.width)
    let places = (inWindow + rows + Tensor.arange(pairs.columns) * 2).maskedFill(isNone, 0)
    let planes = gg.reshape(Shape([geometry.planes, pairs.height * pairs.width]))
    let chosen = planes.gather(dim: 1, places.reshape(Shape([geometry.planes, pairs.rows * pairs.columns])))
    return (chosen.reshape(geometry.yShape).maskedFill(isNone, 0), nil)
  }
}

extension PoolingGeometry {
  /// Calls `body` with ranges of planes, on several threads where it pays, and with the elements of a plane and of its
  /// output.
  fileprivate func forEachPlanes(_ cpu: CPU, _ pairs: PoolingPairs, _ body: (Range<Int>, Int, Int) -> Void) {
    let size = pairs.height * pairs.width, count = pairs.rows * pairs.columns
    cpu.parallel(planes, grain: max(1, CPU.grain / max(1, size + count)), multiple: 1) { body($0, size, count) }
  }
}

/// The maxima of pairs. Where `x` is the result of `relu` and nobody else can see it, the gradient goes straight to
/// what `relu` was applied to: its own pass over the larger tensor, and that tensor's memory, are saved.
func pairMaxima(_ x: consuming Tensor, _ geometry: PoolingGeometry, _ pairs: PoolingPairs) -> Tensor {
  var x = x
  let isRecorded = x.requiresGrad && GradMode.isEnabled
  let source = isRecorded ? rectified(&x) : nil
  let op = MaxPoolPairs(
    geometry: geometry, pairs: pairs, isRectified: source != nil, isRecorded: isRecorded)
  let y = apply(op, [x])[0]
  if let source { y.node?.moreEdges = [source] }
  return y
}

/// Where the gradient of the tensor that `x` is `relu` of goes, if `x` and the node of `relu` are known to nobody but
/// the caller.
private func rectified(_ x: inout Tensor) -> Edge? {
  guard isKnownUniquelyReferenced(&x), x.extras == nil, isKnownUniquelyReferenced(&x.node), let node = x.node,
    type(of: node) == UnaryNode<Relu>.self, node.watchers.isEmpty
  else { return nil }
  return node.edge0
}
