import CPUKernelAPI
import FirecrestCPU

// Every operation that reads or writes at computed positions (x[index], gather, scatter, indexSelect, embedding, masks)
// comes down to these: runs of neighbouring elements, taken from or put at offsets into contiguous memory.

/// Where the runs lie: `outer` blocks, `outerStride` elements apart, each with runs of `run` elements at the same
/// offsets. Offsets are multiples of `run`, so that two runs are the same or apart.
package struct RunLayout: Sendable {
  package var outer = 1
  package var outerStride: Int
  package var run = 1

  /// One block, the whole of a tensor of this shape.
  package init(_ shape: Shape, run: Int = 1) {
    outerStride = shape.elementCount
    self.run = run
  }

  package init(outer: Int, outerStride: Int, run: Int) {
    self.outer = outer
    self.outerStride = outerStride
    self.run = run
  }

  /// y = the runs of `x` at `offsets`, one after the other.
  func take(_ x: Tensor, _ offsets: Tensor, into y: Tensor, _ cpu: CPU) {
    let count = offsets.elementCount
    if count * outer * run == 0 { return }
    let x = x.isContiguous ? x : noGrad { x.contiguous() }
    let size = x.dtype.size
    let start = UnsafeRawPointer(x.pointer)
    let at = UnsafePointer(offsets.pointer.assumingMemoryBound(to: Int64.self))
    let end = y.pointer
    cpu.parallel(outer * count, grain: max(1, CPU.grain / 2 / run)) { range in
      var i = range.lowerBound
      while i < range.upperBound {
        let (block, j) = i.quotientAndRemainder(dividingBy: count)
        let some = min(range.upperBound - i, count - j)
        cpu.kernels.take(
          size: size, count: some, run: run, start + block * outerStride * size, at + j, end + i * run * size)
        i += some
      }
    }
  }

  /// Combines the runs of `source` with the elements of `y`, contiguous memory, at `offsets`. Repeated offsets are
  /// combined in order, whatever the number of threads: a thread owns a part of y.
  func put(_ kernel: PutKernel, _ source: Tensor, _ offsets: Tensor, into y: Tensor, _ cpu: CPU) {
    let count = offsets.elementCount
    if count * outer * run == 0 { return }
    if y.dtype.isHalf && (kernel == .add || kernel == .multiply) {
      // Rounded once, not with every number that arrives.
      let (sum, source) = noGrad { (y.to(.float32), source.to(.float32)) }
      put(kernel, source, offsets, into: sum, cpu)
      return copyElements(sum, y, cpu)
    }
    let source = source.isContiguous ? source : noGrad { source.contiguous() }
    let size = y.dtype.size
    let start = UnsafeRawPointer(source.pointer)
    let at = UnsafePointer(offsets.pointer.assumingMemoryBound(to: Int64.self))
    let target = y.pointer
    let total = outer * count * run
    func block(_ b: Int, _ first: Int, _ some: Int) {
      cpu.kernels.put(
        kernel, y.dtype, count: some, run: run, start + (b * count + first) * run * size, at + first,
        target + b * outerStride * size)
    }
    if total < 2 * CPU.grain || (outer < 4 && run < 16) {
      for b in 0..<outer { block(b, 0, count) }
    } else if outer >= 4 {
      cpu.parallel(outer, grain: max(1, CPU.grain / (count * run)), multiple: 1) { for b in $0 { block(b, 0, count) } }
    } else {
      let rows = outerStride / run
      for b in 0..<outer {
        cpu.parallel(rows, grain: max(1, rows * CPU.grain / (count * run)), multiple: 1) { range in
          let (low, high) = (Int64(range.lowerBound * run), Int64(range.upperBound * run))
          var first = 0
          while first < count {
            var end = first
            while end < count && at[end] >= low && at[end] < high { end += 1 }
            if end > first { block(b, first, end - first) }
            first = end + 1
          }
        }
      }
    }
  }
}

/// The runs of the first input at the offsets that are the second.
struct TakeRuns: BinaryOp {
  let operation: String
  let layout: RunLayout
  let shape: Shape
  var name: String { operation }
  var saves: Saves { .b }
  func infer(_ x: TensorSpec, _ offsets: TensorSpec) throws(OpError) -> TensorSpec { TensorSpec(x.dtype, shape) }
  func run(_ x: Tensor, _ offsets: Tensor, into y: Tensor, on cpu: CPU) { layout.take(x, offsets, into: y, cpu) }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (apply(SumRuns(operation: operation, layout: layout, shape: saved.aSpec.shape), g, saved.b), nil)
  }
}

/// Zeros with the runs of the first input added at the offsets that are the second: the adjoint of `TakeRuns`.
struct SumRuns: BinaryOp {
  let operation: String
  let layout: RunLayout
  let shape: Shape
  var name: String { operation + "Backward" }
  var saves: Saves { .b }
  func infer(_ x: TensorSpec, _ offsets: TensorSpec) throws(OpError) -> TensorSpec { TensorSpec(x.dtype, shape) }
  func run(_ x: Tensor, _ offsets: Tensor, into y: Tensor, on cpu: CPU) {
    y.fillElements(.int(0))
    layout.put(.add, x, offsets, into: y, cpu)
  }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    (apply(TakeRuns(operation: operation, layout: layout, shape: saved.aSpec.shape), g, saved.b), nil)
  }
}

/// The first input with the runs of the second assigned or added at the offsets that are the third.
struct PutRuns: MultiOp {
  let operation: String
  let layout: RunLayout
  let adds: Bool
  var name: String { operation }
  var savedInputs: [Int] { [2] }
  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] { [inputs[0]] }
  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    copyElements(inputs[0], outputs[0], cpu)
    layout.put(adds ? .add : .assign, inputs[1], inputs[2], into: outputs[0], cpu)
  }
  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil, nil, nil] }
    let offsets = saved.input(2)
    var gx: Tensor?
    if saved.needs[0] {
      gx = adds ? g : g.putting(Tensor.zeros(saved.specs[1].shape, dtype: g.dtype), offsets, layout, operation)
    }
    let take = TakeRuns(operation: operation, layout: layout, shape: saved.specs[1].shape)
    return [gx, saved.needs[1] ? apply(take, g, offsets) : nil, nil]
  }
}

extension Tensor {
  /// This tensor with the runs of `source`, of the same type, at `offsets`.
  func putting(
    _ source: Tensor, _ offsets: Tensor, _ layout: RunLayout, _ operation: String, adds: Bool = false
  ) -> Tensor {
    apply(PutRuns(operation: operation, layout: layout, adds: adds), [self, source, offsets])[0]
  }

  /// The runs at `offsets`.
  func taking(_ offsets: Tensor, _ layout: RunLayout, _ shape: Shape, _ operation: String) -> Tensor {
    apply(TakeRuns(operation: operation, layout: layout, shape: shape), self, offsets)
  }
}
