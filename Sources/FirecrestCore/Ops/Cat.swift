import FirecrestCPU

/// Tensors one after the other along a dimension.
struct Cat: MultiOp {
  let dim: Int

  /// PyTorch's old exception: a vector without elements fits anything.
  private static func isNothing(_ spec: TensorSpec) -> Bool { spec.shape.count == 1 && spec.shape[0] == 0 }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    guard let first = inputs.first else { throw OpError("needs at least one tensor") }
    var dtype = first.dtype
    var shape: Shape?
    for (i, input) in inputs.enumerated() {
      dtype = DType.promoted(dtype, input.dtype)
      if Cat.isNothing(input) { continue }
      if input.shape.count == 0 {
        throw OpError("input \(i) has no dimension to join along", help: "use stack, or unsqueeze(dim: 0) first")
      }
      guard var sum = shape else {
        shape = input.shape
        continue
      }
      if input.shape.count != sum.count {
        throw OpError("input \(i) has \(input.shape.count) dimensions, those before it \(sum.count)")
      }
      for d in 0..<sum.count where d != dim && input.shape[d] != sum[d] {
        throw OpError(
          "sizes differ in dim \(d): \(input.shape[d]) in input \(i), \(sum[d]) before it",
          help: "only dim \(dim), along which tensors are joined, may differ")
      }
      let (size, overflow) = sum[dim].addingReportingOverflow(input.shape[dim])
      if overflow { throw OpError("dim \(dim) would be longer than an Int can count") }
      sum[dim] = size
      shape = sum
    }
    return [TensorSpec(dtype, shape ?? first.shape)]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let y = outputs[0]
    var targets: [(Tensor, Tensor)] = []
    var start = 0
    for x in inputs where !Cat.isNothing(x.spec) {
      if x.elementCount > 0 {
        targets.append((x, y.window(x.shape, strides: y.strides, offset: start * y.strides[dim])))
      }
      start += x.shape[dim]
    }
    // Few large tensors are split each, many small ones among the threads.
    let grain = targets.isEmpty ? 1 : max(1, CPU.grain * targets.count / max(1, y.elementCount))
    if targets.count < 16 {
      for (x, target) in targets { copyElements(x, target, cpu) }
    } else {
      cpu.parallel(targets.count, grain: grain, multiple: 1) { range in
        for i in range { copyElements(targets[i].0, targets[i].1, cpu) }
      }
    }
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return saved.specs.map { _ in nil } }
    var start = 0
    return saved.specs.indices.map { i in
      let spec = saved.specs[i]
      if Cat.isNothing(spec) { return Tensor.zeros(spec.shape, dtype: spec.dtype) }
      let size = spec.shape[dim]
      defer { start += size }
      return saved.needs[i] ? apply(Slice(dim: dim, start: start, count: size, step: 1), g) : nil
    }
  }
}

/// Tensors joined along an existing dimension, in which alone they may differ in size (PyTorch's `cat`). Types promote.
public func cat(_ tensors: [Tensor], dim: Int = 0) -> Tensor {
  // An empty vector fits anything, so the first of another shape tells the dimensions.
  let model = tensors.first { $0.rank != 1 || $0.shape[0] != 0 } ?? tensors.first
  return apply(Cat(dim: model?.resolve(dim, "cat") ?? 0), tensors)[0]
}

/// Tensors of one shape joined along a new dimension (PyTorch's `stack`).
public func stack(_ tensors: [Tensor], dim: Int = 0) -> Tensor {
  guard let first = tensors.first else { stop("stack", "needs at least one tensor", []) }
  for tensor in tensors where tensor.shape != first.shape {
    stop(
      "stack", "shapes differ: \(first.shape) and \(tensor.shape)", tensors,
      help: "cat joins along an existing dimension")
  }
  let position = dim < 0 ? dim + first.rank + 1 : dim
  return cat(tensors.map { $0.unsqueeze(dim: dim) }, dim: position)
}

/// Tensors side by side: along dim 1, vectors along dim 0 (PyTorch's `hstack`).
public func hstack(_ tensors: [Tensor]) -> Tensor {
  let all = tensors.map { $0.atleast1d() }
  return cat(all, dim: all.first?.rank == 1 ? 0 : 1)
}

/// Tensors one below the other, vectors as rows (PyTorch's `vstack` and `row_stack`).
public func vstack(_ tensors: [Tensor]) -> Tensor { cat(tensors.map { $0.atleast2d() }, dim: 0) }

/// Tensors one behind the other along dim 2 (PyTorch's `dstack`).
public func dstack(_ tensors: [Tensor]) -> Tensor { cat(tensors.map { $0.atleast3d() }, dim: 2) }

/// Vectors as the columns of a matrix; tensors of more dimensions as in `hstack` (PyTorch's `column_stack`).
public func columnStack(_ tensors: [Tensor]) -> Tensor {
  hstack(tensors.map { $0.rank <= 1 ? $0.reshape(Shape([$0.elementCount, 1])) : $0 })
}

/// Matrices along the diagonal of a new one, zeros elsewhere; vectors count as rows (PyTorch's `block_diag`).
public func blockDiag(_ tensors: [Tensor]) -> Tensor {
  if tensors.isEmpty { return Tensor.zeros(1, 0) }
  for tensor in tensors where tensor.rank > 2 { stop("blockDiag", "needs matrices", [tensor]) }
  // Tensors without dimensions widen the type across categories only, as everywhere.
  func common(_ part: [Tensor]) -> DType? {
    part.dropFirst().reduce(part.first?.dtype) { type, tensor in type.map { .promoted($0, tensor.dtype) } }
  }
  let arrays = common(tensors.filter { $0.rank > 0 }), singles = common(tensors.filter { $0.rank == 0 })
  var type = arrays ?? singles!
  if let singles, singles.category > type.category { type = singles }
  let blocks = tensors.map { $0.to(type).atleast2d() }
  let width = blocks.reduce(0) { $0 + $1.shape[1] }
  var left = 0
  let rows = blocks.map { block in
    let before = left
    left += block.shape[1]
    return block.pad([before, width - left])
  }
  return cat(rows, dim: 0)
}
