import CPUKernelAPI

/// One reduction: `map` on the way in, `combine` from then on.
protocol ReduceOp {
  associatedtype Scalar: ReduceScalar
  /// The neutral element of `combine`.
  static var identity: Scalar { get }
  /// `c` is the center; operations without one ignore it.
  static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector
  static func combine(_ a: Scalar.Vector, _ b: Scalar.Vector) -> Scalar.Vector
}

extension ReduceOp {
  /// All lanes combined.
  @inline(__always)
  static func fold(_ v: Scalar.Vector) -> Scalar {
    var r = combine(v, Scalar.swapHalves(v))
    if Scalar.lanes >= 4 { r = combine(r, Scalar.swapQuarters(r)) }
    if Scalar.lanes >= 8 { r = combine(r, Scalar.swapEighths(r)) }
    if Scalar.lanes >= 16 { r = combine(r, Scalar.swapSixteenths(r)) }
    return Scalar.first(r)
  }
  @inline(__always) static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector { x }
}

/// Operations that end in a sum.
protocol AddingOp: ReduceOp {}
extension AddingOp {
  @inline(__always) static var identity: Scalar { Scalar.zeroValue }
  @inline(__always) static func combine(_ a: Scalar.Vector, _ b: Scalar.Vector) -> Scalar.Vector { Scalar.add(a, b) }
}

/// Operations that end in a maximum.
protocol LargerOp: ReduceOp {}
extension LargerOp {
  @inline(__always) static var identity: Scalar { Scalar.lowest }
  @inline(__always) static func combine(_ a: Scalar.Vector, _ b: Scalar.Vector) -> Scalar.Vector {
    Scalar.larger(a, b)
  }
}

/// Operations that end in a minimum.
protocol SmallerOp: ReduceOp {}
extension SmallerOp {
  @inline(__always) static var identity: Scalar { Scalar.highest }
  @inline(__always) static func combine(_ a: Scalar.Vector, _ b: Scalar.Vector) -> Scalar.Vector {
    Scalar.smaller(a, b)
  }
}

enum SumOp<Scalar: ReduceScalar>: AddingOp {}

enum MaxOp<Scalar: ReduceScalar>: LargerOp {}

enum MinOp<Scalar: ReduceScalar>: SmallerOp {}

enum ProdOp<Scalar: ReduceScalar>: ReduceOp {
  @inline(__always) static var identity: Scalar { Scalar.oneValue }
  @inline(__always) static func combine(_ a: Scalar.Vector, _ b: Scalar.Vector) -> Scalar.Vector {
    Scalar.multiply(a, b)
  }
}

enum AnyOp<Scalar: ReduceScalar>: LargerOp {
  @inline(__always) static var identity: Scalar { Scalar.zeroValue }
  @inline(__always) static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector { Scalar.nonzero(x) }
}

enum AllOp<Scalar: ReduceScalar>: SmallerOp {
  @inline(__always) static var identity: Scalar { Scalar.oneValue }
  @inline(__always) static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector { Scalar.nonzero(x) }
}

enum CountNonzeroOp<Scalar: ReduceScalar>: AddingOp {
  @inline(__always) static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector { Scalar.nonzero(x) }
}

enum SumAbsOp<Scalar: ReduceScalar>: AddingOp {
  @inline(__always) static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector { Scalar.magnitude(x) }
}

enum SumSquaresOp<Scalar: ReduceScalar>: AddingOp {
  @inline(__always) static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector { Scalar.multiply(x, x) }
}

enum MaxAbsOp<Scalar: ReduceScalar>: LargerOp {
  @inline(__always) static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector { Scalar.magnitude(x) }
}

enum MinAbsOp<Scalar: ReduceScalar>: SmallerOp {
  @inline(__always) static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector { Scalar.magnitude(x) }
}

enum SumSquaredDeviationsOp<Scalar: ReduceScalar>: AddingOp {
  @inline(__always) static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector {
    let d = Scalar.subtract(x, c)
    return Scalar.multiply(d, d)
  }
}

enum SumExpOp<Scalar: ReduceScalar>: AddingOp {
  @inline(__always) static func map(_ x: Scalar.Vector, _ c: Scalar.Vector) -> Scalar.Vector {
    Scalar.exponential(Scalar.subtract(x, c))
  }
}
