import CRuntime
import FirecrestCPU

@_exported import enum CPUKernelAPI.DType
@_exported import enum FirecrestCPU.Memory
@_exported import struct FirecrestCPU.MemoryStatistics
@_exported import enum FirecrestCPU.Settings

/// A multi-dimensional array of numbers of one type, with automatic differentiation (PyTorch's `torch.Tensor`).
///
/// A tensor is a window (shape, strides, offset) onto a storage that it may share with others: views such as `x.T` or
/// `x[1]` copy nothing, and a change through one is seen by all. Values change only where the code says so: `x[0] = 7`,
/// `x += y`, `x.fill(0)`.
///
/// Sendable like PyTorch's: reading a tensor from several threads is safe; changing it while others use it is not, and
/// is the caller's to order. Everything that defines the window is immutable; what is mutable (gradient, tape node)
/// follows that same rule, hence `@unchecked`.
public final class Tensor: @unchecked Sendable {
  /// Never replaced; `var` so that autograd can ask whether it is the only one to hold it.
  package var storage: Storage
  /// Position of the first element in the storage, in elements.
  package let offset: Int
  /// The type of the elements.
  public let dtype: DType
  /// The sizes of the dimensions.
  public let shape: Shape
  /// Distance in elements from one index to the next, per dimension (PyTorch's `stride()`).
  public let strides: Shape
  /// True where the elements lie in row-major order without gaps (PyTorch's `is_contiguous`).
  public let isContiguous: Bool

  // Autograd's part; see Autograd/.
  package var leafRequiresGrad = false
  /// Whether it is a view that was made without recording, of which what it is a view of knows nothing.
  package var isUnrecordedView = false
  /// Whether a module has it as a parameter.
  package var isParameter = false
  /// Whether a module had it as a parameter and has another in its place, of another type.
  package var isReplaced = false
  package let isInference: Bool
  /// The node that computed this tensor, and which of its outputs this is. For a view, see `gradNode`.
  package var node: Node?
  package var outputIndex = 0
  package var gradient: Tensor?
  /// What only few tensors have: a base of which it is a view, hooks.
  package var extras: TensorExtras?

  /// A new tensor with its own, uninitialised memory.
  @inline(__always)
  package init(empty shape: Shape, _ dtype: DType) {
    storage = Storage(byteCount: Tensor.checkedByteCount(shape, dtype))
    offset = 0
    self.dtype = dtype
    self.shape = shape
    strides = shape.contiguousStrides
    isContiguous = true
    isInference = fc_state().pointee.inference_mode
  }

  /// A window onto existing storage.
  package init(
    _ storage: Storage, _ dtype: DType, shape: Shape, strides: Shape, offset: Int, isInference: Bool? = nil
  ) {
    self.storage = storage
    self.offset = offset
    self.dtype = dtype
    self.shape = shape
    self.strides = strides
    isContiguous = Tensor.isContiguous(shape, strides)
    self.isInference = isInference ?? fc_state().pointee.inference_mode
  }

  @inline(__always)
  private static func checkedByteCount(_ shape: Shape, _ dtype: DType) -> Int {
    var bytes = dtype.size
    for i in 0..<shape.count {
      let size = shape.sizes[unchecked: i]
      let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
      if overflow || size < 0 { refuse(shape) }
      bytes = product
    }
    return bytes
  }

  @inline(never)
  private static func refuse(_ shape: Shape) -> Never {
    let negative = shape.contains { $0 < 0 }
    fail("empty", negative ? "negative size in shape \(shape)" : "shape \(shape) has too many elements")
  }

  private static func isContiguous(_ shape: Shape, _ strides: Shape) -> Bool {
    var step = 1
    var i = shape.count - 1
    var result = true
    while i >= 0 {
      let size = shape.sizes[unchecked: i]
      if size == 0 { return true }
      if size != 1 {
        if strides.sizes[unchecked: i] != step { result = false }
        step &*= size
      }
      i -= 1
    }
    return result
  }
}

extension Tensor {
  /// The number of dimensions (PyTorch's `ndim`).
  @inline(__always)
  public var rank: Int { shape.count }

  /// The number of elements (PyTorch's `numel()`).
  @inline(__always)
  public var elementCount: Int { shape.elementCount }

  /// The size of one dimension; a negative position counts from the end.
  public func size(_ dim: Int) -> Int { shape[dim] }

  /// Where the tensor lives.
  public var device: Device { .cpu }

  /// The address of the first element.
  @inline(__always)
  package var pointer: UnsafeMutableRawPointer { storage.pointer + offset &* dtype.size }

  /// What operations infer from: type, shape and device.
  @inline(__always)
  package var spec: TensorSpec { TensorSpec(dtype, shape) }

  /// Another window on this tensor's storage, unknown to autograd.
  package func window(_ shape: Shape, strides: Shape, offset: Int) -> Tensor {
    Tensor(storage, dtype, shape: shape, strides: strides, offset: offset, isInference: isInference)
  }

  /// Calls `body` with this tensor's elements, which must be contiguous and of type `T`.
  package func withElements<T, R>(_ type: T.Type, _ body: (UnsafeMutableBufferPointer<T>) throws -> R) rethrows -> R {
    let start = pointer.assumingMemoryBound(to: T.self)
    return try withExtendedLifetime(storage) {
      try body(UnsafeMutableBufferPointer(start: start, count: elementCount))
    }
  }

  /// `float32[2, 3] cpu`, the form that error messages show.
  package var summary: String { spec.description + " \(device)" }
}

/// What most tensors do not have, kept out of line.
package final class TensorExtras {
  /// The tensor whose storage this one looks into, where autograd has to know (see `Tensor.gradNode`).
  package var base: Tensor?
  /// The same for a view made without recording, which must not be changed in place while recording.
  package var unrecordedBase: Tensor?
  /// `base`'s version when `node` was last brought up to date.
  package var baseVersion = 0
  /// Set by `retainGrad()`.
  package var retainsGrad = false
  /// Called with the gradient; may replace it.
  package var hooks: [(id: Int, body: (Tensor) -> Tensor?)] = []
  package init() {}
}
