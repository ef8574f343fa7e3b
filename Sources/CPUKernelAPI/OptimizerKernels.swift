/// How one step of an optimizer changes a parameter. All numbers that do not differ between elements are worked out
/// beforehand, in double precision, as PyTorch does.
package enum UpdateRule: Sendable {
  case sgd(SGDRule)
  case adam(AdamRule)
  case rmsprop(RMSpropRule)
  case adagrad(AdagradRule)
}

/// g ← ±gradient + weightDecay · p; with momentum b ← momentum · b + gradientShare · g, and g ← b or, for Nesterov,
/// g + momentum · b; then p ← p − lr · g. The first state is b.
package struct SGDRule: Sendable {
  package var lr: Double
  package var momentum: Double
  /// 1 − dampening
  package var gradientShare: Double
  package var weightDecay: Double
  package var nesterov: Bool
  package var maximize: Bool
  /// The first step with momentum: b ← g, whatever b held.
  package var isFirst: Bool

  package init(
    lr: Double, momentum: Double, gradientShare: Double, weightDecay: Double, nesterov: Bool, maximize: Bool,
    isFirst: Bool
  ) {
    self.lr = lr
    self.momentum = momentum
    self.gradientShare = gradientShare
    self.weightDecay = weightDecay
    self.nesterov = nesterov
    self.maximize = maximize
    self.isFirst = isFirst
  }
}

/// p ← keep · p; g ← ±gradient + weightDecay · p; m ← m + meanShare · (g − m); v ← beta2 · v + squareShare · g²;
/// p ← p − stepSize · m / (√v / rootCorrection + eps). The states are m, v and, for amsgrad, the largest v so far,
/// which then takes v's place in the last formula.
package struct AdamRule: Sendable {
  /// lr / (1 − beta1ᵗ)
  package var stepSize: Double
  /// √(1 − beta2ᵗ)
  package var rootCorrection: Double
  /// 1 − beta1
  package var meanShare: Double
  package var beta2: Double
  /// 1 − beta2
  package var squareShare: Double
  package var eps: Double
  /// 0 where the decay is decoupled.
  package var weightDecay: Double
  /// 1 − lr · weight decay where the decay is decoupled, else 1.
  package var keep: Double
  package var amsgrad: Bool
  package var maximize: Bool

  package init(
    stepSize: Double, rootCorrection: Double, meanShare: Double, beta2: Double, squareShare: Double, eps: Double,
    weightDecay: Double, keep: Double, amsgrad: Bool, maximize: Bool
  ) {
    self.stepSize = stepSize
    self.rootCorrection = rootCorrection
    self.meanShare = meanShare
    self.beta2 = beta2
    self.squareShare = squareShare
    self.eps = eps
    self.weightDecay = weightDecay
    self.keep = keep
    self.amsgrad = amsgrad
    self.maximize = maximize
  }
}

/// g ← ±gradient + weightDecay · p; s ← alpha · s + share · g²; a ← √s + eps or, centered, with
/// c ← c + share · (g − c), a ← √(s − c²) + eps; then p ← p − lr · g / a or, with momentum,
/// b ← momentum · b + g / a, p ← p − lr · b. The states are s, b (for momentum other than 0) and c (centered).
package struct RMSpropRule: Sendable {
  package var lr: Double
  package var alpha: Double
  /// 1 − alpha
  package var share: Double
  package var eps: Double
  package var weightDecay: Double
  package var momentum: Double
  package var centered: Bool
  package var maximize: Bool

  package init(
    lr: Double, alpha: Double, share: Double, eps: Double, weightDecay: Double, momentum: Double, centered: Bool,
    maximize: Bool
  ) {
    self.lr = lr
    self.alpha = alpha
    self.share = share
    self.eps = eps
    self.weightDecay = weightDecay
    self.momentum = momentum
    self.centered = centered
    self.maximize = maximize
  }
}

/// g ← ±gradient + weightDecay · p; s ← s + g²; p ← p − lr · g / (√s + eps). The first state is s.
package struct AdagradRule: Sendable {
  /// The rate of this step, after its decay.
  package var lr: Double
  package var eps: Double
  package var weightDecay: Double
  package var maximize: Bool

  package init(lr: Double, eps: Double, weightDecay: Double, maximize: Bool) {
    self.lr = lr
    self.eps = eps
    self.weightDecay = weightDecay
    self.maximize = maximize
  }
}

/// A piece of a parameter with its gradient and states: arrays of `count` elements of one type. A state that the rule
/// does not name may be anything.
package struct UpdatePiece {
  package var parameter: UnsafeMutableRawPointer
  package var gradient: UnsafeRawPointer
  package var states: (UnsafeMutableRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer)
  package var count: Int

  package init(
    parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
    states: (UnsafeMutableRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer), count: Int
  ) {
    self.parameter = parameter
    self.gradient = gradient
    self.states = states
    self.count = count
  }

  /// The elements `range` of it, which are `size` bytes each.
  package func part(_ range: Range<Int>, size: Int) -> UpdatePiece {
    let bytes = range.lowerBound * size
    return UpdatePiece(
      parameter: parameter + bytes, gradient: gradient + bytes,
      states: (states.0 + bytes, states.1 + bytes, states.2 + bytes), count: range.count)
  }
}

package protocol OptimizerKernels: Sendable {
  /// Makes one step on all elements of `piece`, in one pass over its memory; `type` is float32 or float64. An element's
  /// result depends on that element alone, so a parameter may be cut anywhere.
  func update(_ rule: UpdateRule, _ type: DType, _ piece: UpdatePiece)
}
