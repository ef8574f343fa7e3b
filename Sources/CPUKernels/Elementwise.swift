import CPUKernelAPI

extension Kernels: ElementwiseKernels {
  package func unary(_ op: UnaryKernel, _ type: DType, _ n: Extent, _ x: Operand, _ y: Operand) {
    drive(.unary(op, type), n, Port(x, type), to: Port(y, type))
  }

  package func binary(_ op: BinaryKernel, _ type: DType, _ n: Extent, _ a: Operand, _ b: Operand, _ y: Operand) {
    if op == .nextafter, type == .float16 || type == .bfloat16 {
      return drive(.adjacentHalf(type), n, Port(a, .int16), Port(b, .int16), to: Port(y, .int16))
    }
    drive(.binary(op, type), n, Port(a, type), Port(b, type), to: Port(y, type))
  }

  package func compare(_ op: CompareKernel, _ type: DType, _ n: Extent, _ a: Operand, _ b: Operand, _ y: Operand) {
    switch op {
    case .gt: compare(.lt, type, n, b, a, y)
    case .ge: compare(.le, type, n, b, a, y)
    default: drive(.compare(op, type), n, Port(a, type), Port(b, type), to: Port(y, .bool))
    }
  }

  package func predicate(_ op: PredicateKernel, _ type: DType, _ n: Extent, _ x: Operand, _ y: Operand) {
    drive(.predicate(op, type), n, Port(x, type), to: Port(y, .bool))
  }

  package func ternary(
    _ op: TernaryKernel, _ type: DType, _ n: Extent, _ a: Operand, _ b: Operand, _ c: Operand, _ y: Operand
  ) {
    drive(.ternary(op, type), n, Port(a, type), Port(b, type), Port(c, type), to: Port(y, type))
  }

  package func select(_ type: DType, _ n: Extent, _ condition: Operand, _ a: Operand, _ b: Operand, _ y: Operand) {
    let bits = bitPattern(type)
    drive(.select(bits), n, Port(condition, .bool), Port(a, bits), Port(b, bits), to: Port(y, bits))
  }

  package func convert(_ from: DType, _ to: DType, _ n: Extent, _ x: Operand, _ y: Operand) {
    if from == to || from == .bool && to.size == 1 {
      let bits = bitPattern(from)
      drive(.copy(bits), n, Port(x, bits), to: Port(y, bits))
    } else if from == .float32 && ElementStorage(to).isConverted && isRun(n, x, y) {
      narrowHalf(ElementStorage(to), x.pointer, y.pointer, n.inner)
    } else if ElementStorage(from).isConverted && to == .float32 && isRun(n, x, y) {
      widenHalf(ElementStorage(from), x.pointer, y.pointer, n.inner)
    } else {
      drive(.convert(from, to), n, Port(x, from), to: Port(y, to))
    }
  }
}

/// Whether both operands are one run of elements, not so long that the output is better written past the caches.
private func isRun(_ n: Extent, _ x: Operand, _ y: Operand) -> Bool {
  n.outer == 1 && x.inner == 1 && y.inner == 1 && n.inner < streamThreshold / 4
}

/// The integer type of the same size: for work that moves elements without reading them.
private func bitPattern(_ type: DType) -> DType {
  switch type.size {
  case 1: .uint8
  case 2: .int16
  case 4: .int32
  default: .int64
  }
}

/// What an elementwise call does to its tiles.
enum ElementwiseWork {
  case unary(UnaryKernel, DType)
  case binary(BinaryKernel, DType)
  case compare(CompareKernel, DType)
  case predicate(PredicateKernel, DType)
  case ternary(TernaryKernel, DType)
  case select(DType)
  case copy(DType)
  case convert(DType, DType)
  case adjacentHalf(DType)

  /// The body is a loop that the compiler vectorizes only if the output is other memory than the inputs.
  var isSlowInPlace: Bool {
    switch self {
    case .unary(_, let type), .binary(_, let type), .ternary(_, let type): !type.isFloatingPoint
    case .copy: false
    default: true
    }
  }

  /// Runs the body.
  @inline(never)
  func run(_ t: Tile) {
    switch self {
    case .unary(let op, let type):
      switch type {
      case .float64: unaryDouble(op, t)
      case .float16, .bfloat16, .float32: unaryFloat(op, t)
      default: unaryInteger(op, type, t)
      }
    case .binary(let op, let type):
      switch type {
      case .float64: binaryDouble(op, t)
      case .float16, .bfloat16, .float32: binaryFloat(op, t)
      default: binaryInteger(op, type, t)
      }
    case .ternary(let op, let type):
      switch type {
      case .float64: ternaryDouble(op, t)
      case .float16, .bfloat16, .float32: ternaryFloat(op, t)
      default: ternaryInteger(op, type, t)
      }
    case .compare(let op, let type): compareTile(op, type, t)
    case .predicate(let op, let type): predicateTile(op, type, t)
    case .select(let type): selectTile(type, t)
    case .copy(let type): t.y.copyMemory(from: t.a, byteCount: t.count &* type.size)
    case .convert(let from, let to): convertTile(from, to, t)
    case .adjacentHalf(let type): nextAfterHalf(t, type)
    }
  }
}
