import Firecrest
import FirecrestCore
import Foundation
import Testing

private final class Counter {
  var value = 0
}

@Suite struct CreationTests {
  @Test func ranges() {
    #expect(Tensor.arange(4).toArray(Int.self) == [0, 1, 2, 3])
    #expect(Tensor.arange(4).dtype == .int64)
    #expect(Tensor.arange(5, 0, step: -2).toArray(Int.self) == [5, 3, 1])
    #expect(Tensor.arange(0, 1, step: 0.25).toArray(Float.self) == [0, 0.25, 0.5, 0.75])
    #expect(Tensor.arange(Int.min, Int.max, step: Int.max).toArray(Int.self) == [Int.min, -1, Int.max - 1])
    #expect(Tensor.linspace(0, 1, 3, requiresGrad: true).requiresGrad)
    #expect(Tensor.linspace(-1, 0.1, 100).toArray(Float.self).last == 0.1)
    // More than one block, by way of another type.
    #expect(Tensor.arange(10_000, dtype: .int32).toArray(Int.self) == Array(0..<10_000))
  }

  /// To the bit what PyTorch 2.13 gives.
  @Test func evenSteps() {
    #expect(Tensor.linspace(4, -10, 50, dtype: .int16).toArray(Int.self)[18..<26] == [-1, -1, -1, -1, -2, -2, -2, -3])
    #expect(Tensor.linspace(-1, 3, 11, dtype: .int32)[5].item() == 0)
    #expect(Tensor.linspace(-3, 3, 101, dtype: .float64)[50].item() == 0x1p-53)
    #expect(Tensor.linspace(0, 1, 11)[3].item(as: Float.self).bitPattern == 0x3E99_999A)
    #expect(Tensor.linspace(2, 5, 1).toArray(Float.self) == [2] && Tensor.linspace(2, 5, 0).elementCount == 0)
    #expect(Tensor.linspace(2, 5, 2).toArray(Float.self) == [2, 5])
    // Bins begin where linspace says, so that exact zeros lie below the middle edge.
    let counts = Tensor([0.0]).histogram(100, range: -1...1).histogram
    #expect(counts.toArray(Int.self).firstIndex(of: 1) == 49)
  }

  /// Long ones are filled by pieces, on several threads, by vectors.
  @Test func longRanges() {
    let n = 100_003
    let whole = Tensor.arange(-7, 3 * n - 7, step: 3).toArray(Int.self)
    #expect(whole == (0..<n).map { 3 * $0 - 7 })
    let narrow = (0..<n).map { Int16(truncatingIfNeeded: 9 - 5 * $0) }
    #expect(Tensor.arange(9, 9 - 5 * n, step: -5, dtype: .int16).toArray(Int.self) == narrow.map { Int($0) })
    for dtype in [DType.float64, .float32] {
      let y = Tensor.arange(0.5, Double(n) * 0.1 + 0.45, step: 0.1, dtype: dtype).toArray(Double.self)
      let steps = (0..<n).map { i in 0.5 + Double(i) * 0.1 }
      #expect(y == (dtype == .float64 ? steps : steps.map { Double(Float($0)) }))
    }
    func spaced<T: BinaryFloatingPoint>(_ start: T, _ end: T, _ count: Int) -> [T] {
      let step = (end - start) / T(count - 1)
      return (0..<count).map { i in
        if i < count / 2 { return start.addingProduct(step, T(i)) }
        return end.addingProduct(-step, T(count - 1 - i))
      }
    }
    for count in [n, n + 1] {
      #expect(Tensor.linspace(-1, 0.1, count).toArray(Float.self) == spaced(-1, 0.1, count))
      let z: [Double] = spaced(2, -9, count)
      #expect(Tensor.linspace(2, -9, count, dtype: .float64).toArray(Double.self) == z)
      let bits = Tensor.linspace(2, -9, count, dtype: .bfloat16).toArray(Double.self)
      #expect(bits == Tensor(z).to(.bfloat16).toArray(Double.self))
    }
    // Reversed by vectors.
    let x = Tensor.arange(2 * n).reshape(2, n)
    for dtype in [DType.int64, .int32, .float32, .bool] {
      let y = x.to(dtype), columns = y.flip(dims: [1]), all = y.flip(dims: [0, 1])
      let row = y[1].toArray(Int.self), first = y[0].toArray(Int.self)
      #expect(columns[1].toArray(Int.self) == row.reversed() && columns[0].toArray(Int.self) == first.reversed())
      #expect(all.flatten().toArray(Int.self) == row.reversed() + first.reversed())
    }
  }

  @Test func buffers() {
    let numbers: [Float] = [1, 2, 3, 4, 5, 6]
    let copied = numbers.withUnsafeBufferPointer { Tensor(copying: $0, shape: [2, 3]) }
    #expect(copied.dtype == .float32)
    #expect(copied.toArray(Float.self) == numbers)
    let bytes: [UInt8] = [1, 0, 2, 0]
    let halves = bytes.withUnsafeBytes { Tensor(copying: $0, shape: [2], dtype: .int16) }
    #expect(halves.toArray(Int.self) == [1, 2])
  }

  @Test func memoryIsReleasedOnceWithTheLastView() {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 1)
    let released = Counter()
    do {
      var view: Tensor?
      do {
        let x = Tensor(noCopy: memory, shape: [8, 8], dtype: .uint8) { released.value += 1 }
        view = x.select(dim: 0, 7)
        x.select(dim: 0, 7).fill(5)
      }
      #expect(released.value == 0)
      #expect(view!.toArray(Int.self) == Array(repeating: 5, count: 8))
      view = nil
    }
    #expect(released.value == 1)
    #expect(memory[63] == 5)
    memory.deallocate()
  }

  @Test func windows() {
    #expect(Tensor.window(.hann, 4).toArray(Double.self).map { ($0 * 1e6).rounded() / 1e6 } == [0, 0.5, 1, 0.5])
    #expect(Tensor.window(.bartlett, 3, periodic: false).toArray(Float.self) == [0, 1, 0])
  }

  /// Arguments near the ends of Int stop with a message, not with a bare trap, or mean what they say.
  @Test func extremes() {
    let x = Tensor.arange(12).view(3, 4)
    #expect(x[0...Int.max].shape == [3, 4] && x[...Int.max].shape == [3, 4])
    #expect(x[.slice(nil, nil, by: .max)].toArray(Int.self) == [0, 1, 2, 3])
    #expect(x.roll(.min).toArray(Int.self) == x.roll(Int.min % 12 + 12).toArray(Int.self))
    #expect(x.chunk(.max).count == 3)
    #expect(x.diagonal(offset: .min).elementCount == 0 && x.diagonal(offset: .max).elementCount == 0)
    #expect(x.tril(diagonal: .max).toArray(Int.self) == Array(0..<12) && x.triu(diagonal: .max).sum().item() == 0)
    #expect(Tensor.trilIndices(2, 2, offset: .max).shape == [2, 4])
    #expect(x.unfold(dim: 0, size: 1, step: .max).shape == [1, 4, 1])
    #expect(Tensor(5.0).topk(0).values.item() == 5)
    #expect(Tensor.zeros([4000], dtype: .int64).bincount(weights: Tensor.ones(4000, dtype: .float16)).item() == 4000)
    let mixed = blockDiag([Tensor([1.0, 2]), Tensor(26.0, dtype: .float64)])
    #expect(mixed.dtype == .float32 && mixed.shape == [2, 3])
    #expect(blockDiag([Tensor(1), Tensor([[1.0]])]).dtype == .float32)
  }

  @Test(arguments: 0..<16)
  func extremesThatStop(_ kind: Int) async {
    let reasons = [
      "expand: shape [4294967296, 4294967296] has too many elements",
      "view: shape [9223372036854775807, 9223372036854775807] has too",
      "view: shape [4294967296, 4294967296] has too many", "bincount: 9223372036854775807 is too large",
      "narrow: 9223372036854775807 indices from 1 on", "narrow: a scalar has no dimension",
      "repeat: 9223372036854775807 times",
      "tensorSplit: 9223372036854775807 pieces", "split: the sizes", "clamp: uint8 does not hold 300",
      "randint: uint8 does not hold 299", "randperm: float16 does not hold 3000 different", "more than 8 dimensions",
      "combinations: there are more than can be counted", "cat: dim 0 would be longer than an Int can count",
      "memory: cannot allocate 108086391056891808 bytes",
    ]
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [kind] in
      let x = Tensor.arange(12).view(3, 4)
      switch kind {
      case 0: _ = Tensor.ones(1).expand(1 << 32, 1 << 32)
      case 1: _ = x.view(.max, .max)
      case 2: _ = Tensor.empty(0).view(1 << 32, 1 << 32)
      case 3: _ = Tensor([Int.max]).bincount()
      case 4: _ = x.narrow(dim: 0, start: 1, length: .max)
      case 5: _ = Tensor(2).narrow(dim: 0, start: 0, length: 1)
      case 6: _ = x.repeat(.max, 2)
      case 7: _ = x.tensorSplit(.max)
      case 8: _ = x.split([Int.max, Int.max])
      case 9: _ = Tensor([1, 100, 200], dtype: .uint8).clamp(max: 300)
      case 10: _ = Tensor.randint(high: 300, [2], dtype: .uint8)
      case 11: _ = Tensor.randperm(3000, dtype: .float16)
      case 12: _ = meshgrid((0..<9).map { _ in Tensor.arange(2) })
      case 13: _ = Tensor.arange(12).combinations(r: .max, replacement: true)
      case 14: _ = cat([Tensor.ones(1).expand(1 << 62), Tensor.ones(1).expand(1 << 62)])
      default: _ = x.vander(columns: 1 << 50)
      }
    }
    expectMessage(result, reasons[kind])
  }

  /// What an integer type does not hold is not put into it as another number.
  @Test(arguments: 0..<6)
  func numbersThatDoNotFit(_ kind: Int) async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [kind] in
      let x = Tensor.zeros([2], dtype: .uint8)
      switch kind {
      case 0: x.fill(300)
      case 1: x[0] = 300
      case 2: x[Tensor([true, false])] = 300
      case 3: _ = x.maskedFill(Tensor([true, false]), 300)
      case 4: _ = x.indexFill(dim: 0, Tensor([1]), 300)
      default: _ = x.scatter(dim: 0, Tensor([1]), 300)
      }
    }
    expectMessage(result, "uint8 does not hold 300")
  }

  @Test func misuseStops() async {
    // Negative numbers wrap in uint8 as in PyTorch.
    #expect(Tensor.full([2], -1, dtype: .uint8).toArray(Int.self) == [255, 255])
    #expect(Tensor.full([1], 127, dtype: .int8).item() == 127)
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.full([2], 256, dtype: .uint8)
    }
    expectMessage(result, "full: uint8 does not hold 256")
    let steps = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.linspace(0, 1000, 5, dtype: .int8)
    }
    expectMessage(steps, "linspace: int8 does not hold 1000")
    #expect(Tensor([-1, 255], dtype: .uint8).toArray(Int.self) == [255, 255])
    #expect(Tensor([1e6, 2], dtype: .float16).toArray(Double.self) == [.infinity, 2])
    #expect(Tensor([2.9, -2.9], dtype: .int8).toArray(Int.self) == [2, -2])
    let literal = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor([[1, 2], [3, 300]], dtype: .uint8)
    }
    expectMessage(literal, "tensor: uint8 does not hold 300")
    let fraction = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor([-1.5, 2], shape: [2], dtype: .uint8)
    }
    expectMessage(fraction, "tensor: uint8 does not hold -1.5")
    let nan = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor([1, Double.nan], dtype: .int64)
    }
    expectMessage(nan, "tensor: int64 does not hold nan")
    await #expect(processExitsWith: .failure) { _ = Tensor.arange(0, 5, step: -1) }
    let sign = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.arange(-6.0, -4.0, step: -2.5)
    }
    expectMessage(sign, "arange: no steps of -2.5 lead from -6.0 to -4.0")
    let whole = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.arange(0.0, 3.0, step: 0.5, dtype: .int32)
    }
    expectMessage(whole, "arange: int32 takes the whole parts of 0.0, 3.0 and the step 0.5, which must not be 0")
    await #expect(processExitsWith: .failure) { _ = Tensor.linspace(0, 1, -1) }
    await #expect(processExitsWith: .failure) {
      _ = [1.0, 2.0].withUnsafeBytes { Tensor(copying: $0, shape: [3], dtype: .float64) }
    }
  }
}
