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

  @Test func misuseStops() async {
    // Negative numbers wrap in uint8 as in PyTorch.
    #expect(Tensor.full([2], -1, dtype: .uint8).toArray(Int.self) == [255, 255])
    #expect(Tensor.full([1], 127, dtype: .int8).item() == 127)
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.full([2], 256, dtype: .uint8)
    }
    expectMessage(result, "full: uint8 does not hold 256")
    await #expect(processExitsWith: .failure) { _ = Tensor.arange(0, 5, step: -1) }
    await #expect(processExitsWith: .failure) { _ = Tensor.linspace(0, 1, -1) }
    await #expect(processExitsWith: .failure) {
      _ = [1.0, 2.0].withUnsafeBytes { Tensor(copying: $0, shape: [3], dtype: .float64) }
    }
  }
}
