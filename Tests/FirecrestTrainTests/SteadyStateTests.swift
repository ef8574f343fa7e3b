import Firecrest
import Testing

/// Training that has seen a whole epoch lives on the memory it has.
@Suite struct SteadyStateTests {
  /// In a process of its own, where nobody else takes memory.
  @Test func asksTheSystemForNoMemory() async {
    await #expect(processExitsWith: .success) {
      manualSeed(0)
      let net = Sequential(
        Conv2d(1, 16, kernelSize: 3, padding: 1), BatchNorm2d(16), ReLU(), MaxPool2d(kernelSize: 2),
        Conv2d(16, 32, kernelSize: 3, padding: 1), ReLU(), Flatten(), Linear(512, 64), ReLU(), Dropout(p: 0.2),
        Linear(64, 10))
      let optimizer = Adam(net.parameters(), lr: 1e-3)
      let loader = DataLoader(Digits(train: true), batchSize: 128, shuffle: true)
      func epoch() {
        for (x, y) in loader {
          optimizer.zeroGrad()
          crossEntropy(net(x), y).backward()
          _ = clipGradNorm(net.parameters(), maxNorm: 1)
          optimizer.step()
        }
      }
      for _ in 0..<2 { epoch() }
      let (before, reserved) = (Memory.statistics.systemAllocations, Memory.statistics.reserved)
      for _ in 0..<3 { epoch() }
      precondition(Memory.statistics.systemAllocations == before, "\(Memory.statistics)")
      precondition(Memory.statistics.reserved == reserved && Memory.statistics.allocations > before)
    }
  }
}
