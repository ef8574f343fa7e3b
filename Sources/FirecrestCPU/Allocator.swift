import CRuntime
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the allocator holds, in bytes and counts (PyTorch's `memory_stats`, for host memory).
public struct MemoryStatistics: Sendable, Equatable {
  /// Bytes in blocks that tensors hold now, rounded up as the allocator does.
  public var inUse: Int
  /// The largest `inUse` since the start or the last `Memory.resetPeak()`.
  public var peak: Int
  /// Bytes taken from the system and not given back: in use or kept for reuse.
  public var reserved: Int
  /// Blocks handed out since the start.
  public var allocations: Int
  /// How often the system was asked for memory. Constant in steady-state training.
  public var systemAllocations: Int
}

/// The caching allocator behind every tensor on the CPU.
public enum Memory {
  /// Figures of this moment.
  public static var statistics: MemoryStatistics { Allocator.shared.statistics }
  /// Gives memory that no tensor holds back to the system (PyTorch's `empty_cache`).
  public static func emptyCache() { Allocator.shared.emptyCache() }
  /// Starts a new measurement of `statistics.peak`.
  public static func resetPeak() { Allocator.shared.resetPeak() }
}

/// Hands out 64-byte aligned blocks and keeps released ones in free lists by size class: four classes a power of two,
/// so at most a fifth of a block is unused. Blocks of 1 MiB and more come from the system in huge pages; what is kept of
/// them beside those in use is limited, so that work on ever new sizes does not keep a block of each.
package final class Allocator: @unchecked Sendable {
  // `lists` and `figures` are touched only between `lock` and `unlock`.
  package static let shared = Allocator()

  private static let classes = 4 * 48
  private static let hugeThreshold = 1 << 20
  /// Bytes that may be held beyond five quarters of the peak.
  private static let spare = 256 << 20
  private let locked = Atomic<Bool>(false)
  /// Heads of the free lists; a free block's first word points to the next.
  private let lists: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private var figures = MemoryStatistics(inUse: 0, peak: 0, reserved: 0, allocations: 0, systemAllocations: 0)

  private init() {
    lists = .allocate(capacity: Self.classes)
    lists.initialize(repeating: nil, count: Self.classes)
  }

  /// The class of a request: 64 · 2^(c / 4) · (4 + c % 4) / 4 bytes is the smallest such size that holds it.
  @inline(__always)
  private static func sizeClass(_ bytes: Int) -> Int {
    if bytes <= 64 { return 0 }
    let exponent = Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount
    let quarter = (bytes - 1) >> (exponent - 2) & 3
    return (exponent - 6) * 4 + quarter + 1
  }

  @inline(__always)
  private static func classSize(_ index: Int) -> Int { (64 >> 2) * (4 + index & 3) << (index >> 2) }

  @inline(__always)
  private func lock() {
    while locked.exchange(true, ordering: .acquiring) { fc_pause() }
  }

  @inline(__always)
  private func unlock() { locked.store(false, ordering: .releasing) }

  /// A block of at least `bytes` bytes with arbitrary content. Stops the program where the system has no memory left.
  @inline(__always)
  package func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
    if let block = allocateIfPossible(bytes) { return block }
    refuse(bytes)
  }

  /// Whether the system has so many bytes, which it then keeps ready for the next request of this size.
  package func canAllocate(_ bytes: Int) -> Bool {
    guard let block = allocateIfPossible(bytes) else { return false }
    release(block, bytes)
    return true
  }

  @inline(never)
  private func refuse(_ bytes: Int) -> Never {
    if Self.sizeClass(bytes) >= Self.classes {
      fail("memory", "cannot allocate \(bytes) bytes", help: "no machine has that much; check the shape")
    }
    fail(
      "memory", "the system has no \(bytes) bytes left", values: ["in use by tensors: \(statistics.inUse) bytes"],
      help: "use a smaller batch, or release tensors that are no longer needed")
  }

  /// A block, or nil where the system has no memory left.
  private func allocateIfPossible(_ bytes: Int) -> UnsafeMutableRawPointer? {
    let index = Self.sizeClass(bytes)
    guard index < Self.classes else { return nil }
    let size = Self.classSize(index)
    lock()
    figures.allocations += 1
    figures.inUse += size
    let peak = figures.peak
    if figures.inUse > figures.peak { figures.peak = figures.inUse }
    if let block = lists[index] {
      lists[index] = block.load(as: UnsafeMutableRawPointer?.self)
      unlock()
      return block
    }
    figures.reserved += size
    figures.systemAllocations += 1
    if size >= Self.hugeThreshold { trim(to: figures.peak + figures.peak / 4 + Self.spare) }
    unlock()
    if let block = Self.fromSystem(size) { return block }
    emptyCache()
    if let block = Self.fromSystem(size) { return block }
    lock()
    figures.inUse -= size
    figures.reserved -= size
    figures.peak = max(peak, figures.inUse)
    figures.allocations -= 1
    figures.systemAllocations -= 1
    unlock()
    return nil
  }

  /// Takes back a block that `allocate(bytes)` returned.
  package func release(_ block: UnsafeMutableRawPointer, _ bytes: Int) {
    let index = Self.sizeClass(bytes)
    lock()
    figures.inUse -= Self.classSize(index)
    block.storeBytes(of: lists[index], as: UnsafeMutableRawPointer?.self)
    lists[index] = block
    unlock()
  }

  package var statistics: MemoryStatistics {
    lock()
    defer { unlock() }
    return figures
  }

  package func resetPeak() {
    lock()
    figures.peak = figures.inUse
    unlock()
  }

  package func emptyCache() {
    lock()
    for index in 0..<Self.classes { while lists[index] != nil { giveBack(index) } }
    unlock()
  }

  /// Gives large blocks that are not in use back to the system, the largest first, until so many bytes are held at most.
  private func trim(to limit: Int) {
    var index = Self.classes - 1
    while figures.reserved > limit, Self.classSize(index) >= Self.hugeThreshold {
      if lists[index] == nil { index -= 1 } else { giveBack(index) }
    }
  }

  /// Gives the first free block of a class back to the system.
  private func giveBack(_ index: Int) {
    let block = lists[index]!, size = Self.classSize(index)
    lists[index] = block.load(as: UnsafeMutableRawPointer?.self)
    if size >= Self.hugeThreshold { fc_unmap(block, size) } else { free(block) }
    figures.reserved -= size
  }

  private static func fromSystem(_ size: Int) -> UnsafeMutableRawPointer? {
    if size >= hugeThreshold { return fc_map_huge(size) }
    var block: UnsafeMutableRawPointer?
    return posix_memalign(&block, 64, size) == 0 ? block : nil
  }
}
