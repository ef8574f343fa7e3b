import CPUKernelAPI
import CSIMD

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

/// Four searches at once, so that their loads overlap. Each step halves the range by an addition, not a branch, and all
/// searches take the same steps.
private func search<E: SortElement>(
  _ sorted: UnsafePointer<E>, _ length: Int, _ count: Int, _ right: Bool, _ x: UnsafePointer<E>,
  _ y: UnsafeMutablePointer<Int64>
) {
  func run(_ isBefore: (E.Key, E.Key) -> Bool) {
    var i = 0
    while i < count {
      // The last four repeat the last value.
      let last = count &- 1
      let (a, b, c, d) = (x[i].key, x[min(i &+ 1, last)].key, x[min(i &+ 2, last)].key, x[min(i &+ 3, last)].key)
      var (p, q, r, s) = (sorted, sorted, sorted, sorted)
      var left = length
      while left > 1 {
        let half = left &>> 1
        p += csimd_step_if(isBefore(p[half &- 1].key, a), half)
        q += csimd_step_if(isBefore(q[half &- 1].key, b), half)
        r += csimd_step_if(isBefore(r[half &- 1].key, c), half)
        s += csimd_step_if(isBefore(s[half &- 1].key, d), half)
        left &-= half
      }
      func store(_ position: UnsafePointer<E>, _ key: E.Key, _ lane: Int) {
        if i &+ lane >= count { return }
        y[i &+ lane] = Int64(position - sorted) &+ (left == 1 && isBefore(position[0].key, key) ? 1 : 0)
      }
      store(p, a, 0)
      store(q, b, 1)
      store(r, c, 2)
      store(s, d, 3)
      i &+= 4
    }
  }
  if right { run { $0 <= $1 } } else { run { $0 < $1 } }
}
