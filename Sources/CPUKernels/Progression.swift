import CPUKernelAPI

extension Kernels {
  package func progression(start: Int, step: Int, count: Int, _ y: UnsafeMutablePointer<Int>) {
    for i in 0..<count { y[i] = start &+ i &* step }
  }

  package func progression(
    _ type: DType, from index: Int, by direction: Int, count: Int, start: Double, step: Double, isFused: Bool,
    _ y: UnsafeMutableRawPointer
  ) {
    if type == .float64 {
      let y = y.assumingMemoryBound(to: Double.self)
      if isFused {
        forEach(y, index, direction, count) { start.addingProduct($0, step) }
      } else {
        forEach(y, index, direction, count) { start + $0 * step }
      }
    } else {
      let y = y.assumingMemoryBound(to: Float.self), (start, step) = (Float(start), Float(step))
      if isFused {
        forEach(y, index, direction, count) { start.addingProduct($0, step) }
      } else {
        forEach(y, index, direction, count) { start + $0 * step }
      }
    }
  }
}

/// y[i] = element(index + i · direction). Indices of 32 bits are converted by vectors on every instruction set.
@inline(__always)
private func forEach<T: BinaryFloatingPoint>(
  _ y: UnsafeMutablePointer<T>, _ index: Int, _ direction: Int, _ count: Int, _ element: (T) -> T
) {
  let last = index &+ count &* direction
  if min(index, last) >= Int(Int32.min) && max(index, last) <= Int(Int32.max) {
    let (first, direction) = (Int32(truncatingIfNeeded: index), Int32(truncatingIfNeeded: direction))
    for i in 0..<Int32(truncatingIfNeeded: count) { y[Int(i)] = element(T(first &+ i &* direction)) }
  } else {
    for i in 0..<count { y[i] = element(T(index &+ i &* direction)) }
  }
}
