/// A Swift number that can stand where an operation takes a tensor: `x + 1`, `x * 0.5`, `mask == true`.
///
/// As in PyTorch a scalar widens a tensor's type only across categories: `int32 + 1` stays int32, `int32 + 0.5`
/// becomes float32 and `float16 * 2.5` stays float16, whatever the width of the Swift type.
public protocol TensorScalar: TensorOperand {
  /// The value as a tensor element.
  var scalar: Scalar { get }
}

/// A number with its category, the form in which scalars reach operations.
public enum Scalar: Sendable, Hashable {
  /// A truth value.
  case bool(Bool)
  /// A whole number.
  case int(Int)
  /// A floating-point number.
  case double(Double)

  /// The value as a Double; true is 1.
  public var doubleValue: Double {
    switch self {
    case .bool(let value): value ? 1 : 0
    case .int(let value): Double(value)
    case .double(let value): value
    }
  }

  /// The type that a tensor made of this scalar alone has.
  package var dtype: DType {
    switch self {
    case .bool: .bool
    case .int: .int64
    case .double: .float32
    }
  }
}

extension Scalar {
  /// The number as messages write it.
  var text: String {
    switch self {
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .double(let value): "\(value)"
    }
  }
}

extension Scalar: TensorScalar {
  /// Itself.
  public var scalar: Scalar { self }
}
extension Int: TensorScalar {
  /// A whole number.
  @inline(__always)
  public var scalar: Scalar { .int(self) }
}
extension Double: TensorScalar {
  /// A floating-point number.
  @inline(__always)
  public var scalar: Scalar { .double(self) }
}
extension Float: TensorScalar {
  /// A floating-point number.
  public var scalar: Scalar { .double(Double(self)) }
}
extension Bool: TensorScalar {
  /// A truth value.
  public var scalar: Scalar { .bool(self) }
}

extension DType {
  /// The type in which values of both types can be held, as PyTorch promotes (`torch.promote_types`).
  public static func promoted(_ a: DType, _ b: DType) -> DType {
    if a == b { return a }
    let (low, high) = a.rawValue < b.rawValue ? (a, b) : (b, a)
    // The cases are ordered bool, uint8, int8 … int64, float16, bfloat16, float32, float64. Only two pairs do not
    // give the later one.
    if low == .uint8 && high == .int8 { return .int16 }
    if low == .float16 && high == .bfloat16 { return .float32 }
    return high
  }

  /// The type of an operation between a tensor of this type and a scalar.
  @inline(__always)
  package func promoted(with scalar: Scalar) -> DType {
    switch scalar {
    case .bool: self
    case .int: self == .bool ? .int64 : self
    case .double: isFloatingPoint ? self : .float32
    }
  }
}

/// The type of an operation between two tensors (PyTorch's `torch.result_type`): a tensor without dimensions widens
/// one with dimensions only across categories, like a scalar.
package func resultType(_ a: Tensor, _ b: Tensor) -> DType {
  if a.dtype == b.dtype { return a.dtype }
  if (a.rank == 0) != (b.rank == 0) {
    let (array, single) = a.rank == 0 ? (b.dtype, a.dtype) : (a.dtype, b.dtype)
    if array.category >= single.category { return array }
    return single
  }
  return DType.promoted(a.dtype, b.dtype)
}

/// The same of several tensors: those with dimensions together, and those without.
func resultType(_ tensors: [Tensor]) -> DType {
  func together(_ tensors: [Tensor]) -> DType? {
    tensors.first.map { first in tensors.dropFirst().reduce(first.dtype) { DType.promoted($0, $1.dtype) } }
  }
  let (array, single) = (together(tensors.filter { $0.rank > 0 }), together(tensors.filter { $0.rank == 0 }))
  guard let array, let single else { return array ?? single! }
  return array.category >= single.category ? array : single
}

extension DType {
  /// False for a number outside of an integer type's range.
  func canHold(_ scalar: Scalar) -> Bool {
    let bounds: (Double, Double)
    switch self {
    case .uint8:
      // PyTorch lets whole negative numbers wrap, as C does.
      if case .double = scalar { bounds = (0, 255) } else { bounds = (-255, 255) }
    case .int8: bounds = (-128, 127)
    case .int16: bounds = (-32_768, 32_767)
    case .int32: bounds = (-2_147_483_648, 2_147_483_647)
    case .int64:
      guard case .double(let value) = scalar else { return true }
      return value >= -0x1p63 && value < 0x1p63
    default: return true
    }
    let value = scalar.doubleValue
    return value >= bounds.0 && value <= bounds.1
  }

  /// float16 or bfloat16
  var isHalf: Bool { self == .float16 || self == .bfloat16 }

  /// Whether a half type holds a number without rounding it.
  func holds(_ scalar: Scalar) -> Bool {
    let value = scalar.doubleValue, single = Float(value)
    if Double(single) != value { return false }
    #if arch(x86_64) && os(macOS)
      return false
    #else
      return self == .float16 ? Float(Float16(single)) == single : single.bitPattern & 0xFFFF == 0
    #endif
  }

  /// 0 for bool, 1 for integers, 2 for floating types.
  package var category: Int { self == .bool ? 0 : isFloatingPoint ? 2 : 1 }
}

/// Both tensors in their common type.
@inline(__always)
package func promote(_ a: Tensor, _ b: Tensor) -> (Tensor, Tensor) {
  if a.dtype == b.dtype { return (a, b) }
  let dtype = resultType(a, b)
  return (a.to(dtype), b.to(dtype))
}

/// A tensor and a scalar in their common type, the scalar as a tensor without dimensions.
@inline(__always)
package func promote(_ a: Tensor, _ b: some TensorScalar) -> (Tensor, Tensor) {
  let scalar = b.scalar
  let dtype = a.dtype.promoted(with: scalar)
  return (a.to(dtype), Tensor.scalar(scalar, dtype))
}

extension Tensor {
  /// This tensor in a floating type: integers and bool become float32, as true division and `exp` make them.
  @inline(__always)
  package var floating: Tensor { dtype.isFloatingPoint ? self : to(.float32) }
}
