/// All kernels of one instruction set. A kernel runs on one thread, over raw pointers, and knows no tensor;
/// whoever calls it has checked shapes, allocated the output and split the work among threads.
package protocol KernelSet: ElementwiseKernels, ReductionKernels, MovementKernels, RandomKernels, MatmulKernels,
  OptimizerKernels, ConvolutionKernels, WinogradKernels, PoolingKernels, NormalizationKernels
{
  /// The name that `FIRECREST_ISA` takes: `avx512`, `avx2` or `baseline`.
  var name: String { get }
}

/// A kernel set as an object, which can go through a C function: who calls `fc_kernels_avx2()` needs that module when it
/// is linked, not when it is compiled.
package final class LinkedKernels: Sendable {
  package let set: any KernelSet

  private init(_ set: any KernelSet) { self.set = set }

  /// What such a function returns.
  package static func export(_ set: any KernelSet) -> UnsafeRawPointer {
    UnsafeRawPointer(Unmanaged.passRetained(LinkedKernels(set)).toOpaque())
  }

  /// The kernel set that such a function returned.
  package static func take(_ exported: UnsafeRawPointer) -> any KernelSet {
    Unmanaged<LinkedKernels>.fromOpaque(exported).takeRetainedValue().set
  }
}

/// A pointer with the distance, in elements, from one element to the next along the inner and the outer loop.
/// A stride of 0 repeats the element (broadcasting).
package struct Operand {
  package var pointer: UnsafeMutableRawPointer
  package var inner: Int
  package var outer: Int

  @inline(__always)
  package init(_ pointer: UnsafeMutableRawPointer, inner: Int, outer: Int = 0) {
    self.pointer = pointer
    self.inner = inner
    self.outer = outer
  }
}

/// The trip counts of an elementwise kernel's two loops.
package struct Extent {
  package var inner: Int
  package var outer: Int

  @inline(__always)
  package init(inner: Int, outer: Int = 1) {
    self.inner = inner
    self.outer = outer
  }
}
