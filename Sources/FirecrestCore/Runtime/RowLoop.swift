import CPUKernelAPI
import FirecrestCPU

/// The rows along one dimension of tensors, for kernels that want them contiguous: the dimension is swapped with the
/// last one where it is not the last already.
package struct RowLoop {
  private let dim: Int
  private let isLast: Bool
  /// The length of a row, and how many there are.
  package let count: Int
  package let rows: Int

  package init(_ shape: Shape, dim: Int) {
    self.dim = dim
    isLast = dim >= shape.count - 1
    count = shape.count == 0 ? 1 : shape[dim]
    rows = count == 0 ? 0 : shape.elementCount / count
  }

  /// The rows of `x` one after the other.
  package func source(_ x: Tensor) -> Tensor { noGrad { isLast ? x.contiguous() : x.transpose(dim, -1).contiguous() } }

  /// Lets `body` write rows in the order of `source`, and brings them to their places in `y`.
  package func write(_ y: Tensor, _ cpu: CPU, _ body: (Tensor) -> Void) {
    if isLast { return body(y) }
    var shape = y.shape
    let last = shape.count - 1
    (shape[dim], shape[last]) = (shape[last], shape[dim])
    let swapped = Tensor(empty: shape, y.dtype)
    body(swapped)
    var strides = swapped.strides
    (strides[dim], strides[last]) = (strides[last], strides[dim])
    copyElements(swapped.window(y.shape, strides: strides, offset: 0), y, cpu)
  }

  /// Calls `body` with ranges of rows, on several threads where an element costs `cost` additions.
  package func parallel(_ cpu: CPU, cost: Int, _ body: (Range<Int>) -> Void) {
    if rows == 0 { return }
    cpu.parallel(rows, grain: max(1, CPU.grain / (cost * count)), multiple: 1, body)
  }
}

/// An operation that finds elements along one dimension: results are the values and their positions (int64), whose
/// gradient goes back to where the values came from.
package protocol SelectingOp: MultiOp {
  var dim: Int { get }
}

extension SelectingOp {
  package var savedOutputs: [Int] { [1] }

  package func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return [nil] }
    let shape = saved.specs[0].shape
    if shape.count == 0 { return [g] }
    return [Tensor.zeros(shape, dtype: g.dtype).scatterAdd(dim: dim, saved.output(1), g)]
  }

  /// Values of type and shape `x`, and their positions.
  package func specs(_ x: TensorSpec) -> [TensorSpec] { [x, TensorSpec(.int64, x.shape)] }

  /// The same with `dim` of another size.
  package func specs(_ x: TensorSpec, resized size: Int) -> [TensorSpec] {
    var spec = x
    if spec.shape.count > 0 { spec.shape[dim] = size }
    return specs(spec)
  }
}

extension TensorSpec {
  /// Refuses to look for something along dimensions without elements.
  package func requireElements(_ dims: DimSet, what: String) throws(OpError) {
    for d in 0..<shape.count where dims.contains(d) && shape[d] == 0 {
      throw OpError("there is no \(what) along dim \(d), which has size 0")
    }
  }
}

extension Tensor {
  /// A result that kept a dimension of size 1, with or without it.
  package func keeping(_ keepDim: Bool, _ dim: Int) -> Tensor { keepDim || rank == 0 ? self : squeeze(dim: dim) }

  /// y = x / divisor for all elements of this contiguous tensor, in place and unknown to autograd.
  package func divideElements(by divisor: Double, _ cpu: CPU) {
    runBinary(.div, self, Tensor.scalar(.double(divisor), dtype), self, cpu, cost: 1)
  }
}

/// Lets `body` compute in the type in which reductions of `y`'s type accumulate, and rounds the result into `y`.
package func inAccumulator(_ y: Tensor, _ cpu: CPU, _ body: (Tensor) -> Void) {
  let type = y.dtype.accumulator
  if type == y.dtype { return body(y) }
  let wide = Tensor(empty: y.shape, type)
  body(wide)
  copyElements(wide, y, cpu)
}
