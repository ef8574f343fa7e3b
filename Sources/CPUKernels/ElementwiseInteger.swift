import CPUKernelAPI

// Plain loops over typed memory, 16 elements at a time at least: the compiler makes vectors of them.

@inline(__always)
func each<T, R>(_ t: Tile, _: T.Type, _: R.Type, _ f: (T) -> R) {
  let a = t.a.assumingMemoryBound(to: T.self)
  let y = t.y.assumingMemoryBound(to: R.self)
  for i in 0..<(t.count & ~15) { y[i] = f(a[i]) }
}

@inline(__always)
func each<T, R>(_ t: Tile, _: T.Type, _: R.Type, _ f: (T, T) -> R) {
  let a = t.a.assumingMemoryBound(to: T.self)
  let b = t.b.assumingMemoryBound(to: T.self)
  let y = t.y.assumingMemoryBound(to: R.self)
  for i in 0..<(t.count & ~15) { y[i] = f(a[i], b[i]) }
}

@inline(__always)
func each<T, R>(_ t: Tile, _: T.Type, _: R.Type, _ f: (T, T, T) -> R) {
  let a = t.a.assumingMemoryBound(to: T.self)
  let b = t.b.assumingMemoryBound(to: T.self)
  let c = t.c.assumingMemoryBound(to: T.self)
  let y = t.y.assumingMemoryBound(to: R.self)
  for i in 0..<(t.count & ~15) { y[i] = f(a[i], b[i], c[i]) }
}

/// A unary operation on a tile of integers. Rounding leaves integers as they are.
@inline(never)
private func unary<T: FixedWidthInteger>(_ op: UnaryKernel, _ t: Tile, _: T.Type) {
  switch op {
  case .neg: each(t, T.self, T.self) { 0 &- $0 }
  case .abs: each(t, T.self, T.self) { $0 < 0 ? 0 &- $0 : $0 }
  case .sign: each(t, T.self, T.self) { $0 > 0 ? 1 : $0 < 0 ? ~0 : 0 }
  case .square: each(t, T.self, T.self) { $0 &* $0 }
  case .bitwiseNot: each(t, T.self, T.self) { ~$0 }
  case .relu: each(t, T.self, T.self) { $0 > 0 ? $0 : 0 }
  case .ceil, .floor, .round, .trunc: each(t, T.self, T.self) { $0 }
  default: missingBody(op)
  }
}

/// A binary operation on a tile of integers.
@inline(never)
private func binary<T: FixedWidthInteger>(_ op: BinaryKernel, _ t: Tile, _: T.Type) {
  switch op {
  case .add: each(t, T.self, T.self) { $0 &+ $1 }
  case .sub: each(t, T.self, T.self) { $0 &- $1 }
  case .mul: each(t, T.self, T.self) { $0 &* $1 }
  case .maximum, .fmax: each(t, T.self, T.self) { $0 > $1 ? $0 : $1 }
  case .minimum, .fmin: each(t, T.self, T.self) { $0 < $1 ? $0 : $1 }
  case .bitwiseAnd: each(t, T.self, T.self) { $0 & $1 }
  case .bitwiseOr: each(t, T.self, T.self) { $0 | $1 }
  case .bitwiseXor: each(t, T.self, T.self) { $0 ^ $1 }
  case .shiftLeft:
    each(t, T.self, T.self) { $1 < 0 || $1 >= T.bitWidth ? 0 : $0 &<< $1 }
  case .shiftRight:
    // A shift by the width or more (or by a negative amount) leaves only the sign.
    each(t, T.self, T.self) { a, b in
      let sign: T = a < 0 ? ~0 : 0
      return b < 0 || b >= T.bitWidth ? sign : a &>> b
    }
  case .heaviside: each(t, T.self, T.self) { $0 == 0 ? $1 : $0 > 0 ? 1 : 0 }
  case .reluBackward: each(t, T.self, T.self) { $1 > 0 ? $0 : 0 }
  default: binaryIntegerScalar(op, t, T.self)
  }
}

/// Operations that no vector unit has, in 64 bits for every type.
@inline(__always)
private func binaryIntegerScalar<T: FixedWidthInteger>(_ op: BinaryKernel, _ t: Tile, _: T.Type) {
  let f: (Int64, Int64) -> Int64
  switch op {
  case .truncDivide, .div: f = { $1 == 0 ? 0 : $1 == -1 ? 0 &- $0 : $0 / $1 }
  case .floorDivide:
    f = { a, b in
      if b == 0 { return 0 }
      if b == -1 { return 0 &- a }
      let q = a / b
      return a % b != 0 && (a < 0) != (b < 0) ? q &- 1 : q
    }
  case .remainder:
    f = { a, b in
      if b == 0 || b == -1 { return 0 }
      let m = a % b
      return m != 0 && (m < 0) != (b < 0) ? m &+ b : m
    }
  case .fmod: f = { $1 == 0 || $1 == -1 ? 0 : $0 % $1 }
  case .gcd: f = greatestCommonDivisor
  case .lcm:
    f = { a, b in
      let g = greatestCommonDivisor(a, b)
      let product = g == 0 ? 0 : (a / g) &* b
      return product < 0 ? 0 &- product : product
    }
  case .ldexp: f = { $1 < 0 ? 0 : $1 > 63 ? 0 : $0 &<< $1 }
  case .pow: f = integerPower
  default: missingBody(op)
  }
  scalarLoop(t, T.self, f)
}

@inline(never)
private func scalarLoop<T: FixedWidthInteger>(_ t: Tile, _: T.Type, _ f: (Int64, Int64) -> Int64) {
  each(t, T.self, T.self) { T(truncatingIfNeeded: f(Int64(truncatingIfNeeded: $0), Int64(truncatingIfNeeded: $1))) }
}

private func greatestCommonDivisor(_ a: Int64, _ b: Int64) -> Int64 {
  var (a, b) = (a.magnitude, b.magnitude)
  while b != 0 { (a, b) = (b, a % b) }
  return Int64(truncatingIfNeeded: a)
}

/// aⁿ, wrapping; 1/aⁿ rounded to zero for negative n.
private func integerPower(_ a: Int64, _ n: Int64) -> Int64 {
  if n < 0 { return a == 1 ? 1 : a == -1 ? (n & 1 == 0 ? 1 : -1) : 0 }
  var (result, base, n) = (Int64(1), a, n)
  while n != 0 {
    if n & 1 != 0 { result = result &* base }
    base = base &* base
    n >>= 1
  }
  return result
}

/// Makes 0 or 1 of the bytes that an operation on `bool` left.
@inline(never)
private func normalizeBool(_ t: Tile) {
  var t = t
  t.a = UnsafeRawPointer(t.y)
  let y = t.y.assumingMemoryBound(to: UInt8.self)
  for i in 0..<(t.count & ~15) { y[i] = y[i] == 0 ? 0 : 1 }
}

/// A ternary operation on a tile of integers.
@inline(never)
private func ternary<T: FixedWidthInteger>(_ op: TernaryKernel, _ t: Tile, _: T.Type) {
  switch op {
  case .clamp: each(t, T.self, T.self) { min(max($0, $1), $2) }
  case .addcmul: each(t, T.self, T.self) { $0 &+ $1 &* $2 }
  case .addcdiv: each(t, T.self, T.self) { $0 &+ ($2 == 0 ? 0 : $2 == ~0 && T.isSigned ? 0 &- $1 : $1 / $2) }
  case .lerp: each(t, T.self, T.self) { $0 &+ $2 &* ($1 &- $0) }
  case .leakyReluBackward, .binaryCrossEntropyBackward: missingBody(op)
  }
}

/// Unary operations on integers and `bool`.
func unaryInteger(_ op: UnaryKernel, _ type: DType, _ t: Tile) {
  switch type {
  case .bool:
    switch op {
    case .bitwiseNot: each(t, UInt8.self, UInt8.self) { $0 == 0 ? 1 : 0 }
    // Modulo 2 these change nothing.
    case .neg, .abs, .sign, .square, .relu, .ceil, .floor, .round, .trunc: each(t, UInt8.self, UInt8.self) { $0 }
    default: missingBody(op)
    }
  case .uint8: unary(op, t, UInt8.self)
  case .int8: unary(op, t, Int8.self)
  case .int16: unary(op, t, Int16.self)
  case .int32: unary(op, t, Int32.self)
  default: unary(op, t, Int64.self)
  }
}

/// Binary operations on integers and `bool`.
func binaryInteger(_ op: BinaryKernel, _ type: DType, _ t: Tile) {
  switch type {
  case .bool:
    binary(op, t, UInt8.self)
    normalizeBool(t)
  case .uint8: binary(op, t, UInt8.self)
  case .int8: binary(op, t, Int8.self)
  case .int16: binary(op, t, Int16.self)
  case .int32: binary(op, t, Int32.self)
  default: binary(op, t, Int64.self)
  }
}

/// Ternary operations on integers and `bool`.
func ternaryInteger(_ op: TernaryKernel, _ type: DType, _ t: Tile) {
  switch type {
  case .bool:
    ternary(op, t, UInt8.self)
    normalizeBool(t)
  case .uint8: ternary(op, t, UInt8.self)
  case .int8: ternary(op, t, Int8.self)
  case .int16: ternary(op, t, Int16.self)
  case .int32: ternary(op, t, Int32.self)
  default: ternary(op, t, Int64.self)
  }
}

/// The next float16 or bfloat16 after `a` towards `b`, on bit patterns.
func nextAfterHalf(_ t: Tile, _ type: DType) {
  let infinity: Int16 = type == .float16 ? 0x7c00 : 0x7f80
  each(t, Int16.self, Int16.self) { a, b in
    let (p, q) = (a & 0x7fff, b & 0x7fff)
    if p > infinity { return a }
    if q > infinity || a == b || p | q == 0 { return b }
    if p == 0 { return (b & .min) | 1 }
    // Ordered as the numbers are: negative patterns count down.
    let (x, y) = (a < 0 ? -Int32(p) : Int32(p), b < 0 ? -Int32(q) : Int32(q))
    return (x < y) == (a >= 0) ? a &+ 1 : a &- 1
  }
}
