import CPUKernelAPI
import CSIMD

extension Kernels: RandomKernels {
  package func randomBits(key: UInt64, offset: UInt64, count: Int, _ y: UnsafeMutablePointer<UInt32>) {
    Philox.fill(key: key, offset: offset, count: count, step: 32, y) { blocks, y in
      let (a, b) = blocks.ordered
      y.putVector(a, at: 0)
      y.putVector(b, at: 16)
    }
  }

  package func randomUniform(
    _ type: DType, key: UInt64, offset: UInt64, count: Int, _ y: UnsafeMutableRawPointer
  ) {
    switch type {
    case .float64:
      let y = y.assumingMemoryBound(to: Double.self)
      Philox.fill(key: key, offset: offset, count: count, step: 16, y) { blocks, y in
        let (a, b) = (csimd_uniform53_u64x8(blocks.low), csimd_uniform53_u64x8(blocks.high))
        y.putVector(csimd_zip_low_f64x8(a, b), at: 0)
        y.putVector(csimd_zip_high_f64x8(a, b), at: 8)
      }
    case .float16:
      // 11 bits are what a float16 in [0.5, 1) holds: nothing is rounded, so nothing is rounded up to 1.
      let y = y.assumingMemoryBound(to: Float16.self)
      Philox.fill(key: key, offset: offset, count: count, step: 32, y) { blocks, y in
        Self.storeUniform(blocks, bits: 11) { value, i in y[i] = Float16(value) }
      }
    case .bfloat16:
      let y = y.assumingMemoryBound(to: UInt16.self)
      Philox.fill(key: key, offset: offset, count: count, step: 32, y) { blocks, y in
        Self.storeUniform(blocks, bits: 8) { value, i in y[i] = UInt16(truncatingIfNeeded: value.bitPattern &>> 16) }
      }
    default:
      let y = y.assumingMemoryBound(to: Float.self)
      Philox.fill(key: key, offset: offset, count: count, step: 32, y) { blocks, y in
        let (a, b) = blocks.ordered
        y.putVector(Self.uniform(a, bits: 24), at: 0)
        y.putVector(Self.uniform(b, bits: 24), at: 16)
      }
    }
  }

  package func randomNormal(
    _ type: DType, key: UInt64, offset: UInt64, count: Int, _ y: UnsafeMutableRawPointer
  ) {
    switch type {
    case .float64:
      let y = y.assumingMemoryBound(to: Double.self)
      Philox.fill(key: key, offset: offset, count: count, step: 16, y) { blocks, y in
        let (low, high) = (blocks.low, blocks.high)
        for lane in 0..<8 { (y[2 * lane], y[2 * lane + 1]) = boxMuller(low[lane], high[lane]) }
      }
    case .float16:
      let y = y.assumingMemoryBound(to: Float16.self)
      Philox.fill(key: key, offset: offset, count: count, step: 32, y) { blocks, y in
        let (a, b) = boxMuller(blocks)
        for lane in 0..<16 {
          y[lane] = Float16(a[lane])
          y[16 + lane] = Float16(b[lane])
        }
      }
    case .bfloat16:
      let y = y.assumingMemoryBound(to: UInt16.self)
      Philox.fill(key: key, offset: offset, count: count, step: 32, y) { blocks, y in
        let (a, b) = boxMuller(blocks)
        for lane in 0..<16 {
          y[lane] = Self.roundedToBFloat16(a[lane])
          y[16 + lane] = Self.roundedToBFloat16(b[lane])
        }
      }
    default:
      let y = y.assumingMemoryBound(to: Float.self)
      Philox.fill(key: key, offset: offset, count: count, step: 32, y) { blocks, y in
        let (a, b) = boxMuller(blocks)
        y.putVector(a, at: 0)
        y.putVector(b, at: 16)
      }
    }
  }

  package func randomIntegers(
    key: UInt64, offset: UInt64, count: Int, low: Int64, high: Int64, _ y: UnsafeMutablePointer<Int64>
  ) {
    let span = UInt64(bitPattern: high &- low)
    if integersPerBlock(low: low, high: high) == 2 {
      // ⌊w · span / 2⁶⁴⌋ for the 64-bit number w, from two 32-bit products.
      let start = SIMD8<UInt64>(repeating: UInt64(bitPattern: low))
      Philox.fill(key: key, offset: offset, count: count, step: 16, y) { blocks, y in
        let (a, b) = (csimd_scale_u64x8(blocks.low, span) &+ start, csimd_scale_u64x8(blocks.high, span) &+ start)
        y.putVector(csimd_zip_low_u64x8(a, b), at: 0)
        y.putVector(csimd_zip_high_u64x8(a, b), at: 8)
      }
    } else {
      // ⌊w · span / 2¹²⁸⌋ for the whole block w.
      Philox.fill(key: key, offset: offset, count: count, step: 8, y) { blocks, y in
        let (a, b) = (blocks.low, blocks.high)
        for lane in 0..<8 {
          let upper = b[lane].multipliedFullWidth(by: span)
          let (_, carry) = upper.low.addingReportingOverflow(a[lane].multipliedFullWidth(by: span).high)
          y[lane] = low &+ Int64(bitPattern: upper.high &+ (carry ? 1 : 0))
        }
      }
    }
  }
}

extension Kernels {
  /// The upper `bits` of each word, over 2^bits.
  @inline(__always)
  private static func uniform(_ words: SIMD16<UInt32>, bits: UInt32) -> SIMD16<Float> {
    let whole = unsafeBitCast(csimd_shift_right_u32x16(words, 32 - bits), to: SIMD16<Int32>.self)
    return csimd_float_from_i32x16(whole) * (1 / Float(1 &<< Int(bits)))
  }

  @inline(__always)
  private static func storeUniform(_ blocks: Philox.EightBlocks, bits: UInt32, _ store: (Float, Int) -> Void) {
    let (a, b) = blocks.ordered
    let (c, d) = (uniform(a, bits: bits), uniform(b, bits: bits))
    for lane in 0..<16 {
      store(c[lane], lane)
      store(d[lane], 16 + lane)
    }
  }

  /// To the nearest bfloat16, ties to even; the argument is finite.
  @inline(__always)
  private static func roundedToBFloat16(_ x: Float) -> UInt16 {
    let bits = x.bitPattern
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16)
  }
}
