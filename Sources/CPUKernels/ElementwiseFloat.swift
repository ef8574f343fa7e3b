import CPUKernelAPI
import Glibc

@inline(__always)
func map<V: FloatVector>(_ t: Tile, _: V.Type, _ f: (V) -> V) {
  let size = MemoryLayout<V.Scalar>.size
  var i = 0
  while i < t.count {
    t.y.storeBytes(
      of: f(t.a.loadUnaligned(fromByteOffset: i &* size, as: V.self)), toByteOffset: i &* size, as: V.self)
    i &+= V.scalarCount
  }
}

@inline(__always)
func map<V: FloatVector>(_ t: Tile, _: V.Type, _ f: (V, V) -> V) {
  let size = MemoryLayout<V.Scalar>.size
  var i = 0
  while i < t.count {
    let a = t.a.loadUnaligned(fromByteOffset: i &* size, as: V.self)
    let b = t.b.loadUnaligned(fromByteOffset: i &* size, as: V.self)
    t.y.storeBytes(of: f(a, b), toByteOffset: i &* size, as: V.self)
    i &+= V.scalarCount
  }
}

@inline(__always)
func map<V: FloatVector>(_ t: Tile, _: V.Type, _ f: (V, V, V) -> V) {
  let size = MemoryLayout<V.Scalar>.size
  var i = 0
  while i < t.count {
    let a = t.a.loadUnaligned(fromByteOffset: i &* size, as: V.self)
    let b = t.b.loadUnaligned(fromByteOffset: i &* size, as: V.self)
    let c = t.c.loadUnaligned(fromByteOffset: i &* size, as: V.self)
    t.y.storeBytes(of: f(a, b, c), toByteOffset: i &* size, as: V.self)
    i &+= V.scalarCount
  }
}

/// A unary operation that both float types have vector code for; false if it is another.
@inline(__always)
private func unary<V: FloatVector>(_ op: UnaryKernel, _ t: Tile, _: V.Type) -> Bool {
  switch op {
  case .neg: map(t, V.self) { -$0 }
  case .abs: map(t, V.self) { $0.absolute() }
  case .sign: map(t, V.self) { V.less($0, V.nought, -V.one, V.less(V.nought, $0, V.one, V.nought)) }
  case .square: map(t, V.self) { $0 * $0 }
  case .relu: map(t, V.self) { V.less($0, V.nought, V.nought, $0) }
  case .ceil: map(t, V.self) { $0.ceiled() }
  case .floor: map(t, V.self) { $0.floored() }
  case .round: map(t, V.self) { $0.roundedToEven() }
  case .trunc: map(t, V.self) { $0.truncated() }
  case .frac: map(t, V.self) { $0 - $0.truncated() }
  case .exp: map(t, V.self) { $0.exp() }
  case .exp2: map(t, V.self) { $0.exp2() }
  case .expm1: map(t, V.self) { $0.expm1() }
  case .log: map(t, V.self) { $0.log() }
  case .log2: map(t, V.self) { $0.log2() }
  case .log10: map(t, V.self) { $0.log10() }
  case .log1p: map(t, V.self) { $0.log1p() }
  case .sqrt: map(t, V.self) { $0.root() }
  case .rsqrt: map(t, V.self) { V.one / $0.root() }
  case .reciprocal: map(t, V.self) { V.one / $0 }
  case .sin: map(t, V.self) { $0.sin() }
  case .cos: map(t, V.self) { $0.cos() }
  case .tanh: map(t, V.self) { $0.tanh() }
  case .erf: map(t, V.self) { $0.erf() }
  case .erfc: map(t, V.self) { $0.erfc() }
  case .sigmoid: map(t, V.self) { $0.sigmoid() }
  case .logSigmoid:
    map(t, V.self) { x in
      // min(x, 0) - log(1 + exp(-|x|))
      V.minimum(x, V.nought) - (-x.absolute()).exp().log1p()
    }
  case .silu: map(t, V.self) { $0 * $0.sigmoid() }
  case .gelu: map(t, V.self) { $0.gelu() }
  case .geluTanh:
    map(t, V.self) { x in
      let inner = V.mulAdd(x * x * x, V.k(0.044715), x) * V.k(0.7978845608028654)
      // x/2 · (1 + tanh(u)) = x · sigmoid(2u), without cancellation
      return x * (inner + inner).sigmoid()
    }
  case .softplus: map(t, V.self) { $0.softplus() }
  case .mish:
    map(t, V.self) { x in
      // tanh(log(1 + e)) with e = exp(x) is (e² + 2e) / (e² + 2e + 2); it is 1 in float64 for x > 20.
      let e = V.minimum(x, V.k(20)).exp()
      let n = V.mulAdd(e, e, e + e)
      return V.less(V.k(20), x, x, x * (n / (n + V.k(2))))
    }
  case .deg2rad: map(t, V.self) { $0 * V.k(0.017453292519943295) }
  case .rad2deg: map(t, V.self) { $0 * V.k(57.29577951308232) }
  case .angle: map(t, V.self) { V.less($0, V.nought, V.k(.pi), V.equal($0, $0, V.nought, $0)) }
  case .bitwiseNot: map(t, V.self) { V.equal($0, V.nought, V.one, V.nought) }
  default: return false
  }
  return true
}

extension FloatVector {
  /// log(1 + exp(x)); x itself where x > 20, as PyTorch.
  @inline(__always)
  func softplus() -> Self {
    let twenty = Self.k(20)
    return Self.less(twenty, self, self, Self.minimum(self, twenty).exp().log1p())
  }

  /// x Φ(x)
  @inline(__always)
  func gelu() -> Self {
    let half = self * Self.k(0.5)
    // 1 + erf(u) = erfc(-u): keeps its relative accuracy for negative x.
    return half * (self * Self.k(-0.7071067811865476)).erfc()
  }
}

/// A ternary operation on a tile of floating elements.
@inline(__always)
private func ternary<V: FloatVector>(_ op: TernaryKernel, _ t: Tile, _: V.Type) {
  switch op {
  case .clamp: map(t, V.self) { V.minimum(V.maximum($0, $1), $2) }
  case .addcmul: map(t, V.self) { V.mulAdd($1, $2, $0) }
  case .addcdiv: map(t, V.self) { $0 + $1 / $2 }
  case .lerp:
    map(t, V.self) { a, b, c in
      let d = b - a
      return V.less(c.absolute(), V.k(0.5), V.mulAdd(c, d, a), b - d * (V.one - c))
    }
  case .leakyReluBackward: map(t, V.self) { V.less(V.nought, $1, $0, $0 * $2) }
  case .binaryCrossEntropyBackward:
    map(t, V.self) { g, x, t in g * (x - t) / V.maximum((V.one - x) * x, V.k(1e-12)) }
  }
}

/// Unary operations on float32.
@inline(never)
func unaryFloat(_ op: UnaryKernel, _ t: Tile) {
  if !unary(op, t, VFloat.self) { throughDouble(t, inputs: 1) { unaryDouble(op, $0) } }
}

/// Unary operations on float64.
@inline(never)
func unaryDouble(_ op: UnaryKernel, _ t: Tile) {
  if !unary(op, t, VDouble.self) { unaryLong(op, t) }
}

/// Ternary operations on float32.
@inline(never)
func ternaryFloat(_ op: TernaryKernel, _ t: Tile) { ternary(op, t, VFloat.self) }

/// Ternary operations on float64.
@inline(never)
func ternaryDouble(_ op: TernaryKernel, _ t: Tile) { ternary(op, t, VDouble.self) }
