import Firecrest
import FirecrestCPU
import Foundation
import Testing

@Suite struct AllocatorTests {
  /// Work on ever new sizes does not keep a block of each.
  @Test func whatIsKeptIsLimited() async {
    await #expect(processExitsWith: .success) {
      for megabytes in stride(from: 40, through: 300, by: 20) {
        Tensor.empty([megabytes << 18]).fill(1)
        let held = Memory.statistics
        if held.reserved > held.peak + held.peak / 4 + 256 << 20 { exit(1) }
      }
      // What fits is kept.
      let asked = Memory.statistics.systemAllocations
      for _ in 0..<10 { _ = Tensor.empty([300 << 18]) }
      if Memory.statistics.systemAllocations != asked { exit(2) }
    }
  }

  /// Readers of files ask before they allocate; no machine has 2⁴⁷ bytes.
  @Test func saysWhatIsThere() async {
    await #expect(processExitsWith: .success) {
      let before = Memory.statistics
      if Allocator.shared.canAllocate(1 << 47) { exit(1) }
      if Memory.statistics != before { exit(2) }
      if !Allocator.shared.canAllocate(1 << 20) || Memory.statistics.inUse != before.inUse { exit(3) }
    }
  }

  @Test func saysHowMuchWasWanted() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let held = Tensor.zeros([1 << 20])
      withExtendedLifetime(held) { _ = Tensor.empty([1 << 50]) }
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("the system has no \(1 << 52) bytes left"), "\(message)")
    #expect(message.contains("in use by tensors: 4194304 bytes"), "\(message)")
  }
}
