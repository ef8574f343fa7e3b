import FirecrestCore
import TestSupport

extension GoldenSample {
  /// A tensor or a number.
  func operand(_ position: Int, _ keyword: String) -> any TensorOperand {
    if let tensor = tensor(position, keyword) { return tensor }
    return scalar(position, keyword)!
  }
}

/// An operation of a tensor and a tensor or number.
func binary(_ golden: String, _ call: @escaping @Sendable (Tensor, any TensorOperand) -> Tensor) -> OpEntry {
  OpEntry(golden) { s in call(s.input, s.operand(0, "other")) }
}

private func quotient(_ s: GoldenSample) -> Tensor {
  switch s.string(-1, "rounding_mode") {
  case "floor": return s.input.div(s.operand(0, "other"), roundingMode: .floor)
  case "trunc": return s.input.div(s.operand(0, "other"), roundingMode: .trunc)
  default: return s.tensor(0, "other").map { s.input / $0 } ?? s.input / s.scalar(0, "other")!
  }
}

let binaryEntries: [OpEntry] = [
  OpEntry("sub") { s in
    guard let other = s.tensor(0, "other") else { return s.input - s.scalar(0, "other")! }
    return s.scalar(-1, "alpha").map { s.input - other * $0 } ?? s.input - other
  },
  OpEntry("rsub") { s in
    let scaled = s.scalar(-1, "alpha").map { s.input * $0 } ?? s.input
    return s.tensor(0, "other").map { $0 - scaled } ?? s.scalar(0, "other")! - scaled
  },
  // Python's operators with the tensor on the right.
  OpEntry("__radd__") { s in s.tensor(0)! + s.input },
  OpEntry("__rsub__") { s in s.tensor(0)! - s.input },
  OpEntry("__rmul__") { s in s.tensor(0)! * s.input },
  // PyTorch multiplies by the reciprocal, which shows where both are 0.
  OpEntry("__rdiv__") { s in s.input.reciprocal() * s.tensor(0)! },
  OpEntry("__rmod__") { s in s.tensor(0)!.remainder(s.input) },
  // Bases below 0 have NaN for results, of which there are no differences.
  OpEntry("__rpow__") { s in s.tensor(0)!.pow(s.input) }.within { $2 == "args.0" ? $1.abs() : $1 },
  OpEntry("__rand__") { s in s.tensor(0)! & s.input },
  OpEntry("__ror__") { s in s.tensor(0)! | s.input },
  OpEntry("__rxor__") { s in s.tensor(0)! ^ s.input },
  OpEntry("div_no_rounding_mode", quotient),
  OpEntry("div_floor_rounding", quotient),
  OpEntry("div_trunc_rounding", quotient),
  OpEntry("true_divide", quotient),
  binary("floor_divide") { $0.div($1, roundingMode: .floor) },
  binary("remainder") { $0.remainder($1) },
  binary("fmod") { $0.fmod($1) },
  OpEntry("pow") { s in s.tensor(0, "exponent").map { s.input.pow($0) } ?? s.input.pow(s.scalar(0, "exponent")!) },
  OpEntry("float_power") { s in s.input.floatPower(s.operand(0, "exponent")) }.float32(nil),
  binary("atan2") { $0.atan2($1) },
  binary("hypot") { $0.hypot($1) },
  binary("copysign") { $0.copysign($1) },
  OpEntry("nextafter") { s in s.input.nextafter(s.tensor(0, "other")!) }.withoutFiniteDifferences(),
  binary("maximum") { $0.maximum($1) },
  binary("minimum") { $0.minimum($1) },
  binary("max_binary") { $0.maximum($1) },
  binary("min_binary") { $0.minimum($1) },
  binary("fmax") { $0.fmax($1) },
  binary("fmin") { $0.fmin($1) },
  binary("logaddexp") { $0.logaddexp($1) },
  binary("logaddexp2") { $0.logaddexp2($1) },
  binary("xlogy") { $0.xlogy($1) },
  binary("special_xlog1py") { $0.xlog1py($1) },
  OpEntry("heaviside") { s in s.input.heaviside(s.operand(0, "values")) },
  OpEntry("ldexp") { s in s.input.ldexp(s.tensor(0, "other")!) },
  binary("gcd") { $0.gcd($1) },
  binary("lcm") { $0.lcm($1) },
  binary("bitwise_and") { $0 & $1 },
  binary("bitwise_or") { $0 | $1 },
  binary("bitwise_xor") { $0 ^ $1 },
  binary("bitwise_left_shift") { $0 << $1 },
  binary("bitwise_right_shift") { $0 >> $1 },
  binary("logical_and") { $0.logicalAnd($1) },
  binary("logical_or") { $0.logicalOr($1) },
  binary("logical_xor") { $0.logicalXor($1) },
  binary("eq") { $0 .== $1 },
  binary("ne") { $0 .!= $1 },
  binary("lt") { $0 .< $1 },
  binary("le") { $0 .<= $1 },
  binary("gt") { $0 .> $1 },
  binary("ge") { $0 .>= $1 },
  OpEntry("isclose") { s in
    s.input.isClose(
      s.tensor(0, "other")!, rtol: s.double(1, "rtol") ?? 1e-5, atol: s.double(2, "atol") ?? 1e-8,
      equalNaN: s.bool(3, "equal_nan"))
  },
  OpEntry("allclose") { s in
    Tensor(
      s.input.allClose(
        s.tensor(0, "other")!, rtol: s.double(1, "rtol") ?? 1e-5, atol: s.double(2, "atol") ?? 1e-8,
        equalNaN: s.bool(3, "equal_nan")))
  },
  OpEntry("equal") { s in Tensor(s.input.equal(s.tensor(0, "other")!)) },
  OpEntry("where") { s in s.input.where(s.tensor(0, "condition")!, s.operand(1, "other")) },
  OpEntry("addcmul") { s in
    s.input.addcmul(s.tensor(0, "tensor1")!, s.tensor(1, "tensor2")!, value: s.scalar(-1, "value") ?? .int(1))
  },
  OpEntry("addcdiv") { s in
    s.input.addcdiv(s.tensor(0, "tensor1")!, s.tensor(1, "tensor2")!, value: s.scalar(-1, "value") ?? .int(1))
  },
  OpEntry("lerp") { s in s.input.lerp(s.tensor(0, "end")!, s.operand(1, "weight")) },
  OpEntry("clamp") { s in
    switch (s.has(0, "min"), s.has(1, "max")) {
    case (true, true): s.input.clamp(min: s.operand(0, "min"), max: s.operand(1, "max"))
    case (true, false): s.input.clamp(min: s.operand(0, "min"))
    default: s.input.clamp(max: s.operand(1, "max"))
    }
  },
  binary("clamp_min") { $0.clamp(min: $1) },
  binary("clamp_max") { $0.clamp(max: $1) },
]
