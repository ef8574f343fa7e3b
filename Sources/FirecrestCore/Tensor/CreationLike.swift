import CPUKernelAPI
import FirecrestCPU

extension Tensor {
  /// Zeros of another tensor's shape and, unless `dtype` says otherwise, type (PyTorch's `zeros_like`).
  public static func zeros(like x: Tensor, dtype: DType? = nil, requiresGrad: Bool = false) -> Tensor {
    zeros(x.shape, dtype: dtype ?? x.dtype, requiresGrad: requiresGrad)
  }

  /// Ones of another tensor's shape and type (PyTorch's `ones_like`).
  public static func ones(like x: Tensor, dtype: DType? = nil, requiresGrad: Bool = false) -> Tensor {
    ones(x.shape, dtype: dtype ?? x.dtype, requiresGrad: requiresGrad)
  }

  /// One number in another tensor's shape and type (PyTorch's `full_like`).
  public static func full(
    like x: Tensor, _ value: some TensorScalar, dtype: DType? = nil, requiresGrad: Bool = false
  ) -> Tensor {
    full(x.shape, value, dtype: dtype ?? x.dtype, requiresGrad: requiresGrad)
  }

  /// Memory of another tensor's shape and type that is not set to anything (PyTorch's `empty_like`).
  public static func empty(like x: Tensor, dtype: DType? = nil) -> Tensor { empty(x.shape, dtype: dtype ?? x.dtype) }
}

extension Tensor {
  /// A tensor with a copy of the given memory, which holds the elements in row-major order (PyTorch's `frombuffer`,
  /// copied). Stops where the sizes differ.
  public convenience init(copying bytes: UnsafeRawBufferPointer, shape: Shape, dtype: DType) {
    self.init(empty: shape, dtype)
    let size = elementCount * dtype.size
    if bytes.count != size { Tensor.refuseBytes(bytes.count, shape, dtype, size) }
    if let start = bytes.baseAddress, size > 0 { pointer.copyMemory(from: start, byteCount: size) }
  }

  /// A tensor with a copy of the elements of a buffer, in row-major order.
  public convenience init<T: TensorElement>(copying elements: UnsafeBufferPointer<T>, shape: Shape) {
    self.init(copying: UnsafeRawBufferPointer(elements), shape: shape, dtype: T.dtype)
  }

  /// A tensor over memory of the caller's, without a copy (PyTorch's `from_blob`): a mapped file, another library's
  /// buffer. The memory holds the elements in row-major order, is aligned for them, and stays valid until `release`
  /// is called, which happens once, when the last tensor that looks into it is gone.
  public convenience init(
    noCopy memory: UnsafeMutableRawBufferPointer, shape: Shape, dtype: DType, release: @escaping () -> Void
  ) {
    var size = dtype.size
    for length in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: length)
      if overflow || length < 0 { Tensor.refuseBytes(memory.count, shape, dtype, nil) }
      size = product
    }
    guard size <= memory.count, let start = memory.baseAddress ?? (size == 0 ? Tensor.nowhere : nil) else {
      Tensor.refuseBytes(memory.count, shape, dtype, size)
    }
    if UInt(bitPattern: start) % UInt(dtype.size) != 0 {
      fail("tensor", "memory at \(start) is not aligned for \(dtype)", help: "use init(copying:shape:dtype:)")
    }
    let storage = Storage(pointer: start, byteCount: memory.count, release: release)
    self.init(storage, dtype, shape: shape, strides: shape.contiguousStrides, offset: 0)
  }

  /// An address for memory without bytes.
  private static var nowhere: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 64) }

  private static func refuseBytes(_ count: Int, _ shape: Shape, _ dtype: DType, _ size: Int?) -> Never {
    let need = size.map { ", which needs \($0)" } ?? ""
    fail("tensor", "\(count) bytes do not fit \(dtype)\(shape)\(need)")
  }
}
