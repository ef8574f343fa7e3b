import CPUKernelAPI
import FirecrestCPU

/// The largest or smallest element over `dims`; equal ones share the gradient
struct Extreme: UnaryOp {
  let max: Bool
  let dims: DimSet
  let keepDim: Bool
  var name: String { max ? "amax" : "amin" }
  var saves: Saves { [.x, .y] }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    try x.requireElements(dims, what: max ? "largest element" : "smallest element")
    return TensorSpec(x.dtype, dims.reduced(x.shape, keepDim: keepDim))
  }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    if y.elementCount > 0 { reduce(max ? .max : .min, x, dims, into: y, cpu) }
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    g.shared(among: saved.x, equalTo: saved.y, dims, keepDim: keepDim)
  }
}

/// The largest or smallest element along `dim` and where it first is
struct ExtremeAlong: SelectingOp {
  let max: Bool
  let dim: Int
  var name: String { max ? "max" : "min" }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    var dims = DimSet()
    dims.insert(dim)
    try inputs[0].requireElements(dims, what: max ? "largest element" : "smallest element")
    return specs(inputs[0], resized: 1)
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    if outputs[0].elementCount == 0 { return }
    var dims = DimSet()
    dims.insert(dim)
    ReductionLoop(inputs[0], dims).runExtreme(
      max: max, values: outputs[0].pointer, indices: outputs[1].pointer.assumingMemoryBound(to: Int64.self), cpu)
  }
}

/// The position of the first largest or smallest element over one dimension or all
struct ArgExtreme: UnaryOp {
  let max: Bool
  let dims: DimSet
  let keepDim: Bool
  var name: String { max ? "argmax" : "argmin" }
  var isDifferentiable: Bool { false }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    try x.requireElements(dims, what: max ? "largest element" : "smallest element")
    return TensorSpec(.int64, dims.reduced(x.shape, keepDim: keepDim))
  }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    if y.elementCount == 0 { return }
    ReductionLoop(x, dims).runExtreme(
      max: max, values: nil, indices: y.pointer.assumingMemoryBound(to: Int64.self), cpu)
  }
}

extension Tensor {
  /// A gradient spread in equal shares over the elements of `x` that equal the reduction's result `y`.
  func shared(among x: Tensor, equalTo y: Tensor, _ dims: DimSet, keepDim: Bool) -> Tensor {
    let mask = noGrad {
      let y = y.restored(dims, keepDim: keepDim, to: x.shape)
      let both = x.isNaN() & y.isNaN()
      return ((x .== y) | both).to(x.dtype)
    }
    let count = noGrad { apply(Sum(dims: dims, keepDim: keepDim), mask) }
    return (self / count).restored(dims, keepDim: keepDim, to: x.shape) * mask
  }

  /// The largest element, NaN if any is; equal ones share the gradient (PyTorch's `max` without a dimension).
  public func max() -> Tensor { amax() }
  /// The smallest element, NaN if any is; equal ones share the gradient (PyTorch's `min` without a dimension).
  public func min() -> Tensor { amin() }

  /// The largest elements along a dimension and where they first are; NaN is larger than all. Only the element found
  /// gets the gradient (PyTorch's `max` with a dimension).
  public func max(dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
    extreme(max: true, dim, keepDim)
  }
  /// The smallest elements along a dimension and where they first are; NaN is smaller than all. Only the element found
  /// gets the gradient (PyTorch's `min` with a dimension).
  public func min(dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
    extreme(max: false, dim, keepDim)
  }

  private func extreme(max: Bool, _ dim: Int, _ keepDim: Bool) -> (values: Tensor, indices: Tensor) {
    let d = resolve(dim, max ? "max" : "min")
    let found = apply(ExtremeAlong(max: max, dim: d), [self])
    return (found[0].keeping(keepDim, d), found[1].keeping(keepDim, d))
  }

  /// The largest element over dimensions, all without `dims`; equal ones share the gradient (PyTorch's `amax`).
  public func amax(dims: [Int] = [], keepDim: Bool = false) -> Tensor {
    apply(Extreme(max: true, dims: dimSet(dims, "amax"), keepDim: keepDim), self)
  }
  /// The largest element over one dimension; equal ones share the gradient.
  public func amax(dim: Int, keepDim: Bool = false) -> Tensor { amax(dims: [dim], keepDim: keepDim) }

  /// The smallest element over dimensions, all without `dims`; equal ones share the gradient (PyTorch's `amin`).
  public func amin(dims: [Int] = [], keepDim: Bool = false) -> Tensor {
    apply(Extreme(max: false, dims: dimSet(dims, "amin"), keepDim: keepDim), self)
  }
  /// The smallest element over one dimension; equal ones share the gradient.
  public func amin(dim: Int, keepDim: Bool = false) -> Tensor { amin(dims: [dim], keepDim: keepDim) }

  /// The smallest and the largest element, along a dimension or of all (PyTorch's `aminmax`).
  public func aminmax(dim: Int? = nil, keepDim: Bool = false) -> (min: Tensor, max: Tensor) {
    let dims = dim.map { [$0] } ?? []
    return (amin(dims: dims, keepDim: keepDim), amax(dims: dims, keepDim: keepDim))
  }

  /// Where the largest element along a dimension first is; without `dim` in row-major order of all (PyTorch's
  /// `argmax`). NaN is larger than all.
  public func argmax(dim: Int? = nil, keepDim: Bool = false) -> Tensor {
    apply(ArgExtreme(max: true, dims: dimSet(dim.map { [$0] }, "argmax"), keepDim: keepDim), self)
  }
  /// Where the smallest element along a dimension first is; without `dim` in row-major order of all (PyTorch's
  /// `argmin`). NaN is smaller than all.
  public func argmin(dim: Int? = nil, keepDim: Bool = false) -> Tensor {
    apply(ArgExtreme(max: false, dims: dimSet(dim.map { [$0] }, "argmin"), keepDim: keepDim), self)
  }
}
