import CPUKernelAPI
import FirecrestCPU

extension ReduceLoop {
  /// Along `dim` of a contiguous tensor.
  fileprivate init(_ shape: Shape, dim: Int) {
    let count = shape.count == 0 ? 1 : shape[dim]
    var inner = 1
    for d in dim + 1..<max(dim + 1, shape.count) { inner *= shape[d] }
    let outer = count * inner == 0 ? 0 : shape.elementCount / (count * inner)
    self.init(
      outer: outer, count: count, inner: inner, outerStride: count * inner, countStride: inner, innerStride: 1)
  }

  /// Calls `body` with parts of the outer loop and the elements before them, on several threads.
  fileprivate func parallel(_ cpu: CPU, _ body: (ReduceLoop, Int) -> Void) {
    if outer == 0 { return }
    cpu.parallel(outer, grain: max(1, CPU.grain / (2 * outerStride)), multiple: 1) { range in
      var part = self
      part.outer = range.count
      body(part, range.lowerBound * outerStride)
    }
  }
}

/// Sums, products and log-sum-exps of all elements up to each one along `dim`
struct Scan: UnaryOp {
  let kernel: ScanKernel
  let dim: Int
  var name: String { "\(kernel)" }
  var saves: Saves { kernel == .cumsum ? [] : [.x, .y] }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { kernel == .logcumsumexp ? try x.requireFloat() : x }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    let x = noGrad { x.contiguous() }
    let size = x.dtype.size
    ReduceLoop(x.shape, dim: dim).parallel(cpu) {
      cpu.kernels.scan(kernel, x.dtype, $0, x.pointer + $1 * size, y.pointer + $1 * size)
    }
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    if saved.xSpec.shape.count == 0 { return g }
    switch kernel {
    case .cumsum: return apply(Scan(kernel: .cumsum, dim: dim), g, reversed: dim)
    case .cumprod: return productGradient(g, saved.x, saved.y)
    case .logcumsumexp: return logGradient(g, saved.x, saved.y)
    }
  }

  /// gᵢ = Σ gⱼ exp(xᵢ − yⱼ) over j ≥ i, in logarithms, for positive and negative gⱼ apart.
  private func logGradient(_ g: Tensor, _ x: Tensor, _ y: Tensor) -> Tensor {
    // Stands for the logarithm of 0; finite, so that differences are.
    let lowest = x.dtype == .float16 ? -3e4 : -1e30
    let bounded = y.clamp(min: lowest)
    func part(_ g: Tensor) -> Tensor {
      let isPositive = noGrad { g .> 0 }
      let logs = g.where(isPositive, 1).log().where(isPositive, lowest)
      return (apply(self, logs - bounded, reversed: dim) + x).exp()
    }
    return part(g) - part(-g)
  }

  /// gᵢ = Σ gⱼ yⱼ / xᵢ over j ≥ i, rewritten around zeros.
  private func productGradient(_ g: Tensor, _ x: Tensor, _ y: Tensor) -> Tensor {
    let sum = Scan(kernel: .cumsum, dim: dim)
    let isZero = noGrad { x .== 0 }
    let hasZero = noGrad { isZero.any().item(as: Bool.self) }
    if !hasZero { return apply(sum, g * y, reversed: dim) / x }
    if GradMode.isEnabled { return quadraticGradient(g, x) }
    // Before the first zero as ever, at it with the product that leaves it out, and 0 after it.
    let zeros = isZero.cumsum(dim: dim)
    let isFirst = isZero & (zeros .== 1)
    let before = (apply(sum, g * y, reversed: dim) / x).kept(where: zeros .== 0)
    let rest = x.maskedFill(isFirst, 1).cumprod(dim: dim)
    return before + apply(sum, g * rest, reversed: dim).kept(where: isFirst)
  }

  /// The same from all products that leave one element out, which can be differentiated again at zeros.
  private func quadraticGradient(_ g: Tensor, _ x: Tensor) -> Tensor {
    let (rows, g) = (x.transpose(dim, -1), g.transpose(dim, -1).unsqueeze(dim: -2))
    var shape = rows.shape
    shape.append(rows.shape[-1])
    let diagonal = Tensor.eye(rows.shape[-1], dtype: .bool)
    let products = rows.unsqueeze(dim: -2).expand(shape).maskedFill(diagonal, 1).cumprod(dim: -1)
    return (products * g).triu().sum(dim: -1).transpose(dim, -1)
  }
}

/// The operation from the end of a dimension to its start.
private func apply(_ scan: Scan, _ x: Tensor, reversed dim: Int) -> Tensor {
  apply(scan, x.flip(dims: [dim])).flip(dims: [dim])
}

/// The largest or smallest element so far along `dim` and where it last was
struct ScanExtreme: SelectingOp {
  let max: Bool
  let dim: Int
  var name: String { max ? "cummax" : "cummin" }
  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { specs(inputs[0]) }
  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let x = noGrad { inputs[0].contiguous() }
    let size = x.dtype.size
    let indices = outputs[1].pointer.assumingMemoryBound(to: Int64.self)
    ReduceLoop(x.shape, dim: dim).parallel(cpu) {
      cpu.kernels.scanExtreme(
        max: max, x.dtype, $0, x.pointer + $1 * size, values: outputs[0].pointer + $1 * size, indices: indices + $1)
    }
  }
}

extension Tensor {
  private func scanned(_ kernel: ScanKernel, _ dim: Int, _ dtype: DType?) -> Tensor {
    let x = to(dtype ?? (self.dtype.isFloatingPoint ? self.dtype : .int64))
    return apply(Scan(kernel: kernel, dim: resolve(dim, "\(kernel)")), x)
  }

  /// The sum of all elements up to each one along a dimension; integers and bool as int64 (PyTorch's `cumsum`).
  public func cumsum(dim: Int, dtype: DType? = nil) -> Tensor { scanned(.cumsum, dim, dtype) }

  /// The product of all elements up to each one along a dimension; integers and bool as int64 (PyTorch's `cumprod`).
  public func cumprod(dim: Int, dtype: DType? = nil) -> Tensor { scanned(.cumprod, dim, dtype) }

  /// ln Σeˣ of all elements up to each one along a dimension (PyTorch's `logcumsumexp`).
  public func logcumsumexp(dim: Int) -> Tensor { floating.scanned(.logcumsumexp, dim, nil) }

  /// The largest element so far along a dimension, and where it last was; a NaN stays (PyTorch's `cummax`).
  public func cummax(dim: Int) -> (values: Tensor, indices: Tensor) {
    let found = apply(ScanExtreme(max: true, dim: resolve(dim, "cummax")), [self])
    return (found[0], found[1])
  }

  /// The smallest element so far along a dimension, and where it last was; a NaN stays (PyTorch's `cummin`).
  public func cummin(dim: Int) -> (values: Tensor, indices: Tensor) {
    let found = apply(ScanExtreme(max: false, dim: resolve(dim, "cummin")), [self])
    return (found[0], found[1])
  }
}
