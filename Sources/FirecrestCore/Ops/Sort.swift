import CPUKernelAPI
import FirecrestCPU

/// The elements along `dim` in order, and where they were
struct Sort: SelectingOp {
  let dim: Int
  let descending: Bool
  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { specs(inputs[0]) }
  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let loop = RowLoop(inputs[0].shape, dim: dim)
    let x = loop.source(inputs[0])
    loop.write(outputs[0], cpu) { values in
      loop.write(outputs[1], cpu) { loop.sort(x, descending: descending, values, $0, cpu) }
    }
  }
}

/// The `k` largest or smallest elements along `dim` in order, and where they were
struct TopK: SelectingOp {
  let k: Int
  let dim: Int
  let largest: Bool
  var name: String { "topk" }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let count = inputs[0].shape.count == 0 ? 1 : inputs[0].shape[dim]
    if k < 0 || k > count { throw OpError("k is \(k), but dim \(dim) has \(count) elements") }
    return specs(inputs[0], resized: k)
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    if k == 0 { return }
    let loop = RowLoop(inputs[0].shape, dim: dim)
    let x = loop.source(inputs[0])
    loop.write(outputs[0], cpu) { values in
      loop.write(outputs[1], cpu) { loop.topk(x, k, largest: largest, values, $0, cpu) }
    }
  }
}

extension RowLoop {
  /// Sorts the rows of a contiguous tensor.
  func sort(_ x: Tensor, descending: Bool, _ values: Tensor, _ indices: Tensor, _ cpu: CPU) {
    let places = indices.pointer.assumingMemoryBound(to: Int64.self)
    let size = x.dtype.size
    parallel(cpu, cost: 16) {
      let start = $0.lowerBound * count
      cpu.kernels.sort(
        x.dtype, rows: $0.count, count: count, descending: descending, x.pointer + start * size,
        values: values.pointer + start * size, indices: places + start)
    }
  }

  /// The `k` largest or smallest of the rows of a contiguous tensor.
  func topk(_ x: Tensor, _ k: Int, largest: Bool, _ values: Tensor, _ indices: Tensor, _ cpu: CPU) {
    let places = indices.pointer.assumingMemoryBound(to: Int64.self)
    let size = x.dtype.size
    parallel(cpu, cost: 8) {
      let start = $0.lowerBound
      cpu.kernels.topk(
        x.dtype, rows: $0.count, count: count, k: k, largest: largest, x.pointer + start * count * size,
        values: values.pointer + start * k * size, indices: places + start * k)
    }
  }
}

extension Tensor {
  /// The elements along a dimension in ascending order, or `descending`, and where they were; equal ones stay in their
  /// order, NaN is larger than all (PyTorch's `sort` with `stable=True`).
  public func sort(dim: Int = -1, descending: Bool = false) -> (values: Tensor, indices: Tensor) {
    let sorted = apply(Sort(dim: resolve(dim, "sort"), descending: descending), [self])
    return (sorted[0], sorted[1])
  }

  /// Where the elements along a dimension are in ascending order, or `descending` (PyTorch's `argsort`).
  public func argsort(dim: Int = -1, descending: Bool = false) -> Tensor {
    noGrad { sort(dim: dim, descending: descending).indices }
  }

  /// The elements in ascending order along the first dimension (PyTorch's `msort`).
  public func msort() -> Tensor { sort(dim: 0).values }

  /// The `k` largest, or smallest, elements along a dimension in order, and where they are; NaN is larger than all
  /// (PyTorch's `topk`).
  public func topk(_ k: Int, dim: Int = -1, largest: Bool = true) -> (values: Tensor, indices: Tensor) {
    // A tensor without dimensions stays one, even if none is asked for.
    let k = rank == 0 && k == 0 ? 1 : k
    let found = apply(TopK(k: k, dim: resolve(dim, "topk"), largest: largest), [self])
    return (found[0], found[1])
  }
}
