import CPUKernelAPI

private struct AdamStep<V: UpdateVector>: VectorRule {
  let term: GradientTerm<V>
  let keep: V
  let keepsAll: Bool
  let meanShare: V
  let meanIsNear: Bool
  let beta2: V
  let squareShare: V
  let rootCorrection: V
  let eps: V
  let minusStep: V
  let amsgrad: Bool

  init(_ rule: AdamRule) {
    term = GradientTerm(maximize: rule.maximize, weightDecay: rule.weightDecay)
    keep = V.k(rule.keep)
    keepsAll = rule.keep == 1
    meanShare = V.k(rule.meanShare)
    meanIsNear = rule.meanShare >= 0.5
    beta2 = V.k(rule.beta2)
    squareShare = V.k(rule.squareShare)
    rootCorrection = V.k(rule.rootCorrection)
    eps = V.k(rule.eps)
    minusStep = V.k(-rule.stepSize)
    amsgrad = rule.amsgrad
  }

  @inline(__always)
  func apply(_ x: inout UpdateLanes<V>) {
    if !keepsAll { x.parameter = x.parameter * keep }
    let g = term(x)
    x.first = V.between(x.first, g, meanShare, meanIsNear)
    x.second = V.mulAdd(squareShare * g, g, x.second * beta2)
    if amsgrad { x.third = V.maximum(x.third, x.second) }
    let root = (amsgrad ? x.third : x.second).root()
    x.parameter = x.parameter + minusStep * x.first / (root / rootCorrection + eps)
  }
}

@inline(__always)
private func adam<V: UpdateVector>(_ rule: AdamRule, _ piece: UpdatePiece, _: V.Type) {
  let step = AdamStep<V>(rule)
  if rule.amsgrad {
    sweep(step, piece, first: true, second: true, third: true)
  } else {
    sweep(step, piece, first: true, second: true)
  }
}

@inline(never)
func adamFloat(_ rule: AdamRule, _ piece: UpdatePiece) { adam(rule, piece, VFloat.self) }

@inline(never)
func adamDouble(_ rule: AdamRule, _ piece: UpdatePiece) { adam(rule, piece, VDouble.self) }
