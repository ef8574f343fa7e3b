import CPUKernelAPI
import FirecrestCPU

/// An operation of one element at a time, same type in and out, done by one kernel.
package protocol ElementwiseUnaryOp: UnaryOp {
  static var kernel: UnaryKernel { get }
  /// Time of an element relative to an addition; decides from how many elements on threads are used.
  static var cost: Int { get }
}

extension ElementwiseUnaryOp {
  package static var cost: Int { 4 }

  @inline(__always)
  package func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { x }

  @inline(__always)
  package func run(_ x: Tensor, into y: Tensor, on cpu: CPU) { runUnary(Self.kernel, x, y, cpu, cost: Self.cost) }
}

/// An operation of two elements at a time that broadcasts its inputs, all of one type, done by one kernel.
package protocol ElementwiseBinaryOp: BinaryOp {
  static var kernel: BinaryKernel { get }
  static var cost: Int { get }
}

extension ElementwiseBinaryOp {
  package static var cost: Int { 1 }

  @inline(__always)
  package func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec {
    try broadcastSpec(a, b)
  }

  @inline(__always)
  package func run(_ a: Tensor, _ b: Tensor, into y: Tensor, on cpu: CPU) {
    runBinary(Self.kernel, a, b, y, cpu, cost: Self.cost)
  }
}

/// A comparison: two elements of one type in, truth out.
package protocol ComparisonOp: BinaryOp {
  var kernel: CompareKernel { get }
}

extension ComparisonOp {
  package var isDifferentiable: Bool { false }

  package func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(.bool, try broadcastSpec(a, b).shape)
  }

  package func run(_ a: Tensor, _ b: Tensor, into y: Tensor, on cpu: CPU) {
    if let extent = y.smallExtent, let first = a.flatOperand(y.shape), let second = b.flatOperand(y.shape) {
      return cpu.kernels.compare(kernel, a.dtype, extent, first, second, Operand(y.pointer, inner: 1))
    }
    ElementwiseLoop(a, b, into: y).run(cpu) {
      cpu.kernels.compare(kernel, a.dtype, $0, $1[0], $1[1], $1[2])
    }
  }
}

/// The spec of an operation that needs equal types and broadcasts.
@inline(__always)
package func broadcastSpec(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec {
  if a.dtype != b.dtype { throw OpError("types differ: \(a.dtype) and \(b.dtype)", help: "convert one with to(_:)") }
  if a.shape == b.shape { return a }
  return TensorSpec(a.dtype, try broadcastShapes(a.shape, b.shape))
}

@inline(__always)
package func runUnary(_ kernel: UnaryKernel, _ x: Tensor, _ y: Tensor, _ cpu: CPU, cost: Int) {
  if let extent = y.smallExtent, let input = x.flatOperand(y.shape) {
    return cpu.kernels.unary(kernel, x.dtype, extent, input, Operand(y.pointer, inner: 1))
  }
  ElementwiseLoop(x, into: y).run(cpu, cost: cost) { cpu.kernels.unary(kernel, x.dtype, $0, $1[0], $1[1]) }
}

@inline(__always)
package func runBinary(_ kernel: BinaryKernel, _ a: Tensor, _ b: Tensor, _ y: Tensor, _ cpu: CPU, cost: Int) {
  if let extent = y.smallExtent, let first = a.flatOperand(y.shape), let second = b.flatOperand(y.shape) {
    return cpu.kernels.binary(kernel, a.dtype, extent, first, second, Operand(y.pointer, inner: 1))
  }
  ElementwiseLoop(a, b, into: y).run(cpu, cost: cost) {
    cpu.kernels.binary(kernel, a.dtype, $0, $1[0], $1[1], $1[2])
  }
}

// Small results need no plan of loops where every operand is one run of elements, or one element for all of them.
extension Tensor {
  /// All elements as one loop, where they are few and adjacent.
  @inline(__always)
  var smallExtent: Extent? {
    let count = elementCount
    return isContiguous && count > 0 && count < CPU.grain ? Extent(inner: count) : nil
  }

  /// How one loop over `shape` reads this tensor, where it can.
  @inline(__always)
  func flatOperand(_ shape: Shape) -> Operand? {
    if isContiguous && self.shape == shape { return Operand(pointer, inner: 1) }
    for d in 0..<rank where self.shape.sizes[unchecked: d] != 1 && strides.sizes[unchecked: d] != 0 { return nil }
    return Operand(pointer, inner: 0)
  }
}

extension Tensor {
  /// Half types as float32.
  var wide: Tensor { dtype.isHalf ? to(.float32) : self }

  /// What `body` makes of this tensor, for half types in float32 and rounded once, as one kernel would: its steps may
  /// leave a half type's range, or lose what is left in the end.
  func inFull(_ body: (Tensor) -> Tensor) -> Tensor { body(wide).to(dtype) }
}
