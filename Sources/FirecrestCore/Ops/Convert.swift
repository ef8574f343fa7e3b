import CPUKernelAPI
import FirecrestCPU

/// The same values in another type.
struct Convert: UnaryOp {
  let dtype: DType
  var name: String { "toCopy" }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { TensorSpec(dtype, x.shape) }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) { copyElements(x, y, cpu) }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g.to(saved.xSpec.dtype) }
}

/// A contiguous copy.
struct Clone: UnaryOp {
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { x }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) { copyElements(x, y, cpu) }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g }
}

/// y = x, converted to y's type and broadcast to its shape, whatever their strides.
package func copyElements(_ x: Tensor, _ y: Tensor, _ cpu: CPU = .shared) {
  if let extent = y.smallExtent, let input = x.flatOperand(y.shape) {
    // `x` may be a temporary tensor that nothing else keeps.
    return withExtendedLifetime((x, y)) {
      cpu.kernels.convert(x.dtype, y.dtype, extent, input, Operand(y.pointer, inner: 1))
    }
  }
  ElementwiseLoop(x, into: y).run(cpu) { extent, o in
    if x.dtype == y.dtype && o[1].inner != 0 {
      cpu.kernels.copy(
        size: x.dtype.size, rows: extent.outer, columns: extent.inner, o[0].pointer, rowStride: o[0].outer,
        columnStride: o[0].inner, o[1].pointer, rowStride: o[1].outer, columnStride: o[1].inner)
    } else {
      cpu.kernels.convert(x.dtype, y.dtype, extent, o[0], o[1])
    }
  }
}

extension Tensor {
  /// The same values as `dtype`; the tensor itself where it has that type already (PyTorch's `to`). Floating values
  /// lose their fraction in integer types; anything but 0 becomes true.
  @inline(__always)
  public func to(_ dtype: DType) -> Tensor {
    if dtype == self.dtype { return self }
    return converted(dtype)
  }

  /// The tensor itself: all tensors are on the CPU (PyTorch's `to` with a device).
  public func to(_ device: Device) -> Tensor { self }

  private func converted(_ dtype: DType) -> Tensor {
    if !dtype.isFloatingPoint { return noGrad { apply(Convert(dtype: dtype), self) } }
    return apply(Convert(dtype: dtype), self)
  }

  /// A copy with its own contiguous memory; gradients flow through it (PyTorch's `clone`).
  public func clone() -> Tensor { apply(Clone(), self) }

  /// This tensor if it is contiguous, else a contiguous copy (PyTorch's `contiguous`).
  @inline(__always)
  public func contiguous() -> Tensor { isContiguous ? self : clone() }
}
