import ArgumentParser
import Firecrest
import FirecrestCPU

/// `firecrest doctor`: what Firecrest found on this machine.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows what Firecrest found on this machine.")

  func run() {
    let sets = availableKernels().map(\.name)
    print("kernel sets:  \(sets.joined(separator: ", ")); in use: \(CPU.shared.kernels.name)")
    print("threads:      \(ThreadPool.shared.count)")
    print("memory:       \(Memory.statistics.reserved) bytes held")
    print("data folder:  \(Settings.dataFolder ?? "none (set FIRECREST_DATA)")")
  }
}
