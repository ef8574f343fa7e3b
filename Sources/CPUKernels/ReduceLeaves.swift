import CPUKernelAPI
import CSIMD

// The loops that do the work, three for each operation and accumulator. Everything around them (layouts, staging,
// conversion) is written once for all operations and reaches them through this table.

/// The three forms of one reduction.
struct ReduceLeaves<A: StagingScalar> {
  /// Contiguous elements, several rows of `count` ≥ 1: (x, distance between rows, rows, count, a center a row, results).
  typealias Rows = (UnsafePointer<A>, Int, Int, Int, UnsafePointer<A>?, UnsafeMutablePointer<A>) -> Void
  /// Rows of results side by side: (x, distance between rows, 1...8 rows, width, a center a column, accumulators,
  /// whether to overwrite these).
  typealias Group =
    (UnsafePointer<A>, Int, Int, Int, UnsafePointer<A>?, UnsafeMutablePointer<A>, Bool) -> Void

  /// Few columns, over and over: (x, the loops of stride 1 inside, centers of the results, results).
  typealias Runs = (UnsafePointer<A>, ReduceLoop, UnsafePointer<A>?, UnsafeMutablePointer<A>) -> Void

  var rows: Rows
  var group: Group
  var runs: Runs
  /// The same for partial results.
  var mergeRows: Rows
  var mergeGroup: Group
  var identity: A

  init(_ op: ReduceKernel) {
    mergeRows = { rowsLeaf(SumOp<A>.self, $0, $1, $2, $3, $4, $5) }
    mergeGroup = { groupLeaf(SumOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
    rows = mergeRows
    group = mergeGroup
    runs = { runsLeaf(SumOp<A>.self, $0, $1, $2, $3) }
    identity = A.zeroValue
    switch op {
    case .sum: break
    case .prod:
      rows = { rowsLeaf(ProdOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(ProdOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(ProdOp<A>.self, $0, $1, $2, $3) }
      identity = A.oneValue
      mergeRows = rows
      mergeGroup = group
    case .max:
      rows = { rowsLeaf(MaxOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(MaxOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(MaxOp<A>.self, $0, $1, $2, $3) }
      mergeRows = rows
      mergeGroup = group
    case .min:
      rows = { rowsLeaf(MinOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(MinOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(MinOp<A>.self, $0, $1, $2, $3) }
      mergeRows = rows
      mergeGroup = group
    case .any:
      rows = { rowsLeaf(AnyOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(AnyOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(AnyOp<A>.self, $0, $1, $2, $3) }
      mergeRows = rows
      mergeGroup = group
    case .all:
      rows = { rowsLeaf(AllOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(AllOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(AllOp<A>.self, $0, $1, $2, $3) }
      identity = A.oneValue
      mergeRows = rows
      mergeGroup = group
    case .countNonzero:
      rows = { rowsLeaf(CountNonzeroOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(CountNonzeroOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(CountNonzeroOp<A>.self, $0, $1, $2, $3) }
    case .sumAbs:
      rows = { rowsLeaf(SumAbsOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(SumAbsOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(SumAbsOp<A>.self, $0, $1, $2, $3) }
    case .sumSquares:
      rows = { rowsLeaf(SumSquaresOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(SumSquaresOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(SumSquaresOp<A>.self, $0, $1, $2, $3) }
    case .maxAbs:
      rows = { rowsLeaf(MaxAbsOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(MaxAbsOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(MaxAbsOp<A>.self, $0, $1, $2, $3) }
      mergeRows = rows
      mergeGroup = group
    case .minAbs:
      rows = { rowsLeaf(MinAbsOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(MinAbsOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(MinAbsOp<A>.self, $0, $1, $2, $3) }
      mergeRows = rows
      mergeGroup = group
    case .sumSquaredDeviations:
      rows = { rowsLeaf(SumSquaredDeviationsOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(SumSquaredDeviationsOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(SumSquaredDeviationsOp<A>.self, $0, $1, $2, $3) }
    case .sumExp:
      rows = { rowsLeaf(SumExpOp<A>.self, $0, $1, $2, $3, $4, $5) }
      group = { groupLeaf(SumExpOp<A>.self, $0, $1, $2, $3, $4, $5, $6) }
      runs = { runsLeaf(SumExpOp<A>.self, $0, $1, $2, $3) }
    }
  }
}

/// One result after the other.
@inline(never)
func rowsLeaf<Op: ReduceOp>(
  _ op: Op.Type, _ x: UnsafePointer<Op.Scalar>, _ stride: Int, _ rows: Int, _ count: Int,
  _ centers: UnsafePointer<Op.Scalar>?, _ y: UnsafeMutablePointer<Op.Scalar>
) {
  typealias A = Op.Scalar
  for r in 0..<rows {
    let c = A.spread(centers.map { $0[r] } ?? A.zeroValue)
    y[r] = Op.fold(rowVector(op, x + r &* stride, count, c))
  }
}

/// Bytes between what is read and what is asked for: so far ahead that it comes in time from memory.
private let farAhead = 8192

/// Asks for the cache lines of some vectors.
@inline(__always)
private func prefetch<A: ReduceScalar>(_ p: UnsafeRawPointer, vectors: Int, of _: A.Type) {
  let lines = vectors &* MemoryLayout<A.Register>.size / 64
  simd_prefetch(p)
  if lines > 1 { simd_prefetch(p + 64) }
  if lines > 2 {
    simd_prefetch(p + 128)
    simd_prefetch(p + 192)
  }
}

/// The sum of one row, still spread over the lanes. Vectors collect 16 blocks, 256, 4096 and the rest, so that rounding
/// errors grow with the logarithm of the length.
@inline(__always)
func rowVector<Op: ReduceOp>(
  _ op: Op.Type, _ x: UnsafePointer<Op.Scalar>, _ count: Int, _ c: Op.Scalar.Register
) -> Op.Scalar.Register {
  typealias A = Op.Scalar
  let lanes = A.laneCount
  if count < lanes { return A.keepPart(Op.map(A.loadPart(x, count), c), count, fill: Op.identity) }
  var p = x
  var left = count
  var level0 = A.spread(Op.identity)
  if left >= 64 &* lanes {
    var level1 = level0
    var level2 = level0
    var level3 = level0
    var blocks = 0
    while left >= 64 &* lanes {
      var a0 = Op.map(A.fetch(p), c)
      var a1 = Op.map(A.fetch(p + lanes), c)
      var a2 = Op.map(A.fetch(p + 2 &* lanes), c)
      var a3 = Op.map(A.fetch(p + 3 &* lanes), c)
      // A loop over pointers: the optimizer would unroll one over a constant range, at great length.
      let end = p + 60 &* lanes
      let ahead = left >= 64 &* lanes &+ farAhead / MemoryLayout<A>.size ? farAhead : 0
      while p != end {
        p += 4 &* lanes
        prefetch(UnsafeRawPointer(p) + ahead, vectors: 4, of: A.self)
        a0 = Op.combine(a0, Op.map(A.fetch(p), c))
        a1 = Op.combine(a1, Op.map(A.fetch(p + lanes), c))
        a2 = Op.combine(a2, Op.map(A.fetch(p + 2 &* lanes), c))
        a3 = Op.combine(a3, Op.map(A.fetch(p + 3 &* lanes), c))
      }
      p += 4 &* lanes
      left &-= 64 &* lanes
      level0 = Op.combine(level0, Op.combine(Op.combine(a0, a1), Op.combine(a2, a3)))
      blocks &+= 1
      if blocks & 15 == 0 {
        level1 = Op.combine(level1, level0)
        level0 = A.spread(Op.identity)
        if blocks & 255 == 0 {
          level2 = Op.combine(level2, level1)
          level1 = level0
          if blocks & 4095 == 0 {
            level3 = Op.combine(level3, level2)
            level2 = level0
          }
        }
      }
    }
    level0 = Op.combine(Op.combine(level0, level1), Op.combine(level2, level3))
  }
  var other = A.spread(Op.identity)
  while left >= 2 &* lanes {
    level0 = Op.combine(level0, Op.map(A.fetch(p), c))
    other = Op.combine(other, Op.map(A.fetch(p + lanes), c))
    p += 2 &* lanes
    left &-= 2 &* lanes
  }
  if left >= lanes {
    level0 = Op.combine(level0, Op.map(A.fetch(p), c))
    p += lanes
    left &-= lanes
  }
  if left > 0 { other = Op.combine(other, A.keepPart(Op.map(A.loadPart(p, left), c), left, fill: Op.identity)) }
  return Op.combine(level0, other)
}

/// Columns from which eight rows fill a good part of the first cache.
private let wideRows = 256

/// Up to eight rows of results side by side; eight are combined as a tree.
@inline(never)
func groupLeaf<Op: ReduceOp>(
  _ op: Op.Type, _ x: UnsafePointer<Op.Scalar>, _ stride: Int, _ rows: Int, _ width: Int,
  _ center: UnsafePointer<Op.Scalar>?, _ acc: UnsafeMutablePointer<Op.Scalar>, _ first: Bool
) {
  typealias A = Op.Scalar
  let lanes = A.laneCount
  var done = 0
  if rows == 8 {
    // The next eight of wide rows are asked for, a line of each at a time. Whole lines, AVX-512's, come in time without.
    let line = 64 / MemoryLayout<A>.size
    let asking = width >= wideRows && lanes < line ? line &- 1 : -1
    while done &+ lanes <= width {
      if lanes < line && done & asking == 0 {
        var ahead = x + (8 &* stride &+ done)
        for _ in 0..<8 {
          simd_prefetch_far(ahead)
          ahead += stride
        }
      }
      let c = center.map { A.fetch($0 + done) } ?? A.spread(A.zeroValue)
      let p = x + done
      let q = p + 4 &* stride
      let v01 = Op.combine(Op.map(A.fetch(p), c), Op.map(A.fetch(p + stride), c))
      let v23 = Op.combine(Op.map(A.fetch(p + 2 &* stride), c), Op.map(A.fetch(p + 3 &* stride), c))
      let v45 = Op.combine(Op.map(A.fetch(q), c), Op.map(A.fetch(q + stride), c))
      let v67 = Op.combine(Op.map(A.fetch(q + 2 &* stride), c), Op.map(A.fetch(q + 3 &* stride), c))
      let v = Op.combine(Op.combine(v01, v23), Op.combine(v45, v67))
      A.put(first ? v : Op.combine(A.fetch(UnsafePointer(acc) + done), v), acc + done)
      done &+= lanes
    }
  }
  guard done < width else { return }
  for r in 0..<rows {
    let p = x + r &* stride
    let overwrites = first && r == 0
    var j = done
    while j &+ lanes <= width {
      let c = center.map { A.fetch($0 + j) } ?? A.spread(A.zeroValue)
      let v = Op.map(A.fetch(p + j), c)
      A.put(overwrites ? v : Op.combine(A.fetch(UnsafePointer(acc) + j), v), acc + j)
      j &+= lanes
    }
    let n = width &- j
    if n > 0 {
      let c = center.map { A.loadPart($0 + j, n) } ?? A.spread(A.zeroValue)
      let v = Op.map(A.loadPart(p + j, n), c)
      A.storePart(overwrites ? v : Op.combine(A.loadPart(UnsafePointer(acc) + j, n), v), acc + j, n)
    }
  }
}

/// Few results side by side, of few elements each: the sums of one vector stay in registers. Eight elements are combined
/// as a tree.
@inline(never)
func runsLeaf<Op: ReduceOp>(
  _ op: Op.Type, _ x: UnsafePointer<Op.Scalar>, _ loop: ReduceLoop, _ centers: UnsafePointer<Op.Scalar>?,
  _ y: UnsafeMutablePointer<Op.Scalar>
) {
  typealias A = Op.Scalar
  let lanes = A.laneCount
  let stride = loop.countStride
  for o in 0..<loop.outer {
    var i = 0
    while i < loop.inner {
      let n = Swift.min(lanes, loop.inner &- i)
      let at = o &* loop.inner &+ i
      let c = centers.map { A.loadPart($0 + at, n) } ?? A.spread(A.zeroValue)
      var p = x + (o &* loop.outerStride &+ i)
      var left = loop.count
      var sum: A.Register
      if left >= 8 {
        sum = eightRows(op, p, stride, n, c)
        p += 8 &* stride
        left &-= 8
      } else {
        sum = Op.map(A.loadPart(p, n), c)
        p += stride
        left &-= 1
      }
      while left >= 8 {
        sum = Op.combine(sum, eightRows(op, p, stride, n, c))
        p += 8 &* stride
        left &-= 8
      }
      while left > 0 {
        sum = Op.combine(sum, Op.map(A.loadPart(p, n), c))
        p += stride
        left &-= 1
      }
      A.storePart(sum, y + at, n)
      i &+= n
    }
  }
}

@inline(__always)
private func eightRows<Op: ReduceOp>(
  _ op: Op.Type, _ p: UnsafePointer<Op.Scalar>, _ stride: Int, _ n: Int, _ c: Op.Scalar.Register
) -> Op.Scalar.Register {
  typealias A = Op.Scalar
  let q = p + 4 &* stride
  let v01 = Op.combine(Op.map(A.loadPart(p, n), c), Op.map(A.loadPart(p + stride, n), c))
  let v23 = Op.combine(Op.map(A.loadPart(p + 2 &* stride, n), c), Op.map(A.loadPart(p + 3 &* stride, n), c))
  let v45 = Op.combine(Op.map(A.loadPart(q, n), c), Op.map(A.loadPart(q + stride, n), c))
  let v67 = Op.combine(Op.map(A.loadPart(q + 2 &* stride, n), c), Op.map(A.loadPart(q + 3 &* stride, n), c))
  return Op.combine(Op.combine(v01, v23), Op.combine(v45, v67))
}
