import CPUKernelAPI
import FirecrestCPU

extension Tensor {
  /// A tensor without dimensions that holds one number.
  @inline(__always)
  package static func scalar(_ value: Scalar, _ dtype: DType) -> Tensor {
    let y = Tensor(empty: Shape(), dtype)
    y.store(value)
    return y
  }

  /// Writes a number, converted to this tensor's type, at the first element.
  @inline(__always)
  package func store(_ value: Scalar) {
    if dtype == .float32 {
      pointer.storeBytes(of: Float(value.doubleValue), as: Float.self)
    } else {
      storeOther(value)
    }
  }

  private func storeOther(_ value: Scalar) {
    switch value {
    case .bool(let bit): convertOne(bit ? UInt8(1) : 0, .bool)
    case .int(let number): convertOne(Int64(number), .int64)
    case .double(let number): convertOne(number, .float64)
    }
  }

  private func convertOne<T>(_ value: T, _ type: DType) {
    var value = value
    withUnsafeMutablePointer(to: &value) {
      CPU.shared.kernels.convert(
        type, dtype, Extent(inner: 1), Operand(UnsafeMutableRawPointer($0), inner: 1), Operand(pointer, inner: 1))
    }
  }

  /// A tensor filled with one number (PyTorch's `full`). Without `dtype` the number decides: bool, int64 or float32.
  public static func full(
    _ shape: Shape, _ value: some TensorScalar, dtype: DType? = nil, requiresGrad: Bool = false
  ) -> Tensor {
    let scalar = value.scalar
    dtype?.refuse(scalar, "full")
    let y = Tensor(empty: shape, dtype ?? scalar.dtype)
    y.fillElements(scalar)
    if requiresGrad { y.requiresGrad = true }
    return y
  }

  /// Sets every element, without recording or counting the change.
  package func fillElements(_ value: Scalar) {
    if elementCount == 1 { return store(value) }
    let one = Tensor.scalar(value, dtype)
    copyElements(one, self)
  }
}

extension Tensor {
  /// A tensor of zeros (PyTorch's `zeros`).
  public static func zeros(_ shape: Shape, dtype: DType = .float32, requiresGrad: Bool = false) -> Tensor {
    full(shape, 0, dtype: dtype, requiresGrad: requiresGrad)
  }
  /// A tensor of zeros: `Tensor.zeros(3, 4)`.
  public static func zeros(_ sizes: Int..., dtype: DType = .float32, requiresGrad: Bool = false) -> Tensor {
    zeros(Shape(sizes), dtype: dtype, requiresGrad: requiresGrad)
  }
  /// A tensor of ones (PyTorch's `ones`).
  public static func ones(_ shape: Shape, dtype: DType = .float32, requiresGrad: Bool = false) -> Tensor {
    full(shape, 1, dtype: dtype, requiresGrad: requiresGrad)
  }
  /// A tensor of ones: `Tensor.ones(3, 4)`.
  public static func ones(_ sizes: Int..., dtype: DType = .float32, requiresGrad: Bool = false) -> Tensor {
    ones(Shape(sizes), dtype: dtype, requiresGrad: requiresGrad)
  }
  /// Memory that is not set to anything (PyTorch's `empty`).
  public static func empty(_ shape: Shape, dtype: DType = .float32) -> Tensor { Tensor(empty: shape, dtype) }
  /// Memory that is not set to anything: `Tensor.empty(3, 4)`.
  public static func empty(_ sizes: Int..., dtype: DType = .float32) -> Tensor { empty(Shape(sizes), dtype: dtype) }
}

/// What a tensor can be made from: a number, or an array (of arrays …) of numbers.
public protocol TensorLiteral {
  /// The shape, or nil where rows differ in length.
  var literalShape: Shape? { get }
  /// The type of the tensor: bool, an integer or a floating type as in PyTorch, where a Double gives float32.
  static var literalDType: DType { get }
  /// The type of Swift number at the bottom.
  associatedtype LiteralElement: TensorElement
  /// Appends all numbers in row-major order.
  func appendLiteral(to elements: inout [LiteralElement])
}

extension TensorLiteral where Self: TensorElement {
  /// No dimensions.
  public var literalShape: Shape? { Shape() }
  /// The type of the element; float32 for Double, as PyTorch makes of a Python float.
  public static var literalDType: DType { dtype == .float64 ? .float32 : dtype }
  /// Appends the number itself.
  public func appendLiteral(to elements: inout [Self]) { elements.append(self) }
}

extension Float: TensorLiteral {}
extension Double: TensorLiteral {}
extension Int: TensorLiteral {}
extension Int64: TensorLiteral {}
extension Int32: TensorLiteral {}
extension Int16: TensorLiteral {}
extension Int8: TensorLiteral {}
extension UInt8: TensorLiteral {}
extension Bool: TensorLiteral {}
#if !(os(macOS) && arch(x86_64))
  extension Float16: TensorLiteral {}
#endif

extension Array: TensorLiteral where Element: TensorLiteral {
  /// One dimension more than the elements have.
  public var literalShape: Shape? {
    guard let first else { return [0] }
    guard var shape = first.literalShape else { return nil }
    for element in dropFirst() where element.literalShape != shape { return nil }
    shape.insert(count, at: 0)
    return shape
  }
  /// The type of the elements.
  public static var literalDType: DType { Element.literalDType }
  /// Appends the numbers of all elements.
  public func appendLiteral(to elements: inout [Element.LiteralElement]) {
    for element in self { element.appendLiteral(to: &elements) }
  }
}

extension Tensor {
  /// A tensor of the given numbers (PyTorch's `tensor`): `Tensor([[1, 2], [3, 4]])`.
  ///
  /// Without `dtype`, whole numbers give int64, Double and Float give float32, truth values bool. Stops where rows
  /// differ in length, and where an integer type does not hold a number.
  public convenience init(_ data: some TensorLiteral, dtype: DType? = nil, requiresGrad: Bool = false) {
    self.init(literal: data, dtype, requiresGrad)
  }

  private convenience init<L: TensorLiteral>(literal: L, _ dtype: DType?, _ requiresGrad: Bool) {
    guard let shape = literal.literalShape else {
      fail("tensor", "the rows of a nested array differ in length", help: "pad the shorter rows")
    }
    var elements: [L.LiteralElement] = []
    literal.appendLiteral(to: &elements)
    dtype?.refuse(elements)
    self.init(empty: shape, dtype ?? L.literalDType)
    elements.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
      CPU.shared.kernels.convert(
        L.LiteralElement.dtype, self.dtype, Extent(inner: elementCount), Operand(start, inner: 1),
        Operand(pointer, inner: 1))
    }
    if requiresGrad { self.requiresGrad = true }
  }

  /// A tensor of the given shape from numbers in row-major order.
  public convenience init<T: TensorElement>(
    _ elements: some Collection<T>, shape: Shape, dtype: DType? = nil, requiresGrad: Bool = false
  ) {
    if elements.count != shape.elementCount {
      fail("tensor", "\(elements.count) elements do not fit shape \(shape), which has \(shape.elementCount)")
    }
    var copy = Array(elements)
    dtype?.refuse(copy)
    self.init(empty: shape, dtype ?? T.dtype)
    copy.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
      CPU.shared.kernels.convert(
        T.dtype, self.dtype, Extent(inner: elementCount), Operand(start, inner: 1), Operand(pointer, inner: 1))
    }
    if requiresGrad { self.requiresGrad = true }
  }
}

extension DType {
  /// Stops where this is an integer type that does not hold one of the numbers.
  fileprivate func refuse<T: TensorElement>(_ elements: [T]) {
    if self == T.dtype || isFloatingPoint || self == .bool || T.dtype == .bool || elements.isEmpty { return }
    let values = Tensor(elements, shape: [elements.count])
    for bound in [values.amin(), values.amax()] {
      refuse(T.dtype.isFloatingPoint ? .double(bound.item()) : .int(bound.item(as: Int.self)), "tensor")
    }
  }

  /// Stops where this is an integer type that does not hold a number.
  @inline(__always)
  func refuse(_ scalar: Scalar, _ operation: String) {
    if !canHold(scalar) { fail(operation, "\(self) does not hold \(scalar.text)") }
  }
}
