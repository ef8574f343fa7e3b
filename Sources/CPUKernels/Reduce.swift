import CPUKernelAPI

extension Kernels: ReductionKernels {
  package func reduce(
    _ op: ReduceKernel, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, center: UnsafeRawPointer?,
    _ y: UnsafeMutableRawPointer
  ) {
    let result: ReduceResult =
      switch op {
      case .min, .max, .maxAbs, .minAbs: .input
      case .any, .all: .bool
      case .countNonzero: .count
      default: .accumulator
      }
    let job = ReduceJob(
      type: type, loop: loop.normalized, x: x, center: center, y: y, result: result, finiteCenters: op == .sumExp)
    switch type.accumulator {
    case .float32:
      // Beyond 2²⁴ a float32 cannot count.
      if op == .countNonzero && loop.count > 1 << 24 { return countInParts(job) }
      reduceAs(Float.self, op, job)
    case .float64: reduceAs(Double.self, op, job)
    default: reduceAs(Int64.self, op, job)
    }
  }

  private func countInParts(_ job: ReduceJob) {
    let loop = job.loop
    let n = loop.outer * loop.inner
    let total = job.y.assumingMemoryBound(to: Int64.self)
    let part = UnsafeMutablePointer<Int64>.allocate(capacity: n)
    defer { part.deallocate() }
    for i in 0..<n { total[i] = 0 }
    var k = 0
    while k < loop.count {
      var piece = job
      piece.loop.count = Swift.min(1 << 24, loop.count - k)
      piece.x = job.input(k * loop.countStride)
      piece.y = UnsafeMutableRawPointer(part)
      reduceAs(Float.self, .countNonzero, piece)
      for i in 0..<n { total[i] += part[i] }
      k += piece.loop.count
    }
  }
}

private func reduceAs<A: StagingScalar>(_ scalar: A.Type, _ op: ReduceKernel, _ job: ReduceJob) {
  let loop = job.loop
  let leaves = ReduceLeaves<A>(op)
  let results = loop.outer * loop.inner
  if loop.count == 0 {
    for i in 0..<results { withUnsafePointer(to: leaves.identity) { job.store($0, at: i, count: 1) } }
  } else if loop.prefersRows {
    let direct = loop.countStride == 1 && job.type == A.ownType && job.storesDirectly(A.self)
    if direct && loop.outer == 1 && job.center == nil {
      let x = job.x.assumingMemoryBound(to: A.self)
      leaves.rows(x, loop.innerStride, loop.inner, loop.count, nil, job.y.assumingMemoryBound(to: A.self))
      return
    }
    // Small problems stay off the heap.
    if loop.outer == 1 && loop.count * loop.inner <= 64 && job.center == nil {
      withUnsafeTemporaryAllocation(of: A.self, capacity: 128) { scratch in
        let staged = scratch.baseAddress!
        let tile = StageTile(
          rows: loop.inner, columns: loop.count, rowStride: loop.innerStride, columnStride: loop.countStride)
        A.stage(job.type, tile, job.x, staged)
        leaves.rows(UnsafePointer(staged), loop.count, loop.inner, loop.count, nil, staged + 64)
        job.store(UnsafePointer(staged) + 64, at: 0, count: loop.inner)
      }
      return
    }
    let buffer = UnsafeMutablePointer<A>.allocate(capacity: rowsScratch)
    reduceRows(leaves, job, buffer)
    buffer.deallocate()
  } else if loop.isShortRuns(direct: job.type == A.ownType) {
    reduceShortRuns(leaves, job)
  } else if loop.innerStride == 1 && loop.countStride == loop.inner && loop.inner < 64 && loop.count >= 256 {
    reduceNarrowColumns(leaves, job)
  } else {
    reduceColumns(leaves, job)
  }
}
