import CPUKernelAPI

private struct SGDStep<V: UpdateVector>: VectorRule {
  let term: GradientTerm<V>
  let minusRate: V
  let momentum: V
  let gradientShare: V
  let hasMomentum: Bool
  let nesterov: Bool
  let isFirst: Bool

  init(_ rule: SGDRule) {
    term = GradientTerm(maximize: rule.maximize, weightDecay: rule.weightDecay)
    minusRate = V.k(-rule.lr)
    momentum = V.k(rule.momentum)
    gradientShare = V.k(rule.gradientShare)
    hasMomentum = rule.momentum != 0
    nesterov = rule.nesterov
    isFirst = rule.isFirst
  }

  @inline(__always)
  func apply(_ x: inout UpdateLanes<V>) {
    var g = term(x)
    if hasMomentum {
      x.first = isFirst ? g : V.mulAdd(g, gradientShare, x.first * momentum)
      g = nesterov ? V.mulAdd(x.first, momentum, g) : x.first
    }
    x.parameter = V.mulAdd(g, minusRate, x.parameter)
  }
}

@inline(__always)
private func sgd<V: UpdateVector>(_ rule: SGDRule, _ piece: UpdatePiece, _: V.Type) {
  let step = SGDStep<V>(rule)
  if rule.momentum != 0 { sweep(step, piece, first: true) } else { sweep(step, piece, first: false) }
}

@inline(never)
func sgdFloat(_ rule: SGDRule, _ piece: UpdatePiece) { sgd(rule, piece, VFloat.self) }

@inline(never)
func sgdDouble(_ rule: SGDRule, _ piece: UpdatePiece) { sgd(rule, piece, VDouble.self) }
