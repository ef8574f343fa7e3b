import CPUKernelAPI

/// Any of the comparisons, and the logical operations of two.
struct Compare: ComparisonOp {
  let kernel: CompareKernel
  var name: String {
    switch kernel {
    case .logicalAnd: "logicalAnd"
    case .logicalOr: "logicalOr"
    case .logicalXor: "logicalXor"
    default: "\(kernel)"
    }
  }
}

extension Tensor {
  /// Where elements are equal (PyTorch's `eq`); NaN equals nothing.
  public static func .== (a: Tensor, b: some TensorOperand) -> Tensor { a.combined(Compare(kernel: .eq), b) }
  /// Where elements differ (PyTorch's `ne`).
  public static func .!= (a: Tensor, b: some TensorOperand) -> Tensor { a.combined(Compare(kernel: .ne), b) }
  /// Where the left element is less (PyTorch's `lt`).
  public static func .< (a: Tensor, b: some TensorOperand) -> Tensor { a.combined(Compare(kernel: .lt), b) }
  /// Where the left element is less or equal (PyTorch's `le`).
  public static func .<= (a: Tensor, b: some TensorOperand) -> Tensor { a.combined(Compare(kernel: .le), b) }
  /// Where the left element is greater (PyTorch's `gt`).
  public static func .> (a: Tensor, b: some TensorOperand) -> Tensor { a.combined(Compare(kernel: .gt), b) }
  /// Where the left element is greater or equal (PyTorch's `ge`).
  public static func .>= (a: Tensor, b: some TensorOperand) -> Tensor { a.combined(Compare(kernel: .ge), b) }

  /// Where elements equal a number.
  public static func .== (a: some TensorScalar, b: Tensor) -> Tensor { b .== a }
  /// Where elements differ from a number.
  public static func .!= (a: some TensorScalar, b: Tensor) -> Tensor { b .!= a }
  /// Where a number is less than the element.
  public static func .< (a: some TensorScalar, b: Tensor) -> Tensor { b .> a }
  /// Where a number is less than the element or equal.
  public static func .<= (a: some TensorScalar, b: Tensor) -> Tensor { b .>= a }
  /// Where a number is greater than the element.
  public static func .> (a: some TensorScalar, b: Tensor) -> Tensor { b .< a }
  /// Where a number is greater than the element or equal.
  public static func .>= (a: some TensorScalar, b: Tensor) -> Tensor { b .<= a }

  /// Where both elements are other than 0 (PyTorch's `logical_and`).
  public func logicalAnd(_ other: some TensorOperand) -> Tensor { combined(Compare(kernel: .logicalAnd), other) }
  /// Where one element or both are other than 0 (PyTorch's `logical_or`).
  public func logicalOr(_ other: some TensorOperand) -> Tensor { combined(Compare(kernel: .logicalOr), other) }
  /// Where exactly one element is other than 0 (PyTorch's `logical_xor`).
  public func logicalXor(_ other: some TensorOperand) -> Tensor { combined(Compare(kernel: .logicalXor), other) }

  /// Where |a − b| ≤ `atol` + `rtol`·|b|, and where both are the same infinity (PyTorch's `isclose`).
  ///
  /// - Parameters:
  ///   - other: A tensor of this type that broadcasts with this one; its size sets the relative tolerance.
  ///   - equalNaN: Whether NaN is close to NaN.
  ///   - atol: The absolute tolerance.
  ///   - rtol: The relative tolerance.
  public func isClose(_ other: Tensor, rtol: Double = 1e-5, atol: Double = 1e-8, equalNaN: Bool = false) -> Tensor {
    if dtype != other.dtype { stop("isclose", "types differ", [self, other], help: "convert one with to(_:)") }
    return noGrad {
      var close = self .== other
      if equalNaN && dtype.isFloatingPoint { close = close | (isNaN() & other.isNaN()) }
      if rtol == 0 && atol == 0 || dtype == .bool { return close }
      // Integers are compared in float64, where their difference cannot wrap.
      let (a, b) = dtype.isFloatingPoint ? (self, other) : (to(.float64), other.to(.float64))
      let error = (a - b).abs()
      let allowed = (b * rtol).abs() + atol
      return close | (error.isFinite() & (error .<= allowed))
    }
  }

  /// Whether all elements are close (PyTorch's `allclose`); see `isClose`.
  public func allClose(_ other: Tensor, rtol: Double = 1e-5, atol: Double = 1e-8, equalNaN: Bool = false) -> Bool {
    isClose(other, rtol: rtol, atol: atol, equalNaN: equalNaN).all().item(as: Bool.self)
  }

  /// Whether both have the same shape and equal elements (PyTorch's `equal`); NaN equals nothing.
  public func equal(_ other: Tensor) -> Bool {
    shape == other.shape && (self .== other).all().item(as: Bool.self)
  }
}
