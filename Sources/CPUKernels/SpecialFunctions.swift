import Glibc

/// exp(x²) erfc(x).
func scaledErfc(_ x: Double) -> Double {
  if x < 25 {
    if x < -26.7 { return .infinity }
    // x² = s + e exactly; exp(s) alone would lose the digits that e carries.
    let s = x * x
    let e = (-s).addingProduct(x, x)
    return exp(s) * (1 + e) * erfc(x)
  }
  if x.isNaN { return x }
  // The asymptotic series Σ (-1)ᵏ (2k-1)!! / (2x²)ᵏ; its eighth term is below 1e-17 here.
  let r = 0.5 / (x * x)
  var sum = 1.0
  for k in stride(from: 15.0, through: 1, by: -2) { sum = 1 - k * r * sum }
  return sum * (1 / Double.pi.squareRoot()) / x
}

/// The y ≥ 0 with erfc(y) = q, for 0 < q ≤ 1.
private func inverseErfc(_ q: Double) -> Double {
  // Winitzki's approximation (2e-3), then Newton's method on log erfc, which is nearly a parabola.
  let l = log(q * (2 - q))
  let h = 2 / (Double.pi * 0.147) + l / 2
  var y = ((h * h - l / 0.147).squareRoot() - h).squareRoot()
  let target = log(q)
  for _ in 0..<4 {
    let s = scaledErfc(y)
    y += (log(s) - y * y - target) * s * (Double.pi.squareRoot() / 2)
  }
  return y
}

/// The y with erf(y) = x.
func inverseErf(_ x: Double) -> Double {
  let a = x.magnitude
  if !(a < 1) { return a == 1 ? x * .infinity : .nan }
  if a > 0.5 { return Double(signOf: x, magnitudeOf: inverseErfc(1 - a)) }
  // Halley's method from the first terms of the series.
  let u = x * (Double.pi.squareRoot() / 2)
  var y = u * (1 + u * u * (1.0 / 3 + u * u * (7.0 / 30)))
  for _ in 0..<3 {
    let t = (erf(y) - x) * (Double.pi.squareRoot() / 2) * exp(y * y)
    y -= t / (1 + y * t)
  }
  return y
}

/// The x with Φ(x) = p, for the normal distribution function Φ.
func inverseNormal(_ p: Double) -> Double {
  if !(p > 0 && p < 1) { return p == 0 ? -.infinity : p == 1 ? .infinity : .nan }
  let root2 = 2.0.squareRoot()
  if p < 0.25 { return -root2 * inverseErfc(2 * p) }
  if p > 0.75 { return root2 * inverseErfc(2 * (1 - p)) }
  return root2 * inverseErf(2 * p - 1)
}

/// log Φ(x)
func logNormal(_ x: Double) -> Double {
  let u = x * 0.5.squareRoot()
  return x < -1 ? log(0.5 * scaledErfc(-u)) - u * u : log1p(-0.5 * erfc(u))
}

/// B₂ₖ / (2k)! for k = 1…: the coefficients of the Euler–Maclaurin formula.
private let bernoulliOverFactorial: [Double] = [
  1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1_209_600, 1.0 / 47_900_160, -691.0 / 1_307_674_368_000,
  1.0 / 74_724_249_600, -3617.0 / 10_670_622_842_880_000, 43867.0 / 5_109_094_217_170_944_000,
]

/// ψ(x), the derivative of log Γ.
func digamma(_ x: Double) -> Double {
  if x == 0 { return x.sign == .minus ? .infinity : -.infinity }
  if x < 0 {
    if x == x.rounded(.down) { return .nan }
    // ψ(1 - x) - ψ(x) = π cot(πx); the whole part is taken off where it is exact.
    return digamma(1 - x) - .pi / tan(.pi * (x - x.rounded()))
  }
  var (x, shift) = (x, 0.0)
  while x < 12 {
    shift -= 1 / x
    x += 1
  }
  if x == .infinity { return x }
  let r = 1 / (x * x)
  let series =
    r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132 - r * 691.0 / 32760)))))
  return log(x) - 0.5 / x - series + shift
}

/// ψ′(x)
func trigamma(_ x: Double) -> Double {
  if x <= 0 {
    if x == x.rounded(.down) { return .infinity }
    // ψ′(x) + ψ′(1 - x) = (π / sin πx)²
    let s = .pi / sin(.pi * (x - x.rounded()))
    return s * s - trigamma(1 - x)
  }
  if x == .infinity { return 0 }
  return hurwitzZeta(2, x)
}

/// The n-th derivative of ψ.
func polygamma(_ n: Double, _ x: Double) -> Double {
  if n == 0 { return digamma(x) }
  if n == 1 { return trigamma(x) }
  let sign: Double = n.truncatingRemainder(dividingBy: 2) == 0 ? -1 : 1
  return sign * tgamma(n + 1) * hurwitzZeta(n + 1, x)
}

/// ζ(s, q) = Σ (q + k)⁻ˢ over k ≥ 0, by the Euler–Maclaurin formula.
func hurwitzZeta(_ s: Double, _ q: Double) -> Double {
  if s == 1 { return .infinity }
  if s < 1 || q.isNaN { return .nan }
  if q <= 0 {
    if q == q.rounded(.down) { return .infinity }
    if s != s.rounded(.down) { return .nan }
  }
  if s.isNaN { return s }
  if s == .infinity { return q > 1 ? 0 : q == 1 ? 1 : .infinity }
  var (sum, a) = (0.0, q)
  // The first terms one by one, until the formula's remainder is below rounding.
  repeat {
    let term = pow(a, -s)
    sum += term
    a += 1
    if a > 1, term.magnitude < 1e-17 * sum.magnitude { return sum }
  } while a < 16
  let last = pow(a, -s)
  sum += last * a / (s - 1) + 0.5 * last
  var factor = last * s / a
  for (k, coefficient) in bernoulliOverFactorial.enumerated() {
    sum += factor * coefficient
    let m = Double(2 * k + 1)
    factor *= (s + m) * (s + m + 1) / (a * a)
  }
  return sum
}

/// exp(-|x|) I₀(x)
func besselI0Scaled(_ x: Double) -> Double { besselIScaled(x.magnitude, order: 0) }

/// exp(-|x|) I₁(x)
func besselI1Scaled(_ x: Double) -> Double { x < 0 ? -besselIScaled(-x, order: 1) : besselIScaled(x, order: 1) }

/// exp(-x) Iₙ(x) for n 0 or 1 and x ≥ 0: the power series, all terms positive, or the asymptotic one.
private func besselIScaled(_ x: Double, order n: Double) -> Double {
  if !(x < .infinity) { return x == .infinity ? 0 : x }
  var (sum, term, k) = (1.0, 1.0, 1.0)
  if x < 25 {
    let h = x * x / 4
    while term > 1e-17 * sum {
      term *= h / (k * (k + n))
      sum += term
      k += 1
    }
    return exp(-x) * sum * (n == 0 ? 1 : x / 2)
  }
  while term.magnitude > 1e-17 {
    let odd = 2 * k - 1
    term *= (odd * odd - 4 * n * n) / (8 * x * k)
    sum += term
    k += 1
  }
  return sum / (2 * .pi * x).squareRoot()
}
