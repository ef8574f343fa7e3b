import CPUKernelAPI
import FirecrestCPU

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The C library's `pow`, out of the reach of the tensor method of that name.
private func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

extension Tensor {
  /// A vector of `count` numbers that `fill` computes as `T`, a range of them at a time, rounded once to `dtype`.
  private static func vector<T: TensorElement>(
    _ count: Int, _ dtype: DType, _ fill: (Range<Int>, UnsafeMutablePointer<T>) -> Void
  ) -> Tensor {
    let y = Tensor(empty: [count], dtype), target = y.pointer
    CPU.shared.parallel(count) { range in
      if T.dtype == dtype {
        return fill(range, target.assumingMemoryBound(to: T.self) + range.lowerBound)
      }
      // Through a block that stays in the cache.
      let block = 4096
      withUnsafeTemporaryAllocation(of: T.self, capacity: Swift.min(block, range.count)) { buffer in
        let numbers = buffer.baseAddress!
        var start = range.lowerBound
        while start < range.upperBound {
          let end = Swift.min(start + block, range.upperBound)
          fill(start..<end, numbers)
          CPU.shared.kernels.convert(
            T.dtype, dtype, Extent(inner: end - start), Operand(UnsafeMutableRawPointer(numbers), inner: 1),
            Operand(target + start * dtype.size, inner: 1))
          start = end
        }
      }
    }
    return y
  }

  /// The whole numbers `start`, `start + step`, …
  private static func wholes(_ count: Int, _ dtype: DType, _ start: Int, _ step: Int) -> Tensor {
    vector(count, dtype) { (range, y: UnsafeMutablePointer<Int>) in
      CPU.shared.kernels.progression(start: start &+ range.lowerBound &* step, step: step, count: range.count, y)
    }
  }

  /// The whole numbers 0, 1, … below `end`, as int64 unless `dtype` says otherwise (PyTorch's `arange`).
  public static func arange(_ end: Int, dtype: DType = .int64, requiresGrad: Bool = false) -> Tensor {
    arange(0, end, dtype: dtype, requiresGrad: requiresGrad)
  }

  /// The whole numbers `start`, `start + step`, … before `end`.
  public static func arange(
    _ start: Int, _ end: Int, step: Int = 1, dtype: DType = .int64, requiresGrad: Bool = false
  ) -> Tensor {
    if step == 0 || (step > 0 ? end < start : end > start) { refuseRange("\(start)", "\(end)", "\(step)") }
    let distance = step > 0 ? UInt(bitPattern: end &- start) : UInt(bitPattern: start &- end)
    let size = step.magnitude
    let count = distance / size + (distance % size == 0 ? 0 : 1)
    if count > UInt(Int.max) { fail("arange", "there are too many steps of \(step) from \(start) to \(end)") }
    let y = wholes(Int(count), dtype, start, step)
    return requiresGrad ? y.requiresGrad(true) : y
  }

  /// The numbers `start`, `start + step`, … before `end`, as float32 unless `dtype` says otherwise. Their number is
  /// ⌈(end − start) / step⌉, which rounding may make one more than expected; `linspace` is exact about it. Integer
  /// types take the whole parts of start and step.
  public static func arange(
    _ start: Double, _ end: Double, step: Double = 1, dtype: DType = .float32, requiresGrad: Bool = false
  ) -> Tensor {
    let count = ((end - start) / step).rounded(.up)
    guard step != 0, step > 0 ? end >= start : end <= start, start.isFinite, end.isFinite else {
      refuseRange("\(start)", "\(end)", "\(step)")
    }
    if !(count < 0x1p53) { fail("arange", "there are too many steps of \(step) from \(start) to \(end)") }
    let y: Tensor
    if dtype.isFloatingPoint {
      y = vector(Int(count), dtype) { (range, y: UnsafeMutablePointer<Double>) in
        CPU.shared.kernels.progression(
          .float64, from: range.lowerBound, by: 1, count: range.count, start: start, step: step, isFused: false, y)
      }
    } else {
      guard let first = Int(exactly: start.rounded(.towardZero)), let last = Int(exactly: end.rounded(.towardZero)),
        let whole = Int(exactly: step.rounded(.towardZero)), whole != 0
      else {
        fail(
          "arange", "\(dtype) takes the whole parts of \(start), \(end) and the step \(step), which must not be 0",
          help: "compute in a floating type, then convert with to(.\(dtype))")
      }
      // As in PyTorch whole numbers step by the step's whole part; int64 also counts with whole ends.
      y =
        dtype == .int64
        ? arange(first, last, step: whole) : wholes(Int(count), dtype, first, whole)
    }
    return requiresGrad ? y.requiresGrad(true) : y
  }

  /// The numbers 0, 1, … before `end`, as float32.
  public static func arange(_ end: Double, dtype: DType = .float32, requiresGrad: Bool = false) -> Tensor {
    arange(0, end, step: 1, dtype: dtype, requiresGrad: requiresGrad)
  }

  private static func refuseRange(_ start: String, _ end: String, _ step: String) -> Never {
    fail(
      "arange", "no steps of \(step) lead from \(start) to \(end)",
      help: "the step is not 0 and points from start to end")
  }

  /// `count` numbers from `start` through `end`, evenly spaced (PyTorch's `linspace`).
  public static func linspace(
    _ start: Double, _ end: Double, _ count: Int, dtype: DType = .float32, requiresGrad: Bool = false
  ) -> Tensor {
    // float32 computes in its own precision, as in PyTorch, to the bit.
    let y =
      dtype == .float32
      ? spaced("linspace", Float(start), Float(end), count, dtype)
      : spaced("linspace", start, end, count, dtype)
    return requiresGrad ? y.requiresGrad(true) : y
  }

  /// `base` to the power of `count` evenly spaced exponents from `start` through `end` (PyTorch's `logspace`).
  public static func logspace(
    _ start: Double, _ end: Double, _ count: Int, base: Double = 10, dtype: DType = .float32, requiresGrad: Bool = false
  ) -> Tensor {
    let y = spaced("logspace", start, end, count, dtype) { power(base, $0) }
    return requiresGrad ? y.requiresGrad(true) : y
  }

  /// Both halves are computed from their own end, so that the last number is exactly `end`.
  private static func spaced<T: BinaryFloatingPoint & TensorElement>(
    _ operation: String, _ start: T, _ end: T, _ count: Int, _ dtype: DType, _ map: ((T) -> T)? = nil
  ) -> Tensor {
    if count < 0 { fail(operation, "the number of steps is negative: \(count)") }
    // An integer type counts from whole ends, as in PyTorch.
    let first = dtype.isFloatingPoint ? start : start.rounded(.towardZero)
    let last = dtype.isFloatingPoint ? end : end.rounded(.towardZero)
    if !dtype.isFloatingPoint,
      let bound = [first, last].first(where: { !dtype.canHold(.double(Double(map?($0) ?? $0))) })
    {
      fail(operation, "\(dtype) does not hold \(map?(bound) ?? bound)")
    }
    let step = count > 1 ? (last - first) / T(count - 1) : 0
    let half = count == 1 ? 1 : count / 2
    return vector(count, dtype) { (range, y: UnsafeMutablePointer<T>) in
      let middle = Swift.min(Swift.max(half, range.lowerBound), range.upperBound)
      let kernels = CPU.shared.kernels
      kernels.progression(
        T.dtype, from: range.lowerBound, by: 1, count: middle - range.lowerBound, start: Double(first),
        step: Double(step), isFused: true, y)
      kernels.progression(
        T.dtype, from: count - 1 - middle, by: -1, count: range.upperBound - middle, start: Double(last),
        step: Double(-step), isFused: true, y + (middle - range.lowerBound))
      if let map { for i in 0..<range.count { y[i] = map(y[i]) } }
    }
  }

  /// A matrix with ones on its diagonal and zeros elsewhere, square unless `columns` says otherwise (PyTorch's `eye`).
  public static func eye(_ rows: Int, _ columns: Int? = nil, dtype: DType = .float32, requiresGrad: Bool = false)
    -> Tensor
  {
    let width = columns ?? rows
    let y = zeros(Shape([rows, width]), dtype: dtype)
    let length = Swift.min(rows, width)
    if length > 0 { y.window([length], strides: [width + 1], offset: 0).fillElements(.int(1)) }
    return requiresGrad ? y.requiresGrad(true) : y
  }
}
