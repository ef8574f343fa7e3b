import Glibc

/// The regularized incomplete gamma functions P(a, x) and, for `upper`, Q(a, x) = 1 - P(a, x).
func incompleteGamma(_ a: Double, _ x: Double, upper: Bool) -> Double {
  if a < 0 || x < 0 { return .nan }
  // A bound that decides alone does so beside NaN, as in PyTorch.
  if a == 0 { return x > 0 ? (upper ? 0 : 1) : .nan }
  if x == 0 { return upper ? 1 : 0 }
  if a == .infinity { return x == .infinity ? .nan : upper ? 1 : 0 }
  if x == .infinity { return upper ? 0 : 1 }
  if a.isNaN || x.isNaN { return .nan }
  if a > 1e8 { return incompleteGammaOfLarge(a, x, upper: upper) }
  let scale = gammaDensity(a, x)
  if x < a + 1 {
    // P = xᵃ e⁻ˣ / Γ(a + 1) · Σ xᵏ / ((a + 1) … (a + k))
    var (sum, term, d) = (1.0, 1.0, a)
    repeat {
      d += 1
      term *= x / d
      sum += term
    } while term > 1e-17 * sum
    let p = scale * sum / a
    return upper ? 1 - p : p
  }
  // Q = xᵃ e⁻ˣ / Γ(a) · 1 / (x + 1 - a - 1(1 - a) / (x + 3 - a - 2(2 - a) / …)), by Lentz's method.
  var b = x + 1 - a
  var (c, d) = (1e300, 1 / b)
  var fraction = d
  for i in 1..<1_000_000 {
    let n = Double(i) * (a - Double(i))
    b += 2
    d = 1 / (n * d + b)
    c = b + n / c
    let delta = c * d
    fraction *= delta
    if (delta - 1).magnitude < 1e-16 { break }
  }
  let q = scale * fraction
  return upper ? q : 1 - q
}

/// P or Q for a so large that Temme's expansion around the normal distribution needs one term, where a series would
/// take √a steps and more.
private func incompleteGammaOfLarge(_ a: Double, _ x: Double, upper: Bool) -> Double {
  let mu = (x - a) / a
  // η²/2, the exponent of the expansion
  let half = -logMinusIdentity(mu)
  if !(a * half < 750) { return (mu > 0) == upper ? 0 : 1 }
  let eta = Double(signOf: mu, magnitudeOf: (2 * half).squareRoot())
  let z = Double(signOf: mu, magnitudeOf: (a * half).squareRoot())
  let slope = -1.0 / 3 + eta * (1.0 / 12 - eta * (2.0 / 135 - eta / 864))
  let rest = exp(-a * half) / (2 * .pi * a).squareRoot() * slope
  return upper ? 0.5 * erfc(z) + rest : 0.5 * erfc(-z) - rest
}

/// xᵃ e⁻ˣ / Γ(a), without overflow and without cancellation where x is near a large a.
private func gammaDensity(_ a: Double, _ x: Double) -> Double {
  if a < 20 { return a < 1e-300 ? 0 : exp(a * log(x) - x - lgamma(a)) }
  // Stirling: Γ(a) = √(2π/a) (a/e)ᵃ e^c, and the exponent a log(x/a) + a - x = -a (μ - log(1 + μ)).
  let mu = (x - a) / a
  let r = 1 / (a * a)
  let correction = (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r / 1188)))) / a
  return exp(a * logMinusIdentity(mu) - correction) * (a / (2 * .pi)).squareRoot()
}

/// log(1 + μ) - μ
private func logMinusIdentity(_ mu: Double) -> Double {
  if mu.magnitude > 0.3 { return log1p(mu) - mu }
  var (sum, power, k) = (0.0, -mu * mu, 2.0)
  while power.magnitude > 1e-18 * mu * mu {
    sum += power / k
    power *= -mu
    k += 1
  }
  return sum
}
