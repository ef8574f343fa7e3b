import CPUKernelAPI
import CPUKernelsBaseline
import Foundation

#if arch(x86_64)
  import CPUKernelsAVX2
  import CPUKernelsAVX512
#endif

/// The instruction sets, of those the package has kernels for, that this machine can run.
enum InstructionSets {
  /// True where the 512-bit kernels run.
  static let avx512 = flags.isSuperset(of: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])
  /// True where the 256-bit kernels run.
  static let avx2 = flags.isSuperset(of: ["avx2", "fma", "bmi2", "f16c"])

  /// The matrix kernels of every set that runs here, with their names.
  static let matmulKernels: [(name: String, kernels: any MatmulKernels)] = {
    var sets: [(name: String, kernels: any MatmulKernels)] = [("baseline", CPUKernelsBaseline.Kernels())]
    #if arch(x86_64)
      if avx2 { sets.append(("avx2", CPUKernelsAVX2.Kernels())) }
      if avx512 { sets.append(("avx512", CPUKernelsAVX512.Kernels())) }
    #endif
    return sets
  }()

  /// The elementwise kernels of every set that runs here, with their names.
  static let elementwiseKernels: [(name: String, kernels: any ElementwiseKernels)] = {
    var sets: [(name: String, kernels: any ElementwiseKernels)] = [("baseline", CPUKernelsBaseline.Kernels())]
    #if arch(x86_64)
      if avx2 { sets.append(("avx2", CPUKernelsAVX2.Kernels())) }
      if avx512 { sets.append(("avx512", CPUKernelsAVX512.Kernels())) }
    #endif
    return sets
  }()

  private static let flags: Set<Substring> = {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return [] }
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") }) else { return [] }
    return Set(line.split(separator: " "))
  }()
}
