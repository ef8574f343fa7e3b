import CPUKernelAPI
import FirecrestCPU

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension Tensor {
  private static func floating(_ operation: String, _ shape: Shape, _ dtype: DType) -> Tensor {
    if !dtype.isFloatingPoint {
      fail(operation, "needs a floating-point type, not \(dtype)", help: "use randint for integers")
    }
    return Tensor(empty: shape, dtype)
  }

  /// Numbers uniform in [0, 1) (PyTorch's `rand`).
  public static func rand(
    _ shape: Shape, dtype: DType = .float32, generator: Generator? = nil, requiresGrad: Bool = false
  ) -> Tensor {
    let y = floating("rand", shape, dtype)
    y.drawUniform(0, 1, generator)
    return requiresGrad ? y.requiresGrad(true) : y
  }
  /// Numbers uniform in [0, 1): `Tensor.rand(3, 4)`.
  public static func rand(
    _ sizes: Int..., dtype: DType = .float32, generator: Generator? = nil, requiresGrad: Bool = false
  ) -> Tensor {
    rand(Shape(sizes), dtype: dtype, generator: generator, requiresGrad: requiresGrad)
  }

  /// Normal numbers of mean 0 and standard deviation 1 (PyTorch's `randn`).
  public static func randn(
    _ shape: Shape, dtype: DType = .float32, generator: Generator? = nil, requiresGrad: Bool = false
  ) -> Tensor {
    let y = floating("randn", shape, dtype)
    y.drawNormal(0, 1, generator)
    return requiresGrad ? y.requiresGrad(true) : y
  }
  /// Normal numbers of mean 0 and standard deviation 1: `Tensor.randn(3, 4)`.
  public static func randn(
    _ sizes: Int..., dtype: DType = .float32, generator: Generator? = nil, requiresGrad: Bool = false
  ) -> Tensor {
    randn(Shape(sizes), dtype: dtype, generator: generator, requiresGrad: requiresGrad)
  }

  /// Integers in `low..<high` (PyTorch's `randint`).
  public static func randint(
    low: Int = 0, high: Int, _ shape: Shape, dtype: DType = .int64, generator: Generator? = nil
  ) -> Tensor {
    if low >= high { fail("randint", "\(low)..<\(high) is empty") }
    if let bound = dtype.firstUnheld(low, high - 1) { fail("randint", "\(dtype) does not hold \(bound)") }
    let y = integers(low, high, shape, generator)
    return y.to(dtype)
  }

  /// Numbers uniform in [0, 1) of another tensor's shape and type (PyTorch's `rand_like`).
  public static func rand(like x: Tensor, dtype: DType? = nil, generator: Generator? = nil) -> Tensor {
    rand(x.shape, dtype: dtype ?? x.dtype, generator: generator)
  }
  /// Normal numbers of another tensor's shape and type (PyTorch's `randn_like`).
  public static func randn(like x: Tensor, dtype: DType? = nil, generator: Generator? = nil) -> Tensor {
    randn(x.shape, dtype: dtype ?? x.dtype, generator: generator)
  }
  /// Integers in `low..<high` of another tensor's shape and type (PyTorch's `randint_like`).
  public static func randint(
    like x: Tensor, low: Int = 0, high: Int, dtype: DType? = nil, generator: Generator? = nil
  ) -> Tensor {
    randint(low: low, high: high, x.shape, dtype: dtype ?? x.dtype, generator: generator)
  }

  /// Normal numbers (PyTorch's `normal`).
  public static func normal(
    mean: Double, std: Double, _ shape: Shape, dtype: DType = .float32, generator: Generator? = nil
  ) -> Tensor {
    if !(std >= 0) { fail("normal", "the standard deviation \(std) is not ≥ 0") }
    let y = floating("normal", shape, dtype)
    y.drawNormal(mean, std, generator)
    return y
  }

  /// Normal numbers, each with a mean and a standard deviation of its own; the two broadcast. No gradient flows to
  /// them; `mean + std * Tensor.randn(like: mean)` has one.
  public static func normal(mean: Tensor, std: Tensor, generator: Generator? = nil) -> Tensor {
    let spread = std.detach().floating
    let center = mean.detach().floating
    let shape: Shape
    do { shape = try broadcastShapes(spread.shape, center.shape) } catch { stop("normal", error, [mean, std]) }
    let dtype = DType.promoted(spread.dtype, center.dtype)
    return randn(shape, dtype: dtype, generator: generator) * spread + center
  }

  /// The numbers 0..<count in random order, every order equally likely (PyTorch's `randperm`).
  public static func randperm(_ count: Int, dtype: DType = .int64, generator: Generator? = nil) -> Tensor {
    if count < 0 { fail("randperm", "the number of elements is negative: \(count)") }
    let largest = [DType.float16: 2049, .bfloat16: 257][dtype] ?? .max
    if count > largest || !dtype.canHold(.int(count - 1)) {
      fail("randperm", "\(dtype) does not hold \(count) different numbers", help: "leave dtype out")
    }
    let y = arange(count)
    if count < 2 { return y.to(dtype) }
    let (key, offset) = (generator ?? .current).reserve(blocks: (count + 1) / 2)
    let block = 1024
    y.withElements(Int64.self) { elements in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 2 * block) { words in
        for start in stride(from: 0, to: count - 1, by: block) {
          let length = Swift.min(block, count - 1 - start)
          CPU.shared.kernels.randomBits(
            key: key, offset: offset &+ UInt64(start / 2), count: 2 * length, words.baseAddress!)
          // Fisher and Yates: position i gets one of the elements that are left.
          for k in 0..<length {
            let i = start + k
            let word = UInt64(words[2 * k]) | UInt64(words[2 * k + 1]) << 32
            elements.swapAt(i, i + Int(word.multipliedFullWidth(by: UInt64(count - i)).high))
          }
        }
      }
    }
    return y.to(dtype)
  }

  /// 1 with the probability that each element states, else 0, in this tensor's type (PyTorch's `bernoulli`).
  public func bernoulli(generator: Generator? = nil) -> Tensor {
    requireFloat("bernoulli")
    return noGrad {
      let p = dtype == .float64 ? self : to(.float32)
      let u = Tensor.rand(shape, dtype: p.dtype, generator: generator)
      let marks = Tensor(empty: shape, .bool)
      let kernels = CPU.shared.kernels
      // A probability equals itself clamped to [0, 1]; NaN does not.
      let clamped = Tensor(empty: shape, p.dtype)
      ElementwiseLoop(p, Tensor.scalar(.int(0), p.dtype), Tensor.scalar(.int(1), p.dtype), into: clamped).run(.shared) {
        kernels.ternary(.clamp, p.dtype, $0, $1[0], $1[1], $1[2], $1[3])
      }
      ElementwiseLoop(p, clamped, into: marks).run(.shared) { kernels.compare(.eq, p.dtype, $0, $1[0], $1[1], $1[2]) }
      if !marks.all().item(as: Bool.self) {
        stop("bernoulli", "every element must be a probability, in [0, 1]", [self])
      }
      ElementwiseLoop(u, p, into: marks).run(.shared) { kernels.compare(.lt, p.dtype, $0, $1[0], $1[1], $1[2]) }
      return marks.to(dtype)
    }
  }

  /// `count` indices drawn for each row of weights, which need not add up to 1: of a vector, or of each row of a matrix
  /// (PyTorch's `multinomial`). Without replacement no index comes twice, and there must be enough positive weights.
  public func multinomial(_ count: Int, replacement: Bool = false, generator: Generator? = nil) -> Tensor {
    requireFloat("multinomial")
    if rank < 1 || rank > 2 { stop("multinomial", "needs a vector or a matrix of weights", [self]) }
    if count <= 0 { stop("multinomial", "the number of indices must be positive, not \(count)", [self]) }
    let width = shape[-1]
    let rows = rank == 1 ? 1 : shape[0]
    let weights = toArray(Double.self)
    let numbers = Tensor.rand([rows, replacement ? count : width], dtype: .float64, generator: generator)
      .toArray(Double.self)
    var result: [Int] = []
    for row in 0..<rows {
      let own = weights[row * width..<(row + 1) * width]
      if own.contains(where: { !($0 >= 0) || $0.isInfinite }) {
        stop("multinomial", "weights must be finite and ≥ 0", [self])
      }
      let positive = own.reduce(0) { $1 > 0 ? $0 + 1 : $0 }
      if positive < (replacement ? 1 : count) {
        stop(
          "multinomial", "row \(row) has \(positive) positive weights", [self],
          help: replacement ? "at least one is needed" : "draw at most that many, or with replacement")
      }
      result +=
        replacement
        ? drawWithReplacement(own, numbers[row * count..<(row + 1) * count])
        : drawWithoutReplacement(own, numbers[row * width..<(row + 1) * width], count)
    }
    return Tensor(result, shape: rank == 1 ? [count] : Shape([rows, count]))
  }
}

/// For each number in [0, 1) the index in whose part of the sum of weights it falls.
private func drawWithReplacement(_ weights: ArraySlice<Double>, _ numbers: ArraySlice<Double>) -> [Int] {
  var sum = 0.0
  let sums = weights.map { weight in
    sum += weight
    return sum
  }
  return numbers.map { number in
    let wanted = number * sum
    var low = 0
    var high = sums.count - 1
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > wanted { high = middle } else { low = middle + 1 }
    }
    // Rounding may reach the sum itself, behind which only weights of 0 follow.
    while weights[weights.startIndex + low] == 0 { low -= 1 }
    return low
  }
}

/// The first `count` to arrive where index i waits for an exponential time of rate wᵢ.
private func drawWithoutReplacement(
  _ weights: ArraySlice<Double>, _ numbers: ArraySlice<Double>, _ count: Int
) -> [Int] {
  let times = zip(weights, numbers).map { $0 > 0 ? -log1p(-$1) / $0 : .infinity }
  let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
  return Array(order.prefix(count))
}

extension DType {
  /// The first of two bounds that this type does not reach.
  func firstUnheld(_ low: Int, _ high: Int) -> Int? {
    self == .int64 ? nil : [low, high].first { !canHold(.double(Double($0))) }
  }
}
