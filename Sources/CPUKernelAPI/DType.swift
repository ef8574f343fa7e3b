/// The type of a tensor's elements. The names and the promotion rules are PyTorch's.
public enum DType: UInt8, Sendable, CaseIterable, Hashable {
  /// Truth values, one byte each, 0 or 1.
  case bool
  /// Unsigned 8-bit integers.
  case uint8
  /// Signed 8-bit integers.
  case int8
  /// Signed 16-bit integers.
  case int16
  /// Signed 32-bit integers.
  case int32
  /// Signed 64-bit integers, the type of integer literals and of indices.
  case int64
  /// IEEE 754 half precision.
  case float16
  /// The upper half of a float32: 8 bits of exponent, 7 of fraction.
  case bfloat16
  /// IEEE 754 single precision, the default.
  case float32
  /// IEEE 754 double precision.
  case float64
}

extension DType {
  /// Bytes of one element (PyTorch's `itemsize`).
  @inline(__always)
  public var size: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .int16, .float16, .bfloat16: 2
    case .int32, .float32: 4
    case .int64, .float64: 8
    }
  }

  /// True for float16, bfloat16, float32 and float64 (PyTorch's `is_floating_point`).
  @inline(__always)
  public var isFloatingPoint: Bool { rawValue >= DType.float16.rawValue }

  /// True for the integers, not for `bool`.
  @inline(__always)
  public var isInteger: Bool { self != .bool && !isFloatingPoint }

  /// The type in which reductions of this type accumulate: float32 for the half types, int64 for
  /// integers and `bool`, else the type itself.
  public var accumulator: DType {
    switch self {
    case .float16, .bfloat16, .float32: .float32
    case .float64: .float64
    default: .int64
    }
  }
}

extension DType: CustomStringConvertible {
  /// PyTorch's name without the module: `float32`.
  public var description: String {
    switch self {
    case .bool: "bool"
    case .uint8: "uint8"
    case .int8: "int8"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    case .float32: "float32"
    case .float64: "float64"
    }
  }
}
