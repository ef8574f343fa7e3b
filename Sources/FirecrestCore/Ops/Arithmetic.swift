import CPUKernelAPI

/// a + b
struct Add: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.add
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) { (g, g) }
}

/// a − b
struct Sub: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.sub
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) { (g, saved.needsB ? -g : nil) }
}

/// a · b
struct Mul: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.mul
  var saves: Saves { [.a, .b] }
  func saves(needsA: Bool, needsB: Bool) -> Saves { .factors(needsA: needsA, needsB: needsB) }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (saved.needsA ? g * saved.b : nil, saved.needsB ? g * saved.a : nil)
  }
}

/// a / b, in floating types
struct Div: ElementwiseBinaryOp {
  static let kernel = BinaryKernel.div
  var saves: Saves { [.a, .b] }
  // Not the result: `loss += …` right after a mean must not meet a value that is still needed.
  func saves(needsA: Bool, needsB: Bool) -> Saves { needsB ? [.a, .b] : .b }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let ga = g / saved.b
    return (ga, saved.needsB ? -ga * (saved.a / saved.b) : nil)
  }
}

/// −x
struct Neg: ElementwiseUnaryOp {
  static let kernel = UnaryKernel.neg
  static let cost = 1
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { -g }
}

extension Tensor {
  /// The sum, element by element; shapes broadcast and types promote (PyTorch's `add`).
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    if a.dtype == b.dtype { return apply(Add(), a, b) }
    let (a, b) = promote(a, b)
    return apply(Add(), a, b)
  }
  /// The sum with a number.
  public static func + (a: consuming Tensor, b: some TensorScalar) -> Tensor { apply(Add(), reusing: a, b) }
  /// The sum with a number.
  public static func + (a: some TensorScalar, b: consuming Tensor) -> Tensor { b + a }

  /// The difference, element by element (PyTorch's `sub`); not for bool.
  public static func - (a: Tensor, b: Tensor) -> Tensor {
    let (a, b) = promote(a, b)
    a.refuseBool("sub", help: "use logicalXor, or ~ for the opposite")
    return apply(Sub(), a, b)
  }
  /// The difference with a number.
  public static func - (a: consuming Tensor, b: some TensorScalar) -> Tensor {
    if a.dtype.promoted(with: b.scalar) == .bool { a.refuseBool("sub", help: "use logicalXor, or ~ for the opposite") }
    return apply(Sub(), reusing: a, b)
  }
  /// The difference from a number (PyTorch's `rsub`).
  public static func - (a: some TensorScalar, b: Tensor) -> Tensor {
    let (b, a) = promote(b, a)
    a.refuseBool("sub", help: "use logicalXor, or ~ for the opposite")
    return apply(Sub(), a, b)
  }

  /// The product, element by element; shapes broadcast and types promote (PyTorch's `mul`).
  public static func * (a: Tensor, b: Tensor) -> Tensor {
    if a.dtype == b.dtype { return apply(Mul(), a, b) }
    return scaled(Mul(), a, b) { promote(a, b) }
  }
  /// The product with a number.
  public static func * (a: consuming Tensor, b: some TensorScalar) -> Tensor {
    let dtype = a.dtype
    if dtype.isHalf && !dtype.holds(b.scalar) { return (a.to(.float32) * b).to(dtype) }
    return apply(Mul(), reusing: a, b)
  }
  /// The product with a number.
  public static func * (a: some TensorScalar, b: consuming Tensor) -> Tensor { b * a }

  /// The true quotient: integers give float32 (PyTorch's `div`).
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    if a.dtype == b.dtype { return apply(Div(), a.floating, b.floating) }
    return scaled(Div(), a, b) { b.promotedFloating(beside: a) }
  }
  /// The true quotient by a number.
  public static func / (a: consuming Tensor, b: some TensorScalar) -> Tensor {
    let dtype = a.dtype
    if dtype.isHalf && !dtype.holds(b.scalar) { return (a.to(.float32) / b).to(dtype) }
    a = a.floating
    return apply(Div(), reusing: a, b)
  }
  /// The true quotient of a number.
  public static func / (a: some TensorScalar, b: Tensor) -> Tensor {
    if b.dtype.isHalf && !b.dtype.holds(a.scalar) { return (a / b.to(.float32)).to(b.dtype) }
    // The same numbers, and for the gradient the result is enough.
    if a.scalar.doubleValue == 1 && b.dtype.isFloatingPoint { return b.reciprocal() }
    let (b, a) = a.promotedFloating(beside: b)
    return apply(Div(), a, b)
  }

  /// A product or quotient of two types. Where one is a half type and the other a tensor without dimensions, that is not
  /// rounded to it first.
  private static func scaled<O: BinaryOp>(
    _ op: O, _ a: Tensor, _ b: Tensor, _ promoted: () -> (Tensor, Tensor)
  ) -> Tensor {
    let type = resultType(a, b)
    if type.isHalf && a.dtype.isFloatingPoint && b.dtype.isFloatingPoint {
      return apply(op, a.to(.float32), b.to(.float32)).to(type)
    }
    let (a, b) = promoted()
    return apply(op, a, b)
  }

  /// The opposite of each element (PyTorch's `neg`); not for bool.
  public static prefix func - (x: consuming Tensor) -> Tensor {
    x.refuseBool("neg", help: "use ~ for the opposite of a truth value")
    return apply(Neg(), reusing: x)
  }

  @inline(__always)
  package func refuseBool(_ operation: String, help: String) {
    if dtype == .bool { stop(operation, "is not defined for bool", [self], help: help) }
  }
}
