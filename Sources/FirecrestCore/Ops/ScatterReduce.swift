import CPUKernelAPI
import FirecrestCPU

/// How `scatterReduce` and `indexReduce` combine what goes to one place.
public enum ScatterReduction: String, Sendable, CaseIterable {
  /// The sum.
  case sum
  /// The product.
  case prod
  /// The mean; of integers rounded down.
  case mean
  /// The largest.
  case amax
  /// The smallest.
  case amin
}

/// Products or extremes of the first input and the runs of the second that go to the same place.
struct CombineRuns: MultiOp {
  let operation: String
  let layout: RunLayout
  let kernel: PutKernel
  var name: String { operation }
  var savedInputs: [Int] { [0, 1, 2] }
  var savedOutputs: [Int] { kernel == .multiply ? [] : [0] }
  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { [inputs[0]] }
  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    copyElements(inputs[0], outputs[0], cpu)
    layout.put(kernel, inputs[1], inputs[2], into: outputs[0], cpu)
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil, nil, nil] }
    let (x, source, offsets) = (saved.input(0), saved.input(1), saved.input(2))
    let take = TakeRuns(operation: operation, layout: layout, shape: source.shape)
    if kernel == .multiply { return product(g, x, source, offsets, take, saved) }
    // Elements that share the extreme share its gradient.
    let y = saved.output(0)
    let isExtreme = equal(x, y).to(x.dtype)
    let sourceIsExtreme = equal(source, noGrad { apply(take, y, offsets) }).to(x.dtype)
    let count = noGrad { isExtreme.putting(sourceIsExtreme, offsets, layout, operation, adds: true) }
    let share = g / count
    return [share * isExtreme, apply(take, share, offsets) * sourceIsExtreme, nil]
  }

  private func product(
    _ g: Tensor, _ x: Tensor, _ source: Tensor, _ offsets: Tensor, _ take: TakeRuns, _ saved: MultiSaved
  ) -> [Tensor?] {
    var gx: Tensor?
    if saved.needs[0] { gx = g * apply(self, [Tensor.ones(x.shape, dtype: x.dtype), source, offsets])[0] }
    guard saved.needs[1] else { return [gx, nil, nil] }
    // The product of all others is the whole by the element itself.
    func shared(_ product: Tensor) -> Tensor { apply(take, g * product, offsets) }
    func multiplied(_ source: Tensor) -> Tensor { apply(self, [x, source, offsets])[0] }
    let isZero = equal(source, Tensor.scalar(.int(0), source.dtype))
    let safe = source.maskedFill(isZero, 1)
    let rest = shared(multiplied(source)) / safe
    if !noGrad({ isZero.any().item(as: Bool.self) }) { return [gx, rest, nil] }
    // A zero has the product of those that are none, times the other zero where there are two: that is 0, but has a
    // slope of its own.
    func added(_ source: Tensor) -> Tensor {
      let nothing = Tensor.zeros(x.shape, dtype: x.dtype)
      return apply(take, nothing.putting(source, offsets, layout, operation, adds: true), offsets)
    }
    let zeros = source.maskedFill(isZero.logicalNot(), 0)
    let count = noGrad { added(isZero.to(source.dtype)) }
    let others = (added(zeros) - zeros).maskedFill(equal(count, Tensor.scalar(.int(1), source.dtype)), 1)
    let own = (shared(multiplied(safe)) * others).maskedFill(count .> 2, 0)
    return [gx, own.where(isZero, rest), nil]
  }

  private func equal(_ a: Tensor, _ b: Tensor) -> Tensor { a .== b }
}

/// a / b rounded down, of integers.
private struct IntegerMean: BinaryOp {
  var isDifferentiable: Bool { false }
  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec { try broadcastSpec(a, b) }
  func run(_ a: Tensor, _ b: Tensor, into y: Tensor, on cpu: CPU) { runBinary(.floorDivide, a, b, y, cpu, cost: 8) }
}

extension Tensor {
  /// The tensor with the elements of `source` combined into the places that `index` names along `dim` (PyTorch's
  /// `scatter_reduce`). Without `includeSelf` the values that are there do not take part where others arrive.
  public func scatterReduce(
    dim: Int, _ index: Tensor, _ source: Tensor, reduce: ScatterReduction, includeSelf: Bool = true
  ) -> Tensor {
    let offsets = gatherOffsets(dim: resolve(dim, "scatterReduce"), index, "scatterReduce")
    let source = scatterSource(index, source, "scatterReduce")
    return combining(source, offsets, RunLayout(shape), "scatterReduce", reduce, includeSelf)
  }

  /// The tensor with the slices of `source` along `dim` combined into those that the vector `index` names (PyTorch's
  /// `index_reduce`). Without `includeSelf` the values that are there do not take part where others arrive.
  public func indexReduce(
    dim: Int, _ index: Tensor, _ source: Tensor, reduce: ScatterReduction, includeSelf: Bool = true
  ) -> Tensor {
    let (plan, source) = indexPlan(dim, index, source, "indexReduce")
    return combining(source, plan.offsets, plan.layout, "indexReduce", reduce, includeSelf)
  }

  private func combining(
    _ source: Tensor, _ offsets: Tensor, _ layout: RunLayout, _ operation: String, _ reduction: ScatterReduction,
    _ includeSelf: Bool
  ) -> Tensor {
    func sum(_ x: Tensor, _ source: Tensor) -> Tensor { x.putting(source, offsets, layout, operation, adds: true) }
    /// The values that take part.
    func start(_ neutral: Tensor) -> Tensor {
      includeSelf ? self : putting(neutral.expand(source.shape), offsets, layout, operation)
    }
    func combine(_ kernel: PutKernel, _ x: Tensor) -> Tensor {
      apply(CombineRuns(operation: operation, layout: layout, kernel: kernel), [x, source, offsets])[0]
    }
    switch reduction {
    case .sum: return sum(start(Tensor.scalar(.int(0), dtype)), source)
    case .prod: return combine(.multiply, start(Tensor.scalar(.int(1), dtype)))
    case .amax: return combine(.maximum, start(dtype.lowest))
    case .amin: return combine(.minimum, start(dtype.highest))
    case .mean:
      if dtype.isHalf {
        return inFull { $0.combining(source.wide, offsets, layout, operation, reduction, includeSelf) }
      }
      let total = sum(start(Tensor.scalar(.int(0), dtype)), source)
      let count = noGrad {
        let ones = Tensor.ones(source.shape, dtype: dtype)
        let own = Tensor.ones(shape, dtype: dtype)
        let start =
          includeSelf ? own : own.putting(Tensor.zeros(source.shape, dtype: dtype), offsets, layout, operation)
        return sum(start, ones)
      }
      return dtype.isFloatingPoint ? total / count : apply(IntegerMean(), total, count)
    }
  }
}

extension DType {
  /// What no element is below: −∞, or the smallest integer.
  fileprivate var lowest: Tensor {
    switch self {
    case .bool, .uint8: Tensor.scalar(.int(0), self)
    case .int8: Tensor.scalar(.int(Int(Int8.min)), self)
    case .int16: Tensor.scalar(.int(Int(Int16.min)), self)
    case .int32: Tensor.scalar(.int(Int(Int32.min)), self)
    case .int64: Tensor.scalar(.int(Int.min), self)
    default: Tensor.scalar(.double(-.infinity), self)
    }
  }

  /// What no element is above.
  fileprivate var highest: Tensor {
    switch self {
    case .bool: Tensor.scalar(.int(1), self)
    case .uint8: Tensor.scalar(.int(Int(UInt8.max)), self)
    case .int8: Tensor.scalar(.int(Int(Int8.max)), self)
    case .int16: Tensor.scalar(.int(Int(Int16.max)), self)
    case .int32: Tensor.scalar(.int(Int(Int32.max)), self)
    case .int64: Tensor.scalar(.int(Int.max), self)
    default: Tensor.scalar(.double(.infinity), self)
    }
  }
}
