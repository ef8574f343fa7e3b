import CPUKernelAPI
import Glibc

/// A binary operation that both float types have vector code for; false if it is another.
@inline(__always)
private func binary<V: FloatVector>(_ op: BinaryKernel, _ t: Tile, _: V.Type) -> Bool {
  switch op {
  case .add: map(t, V.self) { $0 + $1 }
  case .sub: map(t, V.self) { $0 - $1 }
  case .mul: map(t, V.self) { $0 * $1 }
  case .div: map(t, V.self) { $0 / $1 }
  case .truncDivide: map(t, V.self) { ($0 / $1).truncated() }
  case .maximum: map(t, V.self) { V.maximum($0, $1) }
  case .minimum: map(t, V.self) { V.minimum($0, $1) }
  case .fmax: map(t, V.self) { V.equal($1, $1, V.less($1, $0, $0, $1), $0) }
  case .fmin: map(t, V.self) { V.equal($1, $1, V.less($0, $1, $0, $1), $0) }
  case .copysign: map(t, V.self) { $0.withSign(of: $1) }
  case .hypot: map(t, V.self) { $0.hypotenuse($1) }
  case .logaddexp:
    map(t, V.self) { a, b in
      // Equal infinities have no difference; their maximum is the answer.
      let top = V.maximum(a, b)
      let low = (-(a - b).absolute()).exp().log1p()
      return V.equal(top.absolute(), V.k(.infinity), top, top + low)
    }
  case .logaddexp2:
    map(t, V.self) { a, b in
      let top = V.maximum(a, b)
      let low = (-(a - b).absolute()).exp2().log1p() * V.k(1.4426950408889634)
      return V.equal(top.absolute(), V.k(.infinity), top, top + low)
    }
  case .xlogy:
    map(t, V.self) { a, b in
      V.equal(b, b, V.equal(a, V.nought, V.nought, a * b.log()), b)
    }
  case .xlog1py:
    map(t, V.self) { a, b in
      V.equal(b, b, V.equal(a, V.nought, V.nought, a * b.log1p()), b)
    }
  case .heaviside: map(t, V.self) { V.equal($0, V.nought, $1, V.less(V.nought, $0, V.one, V.nought)) }
  case .sigmoidBackward: map(t, V.self) { g, y in g * (V.one - y) * y }
  case .tanhBackward: map(t, V.self) { g, y in g * (V.one - y * y) }
  case .reluBackward: map(t, V.self) { g, y in V.lessOrEqual(y, V.nought, V.nought, g) }
  case .leakyRelu: map(t, V.self) { x, slope in V.less(V.nought, x, x, x * slope) }
  case .geluBackward:
    map(t, V.self) { g, x in
      let phi = V.k(0.5) * (x * V.k(-0.7071067811865476)).erfc()
      let density = (x * x * V.k(-0.5)).exp() * V.k(0.3989422804014327)
      return g * V.mulAdd(x, density, phi)
    }
  case .siluBackward:
    map(t, V.self) { g, x in
      let s = x.sigmoid()
      return g * s * V.mulAdd(x, V.one - s, V.one)
    }
  case .binaryCrossEntropy:
    map(t, V.self) { x, t in
      let least = V.k(-100), nan = V.k(.nan)
      let loss = (t - V.one) * V.maximum((-x).log1p(), least) - t * V.maximum(x.log(), least)
      return V.less(t, V.nought, nan, V.less(V.one, t, nan, loss))
    }
  default: return false
  }
  return true
}

extension FloatVector {
  /// sqrt(x² + y²) without overflow; infinite if either is, even beside NaN.
  @inline(__always)
  func hypotenuse(_ other: Self) -> Self {
    let (a, b) = (absolute(), other.absolute())
    let infinity = Self.k(.infinity)
    let large = Self.maximum(a, b)
    let small = Self.minimum(a, b)
    // Two zeros divide by one instead of by zero; an infinite operand is chosen below.
    let ratio = small / Self.equal(large, Self.nought, Self.one, large)
    let r = large * Self.mulAdd(ratio, ratio, Self.one).root()
    return Self.equal(a, infinity, infinity, Self.equal(b, infinity, infinity, r))
  }
}

/// Binary operations on float32.
@inline(never)
func binaryFloat(_ op: BinaryKernel, _ t: Tile) {
  if op == .nextafter { return each(t, Float.self, Float.self) { Glibc.nextafterf($0, $1) } }
  if !binary(op, t, VFloat.self) { throughDouble(t, inputs: 2) { binaryLong(op, $0, forFloat: true) } }
}

/// Binary operations on float64.
@inline(never)
func binaryDouble(_ op: BinaryKernel, _ t: Tile) {
  if !binary(op, t, VDouble.self) { binaryLong(op, t, forFloat: false) }
}
