import FirecrestCore
import TestSupport

/// An operation of one tensor without arguments.
func unary(_ golden: String, _ call: @escaping @Sendable (Tensor) -> Tensor) -> OpEntry {
  OpEntry(golden) { call($0.input) }
}

/// An operation whose result is of another type than float32 whatever goes in, so that there is nothing to compare in
/// float32.
private func conversion(_ golden: String, _ dtype: DType) -> OpEntry {
  unary(golden) { $0.to(dtype) }.float32(nil).withoutFiniteDifferences()
}

let unaryEntries: [OpEntry] = [
  unary("abs") { $0.abs() },
  unary("sign") { $0.sign() },
  unary("sgn") { $0.sign() },
  unary("positive") { $0 },
  unary("square") { $0.square() },
  unary("ceil") { $0.ceil() },
  unary("floor") { $0.floor() },
  unary("trunc") { $0.trunc() },
  unary("round") { $0.round() },
  OpEntry("round_decimals_0") { s in s.input.round(decimals: s.int(-1, "decimals")!) },
  OpEntry("round_decimals_3") { s in s.input.round(decimals: s.int(-1, "decimals")!) }.float32(2e-3, 1.1e-3),
  OpEntry("round_decimals_neg_3") { s in s.input.round(decimals: s.int(-1, "decimals")!) },
  unary("frac") { $0.frac() }.float32(2e-3, 1e-4),
  unary("exp") { $0.exp() },
  unary("exp2") { $0.exp2() },
  unary("expm1") { $0.expm1() },
  unary("log") { $0.log() },
  unary("log2") { $0.log2() },
  unary("log10") { $0.log10() },
  unary("log1p") { $0.log1p() },
  unary("sqrt") { $0.sqrt() },
  unary("rsqrt") { $0.rsqrt() },
  unary("reciprocal") { $0.reciprocal() },
  unary("sin") { $0.sin() },
  unary("cos") { $0.cos() },
  unary("tan") { $0.tan() },
  unary("asin") { $0.asin() },
  unary("acos") { $0.acos() },
  unary("atan") { $0.atan() },
  unary("sinh") { $0.sinh() },
  unary("cosh") { $0.cosh() },
  unary("tanh") { $0.tanh() },
  unary("asinh") { $0.asinh() },
  unary("acosh") { $0.acosh() },
  unary("atanh") { $0.atanh() },
  unary("sinc") { $0.sinc() },
  unary("deg2rad") { $0.deg2rad() },
  unary("rad2deg") { $0.rad2deg() },
  unary("angle") { $0.angle() },
  unary("isreal") { $0.isReal() },
  unary("isfinite") { $0.isFinite() },
  unary("isinf") { $0.isInf() },
  unary("isposinf") { $0.isPosInf() },
  unary("isneginf") { $0.isNegInf() },
  unary("signbit") { $0.signbit() },
  unary("logical_not") { $0.logicalNot() },
  unary("bitwise_not") { ~$0 },
  unary("clone") { $0.clone() },
  unary("contiguous") { $0.contiguous() },
  OpEntry("nan_to_num") { s in
    s.input.nanToNum(
      nan: s.double(0, "nan") ?? 0, posInf: s.double(1, "posinf"), negInf: s.double(2, "neginf"))
  },
  conversion("bool", .bool),
  conversion("byte", .uint8),
  conversion("char", .int8),
  conversion("short", .int16),
  conversion("int", .int32),
  conversion("long", .int64),
  conversion("half", .float16),
  conversion("bfloat16", .bfloat16),
  conversion("float", .float32),
  conversion("double", .float64),
  OpEntry("to") { s in
    for position in s.args.indices {
      if let dtype = s.dtype(position, "") { return s.input.to(dtype) }
      if let other = s.tensor(position) { return s.input.to(other.dtype) }
    }
    return s.input.to(s.dtype(-1) ?? s.input.dtype)
  }.float32(nil),
  OpEntry(
    "frexp",
    several: { s in
      let (mantissa, exponent) = s.input.frexp()
      return [mantissa, exponent]
    }),
]
