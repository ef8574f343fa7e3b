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
  if upper && x <= 1.1 && (x <= 0.5 ? -0.4 / log(x) : 1.1 * x) >= a { return upperOfSmall(a, x) }
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

/// Q for small a and x, where it is small itself and 1 - P would be nothing but rounding errors: with
/// u = log(xᵃ / Γ(1 + a)), Q = 1 - eᵘ (1 + a Σ (-x)ᵏ / (k! (a + k))).
private func upperOfSmall(_ a: Double, _ x: Double) -> Double {
  var (sum, power, k) = (0.0, 1.0, 1.0)
  repeat {
    power *= -x / k
    sum += power / (a + k)
    k += 1
  } while power.magnitude > 1e-17 * sum.magnitude
  let u = a * log(x) - logGammaOfOneAnd(a)
  return -expm1(u) - exp(u) * a * sum
}

/// log Γ(1 + a), for small a by its series: -log(1 + a) + a (1 - γ) + Σ (ζ(k) - 1) (-a)ᵏ / k.
private func logGammaOfOneAnd(_ a: Double) -> Double {
  if a > 0.25 { return lgamma(1 + a) }
  var (sum, power) = (0.0, -a)
  // Not an array, which would be made for each element.
  func add(_ zetaMinusOne: Double, _ k: Double) {
    power *= -a
    sum += zetaMinusOne * power / k
  }
  add(0.6449340668482264365, 2)
  add(0.2020569031595942854, 3)
  add(0.08232323371113819152, 4)
  add(0.03692775514336992633, 5)
  add(0.01734306198444913971, 6)
  add(0.00834927738192282684, 7)
  add(0.004077356197944339379, 8)
  add(0.002008392826082214418, 9)
  add(0.0009945751278180853371, 10)
  add(0.0004941886041194645587, 11)
  add(0.0002460865533080482986, 12)
  add(0.0001227133475784891468, 13)
  add(0.00006124813505870482926, 14)
  add(0.00003058823630702049355, 15)
  add(0.00001528225940865187173, 16)
  add(7.637197637899762274e-6, 17)
  return -log1p(a) + a * 0.4227843350984671394 + sum
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
  if a < 0.25 { return a * exp(a * log(x) - x - logGammaOfOneAnd(a)) }
  if a < 20 { return exp(a * log(x) - x - lgamma(a)) }
  // Stirling: Γ(a) = √(2π/a) (a/e)ᵃ e^c, and the exponent a log(x/a) + a - x = -a (μ - log(1 + μ)).
  let mu = (x - a) / a
  let r = 1 / (a * a)
  let correction = (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r / 1188)))) / a
  // Near -1, μ has lost the digits of x / a.
  let exponent = mu < -0.3 ? log(x / a) - mu : logMinusIdentity(mu)
  return exp(a * exponent - correction) * (a / (2 * .pi)).squareRoot()
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
