import CPUKernelAPI
import FirecrestCPU

/// (Σ|x|ᵖ)^(1/p) over `dims`, and its limits for p of 0 and ±∞
struct VectorNorm: UnaryOp {
  let p: Double
  let dims: DimSet
  let keepDim: Bool
  var name: String { "norm" }
  var saves: Saves { [.x, .y] }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    if p < 0 || p == .infinity { try x.requireElements(dims, what: "norm of order \(p)") }
    return TensorSpec(try x.requireFloat().dtype, dims.reduced(x.shape, keepDim: keepDim))
  }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    switch p {
    case 0: reduce(.countNonzero, x, dims, into: y, cpu)
    case 1: reduce(.sumAbs, x, dims, into: y, cpu)
    case 2:
      inAccumulator(y, cpu) { y in
        reduce(.sumSquares, x, dims, into: y, cpu)
        runUnary(.sqrt, y, y, cpu, cost: 4)
      }
    case .infinity, -.infinity:
      if y.elementCount > 0 { reduce(p > 0 ? .maxAbs : .minAbs, x, dims, into: y, cpu) }
    default:
      let wide = x.to(x.dtype.accumulator)
      let norm = noGrad { apply(Sum(dims: dims, keepDim: keepDim), wide.abs().pow(p)).pow(1 / p) }
      copyElements(norm, y, cpu)
    }
  }

  func decomposed(_ x: Tensor) -> Tensor? {
    switch p {
    case 0: return (x .!= 0).to(x.dtype).reduced(self)
    case 1: return x.abs().reduced(self)
    case .infinity, -.infinity:
      return x.elementCount == 0 ? nil : apply(Extreme(max: p > 0, dims: dims, keepDim: keepDim), x.abs())
    default: return nil
    }
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    let (x, y) = (saved.x, saved.y)
    func spread(_ t: Tensor) -> Tensor { t.restored(dims, keepDim: keepDim, to: x.shape) }
    // Where the norm is 0 its derivative is taken as 0.
    func share(_ power: Double) -> Tensor { spread((g / y.pow(power)).zeroed(where: y .== 0)) }
    switch p {
    case 0: return nil
    case 1: return x.sign() * spread(g)
    case 2: return x * spread((g / y).zeroed(where: y .== 0))
    case .infinity, -.infinity: return g.shared(among: x.abs(), equalTo: y, dims, keepDim: keepDim) * x.sign()
    case ..<1:
      let isZero = x .== 0
      let slope = x.where(isZero.logicalNot(), 1).abs().pow(p - 1).zeroed(where: isZero)
      return x.sign() * slope * share(p - 1)
    case ..<2: return x.sign() * x.abs().pow(p - 1) * share(p - 1)
    default: return x * x.abs().pow(p - 2) * share(p - 1)
    }
  }
}

extension Tensor {
  fileprivate func reduced(_ norm: VectorNorm) -> Tensor { apply(Sum(dims: norm.dims, keepDim: norm.keepDim), self) }

  /// The p-norm over dimensions, all without `dims`: (Σ|x|ᵖ)^(1/p); for `p` of 0 the number of elements other than 0,
  /// for ±∞ the largest or smallest |x| (PyTorch's `norm` and `linalg.vector_norm`).
  public func norm(_ p: Double = 2, dims: [Int] = [], keepDim: Bool = false) -> Tensor {
    apply(VectorNorm(p: p, dims: dimSet(dims, "norm"), keepDim: keepDim), self)
  }

  /// The p-norm over one dimension.
  public func norm(_ p: Double = 2, dim: Int, keepDim: Bool = false) -> Tensor {
    norm(p, dims: [dim], keepDim: keepDim)
  }

  /// The norm of matrices, by default the last two dimensions (PyTorch's `linalg.matrix_norm`).
  public func matrixNorm(
    _ kind: MatrixNorm = .frobenius, dims: (rows: Int, columns: Int) = (-2, -1), keepDim: Bool = false
  ) -> Tensor {
    let (rows, columns) = (resolve(dims.rows, "matrixNorm"), resolve(dims.columns, "matrixNorm"))
    if rows == columns || rank < 2 { stop("matrixNorm", "needs two different dimensions", [self]) }
    let sums: Tensor
    let rest: Int
    switch kind {
    case .frobenius: return norm(2, dims: [rows, columns], keepDim: keepDim)
    case .largestColumn, .smallestColumn: (sums, rest) = (norm(1, dim: rows, keepDim: true), columns)
    case .largestRow, .smallestRow: (sums, rest) = (norm(1, dim: columns, keepDim: true), rows)
    }
    let isLargest = kind == .largestColumn || kind == .largestRow
    let extreme = isLargest ? sums.amax(dim: rest, keepDim: true) : sums.amin(dim: rest, keepDim: true)
    return keepDim ? extreme : extreme.squeeze(dims: [rows, columns])
  }

  /// The p-norm of the difference (PyTorch's `dist`).
  public func dist(_ other: Tensor, p: Double = 2) -> Tensor { (self - other).norm(p) }

  /// The tensor with each slice along `dim` whose p-norm is above `maxNorm` scaled down to it (PyTorch's `renorm`).
  public func renorm(_ p: Double, dim: Int, maxNorm: Double) -> Tensor {
    let d = resolve(dim, "renorm")
    let norms = norm(p, dims: (0..<rank).filter { $0 != d }, keepDim: true)
    let isLarge = noGrad { norms .> maxNorm }
    // The small number keeps the result below the bound in spite of rounding.
    let factor = (maxNorm / (norms.where(isLarge, 1) + 1e-7)).where(isLarge, 1)
    return self * factor
  }

  /// The tensor divided by its p-norm along `dim`, or by `eps` where the norm is smaller (PyTorch's
  /// `nn.functional.normalize`).
  public func normalize(p: Double = 2, dim: Int = 1, eps: Double = 1e-12) -> Tensor {
    self / norm(p, dim: dim, keepDim: true).clamp(min: eps)
  }
}

/// Norms of a matrix.
public enum MatrixNorm: Sendable {
  /// The root of the sum of the squares of all elements.
  case frobenius
  /// The largest sum of the sizes of a column's elements (PyTorch's order 1).
  case largestColumn
  /// The smallest sum of the sizes of a column's elements (PyTorch's order −1).
  case smallestColumn
  /// The largest sum of the sizes of a row's elements (PyTorch's order ∞).
  case largestRow
  /// The smallest sum of the sizes of a row's elements (PyTorch's order −∞).
  case smallestRow
}
