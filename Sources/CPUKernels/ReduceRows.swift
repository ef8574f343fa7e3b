import CPUKernelAPI

/// Reduces one result after the other, in whatever layout the elements are.
func reduceRows<A: StagingScalar>(_ leaves: ReduceLeaves<A>, _ job: ReduceJob, _ buffer: UnsafeMutablePointer<A>) {
  let loop = job.loop
  let direct = loop.countStride == 1 && job.type == A.ownType
  let center = job.center?.assumingMemoryBound(to: A.self)
  let capacity = stageCapacity
  for o in 0..<loop.outer {
    var i = 0
    while i < loop.inner {
      let offset = o * loop.outerStride + i * loop.innerStride
      let at = o * loop.inner + i
      // Results, then centers, then staged elements share the buffer.
      let most = direct ? resultCapacity : min(resultCapacity, max(1, capacity / loop.count))
      let rows = min(most, loop.inner - i)
      let results = job.storesDirectly(A.self) ? job.y.assumingMemoryBound(to: A.self) + at : buffer
      var centers: UnsafePointer<A>?
      if let center {
        let copy = buffer + resultCapacity
        for r in 0..<rows { copy[r] = job.centerValue(center[at + r]) }
        centers = UnsafePointer(copy)
      }
      let staging = buffer + 2 * resultCapacity
      if direct {
        let x = job.input(offset).assumingMemoryBound(to: A.self)
        leaves.rows(x, loop.innerStride, rows, loop.count, centers, results)
      } else if loop.count <= capacity {
        let tile = StageTile(
          rows: rows, columns: loop.count, rowStride: loop.innerStride, columnStride: loop.countStride)
        A.stage(job.type, tile, job.input(offset), staging)
        leaves.rows(UnsafePointer(staging), loop.count, rows, loop.count, centers, results)
      } else {
        results[0] = longRow(leaves, job, offset, centers, staging)
      }
      if !job.storesDirectly(A.self) { job.store(UnsafePointer(results), at: at, count: rows) }
      i += rows
    }
  }
}

/// A row that does not fit the staging buffer: partial results, merged as soon as there are many.
private func longRow<A: StagingScalar>(
  _ leaves: ReduceLeaves<A>, _ job: ReduceJob, _ offset: Int, _ centers: UnsafePointer<A>?,
  _ staging: UnsafeMutablePointer<A>
) -> A {
  let loop = job.loop
  let partials = staging + stageCapacity
  var count = 0
  var k = 0
  while k < loop.count {
    let n = min(stageCapacity, loop.count - k)
    let tile = StageTile(rows: 1, columns: n, rowStride: 0, columnStride: loop.countStride)
    A.stage(job.type, tile, job.input(offset + k * loop.countStride), staging)
    if count == partialCapacity {
      leaves.mergeRows(UnsafePointer(partials), 0, 1, count, nil, partials)
      count = 1
    }
    leaves.rows(UnsafePointer(staging), n, 1, n, centers, partials + count)
    count += 1
    k += n
  }
  leaves.mergeRows(UnsafePointer(partials), 0, 1, count, nil, partials)
  return partials[0]
}

/// Results that are computed by one call of a leaf.
private let resultCapacity = 256
private let partialCapacity = 1024

/// Elements of scratch memory that `reduceRows` needs.
let rowsScratch = 2 * resultCapacity + stageCapacity + partialCapacity
