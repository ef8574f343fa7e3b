import FirecrestCore
import TestSupport

let matmulEntries: [OpEntry] = [
  OpEntry("matmul") { s in s.input.matmul(s.tensor(0)!) },
  OpEntry("__rmatmul__") { s in s.tensor(0)!.matmul(s.input) },
  OpEntry("mm") { s in s.input.mm(s.tensor(0)!) },
  OpEntry("bmm") { s in s.input.bmm(s.tensor(0)!) },
  OpEntry("mv") { s in s.input.mv(s.tensor(0)!) },
  OpEntry("dot") { s in s.input.dot(s.tensor(0)!) },
  OpEntry("vdot") { s in s.input.dot(s.tensor(0)!) },
  OpEntry("addmm") { s in s.input.addmm(s.tensor(0)!, s.tensor(1)!, beta: s.beta, alpha: s.alpha) },
  OpEntry("addmm_decomposed") { s in s.input.addmm(s.tensor(0)!, s.tensor(1)!, beta: s.beta, alpha: s.alpha) },
  OpEntry("addmv") { s in s.input.addmv(s.tensor(0)!, s.tensor(1)!, beta: s.beta, alpha: s.alpha) },
  OpEntry("addbmm") { s in s.input.addbmm(s.tensor(0)!, s.tensor(1)!, beta: s.beta, alpha: s.alpha) },
  OpEntry("baddbmm") { s in s.input.baddbmm(s.tensor(0)!, s.tensor(1)!, beta: s.beta, alpha: s.alpha) },
  OpEntry("addr") { s in s.input.addr(s.tensor(0)!, s.tensor(1)!, beta: s.beta, alpha: s.alpha) },
  OpEntry("nn_functional_linear") { s in linear(s.input, s.tensor(0)!, s.tensor(1)) },
  OpEntry("nn_functional_bilinear") { s in bilinear(s.input, s.tensor(0)!, s.tensor(1)!, s.tensor(2)) },
  OpEntry("einsum") { s in einsum(s.string(0)!, s.inputs) },
  OpEntry("tensordot") { s in
    if let count = s.int(-1, "dims") { return tensordot(s.input, s.tensor(0)!, dims: count) }
    guard case .list(let lists) = s.value(-1, "dims") else { return s.input }
    return tensordot(s.input, s.tensor(0)!, dims: (lists[0].integers, lists[1].integers))
  },
  OpEntry("inner") { s in s.input.inner(s.tensor(0)!) },
  OpEntry("outer") { s in s.input.outer(s.tensor(0)!) },
  OpEntry("kron") { s in s.input.kron(s.tensor(0)!) },
  OpEntry("trace") { s in s.input.trace() },
  OpEntry("cross") { s in s.input.cross(s.tensor(0)!, dim: s.int(-1, "dim") ?? -1) },
  OpEntry("linalg_cross") { s in s.input.cross(s.tensor(0)!, dim: s.int(-1, "dim") ?? -1) },
  OpEntry("linalg_vecdot") { s in s.input.vecdot(s.tensor(0)!, dim: s.int(-1, "dim") ?? -1) },
  OpEntry("linalg_multi_dot") { s in multiDot(s.inputs) },
  OpEntry("linalg_matrix_power") { s in s.input.matrixPower(s.int(0)!) },
  OpEntry("nn_functional_scaled_dot_product_attention") { s in
    scaledDotProductAttention(
      s.input, s.tensor(0)!, s.tensor(1)!, mask: s.tensor(2, "attn_mask"), isCausal: s.bool(-1, "is_causal"),
      scale: s.double(-1, "scale"), isGrouped: s.bool(-1, "enable_gqa"))
  }.skipping { s in (s.double(-1, "dropout_p") ?? 0) > 0 ? "dropout is random" : nil },
]

let linearAlgebraEntries: [OpEntry] = [
  OpEntry("linalg_det") { s in s.input.det() },
  OpEntry("logdet") { s in s.input.logdet() },
  OpEntry(
    "linalg_slogdet",
    several: { s in
      let (sign, logarithm) = s.input.slogdet()
      return [sign, logarithm]
    }),
  OpEntry("linalg_inv") { s in s.input.inverse() },
  OpEntry("linalg_inv_ex", several: { s in both(s.input.inverseChecked()) }),
  OpEntry("linalg_solve") { s in s.input.solve(s.tensor(0)!) },
  OpEntry("linalg_solve_ex", several: { s in both(s.input.solveChecked(s.tensor(0)!)) }),
  OpEntry("cholesky") { s in s.input.cholesky(upper: s.bool(-1, "upper")) }.within(symmetric),
  OpEntry("linalg_cholesky") { s in s.input.cholesky(upper: s.bool(-1, "upper")) }.within(symmetric),
  OpEntry("linalg_cholesky_ex", several: { s in both(s.input.choleskyChecked(upper: s.bool(-1, "upper"))) })
    .within(symmetric),
  OpEntry(
    "triangular_solve",
    several: { s in
      let a = s.tensor(0)!
      let transpose = s.bool(-1, "transpose")
      let upper = s.bool(-1, "upper", true)
      let matrix = transpose ? a.mT : a
      let x = matrix.solveTriangular(s.input, upper: upper != transpose, unitriangular: s.bool(-1, "unitriangular"))
      return [x, a.clone()]
    }),
  OpEntry("linalg_solve_triangular") { s in
    s.input.solveTriangular(
      s.tensor(0)!, upper: s.bool(-1, "upper"), left: s.bool(-1, "left", true),
      unitriangular: s.bool(-1, "unitriangular"))
  },
  OpEntry("cholesky_solve") { s in s.input.choleskySolve(s.tensor(0)!, upper: s.bool(-1, "upper")) }.within {
    $2 == "args.0" ? triangular($0, $1) : $1
  },
  OpEntry("cholesky_inverse") { s in s.input.choleskyInverse(upper: s.bool(-1, "upper")) }.within { s, x, _ in
    triangular(s, x)
  },
  OpEntry("matrix_exp") { s in s.input.matrixExp() },
  OpEntry("linalg_tensorinv") { s in s.input.tensorinv(ind: s.int(-1, "ind") ?? 2) },
  OpEntry("linalg_tensorsolve") { s in s.input.tensorsolve(s.tensor(0)!, dims: s.ints(-1, "dims")) },
]

// PyTorch defines the gradients of these on symmetric and triangular matrices only, whose other half nothing reads.
@Sendable private func symmetric(_ s: GoldenSample, _ x: Tensor, _ path: String) -> Tensor { (x + x.mT) / 2 }
private func triangular(_ s: GoldenSample, _ x: Tensor) -> Tensor { s.bool(-1, "upper") ? x.triu() : x.tril() }

private func both(_ pair: (result: Tensor, info: Tensor)) -> [Tensor] { [pair.result, pair.info] }

extension GoldenSample {
  fileprivate var beta: Scalar { scalar(-1, "beta") ?? .int(1) }
  fileprivate var alpha: Scalar { scalar(-1, "alpha") ?? .int(1) }
}

extension GoldenValue {
  /// A list of whole numbers.
  fileprivate var integers: [Int] {
    guard case .list(let items) = self else { return [] }
    return items.compactMap { if case .int(let number) = $0 { number } else { nil } }
  }
}
