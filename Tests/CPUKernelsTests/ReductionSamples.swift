import CPUKernelAPI

/// The layouts that reduction kernels are tested on: rows, columns, middles, gaps, broadcasts and transpositions around
/// the widths of vectors and buffers.
enum ReductionLayout {
  static let all: [ReduceLoop] = {
    var loops: [ReduceLoop] = []
    func add(_ outer: Int, _ count: Int, _ inner: Int, _ os: Int, _ cs: Int, _ ins: Int) {
      loops.append(
        ReduceLoop(outer: outer, count: count, inner: inner, outerStride: os, countStride: cs, innerStride: ins))
    }
    for n in [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 127, 129, 1023, 1025] {
      add(1, n, 1, 0, 1, 1)
      add(3, n, 1, n, 1, 1)
      add(2, n, 1, n + 2, 1, 1)
      add(1, n, 5, 0, 5, 1)
      add(2, n, 19, n * 19, 19, 1)
      add(2, n, 3, n * 3 + 1, 3, 1)
      add(1, n, 18, 0, 20, 1)
    }
    for n in [1, 2, 3, 4, 5, 6] {
      add(40, n, 1, n, 1, 1)
      add(2, n, 20, n * 20, 1, n)
      add(40, n, 1, n + 1, 1, 1)
    }
    add(1, 5000, 1, 0, 1, 1)
    add(1, 5000, 1, 0, 2, 1)
    add(2, 300, 40, 1, 80, 2)
    add(2, 40, 300, 1, 2, 80)
    add(3, 20, 4, 0, 1, 20)
    add(3, 20, 6, 6, 0, 1)
    add(3, 9, 21, 9, 1, 0)
    add(1, 700, 17, 0, 17, 1)
    add(1, 9000, 2, 0, 2, 1)
    add(1, 3000, 33, 0, 40, 1)
    add(700, 7, 3, 21, 3, 1)
    add(60, 17, 20, 345, 20, 1)
    add(50, 5, 6, 40, 8, 1)
    add(2, 40, 80, 3200, 80, 1)
    return loops
  }()
}

extension ReduceLoop {
  /// Elements that the layout spans.
  var extent: Int {
    guard outer > 0, count > 0, inner > 0 else { return 1 }
    return (outer - 1) * outerStride + (count - 1) * countStride + (inner - 1) * innerStride + 1
  }

  /// The elements of one result.
  func positions(_ at: Int) -> [Int] {
    let base = at / inner * outerStride + at % inner * innerStride
    return (0..<count).map { base + $0 * countStride }
  }
}

/// Elements of any type, read as Double, written from reproducible small numbers.
final class SampleTensor {
  let type: DType
  let count: Int
  let bytes: UnsafeMutableRawPointer

  /// `small` keeps products finite and makes ties frequent.
  init(_ type: DType, count: Int, small: Bool) {
    self.type = type
    self.count = count
    bytes = .allocate(byteCount: max(1, count * type.size), alignment: 64)
    var state: UInt64 = 12345
    for i in 0..<count {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let bits = Int(state >> 33)
      if small {
        self[i] = type.isFloatingPoint ? [1, -1, 0.5, 2, -2, 1, 1, 0.5][bits & 7] : Double(bits % 3)
      } else {
        self[i] = type.isFloatingPoint ? Double(bits % 2001 - 1000) / 256 : Double(bits % 7)
      }
    }
  }

  deinit { bytes.deallocate() }

  subscript(_ i: Int) -> Double {
    get {
      switch type {
      case .bool, .uint8: Double(bytes.load(fromByteOffset: i, as: UInt8.self))
      case .int8: Double(bytes.load(fromByteOffset: i, as: Int8.self))
      case .int16: Double(bytes.load(fromByteOffset: 2 * i, as: Int16.self))
      case .int32: Double(bytes.load(fromByteOffset: 4 * i, as: Int32.self))
      case .int64: Double(bytes.load(fromByteOffset: 8 * i, as: Int64.self))
      case .float16: Double(bytes.load(fromByteOffset: 2 * i, as: Float16.self))
      case .bfloat16: Double(Float(bitPattern: UInt32(bytes.load(fromByteOffset: 2 * i, as: UInt16.self)) << 16))
      case .float32: Double(bytes.load(fromByteOffset: 4 * i, as: Float.self))
      case .float64: bytes.load(fromByteOffset: 8 * i, as: Double.self)
      }
    }
    set {
      switch type {
      case .bool: bytes.storeBytes(of: newValue == 0 ? 0 : 1, toByteOffset: i, as: UInt8.self)
      case .uint8: bytes.storeBytes(of: UInt8(newValue), toByteOffset: i, as: UInt8.self)
      case .int8: bytes.storeBytes(of: Int8(newValue), toByteOffset: i, as: Int8.self)
      case .int16: bytes.storeBytes(of: Int16(newValue), toByteOffset: 2 * i, as: Int16.self)
      case .int32: bytes.storeBytes(of: Int32(newValue), toByteOffset: 4 * i, as: Int32.self)
      case .int64: bytes.storeBytes(of: Int64(newValue), toByteOffset: 8 * i, as: Int64.self)
      case .float16: bytes.storeBytes(of: Float16(newValue), toByteOffset: 2 * i, as: Float16.self)
      case .bfloat16:
        let bits = UInt16(truncatingIfNeeded: Float(newValue).bitPattern >> 16)
        bytes.storeBytes(of: bits, toByteOffset: 2 * i, as: UInt16.self)
      case .float32: bytes.storeBytes(of: Float(newValue), toByteOffset: 4 * i, as: Float.self)
      case .float64: bytes.storeBytes(of: newValue, toByteOffset: 8 * i, as: Double.self)
      }
    }
  }
}

extension ReduceKernel {
  var takesCenter: Bool { self == .sumExp || self == .sumSquaredDeviations }
  var acceptsNothing: Bool { ![.min, .max, .minAbs, .maxAbs].contains(self) }

  func resultType(_ type: DType) -> DType {
    switch self {
    case .min, .max, .minAbs, .maxAbs: type
    case .any, .all: .bool
    case .countNonzero: .int64
    default: type.accumulator
    }
  }

  func reference(_ x: [Double], _ center: Double, _ type: DType) -> Double {
    switch self {
    case .sum: return x.reduce(0, +)
    case .prod:
      if type.isFloatingPoint { return x.reduce(1, *) }
      return Double(x.reduce(Int64(1)) { $0 &* Int64($1) })
    case .min: return x.min()!
    case .max: return x.max()!
    case .any: return x.contains { $0 != 0 } ? 1 : 0
    case .all: return x.allSatisfy { $0 != 0 } ? 1 : 0
    case .countNonzero: return Double(x.count { $0 != 0 })
    case .sumAbs: return x.reduce(0) { $0 + abs($1) }
    case .sumSquares: return x.reduce(0) { $0 + $1 * $1 }
    case .maxAbs: return x.map { abs($0) }.max()!
    case .minAbs: return x.map { abs($0) }.min()!
    case .sumSquaredDeviations: return x.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    case .sumExp: return x.reduce(0) { $0 + exponential($1 - center) }
    }
  }

  /// What rounding errors are measured against.
  func magnitude(_ x: [Double], _ center: Double) -> Double {
    switch self {
    case .sum: x.reduce(0) { $0 + abs($1) }
    default: abs(reference(x, center, .float64))
    }
  }
}

/// Whether a result is right: exactly for integers, to a few units in the last place of the accumulator otherwise.
func close(_ got: Double, _ want: Double, _ type: DType, _ scale: Double) -> Bool {
  if want.isNaN { return got.isNaN }
  if got == want { return true }
  guard type.isFloatingPoint else { return false }
  // Products may end below the smallest normal number, where the order of factors decides.
  return abs(got - want) <= scale * (type == .float64 ? 2e-14 : 2e-6) + 1e-40
}
