import CPUKernelAPI
import CSIMD

/// Philox 4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
enum Philox {
  /// Four words of eight consecutive blocks: lane b of `w0` holds, in its low half, word 0 of block b. The high
  /// halves hold remains of products.
  struct EightBlocks {
    var w0: SIMD8<UInt64>, w1: SIMD8<UInt64>, w2: SIMD8<UInt64>, w3: SIMD8<UInt64>

    /// Words 0 and 1 of each block as one number, word 0 in the low half.
    @inline(__always)
    var low: SIMD8<UInt64> { (w0 & 0xFFFF_FFFF) | (w1 &<< 32) }

    /// Words 2 and 3 of each block as one number.
    @inline(__always)
    var high: SIMD8<UInt64> { (w2 & 0xFFFF_FFFF) | (w3 &<< 32) }

    /// All 32 words in the order of the stream.
    @inline(__always)
    var ordered: (SIMD16<UInt32>, SIMD16<UInt32>) {
      let (a, b) = (low, high)
      return (
        unsafeBitCast(csimd_zip_low_u64x8(a, b), to: SIMD16<UInt32>.self),
        unsafeBitCast(csimd_zip_high_u64x8(a, b), to: SIMD16<UInt32>.self)
      )
    }
  }

  /// The blocks at the counters `counter` + 0 … 7, of which the upper 64 bits are 0.
  @inline(__always)
  static func blocks(key: UInt64, counter: UInt64) -> EightBlocks {
    let count = SIMD8<UInt64>(repeating: counter) &+ SIMD8<UInt64>(0, 1, 2, 3, 4, 5, 6, 7)
    return rounds(key: key, EightBlocks(w0: count, w1: count &>> 32, w2: .zero, w3: .zero))
  }

  /// Ten rounds. A word stays in the low half of a 64-bit lane, where one instruction multiplies it with a 64-bit
  /// product; what a product leaves in the high half never reaches a result.
  @inline(__always)
  static func rounds(key: UInt64, _ blocks: EightBlocks) -> EightBlocks {
    let mask = SIMD8<UInt64>(repeating: 0xFFFF_FFFF)
    let m0 = SIMD8<UInt64>(repeating: 0xD251_1F53)
    let m1 = SIMD8<UInt64>(repeating: 0xCD9E_8D57)
    var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key &>> 32))
    var b = blocks
    for _ in 0..<10 {
      let p0 = m0 &* (b.w0 & mask)
      let p1 = m1 &* (b.w2 & mask)
      b.w0 = (p1 &>> 32) ^ b.w1 ^ SIMD8<UInt64>(repeating: UInt64(k0))
      b.w2 = (p0 &>> 32) ^ b.w3 ^ SIMD8<UInt64>(repeating: UInt64(k1))
      b.w1 = p1
      b.w3 = p0
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return b
  }

  /// Fills y with `count` elements, `step` of them from each eight blocks; `body` writes that many. The last ones
  /// go by way of a buffer, so that they are computed by the same instructions wherever a caller splits the work.
  @inline(__always)
  static func fill<T>(
    key: UInt64, offset: UInt64, count: Int, step: Int, _ y: UnsafeMutablePointer<T>,
    _ body: (EightBlocks, UnsafeMutablePointer<T>) -> Void
  ) {
    var counter = offset
    var i = 0
    while i + step <= count {
      body(blocks(key: key, counter: counter), y + i)
      counter &+= 8
      i &+= step
    }
    if i < count {
      withUnsafeTemporaryAllocation(of: T.self, capacity: step) { buffer in
        let base = buffer.baseAddress.unsafelyUnwrapped
        body(blocks(key: key, counter: counter), base)
        (y + i).update(from: base, count: count - i)
      }
    }
  }
}

extension UnsafeMutablePointer {
  /// Stores a vector at element `i`, aligned or not.
  @inline(__always)
  func putVector<V>(_ vector: V, at i: Int) {
    UnsafeMutableRawPointer(self + i).storeBytes(of: vector, as: V.self)
  }
}
