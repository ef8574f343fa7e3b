import CPUKernelAPI
extension Kernels: ReductionKernels {
  package func reduce(
    _ op: ReduceKernel, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, center: UnsafeRawPointer?,
    _ y: UnsafeMutableRawPointer) {fatalError()}
  package func extreme(
    max: Bool, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, values: UnsafeMutableRawPointer?,
    indices: UnsafeMutablePointer<Int64>?) {fatalError()}
  package func scan(_ op: ScanKernel, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer) {fatalError()}
  package func scanExtreme(
    max: Bool, _ type: DType, _ loop: ReduceLoop, _ x: UnsafeRawPointer, values: UnsafeMutableRawPointer,
    indices: UnsafeMutablePointer<Int64>) {fatalError()}
  package func softmax(
    log: Bool, _ type: DType, rows: Int, count: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer) {fatalError()}
  package func softmaxBackward(
    log: Bool, _ type: DType, rows: Int, count: Int, _ g: UnsafeRawPointer, _ y: UnsafeRawPointer,
    _ dx: UnsafeMutableRawPointer) {fatalError()}
}
extension Kernels: KernelSet {}
