import CPUKernelAPI
import CSIMD
import Glibc

// Operations that are computed in float64 for every floating type: the ones that float32 gains little from having
// vector code of its own for, and the ones that have none.

/// Runs a float64 body on a float32 tile, a few vectors at a time through the stack.
@inline(__always)
func throughDouble(_ t: Tile, inputs: Int, _ body: (Tile) -> Void) {
  var scratch = InlineArray<128, Double>(repeating: 0)
  withUnsafeMutableBytes(of: &scratch) { memory in
    let a = memory.baseAddress.unsafelyUnwrapped
    let b = a + 512
    var i = 0
    while i < t.count {
      let count = min(64, t.count &- i)
      var j = 0
      while j < count {
        widen(t.a, i &+ j, a, j)
        if inputs == 2 { widen(t.b, i &+ j, b, j) }
        j &+= VFloat.scalarCount
      }
      body(Tile(a: UnsafeRawPointer(a), b: UnsafeRawPointer(b), c: UnsafeRawPointer(b), y: a, count: count))
      j = 0
      while j < count {
        let low = a.loadUnaligned(fromByteOffset: j &* 8, as: VDouble.self)
        let high = a.loadUnaligned(fromByteOffset: (j &+ VDouble.scalarCount) &* 8, as: VDouble.self)
        t.y.storeBytes(of: csimd_narrow(low, high), toByteOffset: (i &+ j) &* 4, as: VFloat.self)
        j &+= VFloat.scalarCount
      }
      i &+= 64
    }
  }
}

@inline(__always)
private func widen(_ x: UnsafeRawPointer, _ i: Int, _ y: UnsafeMutableRawPointer, _ j: Int) {
  let v = x.loadUnaligned(fromByteOffset: i &* 4, as: VFloat.self)
  y.storeBytes(of: csimd_widen_low(v), toByteOffset: j &* 8, as: VDouble.self)
  y.storeBytes(of: csimd_widen_high(v), toByteOffset: (j &+ VDouble.scalarCount) &* 8, as: VDouble.self)
}

/// Unary operations with vector code in float64 only, or with none.
@inline(never)
func unaryLong(_ op: UnaryKernel, _ t: Tile) {
  switch op {
  case .tan: map(t, VDouble.self) { $0.tan() }
  case .asin: map(t, VDouble.self) { $0.asin() }
  case .acos: map(t, VDouble.self) { $0.acos() }
  case .atan: map(t, VDouble.self) { $0.atan() }
  case .sinh: map(t, VDouble.self) { $0.sinh() }
  case .cosh: map(t, VDouble.self) { $0.cosh() }
  case .asinh: map(t, VDouble.self) { $0.asinh() }
  case .acosh: map(t, VDouble.self) { $0.acosh() }
  case .atanh: map(t, VDouble.self) { $0.atanh() }
  default: unaryScalar(op, t)
  }
}

/// Binary operations with vector code in float64 only, or with none.
/// - Parameter forFloat: the results are going to be rounded to float32.
@inline(never)
func binaryLong(_ op: BinaryKernel, _ t: Tile, forFloat: Bool) {
  switch op {
  case .atan2: map(t, VDouble.self) { $0.atan2($1) }
  case .pow where forFloat: map(t, VDouble.self) { $0.powForFloat($1) }
  case .fmod: remainders(t, forFloat, { r, _, _ in r }, or: Glibc.fmod)
  case .remainder: remainders(t, forFloat, moved, or: floorRemainder)
  case .floorDivide: remainders(t, forFloat, flooredQuotient, or: floorQuotient)
  default: binaryScalar(op, t)
  }
}

/// Stops at a case that no switch has a body for. Not `preconditionFailure`, which means nothing under `-Ounchecked`.
@inline(never)
func missingBody<Op>(_ op: Op) -> Never { fatalError("\(Op.self).\(op) has no body for this type") }

/// Unary operations without vector code: one element after the other.
@inline(never)
private func unaryScalar(_ op: UnaryKernel, _ t: Tile) {
  let f: (Double) -> Double
  switch op {
  case .erfinv: f = inverseErf
  case .erfcx: f = scaledErfc
  case .lgamma: f = Glibc.lgamma
  case .digamma: f = digamma
  case .trigamma: f = trigamma
  case .ndtr: f = { 0.5 * Glibc.erfc($0 * -0.5.squareRoot()) }
  case .ndtri: f = inverseNormal
  case .logNdtr: f = logNormal
  case .sinc: f = { $0 == 0 ? 1 : Glibc.sin(.pi * $0) / (.pi * $0) }
  case .i0: f = { besselI0Scaled($0) * Glibc.exp($0.magnitude) }
  case .i0e: f = besselI0Scaled
  case .i1: f = { besselI1Scaled($0) * Glibc.exp($0.magnitude) }
  case .i1e: f = besselI1Scaled
  case .entr: f = { $0 > 0 ? -$0 * Glibc.log($0) : $0 == 0 ? 0 : $0 < 0 ? -.infinity : $0 }
  case .besselJ0: f = Glibc.j0
  case .besselJ1: f = Glibc.j1
  case .besselY0: f = Glibc.y0
  case .besselY1: f = Glibc.y1
  default: missingBody(op)
  }
  each(t, Double.self, Double.self, f)
}

/// Binary operations without vector code: one pair after the other.
@inline(never)
private func binaryScalar(_ op: BinaryKernel, _ t: Tile) {
  let f: (Double, Double) -> Double
  switch op {
  case .nextafter: f = Glibc.nextafter
  case .pow: f = Glibc.pow
  case .zeta: f = hurwitzZeta
  case .igamma: f = { incompleteGamma($0, $1, upper: false) }
  case .igammac: f = { incompleteGamma($0, $1, upper: true) }
  case .polygamma: f = polygamma
  case .ldexp: f = { $0 * Glibc.exp2($1) }
  default: missingBody(op)
  }
  each(t, Double.self, Double.self, f)
}

/// What `body` makes of the remainder of division towards 0 and its operands, or `scalar` of single elements where a
/// quotient is too large for its product with the divisor to be exact, or an operand is 0, infinite or NaN.
@inline(__always)
private func remainders(
  _ t: Tile, _ forFloat: Bool, _ body: (VDouble, VDouble, VDouble) -> VDouble, or scalar: (Double, Double) -> Double
) {
  #if KERNELS_BASELINE && arch(x86_64)
    // Without fused multiply-adds the product must fit float64: 29 bits by float32's 24.
    let limit = VDouble.k(forFloat ? 0x1p29 : 0)
  #else
    let limit = VDouble.k(0x1p53)
  #endif
  map(t, VDouble.self) { a, b in
    let x = a.absolute(), y = b.absolute()
    let q = (x / y).truncated(), r = VDouble.mulAdd(-q, y, x)
    // Rounded up to the next whole number, the quotient is one too large.
    let m = VDouble.less(r, .nought, r + y, r).withSign(of: a)
    // 0 where both are fit; NaN or 1 elsewhere.
    let unfit = VDouble.less(q, limit, r - r, .one)
    if csimd_d_any_above(VDouble.equal(unfit, .nought, .nought, .one), 0.5) { return a.lanes(b, scalar) }
    return body(m, a, b)
  }
}

/// The remainder with the divisor's sign.
@inline(__always)
private func moved(_ m: VDouble, _ a: VDouble, _ b: VDouble) -> VDouble {
  let other = VDouble.less(m * VDouble.one.withSign(of: b), .nought, b, .nought)
  return VDouble.equal(other, .nought, m, m + other)
}

/// The quotient that belongs to that remainder, as `floorQuotient` computes it.
@inline(__always)
private func flooredQuotient(_ m: VDouble, _ a: VDouble, _ b: VDouble) -> VDouble {
  let q = (a - m) / b
  let lower = VDouble.less(m * VDouble.one.withSign(of: b), .nought, q - .one, q)
  let floor = lower.floored()
  let whole = VDouble.less(VDouble.k(0.5), lower - floor, floor + .one, floor)
  return VDouble.equal(lower, .nought, VDouble.nought.withSign(of: a / b), whole)
}

/// Python's floor division: the quotient that belongs to a remainder with the divisor's sign.
private func floorQuotient(_ a: Double, _ b: Double) -> Double {
  if b == 0 { return a / b }
  let m = a.truncatingRemainder(dividingBy: b)
  var q = (a - m) / b
  if m != 0, (b < 0) != (m < 0) { q -= 1 }
  if q == 0 { return Double(signOf: a / b, magnitudeOf: 0) }
  let floor = q.rounded(.down)
  return q - floor > 0.5 ? floor + 1 : floor
}

/// Python's modulo: the remainder with the divisor's sign.
private func floorRemainder(_ a: Double, _ b: Double) -> Double {
  let m = a.truncatingRemainder(dividingBy: b)
  return m != 0 && (b < 0) != (m < 0) ? m + b : m
}
