import CPUKernelAPI
import CRuntime

/// The CPU as a device: its kernels and its threads.
package struct CPU: Sendable {
  /// The kernels of the instruction set chosen at start.
  package let kernels: any KernelSet

  package static let shared = CPU(kernels: chosenKernels())

  /// Elements below which an operation stays on one thread: waking the pool costs about what they cost.
  package static let grain = 16_384

  /// Splits `0 ..< count` into ranges of whole multiples of `multiple` with at least `grain` elements and runs them on
  /// the pool: `perThread` ranges for each thread, so that one that is held up leaves its share to the others. What a
  /// body computes must not depend on where the ranges are cut.
  @inline(__always)
  package func parallel(
    _ count: Int, grain: Int = CPU.grain, multiple: Int = 64, perThread: Int = 4, _ body: (Range<Int>) -> Void
  ) {
    if count < 2 * grain { return body(0..<count) }
    split(count, grain, multiple, perThread, ThreadPool.shared.count, body)
  }

  /// The same where each thread needs `scratch` bytes. They are taken for all threads before the work starts: how much
  /// memory there is does not depend on which thread finds work.
  package func parallel(
    _ count: Int, grain: Int, multiple: Int, perThread: Int = 4, scratch: Int,
    _ body: (Range<Int>, UnsafeMutableRawPointer) -> Void
  ) {
    let isAlone = count < 2 * grain || fc_state().pointee.in_parallel
    let threads = isAlone ? 1 : min(ThreadPool.shared.count, count / grain)
    let bytes = max(64, (scratch + 63) / 64 * 64)
    let memory = Allocator.shared.allocate(threads * bytes)
    if threads == 1 {
      body(0..<count, memory)
    } else {
      split(count, grain, multiple, perThread, threads) { body($0, memory + Int(fc_state().pointee.worker) * bytes) }
    }
    Allocator.shared.release(memory, threads * bytes)
  }

  private func split(
    _ count: Int, _ grain: Int, _ multiple: Int, _ perThread: Int, _ threads: Int, _ body: (Range<Int>) -> Void
  ) {
    if threads == 1 { return body(0..<count) }
    let parts = min(threads * perThread, count / grain)
    if parts <= 1 { return body(0..<count) }
    let step = ((count + parts - 1) / parts + multiple - 1) / multiple * multiple
    ThreadPool.shared.run(tasks: (count + step - 1) / step, limit: threads) { part in
      body(part * step..<min(count, (part + 1) * step))
    }
  }
}

/// The kernel sets that this CPU can run, widest first.
package func availableKernels() -> [any KernelSet] {
  var sets: [any KernelSet] = []
  #if arch(x86_64)
    let level = fc_isa_level()
    if level >= 3 { sets.append(LinkedKernels.take(fc_kernels_avx512())) }
    if level >= 2 { sets.append(LinkedKernels.take(fc_kernels_avx2())) }
  #endif
  sets.append(LinkedKernels.take(fc_kernels_baseline()))
  return sets
}

private func chosenKernels() -> any KernelSet {
  let sets = availableKernels()
  guard let wanted = Settings.instructionSet else { return sets[0] }
  if let set = sets.first(where: { $0.name == wanted }) { return set }
  Settings.Invalid.instructionSet(wanted, of: sets.map(\.name)).refuse()
}
