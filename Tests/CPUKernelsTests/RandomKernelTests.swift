import CPUKernelAPI
import CPUKernelsBaseline
import Foundation
import Testing

#if arch(x86_64)
  import CPUKernelsAVX2
  import CPUKernelsAVX512
#endif

private let kernelSets: [any RandomKernels] = {
  var sets: [any RandomKernels] = [CPUKernelsBaseline.Kernels()]
  #if arch(x86_64)
    if InstructionSets.avx2 { sets.append(CPUKernelsAVX2.Kernels()) }
    if InstructionSets.avx512 { sets.append(CPUKernelsAVX512.Kernels()) }
  #endif
  return sets
}()

/// Philox 4x32-10 as the paper writes it, one block at a time.
private func philox(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
  var (c, k) = (counter, key)
  for round in 0..<10 {
    if round > 0 { k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85] }
    let a = UInt64(c[0]) * 0xD251_1F53
    let b = UInt64(c[2]) * 0xCD9E_8D57
    c = [
      UInt32(b >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: b), UInt32(a >> 32) ^ c[3] ^ k[1],
      UInt32(truncatingIfNeeded: a),
    ]
  }
  return c
}

/// The first `count` words of the stream.
private func words(key: UInt64, offset: UInt64, count: Int) -> [UInt32] {
  var result: [UInt32] = []
  var block = offset
  while result.count < count {
    result += philox(
      [UInt32(truncatingIfNeeded: block), UInt32(block >> 32), 0, 0],
      [UInt32(truncatingIfNeeded: key), UInt32(key >> 32)])
    block &+= 1
  }
  return Array(result.prefix(count))
}

private func draw<T>(_ count: Int, _ fill: (UnsafeMutablePointer<T>) -> Void) -> [T] {
  [T](unsafeUninitializedCapacity: count) { buffer, initialized in
    fill(buffer.baseAddress!)
    initialized = count
  }
}

private let key: UInt64 = 0x299F_31D0_A409_3822

/// The known answers that are published with Random123.
@Test func philoxReferenceGivesKnownAnswers() {
  #expect(philox([0, 0, 0, 0], [0, 0]) == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
  #expect(
    philox([.max, .max, .max, .max], [.max, .max]) == [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD])
  #expect(
    philox([0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0])
      == [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1])
}

@Test func randomBitsAreThePhiloxStream() {
  for kernels in kernelSets {
    for count in [0, 1, 3, 4, 31, 32, 33, 100, 256, 1001] {
      // The second counter carries from the low into the high word on the way.
      for (key, offset) in [(0, 0), (key, 0xFFFF_FFFA), (UInt64.max, UInt64.max - 5)] {
        var drawn: [UInt32] = draw(count + 1) {
          $0[count] = 77
          kernels.randomBits(key: key, offset: offset, count: count, $0)
        }
        #expect(drawn.popLast() == 77)
        #expect(drawn == words(key: key, offset: offset, count: count), "\(kernels) \(count)")
      }
    }
  }
}

@Test func uniformNumbersAreTheUpperBits() {
  let count = 203
  let w = words(key: key, offset: 9, count: 2 * count)
  for kernels in kernelSets {
    let single: [Float] = draw(count) { kernels.randomUniform(.float32, key: key, offset: 9, count: count, $0) }
    #expect(single == (0..<count).map { Float(w[$0] >> 8) * 0x1p-24 })
    let double: [Double] = draw(count) { kernels.randomUniform(.float64, key: key, offset: 9, count: count, $0) }
    #expect(double == (0..<count).map { Double((UInt64(w[2 * $0 + 1]) << 32 | UInt64(w[2 * $0])) >> 11) * 0x1p-53 })
    let half: [Float16] = draw(count) { kernels.randomUniform(.float16, key: key, offset: 9, count: count, $0) }
    #expect(half == (0..<count).map { Float16(w[$0] >> 21) * 0x1p-11 })
    let brain: [UInt16] = draw(count) { kernels.randomUniform(.bfloat16, key: key, offset: 9, count: count, $0) }
    #expect(brain == (0..<count).map { UInt16((Float(w[$0] >> 24) * 0x1p-8).bitPattern >> 16) })
  }
}

@Test func normalNumbersAreBoxMuller() {
  let count = 40_002
  let w = words(key: key, offset: 5, count: 2 * count)
  var worst = 0.0
  for kernels in kernelSets {
    let single: [Float] = draw(count) { kernels.randomNormal(.float32, key: key, offset: 5, count: count, $0) }
    let double: [Double] = draw(count) { kernels.randomNormal(.float64, key: key, offset: 5, count: count, $0) }
    let half: [Float16] = draw(count) { kernels.randomNormal(.float16, key: key, offset: 5, count: count, $0) }
    let brain: [UInt16] = draw(count) { kernels.randomNormal(.bfloat16, key: key, offset: 5, count: count, $0) }
    for j in 0..<(count / 2) {
      // Rounded where the kernel rounds: the logarithm magnifies the rounding of u near 1.
      let u = Float(w[2 * j]) * 0x1p-32 + 0x1p-33
      let radius = sqrt(-2 * log(Double(u)))
      let angle = 2 * Double.pi * Double(w[2 * j + 1]) * 0x1p-32
      for (value, exact) in [(single[2 * j], radius * cos(angle)), (single[2 * j + 1], radius * sin(angle))] {
        worst = max(worst, abs(Double(value) - exact) / max(abs(exact), 1e-3 * radius, 1e-30))
      }
      let a = UInt64(w[4 * j + 1]) << 32 | UInt64(w[4 * j])
      let b = UInt64(w[4 * j + 3]) << 32 | UInt64(w[4 * j + 2])
      let wide = sqrt(-2 * log(1 - Double(a >> 11) * 0x1p-53))
      let turn = 2 * Double.pi * Double(b >> 11) * 0x1p-53
      #expect(abs(double[2 * j] - wide * cos(turn)) < 1e-13)
      #expect(abs(double[2 * j + 1] - wide * sin(turn)) < 1e-13)
    }
    for i in 0..<count {
      #expect(half[i] == Float16(single[i]))
      #expect(abs(Float(bitPattern: UInt32(brain[i]) << 16) - single[i]) <= abs(single[i]) / 256)
    }
  }
  #expect(worst < 4e-7, "largest relative error \(worst)")
}

@Test func randomIntegersScaleWideWords() {
  let count = 101
  let w = words(key: key, offset: 3, count: 4 * count)
  let ranges: [(Int64, Int64)] = [
    (0, 1), (-3, 3), (0, 0xFFFF_FFFF), (5, 5 + 0x1_0000_0000), (-1, Int64.max), (Int64.min, Int64.max),
  ]
  for kernels in kernelSets {
    for (low, high) in ranges {
      let span = UInt64(bitPattern: high &- low)
      let drawn: [Int64] = draw(count) {
        kernels.randomIntegers(key: key, offset: 3, count: count, low: low, high: high, $0)
      }
      let per = kernels.integersPerBlock(low: low, high: high)
      for i in 0..<count {
        func wide(_ at: Int) -> UInt64 { UInt64(w[at + 1]) << 32 | UInt64(w[at]) }
        var scaled: UInt64
        if per == 2 {
          scaled = wide(2 * i).multipliedFullWidth(by: span).high
        } else {
          let upper = wide(4 * i + 2).multipliedFullWidth(by: span)
          let carry = upper.low.addingReportingOverflow(wide(4 * i).multipliedFullWidth(by: span).high).overflow
          scaled = upper.high + (carry ? 1 : 0)
        }
        #expect(drawn[i] == low &+ Int64(bitPattern: scaled))
        #expect(drawn[i] >= low && drawn[i] < high)
      }
    }
  }
}

/// However a call is split at multiples of four elements, the parts join to the same bits.
@Test func randomNumbersDoNotDependOnTheSplit() {
  let count = 1003
  for kernels in kernelSets {
    for type in [DType.float32, .float64, .float16, .bfloat16] {
      for normal in [false, true] {
        func fill(_ pieces: [Int]) -> [UInt8] {
          draw(count * type.size) { bytes in
            var done = 0
            for piece in pieces {
              let y = UnsafeMutableRawPointer(bytes + done * type.size)
              let offset = 11 + UInt64(done / kernels.elementsPerBlock(type))
              if normal {
                kernels.randomNormal(type, key: key, offset: offset, count: piece, y)
              } else {
                kernels.randomUniform(type, key: key, offset: offset, count: piece, y)
              }
              done += piece
            }
          }
        }
        let whole = fill([count])
        #expect(fill([4, 500, 36, 8, count - 548]) == whole)
        #expect(fill(Array(repeating: 4, count: 250) + [3]) == whole)
      }
    }
  }
}

@Test func distributionsHaveTheirMomentsAndShape() {
  let count = 1 << 18
  let root = Double(count).squareRoot()
  for kernels in kernelSets {
    let uniform: [Float] = draw(count) { kernels.randomUniform(.float32, key: 1, offset: 0, count: count, $0) }
    let normal: [Float] = draw(count) { kernels.randomNormal(.float32, key: 2, offset: 0, count: count, $0) }
    func moment(_ x: [Float], _ power: Int, about center: Double = 0) -> Double {
      x.reduce(0) { $0 + pow(Double($1) - center, Double(power)) } / Double(count)
    }
    #expect(abs(moment(uniform, 1) - 0.5) < 4 * 0.2887 / root)
    #expect(abs(moment(uniform, 2, about: 0.5) - 1.0 / 12) < 4 * 0.0745 / root)
    #expect(abs(moment(normal, 1)) < 4 / root)
    #expect(abs(moment(normal, 2) - 1) < 4 * 1.4143 / root)
    #expect(abs(moment(normal, 3)) < 4 * 3.873 / root)
    #expect(abs(moment(normal, 4) - 3) < 4 * 9.798 / root)
    // Kolmogorov–Smirnov: beyond 1.95/√n in one case of a thousand.
    func distance(_ x: [Float], _ cdf: (Double) -> Double) -> Double {
      x.sorted().enumerated().reduce(0) {
        let p = cdf(Double($1.element))
        return max($0, abs(p - Double($1.offset) / Double(count)), abs(p - Double($1.offset + 1) / Double(count)))
      }
    }
    #expect(distance(uniform) { $0 } * root < 1.95)
    #expect(distance(normal) { 0.5 * erfc(-$0 / 2.0.squareRoot()) } * root < 1.95)
    #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
  }
}
