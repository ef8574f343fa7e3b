import CPUKernelAPI
import FirecrestCPU
import FirecrestCore

/// One parameter's step, ready for the kernels.
struct FusedUpdate {
  let rule: UpdateRule
  let first: Tensor?
  let second: Tensor?
  let third: Tensor?

  init(_ rule: UpdateRule, _ first: Tensor? = nil, _ second: Tensor? = nil, _ third: Tensor? = nil) {
    self.rule = rule
    self.first = first
    self.second = second
    self.third = third
  }
}

/// All parameters of one step, updated in one parallel pass. Reused, so that a step allocates nothing.
struct UpdatePass {
  private struct Job {
    var rule: UpdateRule
    var dtype: DType
    var piece: UpdatePiece
    /// Where its elements begin in the numbering of all elements.
    var start: Int
  }

  private var jobs: [Job] = []
  private var total = 0
  /// Temporary tensors whose memory a job uses.
  private var held: [Tensor] = []
  /// Parameters that a kernel cannot reach, with the dense copies that it changes instead.
  private var copies: [(dense: Tensor, parameter: Tensor)] = []

  /// Jobs begin at multiples of this many elements, so that cutting the whole at such multiples cuts no cache line.
  private static let multiple = 64

  mutating func add(_ update: FusedUpdate, _ parameter: Tensor, _ gradient: Tensor) {
    let count = parameter.elementCount
    if count == 0 { return }
    let dtype = parameter.stateDType
    let dense = dense(parameter, dtype)
    if dense !== parameter { copies.append((dense, parameter)) }
    let source = self.dense(gradient, dtype)
    if source !== gradient { held.append(source) }
    let p = dense.pointer
    let piece = UpdatePiece(
      parameter: p, gradient: source.pointer,
      states: (update.first?.pointer ?? p, update.second?.pointer ?? p, update.third?.pointer ?? p), count: count)
    jobs.append(Job(rule: update.rule, dtype: dtype, piece: piece, start: total))
    total += (count + Self.multiple - 1) / Self.multiple * Self.multiple
    parameter.storage.version += 1
  }

  /// The tensor itself where its elements lie densely and are of `dtype`, else a copy.
  private func dense(_ x: Tensor, _ dtype: DType) -> Tensor {
    x.dtype == dtype && x.isContiguous ? x : x.to(dtype).contiguous()
  }

  /// Updates everything that was added and forgets it.
  mutating func run(cost: Int) {
    if jobs.isEmpty { return }
    let kernels = CPU.shared.kernels
    jobs.withUnsafeBufferPointer { jobs in
      CPU.shared.parallel(total, grain: CPU.grain / cost, multiple: Self.multiple) { range in
        var index = UpdatePass.firstJob(jobs, endingAfter: range.lowerBound)
        while index < jobs.count && jobs[index].start < range.upperBound {
          let (start, count) = (jobs[index].start, jobs[index].piece.count)
          let part = max(range.lowerBound - start, 0)..<min(range.upperBound - start, count)
          kernels.update(
            jobs[index].rule, jobs[index].dtype, jobs[index].piece.part(part, size: jobs[index].dtype.size))
          index += 1
        }
      }
    }
    for (dense, parameter) in copies { copyElements(dense, parameter) }
    jobs.removeAll(keepingCapacity: true)
    held.removeAll(keepingCapacity: true)
    copies.removeAll(keepingCapacity: true)
    total = 0
  }

  /// The first job with an element at or after `position`.
  private static func firstJob(_ jobs: UnsafeBufferPointer<Job>, endingAfter position: Int) -> Int {
    var (low, high) = (0, jobs.count)
    while low < high {
      let middle = (low + high) / 2
      if jobs[middle].start + jobs[middle].piece.count <= position { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
