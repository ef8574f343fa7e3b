import CPUKernelAPI

extension Kernels {
  package func scanExtreme(
    max: Bool, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, values: UnsafeMutableRawPointer,
    indices: UnsafeMutablePointer<Int64>
  ) {
    let job = ReduceJob(type: type, loop: loop, x: x, center: nil, y: values, result: .input)
    switch type.accumulator {
    case .float32: scanExtremeAs(Float.self, max, job, indices)
    case .float64: scanExtremeAs(Double.self, max, job, indices)
    default: scanExtremeAs(Int64.self, max, job, indices)
    }
  }
}

/// PyTorch's rule: the later of equal elements takes over, NaN takes over from everything.
@inline(__always)
private func takesOver<A: StagingScalar>(_ v: A, _ best: A, _ max: Bool) -> Bool {
  A.isNaN(v) || (max ? v >= best : v <= best)
}

private func scanExtremeAs<A: StagingScalar>(
  _ scalar: A.Type, _ max: Bool, _ job: ReduceJob, _ indices: UnsafeMutablePointer<Int64>
) {
  if job.loop.inner == 1 {
    scanExtremeRows(A.self, max, job, indices)
  } else {
    scanExtremeColumns(A.self, max, job, indices)
  }
}

/// A row of running extremes at once.
private func scanExtremeColumns<A: StagingScalar>(
  _ scalar: A.Type, _ max: Bool, _ job: ReduceJob, _ indices: UnsafeMutablePointer<Int64>
) {
  let loop = job.loop
  let width = min(loop.inner, 1024)
  let best = UnsafeMutablePointer<A>.allocate(capacity: 2 * width)
  let index = UnsafeMutablePointer<Int64>.allocate(capacity: width)
  defer {
    best.deallocate()
    index.deallocate()
  }
  let staging = best + width
  for o in 0..<loop.outer {
    var i = 0
    while i < loop.inner {
      let w = min(width, loop.inner - i)
      for k in 0..<loop.count {
        let from = job.input(o * loop.outerStride + k * loop.countStride + i * loop.innerStride)
        let tile = StageTile(rows: 1, columns: w, rowStride: 0, columnStride: loop.innerStride)
        A.stage(job.type, tile, from, staging)
        let at = (o * loop.count + k) * loop.inner + i
        for j in 0..<w {
          let takes = k == 0 || takesOver(staging[j], best[j], max)
          best[j] = takes ? staging[j] : best[j]
          index[j] = takes ? Int64(k) : index[j]
          indices[at + j] = index[j]
        }
        job.store(UnsafePointer(best), at: at, count: w)
      }
      i += w
    }
  }
}

/// Along contiguous output.
private func scanExtremeRows<A: StagingScalar>(
  _ scalar: A.Type, _ max: Bool, _ job: ReduceJob, _ indices: UnsafeMutablePointer<Int64>
) {
  let loop = job.loop
  let capacity = min(stageCapacity, loop.count)
  let buffer = UnsafeMutablePointer<A>.allocate(capacity: capacity)
  defer { buffer.deallocate() }
  for o in 0..<loop.outer {
    var best = A.zeroValue
    var index = -1
    var k = 0
    while k < loop.count {
      let n = min(capacity, loop.count - k)
      let tile = StageTile(rows: 1, columns: n, rowStride: 0, columnStride: loop.countStride)
      A.stage(job.type, tile, job.input(o * loop.outerStride + k * loop.countStride), buffer)
      let at = o * loop.count + k
      for j in 0..<n {
        let v = buffer[j]
        if index < 0 || takesOver(v, best, max) {
          best = v
          index = k + j
        }
        buffer[j] = best
        indices[at + j] = Int64(index)
      }
      job.store(UnsafePointer(buffer), at: at, count: n)
      k += n
    }
  }
}
