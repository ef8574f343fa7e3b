import CPUKernelAPI

/// Columns that are reduced side by side: the accumulators of a few levels fit in the first-level cache.
private let columnChunk = 2048

/// Reduces rows of results at once: groups of 8 rows, 16 groups, 16 times that and so on, for sums as exact as pairwise
/// ones.
func reduceColumns<A: StagingScalar>(_ leaves: ReduceLeaves<A>, _ job: ReduceJob) {
  let loop = job.loop
  let direct = loop.innerStride == 1 && job.type == A.ownType
  let storesDirectly = job.storesDirectly(A.self)
  let groups = (loop.count + 7) / 8
  var levels = 1
  var span = 16
  while span < groups && levels < 6 {
    levels += 1
    span *= 16
  }
  // Staging takes narrower chunks, so that eight rows fit its buffer.
  let width = min(loop.inner, direct ? columnChunk : stageCapacity / 8)
  let scratch = UnsafeMutablePointer<A>.allocate(capacity: (levels + 9) * width)
  defer { scratch.deallocate() }
  let centers = scratch + levels * width
  let staging = centers + width
  for o in 0..<loop.outer {
    var i = 0
    while i < loop.inner {
      let w = min(width, loop.inner - i)
      let at = o * loop.inner + i
      let top = storesDirectly ? job.y.assumingMemoryBound(to: A.self) + at : scratch + (levels - 1) * width
      var center: UnsafePointer<A>?
      if let given = job.center?.assumingMemoryBound(to: A.self) {
        for j in 0..<w { centers[j] = job.centerValue(given[at + j]) }
        center = UnsafePointer(centers)
      }
      for g in 0..<groups {
        let rows = min(8, loop.count - 8 * g)
        let from = job.input(o * loop.outerStride + i * loop.innerStride + 8 * g * loop.countStride)
        let level0 = levels == 1 ? top : scratch
        let isFirst = levels == 1 ? g == 0 : g & 15 == 0
        if direct {
          leaves.group(from.assumingMemoryBound(to: A.self), loop.countStride, rows, w, center, level0, isFirst)
        } else {
          let tile = StageTile(rows: rows, columns: w, rowStride: loop.countStride, columnStride: loop.innerStride)
          A.stage(job.type, tile, from, staging)
          leaves.group(UnsafePointer(staging), w, rows, w, center, level0, isFirst)
        }
        // Passes a level on when it is full, or after the last group.
        var full = 16
        var l = 1
        while l < levels && ((g + 1) % full == 0 || g == groups - 1) {
          let isTop = l == levels - 1
          let overwrites = isTop ? g < full : (g / full) & 15 == 0
          leaves.mergeGroup(
            UnsafePointer(scratch) + (l - 1) * width, w, 1, w, nil, isTop ? top : scratch + l * width, overwrites)
          full *= 16
          l += 1
        }
      }
      if !storesDirectly { job.store(UnsafePointer(top), at: at, count: w) }
      i += w
    }
  }
}

/// Few columns without gaps between the rows: several rows side by side count as one wide row, and the partial results
/// are merged at the end.
func reduceNarrowColumns<A: StagingScalar>(_ leaves: ReduceLeaves<A>, _ job: ReduceJob) {
  let loop = job.loop
  var copies = 1
  while copies * 2 * loop.inner <= 512 && copies * 16 <= loop.count { copies *= 2 }
  let width = copies * loop.inner
  let rows = loop.count / copies
  let rest = loop.count - rows * copies
  let scratch = UnsafeMutablePointer<A>.allocate(capacity: 2 * width + loop.inner)
  defer { scratch.deallocate() }
  let centers = scratch + width
  let tail = centers + width
  for o in 0..<loop.outer {
    let at = o * loop.inner
    let center = job.center?.assumingMemoryBound(to: A.self)
    if let center { for i in 0..<width { centers[i] = center[at + i % loop.inner] } }
    var part = job
    part.loop = ReduceLoop(outer: 1, count: rows, inner: width, outerStride: 0, countStride: width, innerStride: 1)
    part.x = job.input(o * loop.outerStride)
    part.center = center == nil ? nil : UnsafeRawPointer(centers)
    part.y = UnsafeMutableRawPointer(scratch)
    part.result = .accumulator
    reduceColumns(leaves, part)
    var half = copies / 2
    while half > 0 {
      let n = half * loop.inner
      leaves.mergeGroup(UnsafePointer(scratch) + n, n, 1, n, nil, scratch, false)
      half /= 2
    }
    if rest > 0 {
      part.loop.count = rest
      part.loop.inner = loop.inner
      part.loop.countStride = loop.inner
      part.x = job.input(o * loop.outerStride + rows * width)
      part.y = UnsafeMutableRawPointer(tail)
      reduceColumns(leaves, part)
      leaves.mergeGroup(UnsafePointer(tail), loop.inner, 1, loop.inner, nil, scratch, false)
    }
    job.store(UnsafePointer(scratch), at: at, count: loop.inner)
  }
}

extension ReduceLoop {
  /// Whether many reductions follow each other that are of few elements and a few results side by side: calls for each
  /// of them would cost more than their elements do.
  func isShortRuns(direct: Bool) -> Bool {
    outer > 1 && innerStride == 1 && (1...64).contains(inner) && (1...128).contains(count)
      && count * inner <= stageCapacity && (direct || countStride == inner)
  }
}

/// Many short reductions, as many in one call as fit the staging buffer.
func reduceShortRuns<A: StagingScalar>(_ leaves: ReduceLeaves<A>, _ job: ReduceJob) {
  let loop = job.loop
  let direct = job.type == A.ownType
  let storesDirectly = job.storesDirectly(A.self)
  let run = loop.count * loop.inner
  let most = stageCapacity / run
  let scratch = UnsafeMutablePointer<A>.allocate(capacity: 3 * stageCapacity)
  defer { scratch.deallocate() }
  let centers = scratch + stageCapacity
  let results = centers + stageCapacity
  var o = 0
  while o < loop.outer {
    var part = loop
    part.outer = min(most, loop.outer - o)
    let at = o * loop.inner
    let count = part.outer * loop.inner
    var x = job.input(o * loop.outerStride).assumingMemoryBound(to: A.self)
    if !direct {
      let tile = StageTile(rows: part.outer, columns: run, rowStride: loop.outerStride, columnStride: 1)
      A.stage(job.type, tile, UnsafeRawPointer(x), scratch)
      x = UnsafePointer(scratch)
      part.outerStride = run
    }
    let given = job.center?.assumingMemoryBound(to: A.self)
    if let given { for j in 0..<count { centers[j] = job.centerValue(given[at + j]) } }
    let y = storesDirectly ? job.y.assumingMemoryBound(to: A.self) + at : results
    leaves.runs(x, part, given == nil ? nil : UnsafePointer(centers), y)
    if !storesDirectly { job.store(UnsafePointer(results), at: at, count: count) }
    o += part.outer
  }
}
