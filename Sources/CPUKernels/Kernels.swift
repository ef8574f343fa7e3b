import CPUKernelAPI

#if KERNELS_AVX512
  typealias VFloat = SIMD16<Float>
  typealias VInt32 = SIMD16<Int32>
  typealias VDouble = SIMD8<Double>
  typealias VInt64 = SIMD8<Int64>
#elseif KERNELS_AVX2
  typealias VFloat = SIMD8<Float>
  typealias VInt32 = SIMD8<Int32>
  typealias VDouble = SIMD4<Double>
  typealias VInt64 = SIMD4<Int64>
#else
  typealias VFloat = SIMD4<Float>
  typealias VInt32 = SIMD4<Int32>
  typealias VDouble = SIMD2<Double>
  typealias VInt64 = SIMD2<Int64>
#endif

/// The kernels of this instruction set.
package struct Kernels: Sendable, KernelSet {
  package init() {}

  package var name: String {
    #if KERNELS_AVX512
      "avx512"
    #elseif KERNELS_AVX2
      "avx2"
    #else
      "baseline"
    #endif
  }
}

#if KERNELS_AVX512
  @_cdecl("fc_kernels_avx512")
  func linkedKernels() -> UnsafeRawPointer { LinkedKernels.export(Kernels()) }
#elseif KERNELS_AVX2
  @_cdecl("fc_kernels_avx2")
  func linkedKernels() -> UnsafeRawPointer { LinkedKernels.export(Kernels()) }
#else
  @_cdecl("fc_kernels_baseline")
  func linkedKernels() -> UnsafeRawPointer { LinkedKernels.export(Kernels()) }
#endif
