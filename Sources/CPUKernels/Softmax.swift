import CPUKernelAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Kernels {
  package func softmax(
    log: Bool, _ type: DType, rows: Int, count: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer
  ) {
    if type == .float64 {
      softmaxRows(Double.self, log, type, rows, count, x, y)
    } else {
      softmaxRows(Float.self, log, type, rows, count, x, y)
    }
  }

  package func softmaxBackward(
    log: Bool, _ type: DType, rows: Int, count: Int, _ g: UnsafeRawPointer, _ y: UnsafeRawPointer,
    _ dx: UnsafeMutableRawPointer
  ) {
    if type == .float64 {
      softmaxBackwardRows(Double.self, log, type, rows, count, g, y, dx)
    } else {
      softmaxBackwardRows(Float.self, log, type, rows, count, g, y, dx)
    }
  }
}

/// y = f(i) for `count` elements, f given the vector at i, whole or (with a length) the part at the end.
@inline(__always)
private func mapVectors<A: ReduceScalar>(
  _ count: Int, _ x: UnsafePointer<A>, _ y: UnsafeMutablePointer<A>, _ f: (A.Register) -> A.Register
) {
  var i = 0
  while i &+ A.laneCount <= count {
    A.put(f(A.fetch(x + i)), y + i)
    i &+= A.laneCount
  }
  let n = count &- i
  if n > 0 { A.storePart(f(A.loadPart(x + i, n)), y + i, n) }
}

/// The same of two inputs.
@inline(__always)
private func mapVectors<A: ReduceScalar>(
  _ count: Int, _ a: UnsafePointer<A>, _ b: UnsafePointer<A>, _ y: UnsafeMutablePointer<A>,
  _ f: (A.Register, A.Register) -> A.Register
) {
  var i = 0
  while i &+ A.laneCount <= count {
    A.put(f(A.fetch(a + i), A.fetch(b + i)), y + i)
    i &+= A.laneCount
  }
  let n = count &- i
  if n > 0 { A.storePart(f(A.loadPart(a + i, n), A.loadPart(b + i, n)), y + i, n) }
}

private func reduced<Op: ReduceOp>(
  _ op: Op.Type, _ x: UnsafePointer<Op.Scalar>, _ count: Int, center: Op.Scalar
) -> Op.Scalar {
  var result = center
  withUnsafePointer(to: center) { rowsLeaf(op, x, 0, 1, count, $0, &result) }
  return result
}

private func softmaxRows<A: StagingScalar & BinaryFloatingPoint>(
  _ scalar: A.Type, _ log: Bool, _ type: DType, _ rows: Int, _ count: Int, _ x: UnsafeRawPointer,
  _ y: UnsafeMutableRawPointer
) {
  guard count > 0 else { return }
  let own = type == A.ownType
  let buffer = own ? nil : UnsafeMutablePointer<A>.allocate(capacity: count)
  defer { buffer?.deallocate() }
  for r in 0..<rows {
    let offset = r * count * type.size
    var from = (x + offset).assumingMemoryBound(to: A.self)
    var to = (y + offset).assumingMemoryBound(to: A.self)
    if let buffer {
      A.stage(type, StageTile(rows: 1, columns: count, rowStride: 0, columnStride: 1), x + offset, buffer)
      from = UnsafePointer(buffer)
      to = buffer
    }
    let high = reduced(MaxOp<A>.self, from, count, center: A.zeroValue)
    let center = A.spread(high)
    if log {
      let sum = reduced(SumExpOp<A>.self, from, count, center: high)
      let shift = A.spread(A(logarithm(Double(sum))))
      mapVectors(count, from, to) { A.minus(A.minus($0, center), shift) }
    } else {
      mapVectors(count, from, to) { A.exponential(A.minus($0, center)) }
      let sum = reduced(SumOp<A>.self, UnsafePointer(to), count, center: high)
      let scale = A.spread(1 / sum)
      mapVectors(count, UnsafePointer(to), to) { A.times($0, scale) }
    }
    if let buffer { A.unstage(type, count, UnsafePointer(buffer), y + offset) }
  }
}

/// log, under a name that no parameter hides.
private func logarithm(_ x: Double) -> Double { log(x) }

/// Σ a·b: the products of 64 vectors at a time go through `scratch`, their sums are added in pairs of growing size.
private func dotProduct<A: StagingScalar>(
  _ a: UnsafePointer<A>, _ b: UnsafePointer<A>, _ count: Int, _ scratch: UnsafeMutablePointer<A>
) -> A {
  let block = 64 * A.laneCount
  if count > block {
    let half = (count / 2 + block - 1) / block * block
    let low = dotProduct(a, b, half, scratch)
    let high = dotProduct(a + half, b + half, count - half, scratch)
    return A.first(A.plus(A.spread(low), A.spread(high)))
  }
  mapVectors(count, a, b, scratch) { A.times($0, $1) }
  return reduced(SumOp<A>.self, UnsafePointer(scratch), count, center: A.zeroValue)
}

private func softmaxBackwardRows<A: StagingScalar & BinaryFloatingPoint>(
  _ scalar: A.Type, _ log: Bool, _ type: DType, _ rows: Int, _ count: Int, _ g: UnsafeRawPointer,
  _ y: UnsafeRawPointer, _ dx: UnsafeMutableRawPointer
) {
  guard count > 0 else { return }
  let own = type == A.ownType
  let block = 64 * A.laneCount
  let buffer = UnsafeMutablePointer<A>.allocate(capacity: block + (own ? 0 : 2 * count))
  defer { buffer.deallocate() }
  let tile = StageTile(rows: 1, columns: count, rowStride: 0, columnStride: 1)
  for r in 0..<rows {
    let offset = r * count * type.size
    var gradient = (g + offset).assumingMemoryBound(to: A.self)
    var output = (y + offset).assumingMemoryBound(to: A.self)
    var to = (dx + offset).assumingMemoryBound(to: A.self)
    if !own {
      A.stage(type, tile, g + offset, buffer + block)
      A.stage(type, tile, y + offset, buffer + (block + count))
      gradient = UnsafePointer(buffer + block)
      output = UnsafePointer(buffer + (block + count))
      to = buffer + block
    }
    if log {
      let sum = A.spread(reduced(SumOp<A>.self, gradient, count, center: A.zeroValue))
      mapVectors(count, gradient, output, to) { A.minus($0, A.times(A.exponential($1), sum)) }
    } else {
      let dot = A.spread(dotProduct(gradient, output, count, buffer))
      mapVectors(count, gradient, output, to) { A.times($1, A.minus($0, dot)) }
    }
    if !own { A.unstage(type, count, UnsafePointer(to), dx + offset) }
  }
}
