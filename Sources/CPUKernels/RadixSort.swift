/// Sorting long rows digit by digit, from the lowest. A digit that is the same in all keys costs nothing.
extension Int32: SortKey {
  static func workBytes(_ count: Int) -> Int { count &* 8 &+ (1 &<< 11) * 3 * 4 }

  static func radixSort(
    _ keys: UnsafeMutablePointer<Int32>, _ count: Int, work: UnsafeMutableRawPointer,
    sorted: UnsafeMutablePointer<Int32>, indices: UnsafeMutablePointer<Int64>
  ) {
    if count >= 1 &<< 32 {
      sortWide(keys, count, sorted: sorted, indices: indices)
    } else if count < 1 &<< 13 {
      sortPacked(keys, count, bits: 8, digits: 4, work, sorted, indices)
    } else {
      sortPacked(keys, count, bits: 11, digits: 3, work, sorted, indices)
    }
  }

  /// Key and position travel as one 64-bit number, between `work` and the memory of the result.
  @inline(__always)
  private static func sortPacked(
    _ keys: UnsafeMutablePointer<Int32>, _ count: Int, bits: UInt32, digits: Int, _ work: UnsafeMutableRawPointer,
    _ sorted: UnsafeMutablePointer<Int32>, _ indices: UnsafeMutablePointer<Int64>
  ) {
    let buckets = 1 &<< Int(bits)
    let mask = UInt32(buckets &- 1)
    let own = work.assumingMemoryBound(to: UInt64.self)
    let lent = UnsafeMutableRawPointer(indices).assumingMemoryBound(to: UInt64.self)
    let starts = UnsafeMutableRawPointer(own + count).assumingMemoryBound(to: UInt32.self)
    starts.update(repeating: 0, count: digits &* buckets)
    for i in 0..<count {
      let key = unsigned(keys[i])
      for d in 0..<digits {
        let digit = (key &>> (UInt32(truncatingIfNeeded: d) &* bits)) & mask
        starts[d &* buckets &+ Int(digit)] &+= 1
      }
    }
    // The digits that differ, and where each bucket begins.
    let first = unsigned(keys[0])
    var passes = 0
    var shifts = SIMD4<UInt32>.zero
    for d in 0..<digits {
      let shift = UInt32(truncatingIfNeeded: d) &* bits
      let row = starts + d &* buckets
      if row[Int((first &>> shift) & mask)] == UInt32(truncatingIfNeeded: count) { continue }
      shifts[passes] = shift
      var sum: UInt32 = 0
      for b in 0..<buckets {
        let size = row[b]
        (starts + passes &* buckets)[b] = sum
        sum &+= size
      }
      passes &+= 1
    }
    if passes < 2 {
      let shift = shifts[0]
      for i in 0..<count {
        let key = keys[i]
        var place = i
        if passes == 1 { place = next(starts, Int((unsigned(key) &>> shift) & mask)) }
        sorted[place] = key
        indices[place] = Int64(truncatingIfNeeded: i)
      }
      return
    }
    // The last pass reads `own`, so the turns are counted from the end.
    var target = passes & 1 == 0 ? own : lent
    for i in 0..<count {
      let key = unsigned(keys[i])
      let place = next(starts, Int((key &>> shifts[0]) & mask))
      target[place] = UInt64(key) &<< 32 | UInt64(truncatingIfNeeded: i)
    }
    for pass in 1..<(passes &- 1) {
      let source = target
      target = source == own ? lent : own
      let (shift, row) = (UInt64(shifts[pass] &+ 32), starts + pass &* buckets)
      for i in 0..<count {
        let pair = source[i]
        target[next(row, Int(truncatingIfNeeded: pair &>> shift) & Int(mask))] = pair
      }
    }
    let (shift, row) = (UInt64(shifts[passes &- 1] &+ 32), starts + (passes &- 1) &* buckets)
    for i in 0..<count {
      let pair = own[i]
      let place = next(row, Int(truncatingIfNeeded: pair &>> shift) & Int(mask))
      sorted[place] = Int32(bitPattern: UInt32(truncatingIfNeeded: pair &>> 32) ^ 0x8000_0000)
      indices[place] = Int64(truncatingIfNeeded: pair & 0xFFFF_FFFF)
    }
  }

  @inline(__always)
  private static func unsigned(_ key: Int32) -> UInt32 { UInt32(bitPattern: key) ^ 0x8000_0000 }

  /// Positions of more than 32 bits do not fit beside the key.
  private static func sortWide(
    _ keys: UnsafeMutablePointer<Int32>, _ count: Int, sorted: UnsafeMutablePointer<Int32>,
    indices: UnsafeMutablePointer<Int64>
  ) {
    let wide = UnsafeMutablePointer<Int64>.allocate(capacity: count &* 2)
    let work = UnsafeMutableRawPointer.allocate(byteCount: Int64.workBytes(count), alignment: 64)
    for i in 0..<count { wide[i] = Int64(keys[i]) }
    Int64.radixSort(wide, count, work: work, sorted: wide + count, indices: indices)
    for i in 0..<count { sorted[i] = Int32(truncatingIfNeeded: wide[count &+ i]) }
    work.deallocate()
    wide.deallocate()
  }
}

/// The next free place of a bucket.
@inline(__always)
func next<C: FixedWidthInteger>(_ starts: UnsafeMutablePointer<C>, _ bucket: Int) -> Int {
  let place = starts[bucket]
  starts[bucket] = place &+ 1
  return Int(truncatingIfNeeded: place)
}
