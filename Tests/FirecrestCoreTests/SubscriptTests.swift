import Firecrest
import FirecrestCore
import TestSupport
import Testing

/// Reading and assigning through subscripts. That reading selects the right elements is checked against PyTorch in the
/// operation catalog (`__getitem__`); assignment is checked here against reading a tensor of positions.
@Suite struct SubscriptTests {
  /// Every kind of index, for a tensor of shape [4, 3, 5].
  static func kinds() -> [[any TensorIndex]] {
    let rows = Tensor([true, false, true, true])
    let elements = Tensor((0..<60).map { $0 % 7 < 3 }, shape: [4, 3, 5])
    let pairs = Tensor([[true, false, true], [false, false, true], [true, true, true], [false, false, false]])
    let all = TensorSlice.all
    return [
      [1], [-1], [1, -1], [1, 2, 3],
      [1..<3], [1..., ..<2, ...3], [all, (-2)...], [all, -2...(-1)],
      [TensorSlice.slice(1, -1), all, TensorSlice.slice(by: 2)], [TensorSlice.slice(3, 1)], [2..<100],
      [stride(from: 0, to: 4, by: 2)], [all, all, stride(from: 1, through: 4, by: 3)],
      [TensorSlice.ellipsis, 0], [1, TensorSlice.ellipsis, -1], [TensorSlice.newAxis], [all, TensorSlice.newAxis, 2],
      [elements], [rows], [rows, 1], [all, Tensor([false, true, true])], [pairs],
      [all, TensorSlice.newAxis, [true, false, true]],
      [rows, all, [0, 4, 2]], [pairs, 1..<4], [[0, 2, 1], Tensor([false, true, false])],
      [Tensor([2, 0, -1])], [[3, 1]], [[[0, 1], [2, 3]]], [all, [0, 2], [1, 3]], [[[0], [1]], all, [1, 3]],
      [0, [0, 2]],
      [[1, 2], 0], [all, [0, 2], TensorSlice.newAxis], [TensorSlice.slice(by: 2), [0, 2], 1..<4],
      [TensorSlice.ellipsis, [0, 2], 1..<4], [true], [false], [Tensor.zeros([0], dtype: .int64)], [Tensor(2)],
      [Tensor([1, 3], dtype: .int32)],
    ]
  }

  static func read(_ x: Tensor, _ i: [any TensorIndex]) -> Tensor {
    switch i.count {
    case 1: x[i[0]]
    case 2: x[i[0], i[1]]
    default: x[i[0], i[1], i[2]]
    }
  }

  static func assign(_ x: Tensor, _ i: [any TensorIndex], _ value: Tensor) {
    switch i.count {
    case 1: x[i[0]] = value
    case 2: x[i[0], i[1]] = value
    default: x[i[0], i[1], i[2]] = value
    }
  }

  static func assign(_ x: Tensor, _ i: [any TensorIndex], _ value: Double) {
    switch i.count {
    case 1: x[i[0]] = value
    case 2: x[i[0], i[1]] = value
    default: x[i[0], i[1], i[2]] = value
    }
  }

  static func add(_ x: Tensor, _ i: [any TensorIndex], _ value: Tensor) {
    switch i.count {
    case 1: x[i[0]] += value
    case 2: x[i[0], i[1]] += value
    default: x[i[0], i[1], i[2]] += value
    }
  }

  static func numbers(_ shape: Shape, from start: Double) -> Tensor {
    Tensor((0..<shape.elementCount).map { start + Double($0) * 0.5 }, shape: shape, dtype: .float64)
  }

  static let shape: Shape = [4, 3, 5]

  @Test(arguments: [false, true]) func assignmentReachesWhatReadingSelects(strided: Bool) {
    for (k, index) in Self.kinds().enumerated() {
      let positions = Self.read(Tensor(0..<60, shape: Self.shape), index)
      let touched = positions.toArray(Int.self)
      let value = Self.numbers(positions.shape, from: 100)
      func fresh() -> Tensor {
        let x = Self.numbers(Self.shape, from: 0)
        return strided ? noncontiguous(x) : x.clone()
      }
      func expect(_ change: (inout Double, Int) -> Void) -> Tensor {
        var all = Self.numbers(Self.shape, from: 0).toArray(Double.self)
        for (i, position) in touched.enumerated() { change(&all[position], i) }
        return Tensor(all, shape: Self.shape, dtype: .float64)
      }
      let values = value.toArray(Double.self)
      var x = fresh()
      Self.assign(x, index, value)
      #expect(difference(x, expect { $0 = values[$1] }) == nil, "tensor, kind \(k)")
      x = fresh()
      Self.assign(x, index, value.to(.float32).view(Shape([1] + Array(value.shape))))
      #expect(difference(x, expect { $0 = values[$1] }) == nil, "float32 with a leading 1, kind \(k)")
      x = fresh()
      Self.assign(x, index, 7.5)
      #expect(difference(x, expect { element, _ in element = 7.5 }) == nil, "number, kind \(k)")
      x = fresh()
      Self.assign(x, index, Tensor.full([], -2, dtype: .float64))
      #expect(difference(x, expect { element, _ in element = -2 }) == nil, "scalar tensor, kind \(k)")
      x = fresh()
      Self.add(x, index, value)
      #expect(difference(x, expect { $0 += values[$1] }) == nil, "+=, kind \(k)")
    }
  }

  @Test func assignmentIsDifferentiable() {
    let weights = Self.numbers(Self.shape, from: 1)
    for (k, index) in Self.kinds().enumerated() {
      let positions = Self.read(Tensor(0..<60, shape: Self.shape), index)
      let touched = Set(positions.toArray(Int.self))
      let x = Self.numbers(Self.shape, from: 0).requiresGrad(true)
      let v = Self.numbers(positions.shape, from: 9).requiresGrad(true)
      let y = x * 1
      Self.assign(y, index, v)
      (y * weights).sum().backward()
      let w = weights.toArray(Double.self)
      let gx = w.indices.map { touched.contains($0) ? 0 : w[$0] }
      #expect(difference(x.grad!, Tensor(gx, shape: Self.shape, dtype: .float64)) == nil, "kind \(k)")
      let gv = positions.toArray(Int.self).map { w[$0] }
      let grad = v.grad ?? Tensor.zeros(v.shape, dtype: .float64)
      #expect(difference(grad, Tensor(gv, shape: v.shape, dtype: .float64)) == nil, "kind \(k)")
      let z = x * 1
      Self.assign(z, index, 3)
      z.sum().backward()
      let both = w.indices.map { gx[$0] + (touched.contains($0) ? 0 : 1) }
      #expect(difference(x.grad!, Tensor(both, shape: Self.shape, dtype: .float64)) == nil, "number, kind \(k)")
    }
  }

  @Test func everySpelling() {
    let x = Tensor.zeros(4, 5)
    let rows = Tensor([0, 2])
    let second = Tensor([false, true, false, false])
    x[1] = 7
    x[0, 1] = true
    x[-1, .all] = 0.5
    x[2...] += 1
    x[.all, 0] *= 2
    x[rows] += Tensor([1.0, 2, 3, 4, 5])
    x[second] -= 1
    x[.ellipsis, 4] = Tensor([10, 20, 30, 40])
    x[0][3] = 9
    let element = x[0, 1]
    #expect(element.shape == [] && element.item() == 3)
    #expect(
      x.toArray(Float.self) == [1, 3, 3, 9, 10, 13, 6, 6, 6, 20, 3, 3, 4, 5, 30, 3, 1.5, 1.5, 1.5, 40])
    let y = Tensor.zeros([3], dtype: .int64)
    y[[0, 0, 1]] = Tensor([4.9, 5.9, -1.5])
    #expect(y.toArray(Int.self) == [5, -1, 0])
  }

  @Test func basicIndicesAreViews() {
    let x = Tensor.zeros(4, 3, 5)
    let part = x[1..., .newAxis, .all, .slice(by: 2)]
    #expect(part.shape == [3, 1, 3, 3] && part.strides == [15, 0, 5, 2])
    part.fill(1)
    #expect(x.sum().item() == 27)
    #expect(x[[0, 1]].storage !== x.storage)
  }

  @Test func changingALeafIsRefused() async {
    await #expect(processExitsWith: .failure) {
      let x = Tensor.zeros([3], requiresGrad: true)
      x[[0, 1]] = 1
    }
  }

  @Test func indexOutOfRangeNamesItself() async throws {
    let one = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros(5)[7]
    }
    let text = String(decoding: try #require(one).standardErrorContent, as: UTF8.self)
    #expect(text.hasPrefix("Firecrest: index: 7 is out of range for dim 0 of size 5\n"))
    let two = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros(2, 5)[.all, [1, -6]]
    }
    let message = String(decoding: try #require(two).standardErrorContent, as: UTF8.self)
    #expect(message.hasPrefix("Firecrest: index: -6 is out of range for dim 1 of size 5\n"))
  }
}
