import CPUKernelAPI
import FirecrestCPU

/// Σ(x − mean)² / (n − correction) over `dims`, or the root of it
struct Variance: UnaryOp {
  let isRoot: Bool
  let dims: DimSet
  let keepDim: Bool
  let correction: Double
  var name: String { isRoot ? "std" : "var" }
  var saves: Saves { isRoot ? [.x, .y] : .x }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(try x.requireFloat().dtype, dims.reduced(x.shape, keepDim: keepDim))
  }

  private func divisor(_ shape: Shape) -> Double { max(0, Double(dims.count(shape)) - correction) }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    inAccumulator(y, cpu) { y in
      let mean = Tensor(empty: y.shape, y.dtype)
      reduce(.sum, x, dims, into: mean, cpu)
      mean.divideElements(by: Double(dims.count(x.shape)), cpu)
      reduce(.sumSquaredDeviations, x, dims, center: mean, into: y, cpu)
      y.divideElements(by: divisor(x.shape), cpu)
      if y.dtype == .float32 && !isExact(y, mean) {
        let wide = Tensor(empty: y.shape, .float64)
        run(noGrad { x.to(.float64) }, into: wide, on: cpu)
        return copyElements(wide, y, cpu)
      }
      if isRoot { runUnary(.sqrt, y, y, cpu, cost: 4) }
    }
  }

  /// Whether float32 was enough for these variances: a mean's rounding error enters with its square, so it must be small
  /// beside the deviation; and squares neither overflow nor vanish.
  private func isExact(_ variance: Tensor, _ mean: Tensor) -> Bool {
    variance.withElements(Float.self) { v in
      mean.withElements(Float.self) { m in
        var isExact = true
        for i in v.indices {
          isExact = isExact && v[i] > 1e-6 * m[i] * m[i] && v[i] > 1e-30 && v[i] < .infinity
        }
        return isExact
      }
    }
  }

  func decomposed(_ x: Tensor) -> Tensor? {
    let mean = apply(Mean(dims: dims, keepDim: true), x)
    let squares = apply(Sum(dims: dims, keepDim: keepDim), (x - mean).square())
    let variance = squares / divisor(x.shape)
    if !isRoot { return variance }
    // The root's derivative at 0 is taken as 0.
    let isZero = noGrad { variance .== 0 }
    return variance.where(isZero.logicalNot(), 1).sqrt().zeroed(where: isZero)
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let x = saved.x
    var g = g
    if isRoot { g = (g / (saved.y * 2)).zeroed(where: saved.y .== 0) }
    let spread = (g * (2 / divisor(x.shape))).restored(dims, keepDim: keepDim, to: x.shape)
    return spread * (x - apply(Mean(dims: dims, keepDim: true), x))
  }
}

extension Tensor {
  private func variance(_ isRoot: Bool, _ dims: [Int], _ keepDim: Bool, _ correction: Double) -> Tensor {
    let set = dimSet(dims, isRoot ? "std" : "var")
    return apply(Variance(isRoot: isRoot, dims: set, keepDim: keepDim, correction: correction), self)
  }

  /// The variance over dimensions, all without `dims`: the squared distance from the mean, summed and divided by the
  /// number of elements minus `correction` (PyTorch's `var`; `correction: 0` is its `unbiased=False`).
  public func `var`(dims: [Int] = [], correction: Double = 1, keepDim: Bool = false) -> Tensor {
    variance(false, dims, keepDim, correction)
  }
  /// The variance over one dimension.
  public func `var`(dim: Int, correction: Double = 1, keepDim: Bool = false) -> Tensor {
    variance(false, [dim], keepDim, correction)
  }

  /// The standard deviation over dimensions, all without `dims`: the root of the variance (PyTorch's `std`).
  public func std(dims: [Int] = [], correction: Double = 1, keepDim: Bool = false) -> Tensor {
    variance(true, dims, keepDim, correction)
  }
  /// The standard deviation over one dimension.
  public func std(dim: Int, correction: Double = 1, keepDim: Bool = false) -> Tensor {
    variance(true, [dim], keepDim, correction)
  }

  /// Variance and mean (PyTorch's `var_mean`).
  public func varMean(
    dims: [Int] = [], correction: Double = 1, keepDim: Bool = false
  ) -> (variance: Tensor, mean: Tensor) {
    (variance(false, dims, keepDim, correction), mean(dims: dims, keepDim: keepDim))
  }

  /// Standard deviation and mean (PyTorch's `std_mean`).
  public func stdMean(
    dims: [Int] = [], correction: Double = 1, keepDim: Bool = false
  ) -> (deviation: Tensor, mean: Tensor) {
    (variance(true, dims, keepDim, correction), mean(dims: dims, keepDim: keepDim))
  }
}
