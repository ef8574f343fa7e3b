import CPUKernelAPI

extension Kernels {
  package func extreme(
    max: Bool, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, values: UnsafeMutableRawPointer?,
    indices: UnsafeMutablePointer<Int64>?
  ) {
    // Without a place for the values nothing is stored through `y`.
    let job = ReduceJob(
      type: type, loop: loop.normalized, x: x, center: nil, y: values ?? UnsafeMutableRawPointer(mutating: x),
      result: .input)
    switch type.accumulator {
    case .float32: extremeAs(Float.self, max, job, values != nil, indices)
    case .float64: extremeAs(Double.self, max, job, values != nil, indices)
    default: extremeAs(Int64.self, max, job, values != nil, indices)
    }
  }
}

private func extremeAs<A: StagingScalar>(
  _ scalar: A.Type, _ max: Bool, _ job: ReduceJob, _ wantsValues: Bool, _ indices: UnsafeMutablePointer<Int64>?
) {
  let loop = job.loop
  if loop.prefersRows || loop.inner < 4 || loop.count > Int(Int32.max) {
    extremeRows(A.self, max, job, wantsValues, indices)
  } else {
    extremeColumns(A.self, max, job, wantsValues, indices)
  }
}

/// The best value so far and where it was; `index` is -1 before the first.
struct Extreme<A: StagingScalar> {
  var value: A = A.zeroValue
  var index = -1

  /// Whether v takes over; NaN does from everything but NaN.
  @inline(__always)
  func yields(to v: A, max: Bool) -> Bool {
    index < 0 || (max ? v > value : v < value) || (A.isNaN(v) && !A.isNaN(value))
  }

  @inline(never)
  mutating func feed(_ x: UnsafePointer<A>, _ n: Int, at base: Int, max: Bool) {
    if n <= 16 {
      for k in 0..<n where yields(to: x[k], max: max) {
        value = x[k]
        index = base + k
      }
      return
    }
    // The extreme of a block is found at full speed; only if it is a new record its place is looked for.
    let block = 256 * A.laneCount
    var k = 0
    while k < n {
      let m = min(block, n - k)
      let p = x + k
      var v = A.zeroValue
      if max { rowsLeaf(MaxOp<A>.self, p, 0, 1, m, nil, &v) } else { rowsLeaf(MinOp<A>.self, p, 0, 1, m, nil, &v) }
      if yields(to: v, max: max) {
        let j = firstIndex(of: v, in: p, m)
        value = p[j]
        index = base + k + j
      }
      k += block
    }
  }

  /// The first position of a value that occurs; NaN matches NaN.
  private func firstIndex(of v: A, in p: UnsafePointer<A>, _ n: Int) -> Int {
    var j = 0
    if A.isNaN(v) {
      while j < n - 1 && !A.isNaN(p[j]) { j += 1 }
      return j
    }
    let vector = A.spread(v)
    while j + A.laneCount <= n && !A.anyEqual(A.fetch(p + j), vector) { j += A.laneCount }
    while j < n - 1 && p[j] != v { j += 1 }
    return j
  }
}

@inline(never)
private func extremeRows<A: StagingScalar>(
  _ scalar: A.Type, _ max: Bool, _ job: ReduceJob, _ wantsValues: Bool, _ indices: UnsafeMutablePointer<Int64>?
) {
  let loop = job.loop
  let direct = loop.countStride == 1 && job.type == A.ownType
  let total = loop.count * loop.outer * loop.inner
  let capacity = direct ? 0 : min(stageCapacity, total)
  let buffer = UnsafeMutablePointer<A>.allocate(capacity: capacity)
  defer { buffer.deallocate() }
  func put(_ best: Extreme<A>, _ at: Int) {
    if wantsValues { withUnsafePointer(to: best.value) { job.store($0, at: at, count: 1) } }
    if let indices { indices[at] = Int64(best.index) }
  }
  for o in 0..<loop.outer {
    var i = 0
    while i < loop.inner {
      let offset = o * loop.outerStride + i * loop.innerStride
      let at = o * loop.inner + i
      let rows = direct ? 1 : min(loop.inner - i, Swift.max(1, capacity / loop.count))
      if direct {
        var best = Extreme<A>()
        best.feed(job.input(offset).assumingMemoryBound(to: A.self), loop.count, at: 0, max: max)
        put(best, at)
      } else if loop.count <= capacity {
        let tile = StageTile(
          rows: rows, columns: loop.count, rowStride: loop.innerStride, columnStride: loop.countStride)
        A.stage(job.type, tile, job.input(offset), buffer)
        for r in 0..<rows {
          var best = Extreme<A>()
          best.feed(UnsafePointer(buffer) + r * loop.count, loop.count, at: 0, max: max)
          put(best, at + r)
        }
      } else {
        var best = Extreme<A>()
        var k = 0
        while k < loop.count {
          let n = min(capacity, loop.count - k)
          let tile = StageTile(rows: 1, columns: n, rowStride: 0, columnStride: loop.countStride)
          A.stage(job.type, tile, job.input(offset + k * loop.countStride), buffer)
          best.feed(UnsafePointer(buffer), n, at: k, max: max)
          k += n
        }
        put(best, at)
      }
      i += rows
    }
  }
}

/// One row against the best of the rows above it. `best` and `index` have room for whole vectors.
@inline(__always)
private func extremeRow<A: StagingScalar>(
  _ max: Bool, _ x: UnsafePointer<A>, _ width: Int, row: A.Index, _ best: UnsafeMutablePointer<A>,
  _ index: UnsafeMutablePointer<A.Index>
) {
  let rows = A.IndexVector(repeating: row)
  var j = 0
  while j < width {
    let left = width &- j
    let v = left >= A.laneCount ? A.fetch(x + j) : A.loadPart(x + j, left)
    let b = A.fetch(UnsafePointer(best) + j)
    let place = UnsafeMutableRawPointer(index + j)
    let takes = A.beats(v, b, max: max)
    A.put(A.choose(takes, v, b), best + j)
    let old = place.loadUnaligned(as: A.IndexVector.self)
    place.storeBytes(of: A.chooseIndex(takes, rows, old), as: A.IndexVector.self)
    j &+= A.laneCount
  }
}

@inline(never)
private func extremeColumns<A: StagingScalar>(
  _ scalar: A.Type, _ max: Bool, _ job: ReduceJob, _ wantsValues: Bool, _ indices: UnsafeMutablePointer<Int64>?
) {
  let loop = job.loop
  let width = min(loop.inner, 1024)
  let direct = loop.innerStride == 1 && job.type == A.ownType
  let padded = (width + A.laneCount - 1) / A.laneCount * A.laneCount
  let best = UnsafeMutablePointer<A>.allocate(capacity: padded + width)
  let index = UnsafeMutablePointer<A.Index>.allocate(capacity: padded)
  defer {
    best.deallocate()
    index.deallocate()
  }
  best.initialize(repeating: A.zeroValue, count: padded)
  index.initialize(repeating: 0, count: padded)
  let staging = best + padded
  for o in 0..<loop.outer {
    var i = 0
    while i < loop.inner {
      let w = min(width, loop.inner - i)
      for k in 0..<loop.count {
        let from = job.input(o * loop.outerStride + i * loop.innerStride + k * loop.countStride)
        var p = from.assumingMemoryBound(to: A.self)
        if !direct {
          let tile = StageTile(rows: 1, columns: w, rowStride: 0, columnStride: loop.innerStride)
          A.stage(job.type, tile, from, staging)
          p = UnsafePointer(staging)
        }
        if k == 0 {
          for j in 0..<w {
            best[j] = p[j]
            index[j] = 0
          }
        } else if max {
          extremeRow(true, p, w, row: A.Index(truncatingIfNeeded: k), best, index)
        } else {
          extremeRow(false, p, w, row: A.Index(truncatingIfNeeded: k), best, index)
        }
      }
      let at = o * loop.inner + i
      if wantsValues { job.store(UnsafePointer(best), at: at, count: w) }
      if let indices { for j in 0..<w { indices[at + j] = Int64(index[j]) } }
      i += w
    }
  }
}
