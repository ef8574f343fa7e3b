import Firecrest
import FirecrestCore
import TestSupport
import Testing

/// Scatter, search and grouping beyond PyTorch's samples: large inputs on several threads, NaN, types.
@Suite struct IndexingTests {
  /// A fixed sequence without pattern.
  static func numbers(_ count: Int, below bound: Int) -> [Int] {
    var state: UInt64 = 42
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
  }

  @Test func largeLookupsAndTheirGradients() {
    let (rows, width, count) = (1000, 32, 20_000)
    let index = Self.numbers(count, below: rows)
    let weight = Tensor((0..<rows * width).map { Float($0 % 251) }, shape: [rows, width]).requiresGrad(true)
    let y = embedding(Tensor(index), weight, paddingIndex: 3)
    let (all, own) = (y.toArray(Float.self), weight.toArray(Float.self))
    for i in stride(from: 0, to: count, by: 997) {
      #expect(Array(all[i * width..<(i + 1) * width]) == Array(own[index[i] * width..<(index[i] + 1) * width]))
    }
    y.sum().backward()
    var counts = [Float](repeating: 0, count: rows)
    for i in index where i != 3 { counts[i] += 1 }
    #expect(weight.grad!.select(dim: 1, 5).toArray(Float.self) == counts)
    #expect(weight.grad!.select(dim: 1, 31).toArray(Float.self) == counts)
  }

  @Test func largeSelectionsAlongInnerDimensions() {
    let x = Tensor(0..<300_000, shape: [300, 1000])
    let columns = Self.numbers(500, below: 1000)
    let y = x[.all, columns]
    #expect(y.shape == [300, 500])
    let expected = (0..<300).flatMap { row in columns.map { row * 1000 + $0 } }
    #expect(y.toArray(Int.self) == expected)
    #expect(x.indexSelect(dim: 1, Tensor(columns)).toArray(Int.self) == expected)
    let z = Tensor.zeros([300, 1000], dtype: .int64)
    z[.all, columns] = y
    let seen = Set(columns)
    #expect(z.toArray(Int.self) == (0..<300_000).map { seen.contains($0 % 1000) ? $0 : 0 })
  }

  @Test func masksFindTheirElements() {
    let values = Self.numbers(400_000, below: 3)
    let x = Tensor(values)
    let expected = values.indices.filter { values[$0] != 0 }
    #expect(x.nonzero().view(-1).toArray(Int.self) == expected)
    #expect(x[x.to(.bool)].toArray(Int.self) == values.filter { $0 != 0 })
  }

  @Test func halfTypesAndBytesAreScattered() {
    for dtype in DType.allCases where dtype != .bool {
      let x = Tensor([1, 2, 3, 4], dtype: dtype)
      let y = x.scatterAdd(dim: 0, Tensor([0, 0, 3]), Tensor([10, 20, 30], dtype: dtype))
      #expect(y.dtype == dtype && y.toArray(Int.self) == [31, 2, 3, 34])
      let largest = x.scatterReduce(
        dim: 0, Tensor([1, 1]), Tensor([7, 5], dtype: dtype), reduce: .amax, includeSelf: false)
      #expect(largest.toArray(Int.self) == [1, 7, 3, 4])
      let mean = x.indexReduce(dim: 0, Tensor([2, 2]), Tensor([6, 9], dtype: dtype), reduce: .mean)
      #expect(mean.toArray(Int.self) == [1, 2, 6, 4])
    }
  }

  @Test(arguments: [(DType.float16, 12_496.0), (.bfloat16, 12_480)])
  func manyHalvesAddUp(_ dtype: DType, _ sum: Double) {
    // 5000 times 2.5, as PyTorch rounds it.
    let many = Tensor.full([5000], 2.5, dtype: dtype), places = Tensor.zeros(5000, dtype: .int64)
    let nothing = Tensor.zeros(2, dtype: dtype)
    #expect(nothing.scatterAdd(dim: 0, places, many).toArray(Double.self) == [sum, 0])
    let mean = nothing.scatterReduce(dim: 0, places, many, reduce: .mean, includeSelf: false)
    #expect(mean.dtype == dtype && mean.toArray(Double.self) == [2.5, 0])
    let x = Tensor.zeros(2, dtype: dtype, requiresGrad: true)
    x.gather(dim: 0, places).backward(gradient: many)
    #expect(x.grad!.toArray(Double.self) == [sum, 0])
  }

  @Test(arguments: [[2.0, 3, 4], [0, 3, 4], [0, 0, 4], [0, 0, 0]])
  func productsHaveSecondDerivativesAroundZeros(values: [Double]) {
    let x = Tensor([5.0, 7], dtype: .float64).requiresGrad(true)
    let source = Tensor(values, dtype: .float64).requiresGrad(true)
    func second(_ y: Tensor) -> [[Double]] {
      let gradients = grad(of: [y], wrt: [x, source], createGraph: true)
      let mixed = gradients.map { ($0! * Tensor((1...$0!.elementCount).map(Double.init), dtype: .float64)).sum() }
      return grad(of: [mixed[0] + mixed[1]], wrt: [x, source]).map { $0!.toArray(Double.self) }
    }
    let reduced = x.scatterReduce(dim: 0, Tensor([1, 1, 1]), source, reduce: .prod).sum()
    #expect(second(reduced) == second(x[0] + x[1] * source[0] * source[1] * source[2]))
  }

  @Test func indexPutAccumulates() {
    let x = Tensor.zeros([3, 2]).requiresGrad(true)
    let v = Tensor([[1.0, 2], [3, 4], [5, 6]]).requiresGrad(true)
    let y = x.indexPut([[0, 2, 0]], v, accumulate: true)
    #expect(y.toArray(Float.self) == [6, 8, 0, 0, 3, 4])
    let z = x.indexPut([1...], Tensor([1.0, 1]), accumulate: true)
    #expect(z.toArray(Float.self) == [0, 0, 1, 1, 1, 1])
    (y * Tensor([[1.0, 2], [3, 4], [5, 6]])).sum().backward()
    #expect(v.grad!.toArray(Float.self) == [1, 2, 5, 6, 1, 2])
    #expect(x.grad!.toArray(Float.self) == [1, 2, 3, 4, 5, 6])
  }

  @Test func uniqueGroupsEqualElements() {
    let (values, inverse, counts) = Tensor([3.0, 1, 3, -0.0, 0, 1, 3]).unique()
    #expect(values.toArray(Float.self) == [0, 1, 3])
    #expect(inverse.toArray(Int.self) == [2, 1, 2, 0, 0, 1, 2])
    #expect(counts.toArray(Int.self) == [2, 2, 3])
    let nan = Tensor([Double.nan, 1, .nan]).unique()
    #expect(nan.values.elementCount == 3 && nan.counts.toArray(Int.self) == [1, 1, 1])
    let rows = Tensor([[2, 1], [0, 5], [2, 1], [0, 4]]).unique(dim: 0)
    #expect(rows.values.toArray(Int.self) == [0, 4, 0, 5, 2, 1])
    #expect(rows.inverse.toArray(Int.self) == [2, 1, 2, 0] && rows.counts.toArray(Int.self) == [1, 1, 2])
    let runs = Tensor([1, 1, 2, 2, 1]).uniqueConsecutive()
    #expect(runs.values.toArray(Int.self) == [1, 2, 1] && runs.counts.toArray(Int.self) == [2, 2, 1])
    #expect(runs.inverse.toArray(Int.self) == [0, 0, 1, 1, 2])
    #expect(Tensor.zeros([0]).unique().values.elementCount == 0)
    #expect(Tensor.zeros(3, 0).unique(dim: 1).values.shape == [3, 0])
  }

  @Test func slicesWithoutElementsAreNotUnique() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros(3, 0).unique(dim: 0)
    }
    expectMessage(result, "unique: slices along dim 0 have no elements to tell them apart")
  }

  @Test func membershipAndHistograms() {
    #expect(Tensor([1, 4, 2]).isIn(Tensor([2, 1, 9])).toArray(Bool.self) == [true, false, true])
    #expect(Tensor([1, 4, 2]).isIn(Tensor([2, 1, 9]), invert: true).toArray(Bool.self) == [false, true, false])
    #expect(Tensor([Double.nan, 1]).isIn(Tensor([Double.nan, 1])).toArray(Bool.self) == [false, true])
    #expect(Tensor([1.0, 2, 3, 3, 7, -1]).histc(bins: 3, min: 1, max: 3).toArray(Float.self) == [1, 1, 2])
    #expect(Tensor([2.0, 2]).histc(bins: 4).toArray(Float.self) == [0, 0, 2, 0])
    let (counts, edges) = Tensor([1.0, 2, 3, 3, 7, -1]).histogram(.edges(Tensor([0.0, 1, 3, 4])))
    #expect(counts.toArray(Float.self) == [0, 2, 2] && edges.shape == [4])
  }

  @Test func wrongIndicesAreNamed() async throws {
    let one = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros(2, 3).gather(dim: 1, Tensor([[0, 3]]))
    }
    let text = String(decoding: try #require(one).standardErrorContent, as: UTF8.self)
    #expect(text.hasPrefix("Firecrest: gather: 3 is out of range for dim 1 of size 3\n"))
    let two = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros(2, 3)[Tensor([true, false, true])]
    }
    let message = String(decoding: try #require(two).standardErrorContent, as: UTF8.self)
    #expect(message.hasPrefix("Firecrest: index: the mask's dim 0 of size 3 stands for dim 0 of size 2\n"))
  }
}
