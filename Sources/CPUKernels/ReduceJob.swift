import CPUKernelAPI

/// What the result is stored as.
enum ReduceResult {
  /// The accumulator's type.
  case accumulator
  /// The input's type.
  case input
  /// One byte, 0 or 1.
  case bool
  /// Int64.
  case count
}

/// One reduction, with the loops brought into the form that its kernel wants.
struct ReduceJob {
  var type: DType
  var loop: ReduceLoop
  var x: UnsafeRawPointer
  var center: UnsafeRawPointer?
  var y: UnsafeMutableRawPointer
  var result: ReduceResult
  /// Whether infinite centers count as 0.
  var finiteCenters = false

  /// The input at a position.
  @inline(__always)
  func input(_ offset: Int) -> UnsafeRawPointer { x + offset * type.size }

  /// The center to subtract.
  @inline(__always)
  func centerValue<A: StagingScalar>(_ given: A) -> A {
    finiteCenters && A.isInfinite(given) ? A.zeroValue : given
  }

  /// Stores accumulators at an output position.
  @inline(never)
  func store<A: StagingScalar>(_ values: UnsafePointer<A>, at offset: Int, count: Int) {
    switch result {
    case .accumulator:
      let to = y.assumingMemoryBound(to: A.self) + offset
      for i in 0..<count { to[i] = values[i] }
    case .input:
      A.unstage(type, count, values, y + offset * type.size)
    case .bool:
      let to = y.assumingMemoryBound(to: UInt8.self) + offset
      for i in 0..<count { to[i] = values[i] != A.zeroValue ? 1 : 0 }
    case .count:
      let to = y.assumingMemoryBound(to: Int64.self) + offset
      for i in 0..<count { to[i] = A.toInt64(values[i]) }
    }
  }

  /// Whether the output holds accumulators, so that a kernel may write there.
  @inline(__always)
  func storesDirectly<A: StagingScalar>(_ scalar: A.Type) -> Bool {
    result == .accumulator || (result == .input && type == A.ownType)
  }
}

/// Elements that one staging buffer holds.
let stageCapacity = 4096

extension ReduceLoop {
  /// An inner loop of one trip takes over the outer loop, so that a row reduction and a column reduction of a matrix
  /// each have one form.
  @inline(__always)
  var normalized: ReduceLoop {
    if inner != 1 { return self }
    return ReduceLoop(
      outer: 1, count: count, inner: outer, outerStride: 0, countStride: countStride, innerStride: outerStride)
  }

  /// Whether the elements of one result lie closer together than the results: then one result at a time is reduced,
  /// otherwise a row of results at once.
  @inline(__always)
  var prefersRows: Bool {
    if inner == 1 { return true }
    if inner < 16 && innerStride != 1 { return true }
    if countStride == 1 { return count >= shortRow || innerStride < count }
    if innerStride == 1 { return false }
    return abs(countStride) < abs(innerStride) && count >= shortRow
  }
}

/// Rows shorter than this are reduced side by side.
private let shortRow = 6
