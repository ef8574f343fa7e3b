import CPUKernelAPI
import Foundation
import Testing

/// A small reproducible generator (SplitMix64), so that a failing case fails again.
private struct Generator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// How a test matrix lies in memory.
private enum Layout: CaseIterable {
  case rowMajor, columnMajor, slicedRows, slicedColumns, everyThird, repeatedRow, repeatedColumn, repeatedElement

  func strides(_ rows: Int, _ columns: Int) -> (row: Int, column: Int) {
    switch self {
    case .rowMajor: (columns, 1)
    case .columnMajor: (1, rows)
    case .slicedRows: (columns + 5, 1)
    case .slicedColumns: (1, rows + 3)
    case .everyThird: (3 * columns + 2, 3)
    case .repeatedRow: (0, 1)
    case .repeatedColumn: (1, 0)
    case .repeatedElement: (0, 0)
    }
  }
}

/// Elements of one type in a buffer that has a guard zone on either side.
private final class Buffer {
  let type: DType, count: Int
  private let memory: UnsafeMutableRawPointer
  private let guardBytes = 256

  var pointer: UnsafeMutableRawPointer { memory + guardBytes }

  init(_ type: DType, _ count: Int) {
    self.type = type
    self.count = count
    memory = .allocate(byteCount: count * type.size + 2 * guardBytes, alignment: 64)
    memset(memory, 0xA5, count * type.size + 2 * guardBytes)
  }

  deinit { memory.deallocate() }

  var guardsAreIntact: Bool {
    let bytes = UnsafeRawBufferPointer(start: memory, count: count * type.size + 2 * guardBytes)
    return bytes.prefix(guardBytes).allSatisfy { $0 == 0xA5 } && bytes.suffix(guardBytes).allSatisfy { $0 == 0xA5 }
  }

  var values: [Double] { (0..<count).map { self[$0] } }

  subscript(_ i: Int) -> Double {
    get {
      switch type {
      case .bool, .uint8: Double(pointer.load(fromByteOffset: i, as: UInt8.self))
      case .int8: Double(pointer.load(fromByteOffset: i, as: Int8.self))
      case .int16: Double(pointer.load(fromByteOffset: 2 * i, as: Int16.self))
      case .int32: Double(pointer.load(fromByteOffset: 4 * i, as: Int32.self))
      case .int64: Double(pointer.load(fromByteOffset: 8 * i, as: Int64.self))
      case .float16: Double(pointer.load(fromByteOffset: 2 * i, as: Float16.self))
      case .bfloat16:
        Double(Float(bitPattern: UInt32(pointer.load(fromByteOffset: 2 * i, as: UInt16.self)) << 16))
      case .float32: Double(pointer.load(fromByteOffset: 4 * i, as: Float.self))
      case .float64: pointer.load(fromByteOffset: 8 * i, as: Double.self)
      }
    }
    set {
      let integer = type.isFloatingPoint ? 0 : Int64(newValue)
      switch type {
      case .bool, .uint8: pointer.storeBytes(of: UInt8(truncatingIfNeeded: integer), toByteOffset: i, as: UInt8.self)
      case .int8: pointer.storeBytes(of: Int8(truncatingIfNeeded: integer), toByteOffset: i, as: Int8.self)
      case .int16: pointer.storeBytes(of: Int16(truncatingIfNeeded: integer), toByteOffset: 2 * i, as: Int16.self)
      case .int32: pointer.storeBytes(of: Int32(truncatingIfNeeded: integer), toByteOffset: 4 * i, as: Int32.self)
      case .int64: pointer.storeBytes(of: integer, toByteOffset: 8 * i, as: Int64.self)
      case .float16: pointer.storeBytes(of: Float16(newValue), toByteOffset: 2 * i, as: Float16.self)
      case .bfloat16:
        pointer.storeBytes(of: roundedToBFloat16(newValue), toByteOffset: 2 * i, as: UInt16.self)
      case .float32: pointer.storeBytes(of: Float(newValue), toByteOffset: 4 * i, as: Float.self)
      case .float64: pointer.storeBytes(of: newValue, toByteOffset: 8 * i, as: Double.self)
      }
    }
  }
}

private func roundedToBFloat16(_ x: Double) -> UInt16 {
  let bits = Float(x).bitPattern
  if Float(x).isNaN { return 0x7FC0 }
  return UInt16((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)
}

/// The product in double precision, and the sums of the magnitudes of its terms, which bound the rounding error.
private func reference(
  _ m: Int, _ n: Int, _ k: Int, _ valuesA: [Double], _ a: Matrix, _ valuesB: [Double], _ b: Matrix,
  _ valuesC: [Double], _ c: Matrix, _ alpha: Double
) -> (expected: [Double], magnitude: [Double]) {
  var expected = [Double](), magnitude = [Double]()
  valuesA.withUnsafeBufferPointer { x in
    valuesB.withUnsafeBufferPointer { y in
      for i in 0..<m {
        for j in 0..<n {
          var sum = 0.0, size = 0.0, p = 0, atA = i * a.rowStride, atB = j * b.columnStride
          while p < k {
            let term = x[atA] * y[atB]
            sum += term
            size += Swift.abs(term)
            atA += a.columnStride
            atB += b.rowStride
            p += 1
          }
          let old = valuesC.isEmpty ? 0 : valuesC[i * c.rowStride + j * c.columnStride]
          expected.append(alpha * sum + old)
          magnitude.append(Swift.abs(alpha) * size + Swift.abs(old))
        }
      }
    }
  }
  return (expected, magnitude)
}

/// What a product is added to.
private enum Addend: CaseIterable { case nothing, itself, matrix, transposed, eachRow, eachColumn }

/// One random problem: computes it with `kernels` and says what is wrong, or nil.
private func failure(
  _ kernels: any MatmulKernels, _ type: DType, m: Int, n: Int, k: Int, _ la: Layout, _ lb: Layout, _ lc: Layout,
  alpha: Double, _ addend: Addend, _ random: inout Generator
) -> String? {
  func matrix(_ rows: Int, _ columns: Int, _ layout: Layout) -> (Buffer, Matrix) {
    let (row, column) = layout.strides(rows, columns)
    let buffer = Buffer(type, rows * columns == 0 ? 0 : (rows - 1) * row + (columns - 1) * column + 1)
    return (buffer, Matrix(buffer.pointer, rowStride: row, columnStride: column))
  }
  let (bufferA, a) = matrix(m, k, la), (bufferB, b) = matrix(k, n, lb), (bufferC, c) = matrix(m, n, lc)
  for buffer in [bufferA, bufferB] {
    for i in 0..<buffer.count {
      // Values that every type represents; floating types get fractions.
      let value = Double(Int.random(in: 0...8, using: &random) - (type == .uint8 ? 0 : 4))
      buffer[i] = type.isFloatingPoint ? value / 4 + (type.size > 2 ? Double(random.next() % 64) / 997 : 0) : value
    }
  }
  // C's memory between its elements must stay as it is; where nothing is to be read from it, it starts as NaN.
  let filler = type.isFloatingPoint ? (addend == .itself ? 1.5 : .nan) : 3
  for i in 0..<bufferC.count { bufferC[i] = filler }
  let bytes = kernels.matmulWorkspace(type, m: m, n: n, k: k)
  let workspace = Buffer(.uint8, bytes)
  let bufferD = addend == .itself ? bufferC : Buffer(type, m * n)
  let d: Matrix? =
    switch addend {
    case .nothing: nil
    case .itself: c
    case .matrix: Matrix(bufferD.pointer, rowStride: n, columnStride: 1)
    case .transposed: Matrix(bufferD.pointer, rowStride: 1, columnStride: m)
    case .eachRow: Matrix(bufferD.pointer, rowStride: 0, columnStride: 1)
    case .eachColumn: Matrix(bufferD.pointer, rowStride: 1, columnStride: 0)
    }
  if let d {
    for i in 0..<m {
      for j in 0..<n { bufferD[i * d.rowStride + j * d.columnStride] = Double((i + 2 * j) % 5) }
    }
  }
  let (expected, magnitude) = reference(
    m, n, k, bufferA.values, a, bufferB.values, b, d == nil ? [] : bufferD.values, d ?? c, alpha)
  kernels.matmul(type, m: m, n: n, k: k, alpha: alpha, a, b, c, adding: d, workspace: workspace.pointer)
  var isElement = [Bool](repeating: false, count: bufferC.count)
  // Repeated elements make every rounding err the same way, so the error grows with k.
  let rounding = 16 + Double(k) / 16
  for i in 0..<m {
    for j in 0..<n {
      let place = i * c.rowStride + j * c.columnStride
      isElement[place] = true
      let actual = bufferC[place], want = expected[i * n + j]
      var right: Bool
      switch type {
      case .float64: right = Swift.abs(actual - want) <= rounding * 0x1p-52 * magnitude[i * n + j]
      case .float32: right = Swift.abs(actual - want) <= rounding * 0x1p-23 * magnitude[i * n + j]
      case .float16, .bfloat16:
        // One rounding to the type, after float32's own errors.
        let ulp = type == .float16 ? 0x1p-11 : 0x1p-8
        right = Swift.abs(actual - want) <= rounding * 0x1p-23 * magnitude[i * n + j] + 1.01 * ulp * Swift.abs(want)
      default:
        let wrapped = Buffer(type, 1)
        wrapped[0] = want
        right = wrapped[0] == actual
      }
      if actual.isNaN { right = false }
      if !right { return "[\(i), \(j)] is \(actual), should be \(want)" }
    }
  }
  for i in 0..<bufferC.count where !isElement[i] {
    if bufferC[i] != filler && !(bufferC[i].isNaN && filler.isNaN) { return "wrote between the elements of C" }
  }
  if !bufferC.guardsAreIntact { return "wrote outside C" }
  if !workspace.guardsAreIntact { return "wrote outside the workspace" }
  return nil
}

@Suite struct MatmulKernelTests {
  static let types: [DType] = [
    .float32, .float64, .float16, .bfloat16, .int64, .int32, .int16, .int8, .uint8,
  ]
  private static let layoutsOfC: [Layout] = [.rowMajor, .columnMajor, .slicedRows, .slicedColumns, .everyThird]

  @Test(arguments: types)
  func randomShapes(_ type: DType) {
    for (name, kernels) in InstructionSets.matmulKernels {
      var random = Generator(state: UInt64(type.rawValue) + 11)
      for round in 0..<(type.isFloatingPoint ? 400 : 120) {
        let top = round % 4 == 0 ? 70 : round % 4 == 1 ? 20 : 8
        let m = Int.random(in: 0...(round % 3 == 0 ? 70 : top), using: &random)
        let n = Int.random(in: 0...(round % 3 == 1 ? 70 : top), using: &random)
        let k = Int.random(in: 0...(round % 3 == 2 ? 70 : top), using: &random)
        check(name, kernels, type, m, n, k, &random)
      }
    }
  }

  @Test(arguments: types)
  func everyLayout(_ type: DType) {
    for (name, kernels) in InstructionSets.matmulKernels {
      var random = Generator(state: UInt64(type.rawValue) + 7)
      for la in Layout.allCases {
        for lb in Layout.allCases {
          for lc in Self.layoutsOfC {
            for (m, n, k) in [(13, 35, 9), (1, 37, 21), (37, 1, 21), (3, 70, 18), (5, 4, 3)] {
              let alpha = type.isFloatingPoint ? 0.5 : 2.0, addend = Addend.allCases.randomElement(using: &random)!
              let message = failure(kernels, type, m: m, n: n, k: k, la, lb, lc, alpha: alpha, addend, &random)
              #expect(message == nil, "\(name) \(type) m \(m) n \(n) k \(k) \(la) \(lb) \(lc) \(addend)")
            }
          }
        }
      }
    }
  }

  @Test(arguments: types)
  func largerShapes(_ type: DType) {
    let shapes = [
      (1, 700, 600), (2, 300, 515), (7, 130, 1000), (600, 1, 530), (200, 190, 550), (530, 40, 33), (40, 900, 17),
      (128, 128, 128), (1, 2100, 9), (3, 5, 2000), (70, 10, 800), (500, 3, 300), (260, 250, 1), (90, 1100, 5),
      // B read in place, panel by panel: few rows, many columns at multiples of 64 bytes.
      (17, 1024, 150), (64, 528, 257), (120, 656, 600),
    ]
    for (name, kernels) in InstructionSets.matmulKernels {
      var random = Generator(state: UInt64(type.rawValue) + 3)
      for (m, n, k) in shapes where type.isFloatingPoint || m * n * k < 4_000_000 {
        for _ in 0..<2 { check(name, kernels, type, m, n, k, &random) }
      }
    }
  }

  @Test func nonFiniteValuesPropagate() {
    for (name, kernels) in InstructionSets.matmulKernels {
      for (m, n, k) in [(1, 40, 33), (40, 1, 33), (4, 4, 4), (30, 70, 40), (2, 3, 300)] {
        for value in [Float.nan, .infinity] {
          let a = Buffer(.float32, m * k), b = Buffer(.float32, k * n), c = Buffer(.float32, m * n)
          let workspace = Buffer(.uint8, kernels.matmulWorkspace(.float32, m: m, n: n, k: k))
          for i in 0..<(m * k) { a[i] = 1 }
          for i in 0..<(k * n) { b[i] = 1 }
          a[(m - 1) * k + k / 2] = Double(value)
          kernels.matmul(
            .float32, m: m, n: n, k: k, alpha: 1, Matrix(a.pointer, rowStride: k, columnStride: 1),
            Matrix(b.pointer, rowStride: n, columnStride: 1), Matrix(c.pointer, rowStride: n, columnStride: 1),
            adding: nil, workspace: workspace.pointer)
          for i in 0..<(m * n) {
            let hit = i / n == m - 1
            #expect(hit ? (value.isNaN ? c[i].isNaN : c[i] == .infinity) : c[i] == Double(k), "\(name) \(m) \(n) \(k)")
          }
        }
      }
    }
  }

  /// Threads cut a product by rows or columns; no bit may depend on where.
  @Test func piecesGiveTheBitsOfTheWhole() {
    var random = Generator(state: 11)
    let sizes = [
      (1, 300, 90), (300, 1, 90), (2, 257, 40), (9, 130, 70), (50, 130, 600), (70, 513, 33), (130, 65, 3),
      (65, 193, 500),
      (193, 65, 500), (17, 700, 257), (500, 1100, 9), (120, 656, 560),
    ]
    for (name, kernels) in InstructionSets.matmulKernels {
      for type in [DType.float32, .float64, .float16, .bfloat16] {
        for (m, n, k) in sizes {
          for layout in type == .float32 ? [0, 1, 2, 3] : [0, 2] {
            let a = Buffer(type, m * k), b = Buffer(type, k * n), c = Buffer(type, m * n), d = Buffer(type, m * n)
            for i in 0..<(m * k) { a[i] = Double(random.next() % 2001) / 1000 - 1 }
            for i in 0..<(k * n) { b[i] = Double(random.next() % 2001) / 1000 - 1 }
            let (ar, ac) = layout & 1 == 0 ? (k, 1) : (1, m)
            let (br, bc) = layout & 2 == 0 ? (n, 1) : (1, k)
            func run(_ rows: Range<Int>, _ columns: Range<Int>, _ target: Buffer) {
              let size = type.size
              let (height, width) = (rows.count, columns.count)
              let workspace = Buffer(.uint8, kernels.matmulWorkspace(type, m: height, n: width, k: k))
              kernels.matmul(
                type, m: height, n: width, k: k, alpha: 1,
                Matrix(a.pointer + rows.lowerBound * ar * size, rowStride: ar, columnStride: ac),
                Matrix(b.pointer + columns.lowerBound * bc * size, rowStride: br, columnStride: bc),
                Matrix(
                  target.pointer + (rows.lowerBound * n + columns.lowerBound) * size, rowStride: n, columnStride: 1),
                adding: nil, wholeM: m, wholeN: n, workspace: workspace.pointer)
            }
            run(0..<m, 0..<n, c)
            let bytes = { (x: Buffer) in Array(UnsafeRawBufferPointer(start: x.pointer, count: m * n * type.size)) }
            for step in [24, 120] where m > step {
              for start in stride(from: 0, to: m, by: step) { run(start..<min(m, start + step), 0..<n, d) }
              let isEqual = bytes(c) == bytes(d)  // outside of #expect, which would look for the difference for minutes
              #expect(isEqual, "\(name) \(type) \(m) \(n) \(k) layout \(layout), rows by \(step)")
            }
            for step in [64, 256] where n > step {
              for start in stride(from: 0, to: n, by: step) { run(0..<m, start..<min(n, start + step), d) }
              let isEqual = bytes(c) == bytes(d)
              #expect(isEqual, "\(name) \(type) \(m) \(n) \(k) layout \(layout), columns by \(step)")
            }
          }
        }
      }
    }
  }

  @Test func halvesRoundOnce() {
    // 2048 + 1 + 1 is 2050 in float32 and 2048 where every step rounds to float16 (likewise 256 for bfloat16).
    for (name, kernels) in InstructionSets.matmulKernels {
      for (type, base) in [(DType.float16, 2048.0), (.bfloat16, 256.0)] {
        let k = 600
        let a = Buffer(type, k), b = Buffer(type, k * 20), c = Buffer(type, 20)
        let workspace = Buffer(.uint8, kernels.matmulWorkspace(type, m: 1, n: 20, k: k))
        for i in 0..<k { a[i] = i == 0 ? base : (i == 1 || i == k - 1 ? 1 : 0) }
        for i in 0..<(k * 20) { b[i] = 1 }
        kernels.matmul(
          type, m: 1, n: 20, k: k, alpha: 1, Matrix(a.pointer, rowStride: k, columnStride: 1),
          Matrix(b.pointer, rowStride: 20, columnStride: 1), Matrix(c.pointer, rowStride: 20, columnStride: 1),
          adding: nil, workspace: workspace.pointer)
        for j in 0..<20 { #expect(c[j] == base + 2, "\(name) \(type)") }
      }
    }
  }

  private func check(
    _ name: String, _ kernels: any MatmulKernels, _ type: DType, _ m: Int, _ n: Int, _ k: Int,
    _ random: inout Generator
  ) {
    let la = Layout.allCases.randomElement(using: &random)!, lb = Layout.allCases.randomElement(using: &random)!
    let lc = Self.layoutsOfC.randomElement(using: &random)!
    let alphas = type == .uint8 ? [1.0, 2] : type.isFloatingPoint ? [1, 1, -0.75, 0] : [1, -2]
    let alpha = alphas.randomElement(using: &random)!, addend = Addend.allCases.randomElement(using: &random)!
    let message = failure(kernels, type, m: m, n: n, k: k, la, lb, lc, alpha: alpha, addend, &random)
    #expect(
      message == nil,
      "\(name) \(type) m \(m) n \(n) k \(k) A \(la) B \(lb) C \(lc) alpha \(alpha) adding \(addend)")
  }
}
