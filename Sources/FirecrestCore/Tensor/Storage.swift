import FirecrestCPU

/// Where tensors live and compute.
public enum Device: Hashable, Sendable, CustomStringConvertible {
  /// The processor and its memory.
  case cpu

  /// PyTorch's name: `cpu`.
  public var description: String { "cpu" }
}

/// A block of memory that one or more tensors look into, and the count of changes made to it.
package final class Storage {
  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int
  /// Grows with every change in place; autograd compares it with what it was when a value was saved.
  package var version = 0
  /// Frees memory that is not the allocator's (a mapped file, a caller's buffer).
  private let release: (() -> Void)?

  /// Memory of the allocator, uninitialised.
  @inline(__always)
  package init(byteCount: Int) {
    self.byteCount = byteCount
    pointer = Allocator.shared.allocate(byteCount)
    release = nil
  }

  /// Memory that belongs to someone else until `release` is called.
  package init(pointer: UnsafeMutableRawPointer, byteCount: Int, release: @escaping () -> Void) {
    self.pointer = pointer
    self.byteCount = byteCount
    self.release = release
  }

  /// Whether the memory is the allocator's, not a caller's buffer or a mapped file that must stay as it is.
  package var isAllocated: Bool { release == nil }

  deinit {
    if let release { release() } else { Allocator.shared.release(pointer, byteCount) }
  }
}
