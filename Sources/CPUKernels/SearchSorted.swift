import CPUKernelAPI

extension Kernels {
  package func searchsorted(
    _ type: DType, sorted: UnsafeRawPointer, length: Int, count: Int, right: Bool, _ x: UnsafeRawPointer,
    _ y: UnsafeMutablePointer<Int64>
  ) {
    func run<E: SortElement>(_: E.Type) {
      search(sorted.assumingMemoryBound(to: E.self), length, count, right, x.assumingMemoryBound(to: E.self), y)
    }
    switch type {
    case .bool, .uint8: run(UInt8.self)
    case .int8: run(Int8.self)
    case .int16: run(Int16.self)
    case .int32: run(Int32.self)
    case .int64: run(Int64.self)
    case .float16: run(HalfBits.self)
    case .bfloat16: run(BrainBits.self)
    case .float32: run(SingleBits.self)
    case .float64: run(DoubleBits.self)
    }
  }
}

/// Eight searches at once, so that their loads overlap. Each step halves the range by an addition, not a branch,
/// and all searches take the same steps.
private func search<E: SortElement>(
  _ sorted: UnsafePointer<E>, _ length: Int, _ count: Int, _ right: Bool, _ x: UnsafePointer<E>,
  _ y: UnsafeMutablePointer<Int64>
) {
  @inline(__always)
  func before(_ position: Int64, _ key: Int64) -> Int64 {
    let other = Int64(sorted[Int(truncatingIfNeeded: position)].key)
    return right ? (other <= key ? -1 : 0) : (other < key ? -1 : 0)
  }
  for i in stride(from: 0, to: count, by: 8) {
    // The last eight repeat the last value.
    var keys = SIMD8<Int64>.zero
    for lane in 0..<8 { keys[lane] = Int64(x[min(i &+ lane, count &- 1)].key) }
    var first = SIMD8<Int64>.zero
    var left = length
    while left > 1 {
      let half = Int64(truncatingIfNeeded: left &>> 1)
      for lane in 0..<8 { first[lane] &+= before(first[lane] &+ half &- 1, keys[lane]) & half }
      left &-= Int(truncatingIfNeeded: half)
    }
    if left == 1 {
      for lane in 0..<8 { first[lane] &-= before(first[lane], keys[lane]) }
    }
    for lane in 0..<min(8, count &- i) { y[i &+ lane] = first[lane] }
  }
}
