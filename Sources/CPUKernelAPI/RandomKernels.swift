/// Philox 4x32-10 (Salmon et al., 2011). Block b of the stream is the function of (key, counter b); element i of a
/// call depends on the key, `offset` and i alone, so work may be split among threads at any multiple of 4 elements.
package protocol RandomKernels: Sendable {
  /// Four 32-bit words a block: y[4b ..< 4b+4] = philox(key, offset + b), `count` words in all.
  func randomBits(key: UInt64, offset: UInt64, count: Int, _ y: UnsafeMutablePointer<UInt32>)
  /// Uniform numbers in [0, 1): one word an element for float32 (24 bits), two for float64 (53 bits).
  func randomUniform(_ type: DType, key: UInt64, offset: UInt64, count: Int, _ y: UnsafeMutableRawPointer)
  /// Standard normal numbers by Box–Muller, on the words of `randomUniform`.
  func randomNormal(_ type: DType, key: UInt64, offset: UInt64, count: Int, _ y: UnsafeMutableRawPointer)
  /// Integers in [low, high), low < high. A 64-bit number scaled to a range below 2³² prefers no integer by more than
  /// 2⁻³² of its probability; a wider range takes a whole block for each integer.
  func randomIntegers(
    key: UInt64, offset: UInt64, count: Int, low: Int64, high: Int64, _ y: UnsafeMutablePointer<Int64>)
}

extension RandomKernels {
  /// How many elements `randomUniform` and `randomNormal` make of one block: the part of a call that begins at
  /// element i has the offset `offset + i / elementsPerBlock`.
  package func elementsPerBlock(_ type: DType) -> Int { type == .float64 ? 2 : 4 }

  /// How many integers `randomIntegers` makes of one block.
  package func integersPerBlock(low: Int64, high: Int64) -> Int {
    UInt64(bitPattern: high &- low) >> 32 == 0 ? 2 : 1
  }
}
