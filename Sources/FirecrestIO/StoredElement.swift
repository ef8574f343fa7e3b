import FirecrestCore

/// How numbers lie in a file, and the type of tensor that they become.
package struct StoredElement: Hashable {
  /// The tensor's type.
  package let dtype: DType
  /// Bytes of one number in the file.
  package let size: Int
  /// uint16, uint32 and uint64, which become the signed type that holds them.
  let isWidened: Bool
  /// Highest byte first.
  package var isBigEndian = false

  /// A type that the file and Firecrest share.
  package init(_ dtype: DType) {
    self.dtype = dtype
    size = dtype.size
    isWidened = false
  }

  /// Unsigned numbers of 2, 4 or 8 bytes.
  init(unsignedSize size: Int) {
    dtype = size == 2 ? .int32 : .int64
    self.size = size
    isWidened = true
  }

  /// The number of elements of a shape; nil where its bytes, in the file or in memory, exceed what an Int can count.
  package func elementCount(_ shape: [Int]) -> Int? {
    // Zero sizes count as one here, so that no product on the way overflows either.
    var bytes = dtype.size
    for size in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: max(size, 1))
      if overflow || size < 0 { return nil }
      bytes = product
    }
    return shape.contains(0) ? 0 : bytes / dtype.size
  }

  /// Where in a tensor's memory the file's bytes are put before `decode`: at its end, so that widening runs forwards.
  func rawOffset(_ count: Int) -> Int { count * (dtype.size - size) }

  /// Turns the file's bytes, at `rawOffset` of `memory`, into the tensor's numbers. Returns the index of a number that
  /// the tensor's type cannot hold.
  package func decode(_ memory: UnsafeMutableRawPointer, _ count: Int) -> Int? {
    if isBigEndian { swapBytes(memory + rawOffset(count), count) }
    if isWidened {
      switch size {
      case 2: widen(memory, count, from: UInt16.self, to: Int32.self)
      case 4: widen(memory, count, from: UInt32.self, to: Int64.self)
      default:
        let numbers = memory.assumingMemoryBound(to: Int64.self)
        for i in 0..<count where numbers[i] < 0 { return i }
      }
    } else if dtype == .bool {
      normalizeTruth(memory, count)
    }
    return nil
  }

  private func widen<A: FixedWidthInteger, B: FixedWidthInteger>(
    _ memory: UnsafeMutableRawPointer, _ count: Int, from: A.Type, to: B.Type
  ) {
    let raw = memory + rawOffset(count)
    for i in 0..<count {
      let number = raw.load(fromByteOffset: i * MemoryLayout<A>.size, as: A.self)
      memory.storeBytes(of: B(truncatingIfNeeded: number), toByteOffset: i * MemoryLayout<B>.size, as: B.self)
    }
  }

  private func swapBytes(_ raw: UnsafeMutableRawPointer, _ count: Int) {
    switch size {
    case 2: swap(raw, count, UInt16.self)
    case 4: swap(raw, count, UInt32.self)
    case 8: swap(raw, count, UInt64.self)
    default: break
    }
  }

  private func swap<T: FixedWidthInteger>(_ raw: UnsafeMutableRawPointer, _ count: Int, _: T.Type) {
    let numbers = raw.assumingMemoryBound(to: T.self)
    for i in 0..<count { numbers[i] = numbers[i].byteSwapped }
  }
}

/// Kernels trust that a truth value is 0 or 1; files may hold other bytes. Writes only where it must, so that a mapped
/// page stays the file's own.
func normalizeTruth(_ memory: UnsafeMutableRawPointer, _ count: Int) {
  let bytes = memory.assumingMemoryBound(to: UInt8.self)
  for i in 0..<count where bytes[i] > 1 { bytes[i] = 1 }
}
