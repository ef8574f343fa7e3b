import CPUKernelAPI

private struct AdagradStep<V: UpdateVector>: VectorRule {
  let term: GradientTerm<V>
  let minusRate: V
  let eps: V

  init(_ rule: AdagradRule) {
    term = GradientTerm(maximize: rule.maximize, weightDecay: rule.weightDecay)
    minusRate = V.k(-rule.lr)
    eps = V.k(rule.eps)
  }

  @inline(__always)
  func apply(_ x: inout UpdateLanes<V>) {
    let g = term(x)
    x.first = V.mulAdd(g, g, x.first)
    x.parameter = x.parameter + minusRate * g / (x.first.root() + eps)
  }
}

@inline(never)
func adagradFloat(_ rule: AdagradRule, _ piece: UpdatePiece) { sweep(AdagradStep<VFloat>(rule), piece, first: true) }

@inline(never)
func adagradDouble(_ rule: AdagradRule, _ piece: UpdatePiece) { sweep(AdagradStep<VDouble>(rule), piece, first: true) }
