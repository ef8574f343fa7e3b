import ArgumentParser
import Firecrest
import FirecrestCPU
import FirecrestTrain
import Foundation

/// `firecrest doctor`: what Firecrest found on this machine.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows what Firecrest found on this machine.")

  func run() {
    let sets = availableKernels().map(\.name)
    print("processor:    \(processor)")
    print("kernel sets:  \(sets.joined(separator: ", ")); in use: \(CPU.shared.kernels.name)")
    print("threads:      \(ThreadPool.shared.count)")
    print("devices:      \(Device.cpu)")
    print("memory:       \(ProcessInfo.processInfo.physicalMemory >> 20) MiB, \(Memory.statistics.reserved >> 20) held")
    print("data folder:  \(Settings.dataFolder ?? "none (set FIRECREST_DATA)")")
    print("cache folder: \(Settings.cacheFolder)")
    print("digits:       built in, \(Digits(train: true).count) training and \(Digits(train: false).count) test images")
    print("mnist:        \(found { try (MNIST(train: true, download: false), MNIST(train: false, download: false)) })")
    print(
      "fashion:      "
        + found { try (FashionMNIST(train: true, download: false), FashionMNIST(train: false, download: false)) })
  }

  /// How many images there are, or why none.
  private func found<D: ImageDataset>(_ load: () throws -> (D, D)) -> String {
    do {
      let (train, test) = try load()
      return "\(train.count) training and \(test.count) test images"
    } catch let error as FileError where error.kind == .system(ENOENT) {
      return "not found"
    } catch {
      return "\(error)".split(separator: "\n").joined(separator: ";")
    }
  }

  private var processor: String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return name?.trimmingCharacters(in: .whitespaces) ?? "unknown"
  }
}
