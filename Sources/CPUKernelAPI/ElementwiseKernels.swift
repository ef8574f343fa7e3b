/// Functions of one element, same type in and out. Ops from `exp` on are defined for floating types only.
package enum UnaryKernel: UInt8, CaseIterable, Sendable {
  // Every type (`bool` only for logicalNot-like use through `bitwiseNot`).
  case neg, abs, sign, square, bitwiseNot, relu
  // Floating types.
  case ceil, floor, round, trunc, frac
  case exp, exp2, expm1, log, log2, log10, log1p
  case sqrt, rsqrt, reciprocal
  case sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh
  case erf, erfc, erfinv, erfcx, lgamma, digamma, trigamma, ndtri, logNdtr, ndtr
  case sigmoid, logSigmoid, silu, gelu, geluTanh, softplus, mish, sinc
  case i0, i0e, i1, i1e, entr, deg2rad, rad2deg, angle
  case besselJ0, besselJ1, besselY0, besselY1
}

/// Functions of two elements of one type. Integer division by zero gives 0 here; the caller refuses it before.
package enum BinaryKernel: UInt8, CaseIterable, Sendable {
  // Every type.
  case add, sub, mul, floorDivide, remainder, fmod, truncDivide, maximum, minimum, fmax, fmin, pow
  // Integers and bool.
  case bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight, gcd, lcm
  // Floating types.
  case div, atan2, hypot, copysign, nextafter, logaddexp, logaddexp2, xlogy, xlog1py, heaviside, ldexp, zeta
  // Derivatives and activations of two arguments: (gradient, saved value) or (x, parameter).
  case sigmoidBackward, tanhBackward, reluBackward, leakyRelu, geluBackward, siluBackward, igamma, igammac, polygamma
  /// −(b ln a + (1 − b) ln(1 − a)), the logarithms at least −100
  case binaryCrossEntropy
}

/// Comparisons: two elements of one type in, `bool` out. NaN compares unequal to everything.
package enum CompareKernel: UInt8, CaseIterable, Sendable {
  case eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor
}

/// Predicates of one element, `bool` out.
package enum PredicateKernel: UInt8, CaseIterable, Sendable {
  case isNan, isInf, isPosInf, isNegInf, isFinite, signbit, logicalNot
}

/// Functions of three elements of one type.
package enum TernaryKernel: UInt8, CaseIterable, Sendable {
  /// min(max(a, b), c), NaN in any operand gives NaN.
  case clamp
  /// a + b · c
  case addcmul
  /// a + b / c
  case addcdiv
  /// a + c · (b − a), of floating types computed from the nearer end as PyTorch does (c < 0.5: a + c(b−a), else
  /// b − (b−a)(1−c)).
  case lerp
  // The rest for floating types.
  /// b > 0 ? a : a · c
  case leakyReluBackward
  /// a (b − c) / max(b (1 − b), 1e-12)
  case binaryCrossEntropyBackward
}

/// Elementwise work over two nested loops. Any operand may be strided or broadcast (stride 0); operands may be
/// the same memory as the output if they agree element for element, and may not overlap otherwise.
/// float16 and bfloat16 compute in float32 and round once.
package protocol ElementwiseKernels: Sendable {
  func unary(_ op: UnaryKernel, _ type: DType, _ n: Extent, _ x: Operand, _ y: Operand)
  func binary(_ op: BinaryKernel, _ type: DType, _ n: Extent, _ a: Operand, _ b: Operand, _ y: Operand)
  func compare(_ op: CompareKernel, _ type: DType, _ n: Extent, _ a: Operand, _ b: Operand, _ y: Operand)
  func predicate(_ op: PredicateKernel, _ type: DType, _ n: Extent, _ x: Operand, _ y: Operand)
  func ternary(_ op: TernaryKernel, _ type: DType, _ n: Extent, _ a: Operand, _ b: Operand, _ c: Operand, _ y: Operand)
  /// y = condition ? a : b, for any type; `condition` holds `bool`.
  func select(_ type: DType, _ n: Extent, _ condition: Operand, _ a: Operand, _ b: Operand, _ y: Operand)
  /// y = x converted as PyTorch's `to(dtype)` does: to bool is x != 0 (NaN is true), floats to integers truncate.
  /// With from == to it is a strided copy.
  func convert(_ from: DType, _ to: DType, _ n: Extent, _ x: Operand, _ y: Operand)
  /// y[i] = start + i · step for i < count, modulo 2⁶⁴.
  func progression(start: Int, step: Int, count: Int, _ y: UnsafeMutablePointer<Int>)
  /// y[i] = start + (index + i · direction) · step for i < count, of type float32 or float64, which takes two roundings
  /// or, where `isFused`, one. The direction is 1 or −1.
  func progression(
    _ type: DType, from index: Int, by direction: Int, count: Int, start: Double, step: Double, isFused: Bool,
    _ y: UnsafeMutableRawPointer)
}
