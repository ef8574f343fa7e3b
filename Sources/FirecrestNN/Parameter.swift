import FirecrestCore

/// What `@Parameter` and `@Buffer` can hold: `Tensor`, or `Tensor?` where a module can do without, such as a bias.
public protocol ModuleTensor {
  /// The tensor, if there is one.
  var moduleTensor: Tensor? { get }
  /// The value that holds this tensor.
  static func holding(_ tensor: Tensor) -> Self
}

extension Tensor: ModuleTensor {
  /// The tensor itself.
  public var moduleTensor: Tensor? { self }
  /// The tensor itself.
  public static func holding(_ tensor: Tensor) -> Tensor { tensor }
}

extension Optional: ModuleTensor where Wrapped == Tensor {
  /// The tensor, if there is one.
  public var moduleTensor: Tensor? { self }
  /// The tensor as an optional.
  public static func holding(_ tensor: Tensor) -> Tensor? { tensor }
}

/// A tensor that training changes (PyTorch's `nn.Parameter`).
///
/// ```swift
/// final class Scale: Layer {
///   @Parameter var factor = Tensor.ones(3)
///   @Parameter var shift: Tensor?
///   init(shifts: Bool) { shift = shifts ? Tensor.zeros(3) : nil }
///   func forward(_ x: Tensor) -> Tensor { shift.map { x * factor + $0 } ?? x * factor }
/// }
/// ```
///
/// A tensor that is set becomes a leaf that requires a gradient, without a copy; one that autograd recorded is
/// detached first. What is set later requires a gradient if its predecessor did, so that a frozen module stays frozen.
/// Assigning the parameter of another module shares it: both have the same tensor, trained or frozen as it was.
@propertyWrapper
public final class Parameter<Value: ModuleTensor> {
  private var value: Value

  /// A parameter that begins with this tensor.
  public init(wrappedValue: Value) { value = Parameter.leaf(wrappedValue, requiresGrad: true) }

  /// The tensor.
  public var wrappedValue: Value {
    get { value }
    set { value = Parameter.leaf(newValue, requiresGrad: value.moduleTensor?.requiresGrad ?? true) }
  }

  private static func leaf(_ value: Value, requiresGrad: Bool) -> Value {
    guard let tensor = value.moduleTensor, !tensor.isParameter else { return value }
    let leaf = tensor.isLeaf ? tensor : tensor.detach()
    leaf.requiresGrad = requiresGrad
    leaf.isParameter = true
    return .holding(leaf)
  }
}

/// A tensor that belongs to a module's state but is not trained, such as the running mean of `BatchNorm2d` (PyTorch's
/// `register_buffer`).
///
/// `@Buffer(persistent: false) var mask: Tensor` is left out of the state dict; it suits what is computed from
/// elsewhere, or carried from call to call.
@propertyWrapper
public final class Buffer<Value: ModuleTensor> {
  private var value: Value?
  /// Whether the state dict holds it.
  public let persistent: Bool

  /// A buffer that begins with this tensor and is part of the state dict.
  public init(wrappedValue: Value) {
    value = wrappedValue
    persistent = true
  }

  /// A buffer that begins with this tensor.
  ///
  /// - Parameters:
  ///   - wrappedValue: The tensor, as the property's initial value.
  ///   - persistent: Whether the state dict holds it.
  public init(wrappedValue: Value, persistent: Bool) {
    value = wrappedValue
    self.persistent = persistent
  }

  /// A buffer whose tensor is set before it is first read.
  ///
  /// - Parameter persistent: Whether the state dict holds it.
  public init(persistent: Bool) { self.persistent = persistent }

  /// The tensor.
  public var wrappedValue: Value {
    get {
      if let value { return value }
      stop("Buffer", "read before a tensor was set", [], help: "set it in the module's init")
    }
    set { value = newValue }
  }
}

/// Where a module keeps a tensor: lets state be read and replaced without knowing the property.
package protocol TensorSlot: AnyObject {
  /// What is kept there.
  var tensor: Tensor? { get }
  /// True for parameters, false for buffers.
  var isParameter: Bool { get }
  /// Whether the state dict holds it.
  var isPersistent: Bool { get }
  /// Keeps another tensor instead, as it is.
  func replace(with tensor: Tensor)
}

extension Parameter: TensorSlot {
  package var tensor: Tensor? { value.moduleTensor }
  package var isParameter: Bool { true }
  package var isPersistent: Bool { true }
  package func replace(with tensor: Tensor) {
    tensor.isParameter = true
    value = .holding(tensor)
  }
}

extension Buffer: TensorSlot {
  package var tensor: Tensor? { value.flatMap(\.moduleTensor) }
  package var isParameter: Bool { false }
  package var isPersistent: Bool { persistent }
  package func replace(with tensor: Tensor) { value = .holding(tensor) }
}
