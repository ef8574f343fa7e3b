import CPUKernelAPI
import FirecrestCPU

/// eˣ / Σeˣ along `dim`, or its logarithm
struct Softmax: UnaryOp {
  let isLog: Bool
  let dim: Int
  var name: String { isLog ? "logSoftmax" : "softmax" }
  var saves: Saves { .y }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { try x.requireFloat() }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    let loop = RowLoop(x.shape, dim: dim)
    let x = loop.source(x)
    let row = loop.count * x.dtype.size
    loop.write(y, cpu) { y in
      loop.parallel(cpu, cost: 8) {
        let start = $0.lowerBound * row
        cpu.kernels.softmax(
          log: isLog, x.dtype, rows: $0.count, count: loop.count, x.pointer + start, y.pointer + start)
      }
    }
  }

  func decomposed(_ x: Tensor) -> Tensor? {
    if x.elementCount == 0 { return nil }
    let rest = x - noGrad { x.amax(dim: dim, keepDim: true) }
    if isLog { return rest - rest.exp().sum(dim: dim, keepDim: true).log() }
    let powers = rest.exp()
    return powers / powers.sum(dim: dim, keepDim: true)
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { apply(SoftmaxBackward(isLog: isLog, dim: dim), g, saved.y) }
}

/// y (g − Σ g y), or g − eʸ Σ g
package struct SoftmaxBackward: BinaryOp {
  package let isLog: Bool
  package let dim: Int
  package var name: String { isLog ? "logSoftmaxBackward" : "softmaxBackward" }
  package var saves: Saves { [.a, .b] }

  package init(isLog: Bool, dim: Int) {
    self.isLog = isLog
    self.dim = dim
  }

  package func infer(_ g: TensorSpec, _ y: TensorSpec) throws(OpError) -> TensorSpec { y }

  package func run(_ g: Tensor, _ y: Tensor, into x: Tensor, on cpu: CPU) {
    let loop = RowLoop(y.shape, dim: dim)
    let (g, y) = (loop.source(g), loop.source(y))
    let row = loop.count * y.dtype.size
    loop.write(x, cpu) { x in
      loop.parallel(cpu, cost: 3) {
        let start = $0.lowerBound * row
        cpu.kernels.softmaxBackward(
          log: isLog, y.dtype, rows: $0.count, count: loop.count, g.pointer + start, y.pointer + start,
          x.pointer + start)
      }
    }
  }

  private func total(_ t: Tensor) -> Tensor { t.sum(dim: dim, keepDim: true) }

  package func decomposed(_ g: Tensor, _ y: Tensor) -> Tensor? {
    if isLog { return g - y.exp() * total(g) }
    return y * (g - total(g * y))
  }

  package func vjp(_ h: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let (g, y) = (saved.a, saved.b)
    if isLog {
      let powers = y.exp()
      return (h - total(h * powers), saved.needsB ? -h * powers * total(g) : nil)
    }
    let gg = saved.needsA ? apply(self, h, y) : nil
    if !saved.needsB { return (gg, nil) }
    let first = h * (g - total(g * y))
    return (gg, first - g * total(h * y))
  }
}

/// ln Σeˣ over `dims`
struct LogSumExp: UnaryOp {
  let dims: DimSet
  let keepDim: Bool
  var name: String { "logsumexp" }
  var saves: Saves { [.x, .y] }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(try x.requireFloat().dtype, dims.reduced(x.shape, keepDim: keepDim))
  }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    if y.elementCount == 0 { return }
    if x.elementCount == 0 { return y.fillElements(.double(-.infinity)) }
    inAccumulator(y, cpu) { y in
      let largest = Tensor(empty: y.shape, y.dtype)
      reduce(.max, x, dims, into: largest, cpu)
      reduce(.sumExp, x, dims, center: largest, into: y, cpu)
      runUnary(.log, y, y, cpu, cost: 8)
      // The kernel counts an infinite center as 0.
      let shift = noGrad { largest.zeroed(where: largest.isInf()) }
      runBinary(.add, y, shift, y, cpu, cost: 1)
    }
  }

  func decomposed(_ x: Tensor) -> Tensor? {
    if x.elementCount == 0 { return nil }
    let largest = noGrad { apply(Extreme(max: true, dims: dims, keepDim: true), x) }
    let shift = noGrad { largest.zeroed(where: largest.isInf()) }
    let sum = apply(Sum(dims: dims, keepDim: keepDim), (x - shift).exp()).log()
    return sum + shift.view(sum.shape)
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let (x, y) = (saved.x, saved.y)
    let finite = y.zeroed(where: y.isNegInf())
    let share = (x - finite.restored(dims, keepDim: keepDim, to: x.shape)).exp()
    return g.restored(dims, keepDim: keepDim, to: x.shape) * share
  }
}

extension Tensor {
  /// eˣ / Σeˣ along a dimension, computed without overflow (PyTorch's `softmax`).
  ///
  /// - Parameter dtype: The type to convert to first; integers need it.
  /// - Parameter dim: The dimension it works along.
  public func softmax(dim: Int, dtype: DType? = nil) -> Tensor {
    apply(Softmax(isLog: false, dim: resolve(dim, "softmax")), dtype.map { to($0) } ?? self)
  }

  /// The logarithm of `softmax`, more accurate than taking it afterwards (PyTorch's `log_softmax`).
  public func logSoftmax(dim: Int, dtype: DType? = nil) -> Tensor {
    apply(Softmax(isLog: true, dim: resolve(dim, "logSoftmax")), dtype.map { to($0) } ?? self)
  }

  /// `softmax` of −x (PyTorch's `softmin`).
  public func softmin(dim: Int, dtype: DType? = nil) -> Tensor {
    (-(dtype.map { to($0) } ?? self)).softmax(dim: dim)
  }

  /// ln Σeˣ over dimensions, computed without overflow (PyTorch's `logsumexp`).
  public func logsumexp(dims: [Int], keepDim: Bool = false) -> Tensor {
    apply(LogSumExp(dims: dimSet(dims, "logsumexp"), keepDim: keepDim), floating)
  }

  /// ln Σeˣ over one dimension.
  public func logsumexp(dim: Int, keepDim: Bool = false) -> Tensor { logsumexp(dims: [dim], keepDim: keepDim) }
}
