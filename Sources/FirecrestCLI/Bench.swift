import ArgumentParser
import Firecrest
import FirecrestCPU
import Foundation

/// `firecrest bench`: times the workloads of Benchmarks/pytorch_baseline.py, by the same names and protocol.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Times workloads, or kernels against this machine's limits.",
    discussion: "`make bench` runs this and PyTorch in turn and prints the ratios.")

  @Option(help: "Comma-separated names; all without it.") var only: String?
  @Option(parsing: .unconditional, help: "Seconds for each workload.") var seconds = 1.5
  @Option(parsing: .unconditional, help: "Threads to use.") var threads: Int?
  @Flag(help: "One JSON object a line: name, median_us, min_us, runs.") var json = false
  @Flag(help: "Kernels in GFLOP/s and GB/s instead of workloads.") var kernels = false

  func validate() throws {
    guard seconds > 0 && seconds <= 3600 else { throw ValidationError("--seconds must be above 0 and at most 3600") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be 1 to 1024") }
    let known = suite.map(\.name)
    for name in chosen ?? [] where !known.contains(name) {
      throw ValidationError("no workload '\(name)'; there are: \(known.joined(separator: ", "))")
    }
  }

  private var chosen: [String]? { only?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
  private var suite: [Workload] { kernels ? kernelWorkloads : workloads }

  func run() {
    if let threads { ThreadPool.shared.count = threads }
    manualSeed(0)
    if kernels && !json { printLimits() }
    for workload in suite where chosen?.contains(workload.name) ?? true {
      report(workload, measure(workload.build(), seconds: seconds))
    }
  }

  private func report(_ workload: Workload, _ timing: Timing) {
    if json {
      print(
        "{\"name\": \"\(workload.name)\", \"median_us\": \(rounded(timing.median)), "
          + "\"min_us\": \(rounded(timing.minimum)), \"runs\": \(timing.runs)}")
    } else {
      var line = workload.name.padding(toLength: 26, withPad: " ", startingAt: 0)
      line += String(format: "%12.2f us", timing.median)
      if workload.flops > 0 { line += String(format: "%10.1f GFLOP/s", workload.flops / timing.median / 1e3) }
      if workload.bytes > 0 { line += String(format: "%10.1f GB/s", workload.bytes / timing.median / 1e3) }
      print(line)
    }
    fflush(nil)
  }

  private func rounded(_ microseconds: Double) -> String { String(format: "%.3f", microseconds) }

  /// What a product can reach at most: multiply-adds in registers, on all threads at once, for what they share (clock,
  /// cores) is no fault of a kernel.
  private func printLimits() {
    let kernels = CPU.shared.kernels, threads = ThreadPool.shared.count
    for type in [DType.float32, .float64] {
      var best = 0.0
      for _ in 0..<20 {
        let start = DispatchTime.now().uptimeNanoseconds
        let operations = Guarded(0.0)
        ThreadPool.shared.run(tasks: threads, limit: threads) { _ in
          let done = kernels.peakFMA(type, iterations: 2_000_000)
          operations.withLock { $0 += done }
        }
        best = max(best, operations.withLock { $0 } / Double(DispatchTime.now().uptimeNanoseconds - start))
      }
      print(String(format: "in-register multiply-adds, \(kernels.name), \(type): %.1f GFLOP/s", best))
    }
  }
}

/// Microseconds a run.
struct Timing {
  var median: Double
  var minimum: Double
  var runs: Int
}

/// The median over as many runs as fit, at least 3, after a warm-up: the protocol of pytorch_baseline.py.
func measure(_ run: () -> Void, seconds: Double) -> Timing {
  func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
  run()
  let first = now()
  run()
  let once = Double(now() - first) / 1e9
  for _ in 0..<min(20, Int(0.2 / max(once, 1e-6))) { run() }
  var times: [UInt64] = []
  times.reserveCapacity(20_000)
  let end = now() + UInt64(seconds * 1e9)
  while times.count < 3 || (now() < end && times.count < 20_000) {
    let start = now()
    run()
    times.append(now() - start)
  }
  times.sort()
  return Timing(median: Double(times[times.count / 2]) / 1e3, minimum: Double(times[0]) / 1e3, runs: times.count)
}
