import CPUKernelAPI
import CSIMD

/// Philox 4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
enum Philox {
  /// Eight consecutive blocks: lane b of `low` holds words 0 and 1 of block b, word 0 in the low half, and lane b of
  /// `high` holds words 2 and 3.
  struct EightBlocks {
    var low = SIMD8<UInt64>.zero, high = SIMD8<UInt64>.zero

    @inline(__always)
    init(key: UInt64, counter: UInt64) { csimd_philox(key, counter, &low, &high) }

    /// All 32 words in the order of the stream.
    @inline(__always)
    var ordered: (SIMD16<UInt32>, SIMD16<UInt32>) {
      (
        unsafeBitCast(csimd_zip_low_u64x8(low, high), to: SIMD16<UInt32>.self),
        unsafeBitCast(csimd_zip_high_u64x8(low, high), to: SIMD16<UInt32>.self)
      )
    }
  }

  /// Fills y with `count` elements, `step` of them from each eight blocks; `body` writes that many. The last ones
  /// go by way of a buffer, so that they are computed by the same instructions wherever a caller splits the work.
  @inline(__always)
  static func fill<T>(
    key: UInt64, offset: UInt64, count: Int, step: Int, _ y: UnsafeMutablePointer<T>,
    _ body: (EightBlocks, UnsafeMutablePointer<T>) -> Void
  ) {
    // One call of `body`, so that it is inlined and the blocks stay in registers.
    var spare = SIMD16<UInt64>.zero
    withUnsafeMutablePointer(to: &spare) { spare in
      let spare = UnsafeMutableRawPointer(spare).assumingMemoryBound(to: T.self)
      var counter = offset
      var i = 0
      while i < count {
        let left = count &- i
        let target = left < step ? spare : y + i
        body(EightBlocks(key: key, counter: counter), target)
        if left < step { (y + i).update(from: spare, count: left) }
        counter &+= 8
        i &+= step
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
