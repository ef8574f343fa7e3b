import CPUKernelAPI

/// Rows of outputs that see equally many rows of elements, `gap` elements after those of the row before.
struct PoolingRows {
  /// The first element of the first row.
  let start: Int
  let depth: Int
  let height: Int
  let depthStep: Int
  let heightStep: Int
  /// By what an average divides, without the columns' part.
  let divisor: Int
  private(set) var count = 1
  private(set) var gap = 0

  init(_ plan: PoolingPlan, _ oz: Int, _ oy: Int) {
    let z = plan.planes(oz), y = plan.rows(oy)
    depth = PoolingRows.steps(z.count, plan.dilation.x)
    height = PoolingRows.steps(y.count, plan.dilation.y)
    depthStep = plan.dilation.x * plan.size.y * plan.size.z
    heightStep = plan.dilation.y * plan.size.z
    start = (z.lowerBound * plan.size.y + y.lowerBound) * plan.size.z
    divisor = plan.count(oz, oy)
    let step = oy + 1 < plan.output.y ? plan.rows(oy + 1).lowerBound - y.lowerBound : 0
    while oy + count < plan.output.y {
      let next = plan.rows(oy + count)
      if next.lowerBound != y.lowerBound + count * step || next.count != y.count { break }
      if plan.count(oz, oy + count) != divisor { break }
      count += 1
    }
    gap = step * plan.size.z
  }

  /// Divisions are slow.
  @inline(__always)
  static func steps(_ count: Int, _ step: Int) -> Int { step == 1 ? count : (count + step - 1) / step }

  var isEmpty: Bool { depth == 0 || height == 0 }
  /// From the first to the last row of elements that a row of outputs sees.
  var extent: Int { (depth - 1) * depthStep + (height - 1) * heightStep }
}

/// A vector's worth of windows.
struct PoolingGroup<S: PoolingScalar> {
  /// The first element of the first window, and its position in its plane.
  var x: UnsafePointer<S>
  var place: Int
  /// Where from there the other windows are, and the upper half's first.
  let ramp: S.Places
  let gap: Int
  let depth: Int
  let height: Int
  let taps: Int
  let divisor: Int

  /// The elements `start` behind the first ones. `stride` is 1 or 2 if the windows of each half are so far apart and
  /// whole vectors may be read, 0 otherwise.
  @inline(__always)
  func load(_ start: Int, _ stride: Int) -> S.Vector {
    let p = x + start
    if stride == 1 { return S.halves(p, p + gap) }
    if stride == 2 { return S.even(S.load(p), S.load(p + gap)) }
    return S.gather(p, ramp)
  }
}

/// What is computed of windows.
protocol PoolingOperation<S> {
  associatedtype S: PoolingScalar
  associatedtype Result
  /// The results of a vector of windows; `stride` as in `PoolingGroup.load`.
  func vector(_ group: PoolingGroup<S>, stride: Int, _ rows: PoolingRows) -> Result
  /// Stores half of the results from `output` on, the other half from `second` on.
  func store(_ result: Result, _ output: Int, _ second: Int)
  /// Stores the first `count` results, `step` outputs apart.
  func store(_ result: Result, _ output: Int, step: Int, count: Int)
  /// One output of a plane.
  func one(_ x: UnsafePointer<S>, _ oz: Int, _ oy: Int, _ ox: Int, _ output: Int)
}

/// Poolings a vector of outputs at a time.
struct PoolingWindows<O: PoolingOperation> {
  typealias S = O.S
  let plan: PoolingPlan
  let x: UnsafePointer<S>
  let operation: O

  @inline(never)
  func run(_ planes: Int) {
    let o = plan.output, size = plan.size.x * plan.size.y * plan.size.z
    if planes * o.x * o.y * o.z == 0 { return }
    let first = PoolingRows(plan, 0, 0)
    var output = 0
    for plane in 0..<planes {
      let x = x + plane * size, elements = (planes - plane) * size, outputs = planes * o.x * o.y * o.z
      for oz in 0..<o.x {
        var oy = 0
        while oy < o.y {
          let rows = oz == 0 && oy == 0 ? first : PoolingRows(plan, oz, oy)
          // Fewer columns are not worth a vector.
          let whole = plan.whole.count < 3 || rows.isEmpty ? 0..<0 : plan.whole
          if !whole.isEmpty { wholeWindows(x, elements, rows, output, outputs) }
          for ox in 0..<whole.lowerBound { edge(x, rows, oz, oy, ox, output + ox) }
          for ox in whole.upperBound..<o.z { edge(x, rows, oz, oy, ox, output + ox) }
          oy += rows.count
          output += rows.count * o.z
        }
      }
    }
  }

  /// Whole windows; compiled for common ones.
  @inline(never)
  private func wholeWindows(_ x: UnsafePointer<S>, _ elements: Int, _ rows: PoolingRows, _ output: Int, _ outputs: Int)
  {
    @inline(__always)
    func run(_ stride: Int, _ taps: Int, _ height: Int, _ depth: Int) {
      wholeWindows(x, elements, rows, output, outputs, stride, taps, height, depth)
    }
    let square = rows.depth == 1 && rows.height == plan.taps
    switch (plan.columnStride, plan.taps, square) {
    case (2, 2, true): run(2, 2, 2, 1)
    case (2, 3, true): run(2, 3, 3, 1)
    case (1, 3, true): run(1, 3, 3, 1)
    case (2, _, _): run(2, plan.taps, rows.height, rows.depth)
    case (1, _, _): run(1, plan.taps, rows.height, rows.depth)
    default: run(0, plan.taps, rows.height, rows.depth)
    }
  }

  @inline(__always)
  private func wholeWindows(
    _ x: UnsafePointer<S>, _ elements: Int, _ rows: PoolingRows, _ output: Int, _ outputs: Int, _ stride: Int,
    _ taps: Int, _ height: Int, _ depth: Int
  ) {
    let lanes = S.lanes, half = lanes / 2, width = plan.output.z,
      (left, right) = (plan.whole.lowerBound, plan.whole.upperBound)
    let step = stride == 0 ? plan.columnStride : stride
    // Where vectors may begin so that they can be read and stored as a whole. What is stored too much is overwritten
    // by the outputs that follow.
    let reads = elements - rows.extent - (taps - 1) * plan.dilation.z
    // Where rows are narrow, two of them share a vector.
    let together = right - left <= half ? 2 : 1
    let gap = together == 2 ? rows.gap : half * step, second = together == 2 ? width : half
    let lastRead = reads - gap - half * step, lastStored = outputs - second - half
    let divisor = rows.divisor * plan.count(column: left)
    var group = PoolingGroup<S>(
      x: x, place: 0, ramp: S.ramp(step, second: gap), gap: gap, depth: depth, height: height, taps: taps,
      divisor: divisor)
    var row = 0
    while row < rows.count {
      // A last row without another one shares with the row before, whose outputs are stored again.
      let before = rows.start + plan.columnOrigin + (row - 1) * rows.gap + left * step
      if row > 0 && row + together > rows.count && before <= lastRead && output + (row - 1) * width + left <= lastStored
      {
        row -= 1
      }
      let start = rows.start + plan.columnOrigin + row * rows.gap, output = output + row * width
      var ox = left, next = row + together
      while ox < right {
        group.place = start + ox * step
        group.x = x + group.place
        if group.place <= lastRead && output + ox <= lastStored && next <= rows.count {
          operation.store(operation.vector(group, stride: stride, rows), output + ox, output + ox + second)
        } else {
          let count = min(lanes, right - ox)
          some(group, rows, step, count, output + ox, 1)
          next = row + 1
        }
        ox += lanes
      }
      row = next
    }
  }

  /// `count` windows that are `gap` elements and whose outputs are `step` apart.
  @inline(never)
  private func some(_ group: PoolingGroup<S>, _ rows: PoolingRows, _ gap: Int, _ count: Int, _ output: Int, _ step: Int)
  {
    // The lanes behind them see what the first sees.
    let group = PoolingGroup<S>(
      x: group.x, place: group.place, ramp: S.part(S.ramp(gap, second: gap * S.lanes / 2), count), gap: 0,
      depth: rows.depth, height: rows.height, taps: group.taps, divisor: group.divisor)
    operation.store(operation.vector(group, stride: 0, rows), output, step: step, count: count)
  }

  /// One column of outputs.
  @inline(never)
  private func edge(_ x: UnsafePointer<S>, _ rows: PoolingRows, _ oz: Int, _ oy: Int, _ ox: Int, _ output: Int) {
    let columns = plan.columns(ox), width = plan.output.z
    if rows.isEmpty || columns.isEmpty || rows.count < 4 {
      for row in 0..<rows.count { operation.one(x, oz, oy + row, ox, output + row * width) }
      return
    }
    var row = 0
    while row < rows.count {
      let place = rows.start + row * rows.gap + columns.lowerBound
      let group = PoolingGroup<S>(
        x: x + place, place: place, ramp: S.places(0), gap: 0, depth: 1, height: 1,
        taps: PoolingRows.steps(columns.count, plan.dilation.z), divisor: rows.divisor * plan.count(column: ox))
      some(group, rows, rows.gap, min(S.lanes, rows.count - row), output + row * width, width)
      row += S.lanes
    }
  }
}

/// The largest element of each window and its position.
struct PoolingMaxima<S: PoolingScalar>: PoolingOperation {
  let single: PoolingMaximum<S>
  let step: Int
  let y: UnsafeMutablePointer<S>
  let indices: UnsafeMutablePointer<Int64>?

  init(_ plan: PoolingPlan, _ y: UnsafeMutablePointer<S>, _ indices: UnsafeMutablePointer<Int64>?) {
    single = PoolingMaximum(plan: plan, lowest: -S.infinity)
    (step, self.y, self.indices) = (plan.dilation.z, y, indices)
  }

  @inline(__always)
  func vector(_ group: PoolingGroup<S>, stride: Int, _ rows: PoolingRows) -> (S.Vector, S.Places) {
    var result = (group.load(0, stride), S.offset(S.places(group.place), group.ramp))
    improve(&result, group, 0, stride, 1)
    for y in 1..<group.height { improve(&result, group, y * rows.heightStep, stride, 0) }
    for z in 1..<group.depth {
      for y in 0..<group.height { improve(&result, group, z * rows.depthStep + y * rows.heightStep, stride, 0) }
    }
    return result
  }

  @inline(__always)
  private func improve(
    _ result: inout (S.Vector, S.Places), _ group: PoolingGroup<S>, _ start: Int, _ stride: Int, _ first: Int
  ) {
    for tap in first..<group.taps {
      let place = start + tap * step
      S.improve(
        &result.0, &result.1, group.load(place, stride), S.offset(S.places(group.place + place), group.ramp))
    }
  }

  @inline(__always)
  func store(_ result: (S.Vector, S.Places), _ output: Int, _ second: Int) {
    S.storeHalves(result.0, y + output, y + second)
    if let indices { S.storeHalves(result.1, indices + output, indices + second) }
  }

  @inline(__always)
  func store(_ result: (S.Vector, S.Places), _ output: Int, step: Int, count: Int) {
    for i in 0..<count {
      y[output + i * step] = result.0[i]
      if let indices { indices[output + i * step] = Int64(result.1[i]) }
    }
  }

  @inline(__always)
  func one(_ x: UnsafePointer<S>, _ oz: Int, _ oy: Int, _ ox: Int, _ output: Int) {
    let (best, place) = single.window(x, oz, oy, ox)
    y[output] = best
    if let indices { indices[output] = Int64(place) }
  }
}

/// The mean of each window.
struct PoolingMeans<S: PoolingScalar>: PoolingOperation {
  let single: PoolingSum<S>
  let y: UnsafeMutablePointer<S>

  init(_ plan: PoolingPlan, _ y: UnsafeMutablePointer<S>) {
    (single, self.y) = (PoolingSum(plan: plan), y)
  }

  @inline(__always)
  func vector(_ group: PoolingGroup<S>, stride: Int, _ rows: PoolingRows) -> S.Vector {
    var sum = S.Vector()
    for z in 0..<group.depth {
      for y in 0..<group.height {
        let start = z * rows.depthStep + y * rows.heightStep
        for tap in 0..<group.taps { sum = S.add(sum, group.load(start + tap, stride)) }
      }
    }
    return S.divide(sum, S.splat(S(group.divisor)))
  }

  @inline(__always)
  func store(_ mean: S.Vector, _ output: Int, _ second: Int) { S.storeHalves(mean, y + output, y + second) }

  @inline(__always)
  func store(_ mean: S.Vector, _ output: Int, step: Int, count: Int) {
    for i in 0..<count { y[output + i * step] = mean[i] }
  }

  @inline(__always)
  func one(_ x: UnsafePointer<S>, _ oz: Int, _ oy: Int, _ ox: Int, _ output: Int) {
    y[output] = single.window(x, oz, oy, ox) / S(single.plan.count(oz, oy) * single.plan.count(column: ox))
  }
}
