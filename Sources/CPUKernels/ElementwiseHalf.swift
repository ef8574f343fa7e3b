import CSIMD

private typealias VHalf = csimd_vh

/// float32 from float16 or bfloat16.
@inline(never)
func widenHalf(_ storage: ElementStorage, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ count: Int) {
  if storage == .half {
    convertLanes(x, y, count, from: VHalf.self, to: VFloat.self) { csimd_from_float16($0) }
  } else {
    convertLanes(x, y, count, from: VHalf.self, to: VFloat.self) { csimd_from_bfloat16($0) }
  }
}

/// float16 or bfloat16 from float32, rounded to nearest even.
@inline(never)
func narrowHalf(_ storage: ElementStorage, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ count: Int) {
  if storage == .half {
    convertLanes(x, y, count, from: VFloat.self, to: VHalf.self) { csimd_to_float16($0) }
  } else {
    convertLanes(x, y, count, from: VFloat.self, to: VHalf.self) { csimd_to_bfloat16($0) }
  }
}

@inline(__always)
private func convertLanes<A: SIMD & BitwiseCopyable, B: SIMD & BitwiseCopyable>(
  _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ count: Int, from: A.Type, to: B.Type, _ f: (A) -> B
) {
  let (width, xSize, ySize) = (VFloat.scalarCount, MemoryLayout<A.Scalar>.size, MemoryLayout<B.Scalar>.size)
  var i = 0
  while i &+ width <= count {
    let r = f(x.loadUnaligned(fromByteOffset: i &* xSize, as: A.self))
    y.storeBytes(of: r, toByteOffset: i &* ySize, as: B.self)
    i &+= width
  }
  while i < count {
    // The last lanes one at a time: fewer than a vector, in a buffer or at the end of someone's memory.
    var lanes = A(repeating: x.loadUnaligned(fromByteOffset: i &* xSize, as: A.Scalar.self))
    lanes[0] = x.loadUnaligned(fromByteOffset: i &* xSize, as: A.Scalar.self)
    y.storeBytes(of: f(lanes)[0], toByteOffset: i &* ySize, as: B.Scalar.self)
    i &+= 1
  }
}
