import CPUKernelAPI
import Testing

#if arch(x86_64)
  import CPUKernelsAVX2
  import CPUKernelsAVX512
#endif
import CPUKernelsBaseline

@Test func kernelSetsHaveTheirNames() {
  #expect(CPUKernelsBaseline.Kernels().name == "baseline")
  #if arch(x86_64)
    #expect(CPUKernelsAVX2.Kernels().name == "avx2")
    #expect(CPUKernelsAVX512.Kernels().name == "avx512")
  #endif
}
