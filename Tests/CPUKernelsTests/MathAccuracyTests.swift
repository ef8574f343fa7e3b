import CPUKernelAPI
import Foundation
import Testing

/// Elementary functions against NumPy's correctly rounded vectors: at most 4 units in the last place, nine in ten
/// within 2. The vectors hold subnormals, huge angles, infinities and NaN.
struct MathAccuracyTests {
  /// One function in one type: bit patterns in and out.
  struct Block: Sendable {
    var op: UnaryKernel
    var type: DType
    var input: [UInt8]
    var output: [UInt8]
  }

  static let blocks: [Block] = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../Fixtures/umath.bin")
    guard let data = try? [UInt8](Data(contentsOf: path)) else { return [] }
    var (at, blocks) = (0, [Block]())
    while at < data.count {
      let name = String(decoding: data[(at + 1)..<(at + 1 + Int(data[at]))], as: UTF8.self)
      at += 1 + Int(data[at])
      let size = Int(data[at])
      let bytes = size * (0..<4).reduce(0) { $0 | Int(data[at + 1 + $1]) << (8 * $1) }
      at += 5
      if let op = UnaryKernel.allCases.first(where: { "\($0)" == name }) {
        let (input, output) = (Array(data[at..<(at + bytes)]), Array(data[(at + bytes)..<(at + 2 * bytes)]))
        blocks.append(Block(op: op, type: size == 4 ? .float32 : .float64, input: input, output: output))
      }
      at += 2 * bytes
    }
    return blocks
  }()

  @Test func fixtureIsComplete() {
    #expect(Self.blocks.count == 38)
    #expect(Self.blocks.allSatisfy { $0.input.count >= 400 })
  }

  @Test(arguments: InstructionSets.elementwiseKernels.indices)
  func unitsInTheLastPlace(set: Int) {
    let (name, kernels) = InstructionSets.elementwiseKernels[set]
    for block in Self.blocks {
      let count = block.input.count / block.type.size
      var (input, result) = (block.input, [UInt8](repeating: 0, count: block.input.count))
      input.withUnsafeMutableBytes { x in
        result.withUnsafeMutableBytes { y in
          guard let x = x.baseAddress, let y = y.baseAddress else { return }
          kernels.unary(block.op, block.type, Extent(inner: count), Operand(x, inner: 1), Operand(y, inner: 1))
        }
      }
      let distances =
        block.type == .float32
        ? distances(Self.lanes(result, Float.self).map(key), Self.lanes(block.output, Float.self).map(key))
        : distances(Self.lanes(result, Double.self).map(key), Self.lanes(block.output, Double.self).map(key))
      let worst = distances.max() ?? .max
      let close = distances.count { $0 <= 2 }
      #expect(worst <= 4, "\(name) \(block.op) \(block.type): \(worst) ULP")
      #expect(close * 10 >= distances.count * 9, "\(name) \(block.op) \(block.type): \(close) of \(count) within 2 ULP")
    }
  }

  private static func lanes<T>(_ bytes: [UInt8], _: T.Type) -> [T] {
    bytes.withUnsafeBytes { Array($0.bindMemory(to: T.self)) }
  }

  /// Consecutive numbers for consecutive floats, one number far away for NaN.
  private func key(_ x: Float) -> Int {
    if x.isNaN { return .max / 2 }
    return x.sign == .minus ? -Int(x.magnitude.bitPattern) : Int(x.bitPattern)
  }

  private func key(_ x: Double) -> Int {
    if x.isNaN { return .max }
    return x.sign == .minus ? -Int(x.magnitude.bitPattern) : Int(x.bitPattern)
  }

  private func distances(_ a: [Int], _ b: [Int]) -> [UInt] {
    zip(a, b).map {
      $0 == $1
        ? 0 : UInt(bitPattern: $0 &- $1) <= UInt(Int.max) ? UInt(bitPattern: $0 &- $1) : UInt(bitPattern: $1 &- $0)
    }
  }
}
