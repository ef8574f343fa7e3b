import CPUKernelAPI
import FirecrestCPU

/// Elements that a thread makes and transforms at a time, so that they stay in the first cache.
private let blockSize = 4096

extension Tensor {
  /// Fills `count` elements from `y` on with `draw`, then `transform`, in blocks on several threads. The numbers of an
  /// element depend on its position alone: blocks begin at whole Philox blocks.
  private static func fillBlocks(
    _ dtype: DType, _ count: Int, _ y: UnsafeMutableRawPointer, _ generator: Generator?, cost: Int,
    _ draw: (_ key: UInt64, _ offset: UInt64, _ count: Int, _ y: UnsafeMutableRawPointer) -> Void,
    _ transform: (_ start: Int, _ count: Int, _ y: UnsafeMutableRawPointer) -> Void
  ) {
    if count == 0 { return }
    let cpu = CPU.shared
    let perBlock = cpu.kernels.elementsPerBlock(dtype)
    let (key, offset) = (generator ?? .current).reserve(blocks: (count + perBlock - 1) / perBlock)
    cpu.parallel(count, grain: CPU.grain / cost, multiple: blockSize) { range in
      var start = range.lowerBound
      while start < range.upperBound {
        let length = Swift.min(blockSize, range.upperBound - start)
        let target = y + start * dtype.size
        draw(key, offset &+ UInt64(start / perBlock), length, target)
        transform(start, length, target)
        start += length
      }
    }
  }

  /// Applies y = y ∘ value to `count` elements.
  private static func combine(
    _ op: BinaryKernel, _ dtype: DType, _ count: Int, _ y: UnsafeMutableRawPointer, _ value: Tensor
  ) {
    let target = Operand(y, inner: 1)
    CPU.shared.kernels.binary(op, dtype, Extent(inner: count), target, Operand(value.pointer, inner: 0), target)
  }

  /// Sets contiguous elements of a floating type to numbers uniform in [low, high).
  func drawUniform(_ low: Double, _ high: Double, _ generator: Generator?) {
    let isUnit = low == 0 && high == 1
    let span = Tensor.scalar(.double(high - low), dtype)
    let start = Tensor.scalar(.double(low), dtype)
    // Rounding may reach `high`, which does not belong to the range.
    let last = Tensor.scalar(.double(high), dtype)
    if !isUnit && low < high { runBinary(.nextafter, last, start, last, .shared, cost: 1) }
    Tensor.fillBlocks(dtype, elementCount, pointer, generator, cost: 2) {
      CPU.shared.kernels.randomUniform(dtype, key: $0, offset: $1, count: $2, $3)
    } _: { _, count, y in
      if isUnit { return }
      Tensor.combine(.mul, dtype, count, y, span)
      Tensor.combine(.add, dtype, count, y, start)
      Tensor.combine(.minimum, dtype, count, y, last)
    }
  }

  /// Sets contiguous elements of a floating type to normal numbers.
  func drawNormal(_ mean: Double, _ deviation: Double, _ generator: Generator?) {
    let scale = Tensor.scalar(.double(deviation), dtype)
    let center = Tensor.scalar(.double(mean), dtype)
    Tensor.fillBlocks(dtype, elementCount, pointer, generator, cost: 8) {
      CPU.shared.kernels.randomNormal(dtype, key: $0, offset: $1, count: $2, $3)
    } _: { _, count, y in
      if deviation != 1 { Tensor.combine(.mul, dtype, count, y, scale) }
      if mean != 0 { Tensor.combine(.add, dtype, count, y, center) }
    }
  }

  /// Sets contiguous elements of any type to `value` with `probability`, else to 0. Uniform numbers are drawn in
  /// float32 whatever the type, so that small probabilities keep their weight.
  func drawBernoulli(_ probability: Double, _ value: Scalar, _ generator: Generator?) {
    let cpu = CPU.shared
    let threshold = Tensor.scalar(.double(probability), .float32)
    let factor = Tensor.scalar(value, dtype)
    let zero = Tensor.scalar(.int(0), dtype)
    let target = pointer
    let count = elementCount
    if count == 0 { return }
    let (key, offset) = (generator ?? .current).reserve(blocks: (count + 3) / 4)
    cpu.parallel(count, grain: CPU.grain / 2, multiple: blockSize) { range in
      withUnsafeTemporaryAllocation(byteCount: blockSize * 5, alignment: 64) { memory in
        let numbers = memory.baseAddress!
        let marks = numbers + blockSize * 4
        var start = range.lowerBound
        while start < range.upperBound {
          let length = Swift.min(blockSize, range.upperBound - start)
          let extent = Extent(inner: length)
          cpu.kernels.randomUniform(.float32, key: key, offset: offset &+ UInt64(start / 4), count: length, numbers)
          cpu.kernels.compare(
            .lt, .float32, extent, Operand(numbers, inner: 1), Operand(threshold.pointer, inner: 0),
            Operand(marks, inner: 1))
          cpu.kernels.select(
            dtype, extent, Operand(marks, inner: 1), Operand(factor.pointer, inner: 0), Operand(zero.pointer, inner: 0),
            Operand(target + start * dtype.size, inner: 1))
          start += length
        }
      }
    }
  }

  /// Draws into this tensor's elements, which are changed in place: `draw` gets contiguous memory of the same type.
  private func fillRandom(_ operation: String, _ draw: (Tensor) -> Void) {
    let isDirect = isContiguous && !overlapsItself
    if isRecorded() {
      let values = Tensor(empty: shape, dtype)
      draw(values)
      return overwrite(with: values, operation)
    }
    let values = isDirect ? self : Tensor(empty: shape, dtype)
    draw(values)
    if !isDirect { copyElements(values, self) }
    storage.version += 1
  }

  /// Sets every element to a number uniform in [low, high), in place (PyTorch's `uniform_`).
  public func fillUniform(from low: Double = 0, to high: Double = 1, generator: Generator? = nil) {
    requireFloat("fillUniform")
    if !(low <= high) || !(high - low).isFinite { stop("fillUniform", "\(low) to \(high) is not a range", [self]) }
    fillRandom("fillUniform") { $0.drawUniform(low, high, generator) }
  }

  /// Sets every element to a normal number, in place (PyTorch's `normal_`).
  public func fillNormal(mean: Double = 0, std: Double = 1, generator: Generator? = nil) {
    requireFloat("fillNormal")
    if !(std >= 0) { stop("fillNormal", "the standard deviation \(std) is not ≥ 0", [self]) }
    fillRandom("fillNormal") { $0.drawNormal(mean, std, generator) }
  }

  /// Sets every element to 1 with probability `p`, else to 0, in place (PyTorch's `bernoulli_`).
  public func fillBernoulli(_ p: Double = 0.5, generator: Generator? = nil) {
    if !(0...1).contains(p) { stop("fillBernoulli", "\(p) is not a probability", [self]) }
    fillRandom("fillBernoulli") { $0.drawBernoulli(p, .int(1), generator) }
  }

  /// Sets every element to an exponentially distributed number of the given rate, in place (PyTorch's `exponential_`).
  public func fillExponential(rate: Double = 1, generator: Generator? = nil) {
    requireFloat("fillExponential")
    if !(rate > 0) { stop("fillExponential", "the rate \(rate) is not positive", [self]) }
    fillRandom("fillExponential") { y in
      // −log(1 − u) / rate for u in [0, 1), never of 0.
      y.drawUniform(0, 1, generator)
      runUnary(.neg, y, y, .shared, cost: 1)
      runUnary(.log1p, y, y, .shared, cost: 8)
      runBinary(.mul, y, Tensor.scalar(.double(-1 / rate), y.dtype), y, .shared, cost: 1)
    }
  }

  /// Sets every element to an integer in `low..<high`, in place (PyTorch's `random_`).
  public func fillRandint(low: Int = 0, high: Int, generator: Generator? = nil) {
    if low >= high { stop("fillRandint", "\(low)..<\(high) is empty", [self]) }
    if let bound = dtype.firstUnheld(low, high - 1) { stop("fillRandint", "\(dtype) does not hold \(bound)", [self]) }
    fillRandom("fillRandint") { copyElements(Tensor.integers(low, high, $0.shape, generator), $0) }
  }

  /// int64 numbers in `low..<high`.
  static func integers(_ low: Int, _ high: Int, _ shape: Shape, _ generator: Generator?) -> Tensor {
    let y = Tensor(empty: shape, .int64)
    let cpu = CPU.shared
    let (low, high) = (Int64(low), Int64(high))
    let perBlock = cpu.kernels.integersPerBlock(low: low, high: high)
    let count = y.elementCount
    if count == 0 { return y }
    let (key, offset) = (generator ?? .current).reserve(blocks: (count + perBlock - 1) / perBlock)
    let target = y.pointer.assumingMemoryBound(to: Int64.self)
    cpu.parallel(count, grain: CPU.grain / 4, multiple: blockSize) { range in
      cpu.kernels.randomIntegers(
        key: key, offset: offset &+ UInt64(range.lowerBound / perBlock), count: range.count, low: low, high: high,
        target + range.lowerBound)
    }
    return y
  }
}
