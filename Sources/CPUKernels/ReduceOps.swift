import CPUKernelAPI

/// One reduction: `map` on the way in, `combine` from then on.
protocol ReduceOp {
  associatedtype Scalar: ReduceScalar
  /// The neutral element of `combine`.
  static var identity: Scalar { get }
  /// `c` is the center; operations without one ignore it.
  static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register
  static func combine(_ a: Scalar.Register, _ b: Scalar.Register) -> Scalar.Register
}

extension ReduceOp {
  /// All lanes combined.
  @inline(__always)
  static func fold(_ v: Scalar.Register) -> Scalar {
    var r = combine(v, Scalar.swapHalves(v))
    if Scalar.laneCount >= 4 { r = combine(r, Scalar.swapQuarters(r)) }
    if Scalar.laneCount >= 8 { r = combine(r, Scalar.swapEighths(r)) }
    if Scalar.laneCount >= 16 { r = combine(r, Scalar.swapSixteenths(r)) }
    return Scalar.first(r)
  }
  @inline(__always) static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register { x }
}

/// Operations that end in a sum.
protocol AddingOp: ReduceOp {}
extension AddingOp {
  @inline(__always) static var identity: Scalar { Scalar.zeroValue }
  @inline(__always) static func combine(_ a: Scalar.Register, _ b: Scalar.Register) -> Scalar.Register {
    Scalar.plus(a, b)
  }
}

/// Operations that end in a maximum.
protocol LargerOp: ReduceOp {}
extension LargerOp {
  @inline(__always) static var identity: Scalar { Scalar.lowest }
  @inline(__always) static func combine(_ a: Scalar.Register, _ b: Scalar.Register) -> Scalar.Register {
    Scalar.larger(a, b)
  }
}

/// Operations that end in a minimum.
protocol SmallerOp: ReduceOp {}
extension SmallerOp {
  @inline(__always) static var identity: Scalar { Scalar.highest }
  @inline(__always) static func combine(_ a: Scalar.Register, _ b: Scalar.Register) -> Scalar.Register {
    Scalar.smaller(a, b)
  }
}

enum SumOp<Scalar: ReduceScalar>: AddingOp {}

enum MaxOp<Scalar: ReduceScalar>: LargerOp {}

enum MinOp<Scalar: ReduceScalar>: SmallerOp {}

enum ProdOp<Scalar: ReduceScalar>: ReduceOp {
  @inline(__always) static var identity: Scalar { Scalar.oneValue }
  @inline(__always) static func combine(_ a: Scalar.Register, _ b: Scalar.Register) -> Scalar.Register {
    Scalar.times(a, b)
  }
}

enum AnyOp<Scalar: ReduceScalar>: LargerOp {
  @inline(__always) static var identity: Scalar { Scalar.zeroValue }
  @inline(__always) static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register { Scalar.nonzero(x) }
}

enum AllOp<Scalar: ReduceScalar>: SmallerOp {
  @inline(__always) static var identity: Scalar { Scalar.oneValue }
  @inline(__always) static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register { Scalar.nonzero(x) }
}

enum CountNonzeroOp<Scalar: ReduceScalar>: AddingOp {
  @inline(__always) static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register { Scalar.nonzero(x) }
}

enum SumAbsOp<Scalar: ReduceScalar>: AddingOp {
  @inline(__always) static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register {
    Scalar.magnitude(x)
  }
}

enum SumSquaresOp<Scalar: ReduceScalar>: AddingOp {
  @inline(__always) static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register {
    Scalar.times(x, x)
  }
}

enum MaxAbsOp<Scalar: ReduceScalar>: LargerOp {
  @inline(__always) static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register {
    Scalar.magnitude(x)
  }
}

enum MinAbsOp<Scalar: ReduceScalar>: SmallerOp {
  @inline(__always) static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register {
    Scalar.magnitude(x)
  }
}

enum SumSquaredDeviationsOp<Scalar: ReduceScalar>: AddingOp {
  @inline(__always) static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register {
    let d = Scalar.minus(x, c)
    return Scalar.times(d, d)
  }
}

enum SumExpOp<Scalar: ReduceScalar>: AddingOp {
  @inline(__always) static func map(_ x: Scalar.Register, _ c: Scalar.Register) -> Scalar.Register {
    Scalar.exponential(Scalar.minus(x, c))
  }
}
