import CPUKernelAPI
import FirecrestCPU

/// A Swift type whose values can be elements of a tensor.
public protocol TensorElement: Sendable {
  /// The type of a tensor whose memory holds such values.
  static var dtype: DType { get }
}

extension Float: TensorElement {
  /// float32
  public static var dtype: DType { .float32 }
}
extension Double: TensorElement {
  /// float64
  public static var dtype: DType { .float64 }
}
extension Int: TensorElement {
  /// int64
  public static var dtype: DType { .int64 }
}
extension Int64: TensorElement {
  /// int64
  public static var dtype: DType { .int64 }
}
extension Int32: TensorElement {
  /// int32
  public static var dtype: DType { .int32 }
}
extension Int16: TensorElement {
  /// int16
  public static var dtype: DType { .int16 }
}
extension Int8: TensorElement {
  /// int8
  public static var dtype: DType { .int8 }
}
extension UInt8: TensorElement {
  /// uint8
  public static var dtype: DType { .uint8 }
}
extension Bool: TensorElement {
  /// bool
  public static var dtype: DType { .bool }
}
#if !(os(macOS) && arch(x86_64))
  extension Float16: TensorElement {
    /// float16
    public static var dtype: DType { .float16 }
  }
#endif

extension Tensor {
  /// The elements in row-major order, converted to `type` as `to(_:)` converts (PyTorch's `tolist`, flat).
  public func toArray<T: TensorElement>(_ type: T.Type = T.self) -> [T] {
    let source = noGrad { to(T.dtype).contiguous() }
    return source.withElements(T.self) { Array($0) }
  }

  /// The only element of a tensor with one element, as a Double (PyTorch's `item`).
  public func item() -> Double { item(as: Double.self) }

  /// The only element of a tensor with one element.
  public func item<T: TensorElement>(as type: T.Type) -> T {
    if elementCount != 1 {
      stop("item", "needs exactly one element, not \(elementCount)", [self], help: "use toArray() for several")
    }
    return toArray(T.self)[0]
  }
}
