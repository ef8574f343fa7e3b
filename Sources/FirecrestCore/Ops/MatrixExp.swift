/// 1/n! for n = 0 ... 16.
private let inverseFactorials: [Double] = {
  var factors = [1.0]
  for n in 1...16 { factors.append(factors[n - 1] / Double(n)) }
  return factors
}()

extension Tensor {
  /// The matrix exponential Σ Aⁿ/n! of each square matrix (PyTorch's `linalg.matrix_exp`).
  ///
  /// Each matrix is halved until its norm is at most 1/2, where the first 17 terms reach full precision in float64, and
  /// the result is squared as often (Higham 2005, with a Taylor polynomial as PyTorch has it).
  public func matrixExp() -> Tensor {
    if rank < 2 || shape[-1] != shape[-2] || !dtype.isFloatingPoint {
      stop("matrixExp", "needs square floating-point matrices", [self])
    }
    if elementCount == 0 { return clone() }
    let n = shape[-1]
    let halvings = noGrad { matrixHalvings() }
    let most = halvings.max() ?? 0
    let columns = Shape(Array(shape.dropLast(2)) + [1, 1])
    let scales = halvings.map { Double(sign: .plus, exponent: -$0, significand: 1) }
    let a = most == 0 ? self : self * Tensor(scales, shape: columns, dtype: dtype)
    // Four groups of four terms share the powers up to A⁴ (Paterson and Stockmeyer 1973).
    let a2 = a.matmul(a)
    let a3 = a2.matmul(a)
    let a4 = a2.matmul(a2)
    let eye = Tensor.eye(n, dtype: dtype)
    var y = a4 * inverseFactorials[16]
    for group in (0..<4).reversed() {
      let c = Array(inverseFactorials[4 * group..<4 * group + 4])
      var sum = eye * c[0]
      sum = sum + a * c[1]
      sum = sum + a2 * c[2]
      sum = sum + a3 * c[3]
      y = y + sum
      if group > 0 { y = y.matmul(a4) }
    }
    for step in 0..<most {
      let squared = y.matmul(y)
      if halvings.allSatisfy({ $0 > step }) {
        y = squared
      } else {
        let more = Tensor(halvings.map { $0 > step }).reshape(columns)
        y = squared.where(more, y)
      }
    }
    return y
  }

  /// For each matrix how often its largest column sum must be halved to be at most 1/2.
  private func matrixHalvings() -> [Int] {
    let sums = detach().abs().sum(dim: -2).toArray(Double.self)
    let n = shape[-1]
    return (0..<sums.count / n).map { matrix in
      let norm = sums[matrix * n..<(matrix + 1) * n].max() ?? 0
      // Of infinite or undefined entries halving makes nothing better.
      return norm.isFinite && norm > 0.5 ? Swift.min(1024, norm.exponent + 2) : 0
    }
  }
}
