import CPUKernelAPI
import FirecrestCPU

/// Operations on the bits of integers, and on integers as such; bool counts as one bit.
struct Bitwise: BinaryOp {
  let kernel: BinaryKernel
  let name: String
  let allowsBool: Bool
  var isDifferentiable: Bool { false }

  init(_ kernel: BinaryKernel, _ name: String, allowsBool: Bool = true) {
    self.kernel = kernel
    self.name = name
    self.allowsBool = allowsBool
  }

  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec {
    let spec = try broadcastSpec(a, b)
    if spec.dtype.isFloatingPoint || (spec.dtype == .bool && !allowsBool) {
      throw OpError("is not defined for \(spec.dtype)", help: "convert to an integer type with to(.int64)")
    }
    return spec
  }

  func run(_ a: Tensor, _ b: Tensor, into y: Tensor, on cpu: CPU) { runBinary(kernel, a, b, y, cpu, cost: 1) }
}

/// All bits turned over; the opposite of a truth value
struct BitwiseNot: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.bitwiseNot
  static let cost = 1
  var name: String { "bitwiseNot" }
  var isDifferentiable: Bool { false }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    if x.dtype.isFloatingPoint { throw OpError("is not defined for \(x.dtype)", help: "use logicalNot()") }
    return x
  }
}

extension Tensor {
  /// The bits set in both; the logical and of bools (PyTorch's `bitwise_and`). Binds tighter than comparisons:
  /// `(x .> 0) & (x .< 1)`.
  public static func & (a: Tensor, b: some TensorOperand) -> Tensor {
    a.combined(Bitwise(.bitwiseAnd, "bitwiseAnd"), b)
  }
  /// The bits set in either; the logical or of bools (PyTorch's `bitwise_or`).
  public static func | (a: Tensor, b: some TensorOperand) -> Tensor { a.combined(Bitwise(.bitwiseOr, "bitwiseOr"), b) }
  /// The bits set in exactly one (PyTorch's `bitwise_xor`).
  public static func ^ (a: Tensor, b: some TensorOperand) -> Tensor {
    a.combined(Bitwise(.bitwiseXor, "bitwiseXor"), b)
  }
  /// All bits turned over; the opposite of truth values (PyTorch's `bitwise_not`).
  public static prefix func ~ (x: Tensor) -> Tensor { apply(BitwiseNot(), x) }
  /// The bits moved up (PyTorch's `bitwise_left_shift`).
  public static func << (a: Tensor, b: some TensorOperand) -> Tensor {
    a.combined(Bitwise(.shiftLeft, "bitwiseLeftShift", allowsBool: false), b)
  }
  /// The bits moved down, the sign kept (PyTorch's `bitwise_right_shift`).
  public static func >> (a: Tensor, b: some TensorOperand) -> Tensor {
    a.combined(Bitwise(.shiftRight, "bitwiseRightShift", allowsBool: false), b)
  }

  /// The greatest common divisor, not negative (PyTorch's `gcd`); for integers.
  public func gcd(_ other: some TensorOperand) -> Tensor { combined(Bitwise(.gcd, "gcd", allowsBool: false), other) }
  /// The least common multiple, not negative (PyTorch's `lcm`); for integers.
  public func lcm(_ other: some TensorOperand) -> Tensor { combined(Bitwise(.lcm, "lcm", allowsBool: false), other) }
}

// In place, for tensors in constants and, in the second form, for places that can be assigned: `mask[0] &= other`.
extension Tensor {
  /// Keeps the bits set in both, in place (PyTorch's `bitwise_and_`).
  @_disfavoredOverload
  public static func &= (x: Tensor, other: some TensorOperand) { x.become(x & other, "bitwiseAnd") }
  /// Keeps the bits set in both, in place, also through a subscript.
  public static func &= (x: inout Tensor, other: some TensorOperand) { inPlace(x, other) { $0 &= $1 } }

  /// Sets the bits set in either, in place (PyTorch's `bitwise_or_`).
  @_disfavoredOverload
  public static func |= (x: Tensor, other: some TensorOperand) { x.become(x | other, "bitwiseOr") }
  /// Sets the bits set in either, in place, also through a subscript.
  public static func |= (x: inout Tensor, other: some TensorOperand) { inPlace(x, other) { $0 |= $1 } }

  /// Keeps the bits set in exactly one, in place (PyTorch's `bitwise_xor_`).
  @_disfavoredOverload
  public static func ^= (x: Tensor, other: some TensorOperand) { x.become(x ^ other, "bitwiseXor") }
  /// Keeps the bits set in exactly one, in place, also through a subscript.
  public static func ^= (x: inout Tensor, other: some TensorOperand) { inPlace(x, other) { $0 ^= $1 } }

  /// Moves the bits up, in place (PyTorch's `bitwise_left_shift_`).
  @_disfavoredOverload
  public static func <<= (x: Tensor, other: some TensorOperand) { x.become(x << other, "bitwiseLeftShift") }
  /// Moves the bits up, in place, also through a subscript.
  public static func <<= (x: inout Tensor, other: some TensorOperand) { inPlace(x, other) { $0 <<= $1 } }

  /// Moves the bits down, the sign kept, in place (PyTorch's `bitwise_right_shift_`).
  @_disfavoredOverload
  public static func >>= (x: Tensor, other: some TensorOperand) { x.become(x >> other, "bitwiseRightShift") }
  /// Moves the bits down, the sign kept, in place, also through a subscript.
  public static func >>= (x: inout Tensor, other: some TensorOperand) { inPlace(x, other) { $0 >>= $1 } }

  private func become(_ result: Tensor, _ operation: String) {
    if result.dtype.category > dtype.category || result.shape != shape {
      stop(
        operation, "a result \(result.dtype)\(result.shape) cannot be stored in a tensor \(dtype)\(shape)", [self],
        help: "compute a new tensor")
    }
    overwrite(with: result.to(dtype), operation)
  }

  @inline(__always)
  private static func inPlace<T>(_ x: Tensor, _ other: T, _ body: (Tensor, T) -> Void) { body(x, other) }
}
