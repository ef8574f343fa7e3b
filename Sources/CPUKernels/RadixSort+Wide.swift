/// 64-bit keys: sorts by the 32 bits that tell most of a row's keys apart, then the runs that are equal in them.
extension Int64: SortKey {
  static func workBytes(_ count: Int) -> Int { count &* 16 &+ Int32.workBytes(count) &+ 256 * 8 * 8 }

  static func radixSort(
    _ keys: UnsafeMutablePointer<Int64>, _ count: Int, work: UnsafeMutableRawPointer,
    sorted: UnsafeMutablePointer<Int64>, indices: UnsafeMutablePointer<Int64>
  ) {
    if count >= 1 &<< 32 {
      sortDigits(keys, count, work: work, sorted: sorted, indices: indices)
      return
    }
    let positions = work.assumingMemoryBound(to: Int64.self)
    let narrow = UnsafeMutableRawPointer(positions + count).assumingMemoryBound(to: Int32.self)
    let narrowSorted = narrow + count
    let rest = UnsafeMutableRawPointer(narrowSorted + count)
    let (least, shift) = window(keys, count)
    for i in 0..<count { narrow[i] = narrowed(keys[i], least, shift) }
    Int32.radixSort(narrow, count, work: rest, sorted: narrowSorted, indices: indices)
    for i in 0..<count { sorted[i] = keys[Int(truncatingIfNeeded: indices[i])] }
    if shift == 0 { return }
    var begin = 0
    while begin < count {
      var end = begin &+ 1
      while end < count && narrowSorted[end] == narrowSorted[begin] { end &+= 1 }
      let length = end &- begin
      if length > 16 {
        // They differ in the lower 32 bits at most, so that a second round is the last.
        let (run, places) = (sorted + begin, indices + begin)
        let (least, shift) = window(run, length)
        for i in 0..<length { narrow[i] = narrowed(run[i], least, shift) }
        Int32.radixSort(narrow, length, work: rest, sorted: narrowSorted + begin, indices: positions)
        let (oldRun, oldPlaces) = (keys, rest.assumingMemoryBound(to: Int64.self))
        oldRun.update(from: run, count: length)
        oldPlaces.update(from: places, count: length)
        for i in 0..<length {
          let from = Int(truncatingIfNeeded: positions[i])
          run[i] = oldRun[from]
          places[i] = oldPlaces[from]
        }
      } else if length > 1 {
        insertionSort(sorted + begin, indices + begin, length)
      }
      begin = end
    }
  }

  /// The least key, and how far the distance from it must be shifted to fit 32 bits.
  private static func window(_ keys: UnsafeMutablePointer<Int64>, _ count: Int) -> (least: Int64, shift: UInt64) {
    var (least, most) = (keys[0], keys[0])
    for i in 0..<count {
      let key = keys[i]
      least = key < least ? key : least
      most = key > most ? key : most
    }
    let bits = 64 &- UInt64(bitPattern: most &- least).leadingZeroBitCount
    return (least, UInt64(truncatingIfNeeded: Swift.max(0, bits &- 32)))
  }

  @inline(__always)
  private static func narrowed(_ key: Int64, _ least: Int64, _ shift: UInt64) -> Int32 {
    let distance = UInt64(bitPattern: key &- least) &>> shift
    return Int32(bitPattern: UInt32(truncatingIfNeeded: distance) ^ 0x8000_0000)
  }

  private static func insertionSort(
    _ keys: UnsafeMutablePointer<Int64>, _ places: UnsafeMutablePointer<Int64>, _ count: Int
  ) {
    for i in 1..<count {
      let (key, place) = (keys[i], places[i])
      var j = i
      while j > 0 && keys[j &- 1] > key {
        keys[j] = keys[j &- 1]
        places[j] = places[j &- 1]
        j &-= 1
      }
      keys[j] = key
      places[j] = place
    }
  }

  /// Digit by digit with keys and positions apart, for rows whose positions do not fit 32 bits.
  private static func sortDigits(
    _ keys: UnsafeMutablePointer<Int64>, _ count: Int, work: UnsafeMutableRawPointer,
    sorted: UnsafeMutablePointer<Int64>, indices: UnsafeMutablePointer<Int64>
  ) {
    let ownKeys = work.assumingMemoryBound(to: Int64.self)
    let ownIndices = ownKeys + count
    let starts = UnsafeMutableRawPointer(ownIndices + count).assumingMemoryBound(to: Int.self)
    starts.update(repeating: 0, count: 8 * 256)
    for i in 0..<count {
      let key = unsigned(keys[i])
      for d in 0..<8 { starts[d &* 256 &+ Int(truncatingIfNeeded: key &>> UInt64(d &* 8)) & 0xFF] &+= 1 }
    }
    let first = unsigned(keys[0])
    var passes = 0
    var shifts = SIMD8<UInt64>.zero
    for d in 0..<8 {
      let shift = UInt64(truncatingIfNeeded: d &* 8)
      let row = starts + d &* 256
      if row[Int(truncatingIfNeeded: first &>> shift) & 0xFF] == count { continue }
      shifts[passes] = shift
      var sum = 0
      for b in 0..<256 {
        let size = row[b]
        (starts + passes &* 256)[b] = sum
        sum &+= size
      }
      passes &+= 1
    }
    if passes == 0 {
      sorted.update(from: keys, count: count)
      for i in 0..<count { indices[i] = Int64(truncatingIfNeeded: i) }
      return
    }
    // Between the two halves of the result and those of `work`, so that the last pass writes the result. The keys
    // themselves are read by the first pass only.
    for pass in 0..<passes {
      let toResult = (passes &- pass) & 1 == 1
      let source = pass == 0 ? keys : toResult ? ownKeys : sorted
      let from = toResult ? ownIndices : indices
      let (target, to) = toResult ? (sorted, indices) : (ownKeys, ownIndices)
      let (shift, row) = (shifts[pass], starts + pass &* 256)
      for i in 0..<count {
        let key = source[i]
        let place = next(row, Int(truncatingIfNeeded: unsigned(key) &>> shift) & 0xFF)
        target[place] = key
        to[place] = pass == 0 ? Int64(truncatingIfNeeded: i) : from[i]
      }
    }
  }

  @inline(__always)
  private static func unsigned(_ key: Int64) -> UInt64 { UInt64(bitPattern: key) ^ (1 &<< 63) }
}
