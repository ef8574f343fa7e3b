import CPUKernelAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Kernels {
  package func sort(
    _ type: DType, rows: Int, count: Int, descending: Bool, _ x: UnsafeRawPointer, values: UnsafeMutableRawPointer,
    indices: UnsafeMutablePointer<Int64>
  ) {
    guard rows > 0, count > 0 else { return }
    func run<E: SortElement>(_: E.Type) {
      sortRows(
        rows, count, descending, x.assumingMemoryBound(to: E.self), values.assumingMemoryBound(to: E.self), indices)
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

private func sortRows<E: SortElement>(
  _ rows: Int, _ count: Int, _ descending: Bool, _ x: UnsafePointer<E>, _ values: UnsafeMutablePointer<E>,
  _ indices: UnsafeMutablePointer<Int64>
) {
  let sorter = Sorter<E.Key>(capacity: count)
  let flip: E.Key = descending ? -1 : 0
  for row in 0..<rows {
    let (x, values) = (x + row &* count, values + row &* count)
    let indices = indices + row &* count
    for i in 0..<count { sorter.keys[i] = x[i].key ^ flip }
    sorter.sort(count, indices: indices)
    for i in 0..<count {
      values[i] = E(key: sorter.sorted[i] ^ flip) ?? x[Int(truncatingIfNeeded: indices[i])]
    }
  }
  sorter.deallocate()
}

/// Scratch memory for sorting up to `capacity` keys, again and again.
struct Sorter<Key: SortKey> {
  /// The keys to sort; they are overwritten.
  let keys: UnsafeMutablePointer<Key>
  /// The keys in order.
  let sorted: UnsafeMutablePointer<Key>
  private let work: UnsafeMutableRawPointer
  private let base: UnsafeMutableRawPointer

  init(capacity: Int) {
    // A vector more than the keys, for `rank`; every part begins at a cache line.
    let part = ((capacity &+ 16) &* MemoryLayout<Key>.stride &+ 63) & ~63
    let workBytes = capacity <= Key.rankLimit ? part : max(part, Key.workBytes(capacity))
    base = allocateScratch(2 &* part &+ workBytes)
    keys = base.assumingMemoryBound(to: Key.self)
    sorted = (base + part).assumingMemoryBound(to: Key.self)
    work = base + 2 &* part
  }

  func deallocate() { free(base) }

  /// Sorts the first `count` of `keys` into `sorted`, with their former positions; stable.
  @inline(__always)
  func sort(_ count: Int, indices: UnsafeMutablePointer<Int64>) {
    if count > Key.rankLimit {
      Key.radixSort(keys, count, work: work, sorted: sorted, indices: indices)
      return
    }
    let places = work.assumingMemoryBound(to: Key.self)
    Key.rank(keys, count, places)
    for i in 0..<count {
      let place = Int(truncatingIfNeeded: places[i])
      sorted[place] = keys[i]
      indices[place] = Int64(truncatingIfNeeded: i)
    }
  }
}

/// Memory for the duration of a kernel. Sorting writes to hundreds of places in turn, which huge pages make several
/// times faster where there are megabytes of them.
private func allocateScratch(_ bytes: Int) -> UnsafeMutableRawPointer {
  let huge = 1 &<< 21
  var pointer: UnsafeMutableRawPointer?
  let status = posix_memalign(&pointer, bytes < huge ? 64 : huge, bytes)
  guard status == 0, let pointer else { fatalError("out of memory: \(bytes) bytes of scratch memory to sort with") }
  #if os(Linux)
    if bytes >= huge { madvise(pointer, bytes & ~(huge &- 1), MADV_HUGEPAGE) }
  #endif
  return pointer
}
