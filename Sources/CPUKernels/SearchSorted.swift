import CPUKernelAPI

extension Kernels {
  package func searchSorted(
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

/// Halves the range without a branch: `first` moves on where the middle element comes before the value.
private func search<E: SortElement>(
  _ sorted: UnsafePointer<E>, _ length: Int, _ count: Int, _ right: Bool, _ x: UnsafePointer<E>,
  _ y: UnsafeMutablePointer<Int64>
) {
  for i in 0..<count {
    let key = x[i].key
    var (first, left) = (0, length)
    while left > 0 {
      let half = left &>> 1
      let middle = sorted[first &+ half].key
      let before = right ? middle <= key : middle < key
      first = before ? first &+ half &+ 1 : first
      left = before ? left &- half &- 1 : half
    }
    y[i] = Int64(truncatingIfNeeded: first)
  }
}
