import CPUKernelAPI

private struct RMSpropStep<V: UpdateVector>: VectorRule {
  let term: GradientTerm<V>
  let minusRate: V
  let alpha: V
  let share: V
  let shareIsNear: Bool
  let eps: V
  let momentum: V
  let hasMomentum: Bool
  let centered: Bool

  init(_ rule: RMSpropRule) {
    term = GradientTerm(maximize: rule.maximize, weightDecay: rule.weightDecay)
    minusRate = V.k(-rule.lr)
    alpha = V.k(rule.alpha)
    share = V.k(rule.share)
    shareIsNear = abs(rule.share) >= 0.5
    eps = V.k(rule.eps)
    momentum = V.k(rule.momentum)
    hasMomentum = rule.momentum != 0
    centered = rule.centered
  }

  @inline(__always)
  func apply(_ x: inout UpdateLanes<V>) {
    let g = term(x)
    x.first = V.mulAdd(share * g, g, x.first * alpha)
    var spread = x.first
    if centered {
      x.third = V.between(x.third, g, share, shareIsNear)
      spread = V.mulAdd(-x.third, x.third, spread)
    }
    let scale = spread.root() + eps
    if hasMomentum {
      x.second = x.second * momentum + g / scale
      x.parameter = V.mulAdd(x.second, minusRate, x.parameter)
    } else {
      x.parameter = x.parameter + minusRate * g / scale
    }
  }
}

@inline(__always)
private func rmsprop<V: UpdateVector>(_ rule: RMSpropRule, _ piece: UpdatePiece, _: V.Type) {
  let step = RMSpropStep<V>(rule)
  switch (rule.momentum != 0, rule.centered) {
  case (false, false): sweep(step, piece, first: true)
  case (true, false): sweep(step, piece, first: true, second: true)
  case (false, true): sweep(step, piece, first: true, third: true)
  case (true, true): sweep(step, piece, first: true, second: true, third: true)
  }
}

@inline(never)
func rmspropFloat(_ rule: RMSpropRule, _ piece: UpdatePiece) { rmsprop(rule, piece, VFloat.self) }

@inline(never)
func rmspropDouble(_ rule: RMSpropRule, _ piece: UpdatePiece) { rmsprop(rule, piece, VDouble.self) }
