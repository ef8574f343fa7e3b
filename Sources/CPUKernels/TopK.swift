import CPUKernelAPI

extension Kernels {
  package func topk(
    _ type: DType, rows: Int, count: Int, k: Int, largest: Bool, _ x: UnsafeRawPointer,
    values: UnsafeMutableRawPointer, indices: UnsafeMutablePointer<Int64>
  ) {
    guard rows > 0, k > 0 else { return }
    func run<E: SortElement>(_: E.Type) {
      selectRows(
        rows, count, k, largest, x.assumingMemoryBound(to: E.self), values.assumingMemoryBound(to: E.self), indices)
    }
    switch type {
    case .bool, .uint8: run(UInt8.self)
    case .int8: run(Int8.self)
    case .int16: run(Int16.self)
    case .int32: run(Int32.self)
    case .int64: run(Int64.self)
    case .float16: run(HalfBits.self)
    case .bfloat16: run(BrainBits.self)
    case .float32: run(SingleBits.self)
    case .float64: run(DoubleBits.self)
    }
  }
}

/// Gathers what beats the worst of the best k so far; when the gathered ones fill their buffer, sorts them and keeps
/// k. Of random rows only k ln(n/k) elements get that far. Of equal elements the earlier one comes first, because
/// the sort is stable and what comes later must be strictly better.
private func selectRows<E: SortElement>(
  _ rows: Int, _ count: Int, _ k: Int, _ largest: Bool, _ x: UnsafePointer<E>, _ values: UnsafeMutablePointer<E>,
  _ indices: UnsafeMutablePointer<Int64>
) {
  let chunk = 64
  let capacity = min(count, max(2 &* k, k &+ 32))
  let sorter = Sorter<E.Key>(capacity: capacity &+ chunk)
  let places = UnsafeMutablePointer<Int64>.allocate(capacity: 2 &* (capacity &+ chunk))
  let order = places + (capacity &+ chunk)
  // Best first: the smallest keys.
  let flip: E.Key = largest ? -1 : 0
  let keys = sorter.keys
  for row in 0..<rows {
    let x = x + row &* count
    var held = 0
    var worst = E.Key.max
    var begin = 0

    func keepBest() {
      sorter.sort(held, indices: order)
      held = min(held, k)
      for i in 0..<held { order[i] = places[Int(truncatingIfNeeded: order[i])] }
      places.update(from: order, count: held)
      keys.update(from: sorter.sorted, count: held)
      if held == k { worst = keys[k &- 1] }
    }

    // The first `capacity` elements are candidates whatever they are.
    for i in 0..<capacity {
      keys[i] = x[i].key ^ flip
      places[i] = Int64(truncatingIfNeeded: i)
    }
    held = capacity
    begin = capacity
    keepBest()
    while begin < count {
      let end = min(begin &+ chunk, count)
      var least = E.Key.max
      for i in begin..<end {
        let key = x[i].key ^ flip
        least = key < least ? key : least
      }
      if least < worst {
        for i in begin..<end {
          let key = x[i].key ^ flip
          // Written in any case, kept if better: no branch to mispredict.
          keys[held] = key
          places[held] = Int64(truncatingIfNeeded: i)
          held &+= key < worst ? 1 : 0
        }
        if held >= capacity { keepBest() }
      }
      begin = end
    }
    if held > k { keepBest() }
    for i in 0..<k {
      let place = places[i]
      values[row &* k &+ i] = x[Int(truncatingIfNeeded: place)]
      indices[row &* k &+ i] = place
    }
  }
  places.deallocate()
  sorter.deallocate()
}
