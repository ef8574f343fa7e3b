import CPUKernelAPI
import FirecrestCPU

/// Each matrix with one side of a diagonal set to 0.
struct Triangle: UnaryOp {
  let diagonal: Int
  let isLower: Bool
  var name: String { isLower ? "tril" : "triu" }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    if x.shape.count < 2 { throw OpError("needs at least two dimensions") }
    return x
  }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    if y.elementCount == 0 { return }
    copyElements(x, y, cpu)
    let (rows, columns, size) = (y.shape[-2], y.shape[-1], y.dtype.size)
    let start = y.pointer
    cpu.parallel(y.elementCount / columns, grain: max(1, CPU.grain / columns), multiple: 1) { range in
      for row in range {
        // Columns up to the diagonal belong to the lower part, those from it on to the upper.
        let i = row % rows
        let cut = max(0, min(columns, isLower ? i &+ diagonal &+ 1 : i &+ diagonal))
        let zeros = isLower ? cut..<columns : 0..<cut
        let target = start + (row * columns + zeros.lowerBound) * size
        target.initializeMemory(as: UInt8.self, repeating: 0, count: zeros.count * size)
      }
    }
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { apply(self, g) }
}

extension Tensor {
  /// The lower triangle of each matrix, 0 above its `diagonal` (PyTorch's `tril`).
  public func tril(diagonal: Int = 0) -> Tensor {
    apply(Triangle(diagonal: within(diagonal, elementCount), isLower: true), self)
  }

  /// The upper triangle of each matrix, 0 below its `diagonal` (PyTorch's `triu`).
  public func triu(diagonal: Int = 0) -> Tensor {
    apply(Triangle(diagonal: within(diagonal, elementCount), isLower: false), self)
  }

  /// Rows and columns of the elements of a lower triangle, as two rows (PyTorch's `tril_indices`).
  public static func trilIndices(_ rows: Int, _ columns: Int, offset: Int = 0, dtype: DType = .int64) -> Tensor {
    let last = within(offset, rows &+ columns)
    return triangleIndices("trilIndices", rows, columns, dtype) { 0..<Swift.max(0, Swift.min(columns, $0 + last + 1)) }
  }

  /// Rows and columns of the elements of an upper triangle, as two rows (PyTorch's `triu_indices`).
  public static func triuIndices(_ rows: Int, _ columns: Int, offset: Int = 0, dtype: DType = .int64) -> Tensor {
    let first = within(offset, rows &+ columns)
    return triangleIndices("triuIndices", rows, columns, dtype) {
      Swift.max(0, Swift.min(columns, $0 + first))..<columns
    }
  }

  private static func triangleIndices(
    _ operation: String, _ rows: Int, _ columns: Int, _ dtype: DType, _ range: (Int) -> Range<Int>
  ) -> Tensor {
    if rows < 0 || columns < 0 { stop(operation, "negative size: \(rows) rows, \(columns) columns", []) }
    var first: [Int] = []
    var second: [Int] = []
    for i in 0..<rows {
      for j in range(i) {
        first.append(i)
        second.append(j)
      }
    }
    return Tensor(first + second, shape: Shape([2, first.count]), dtype: dtype)
  }
}

/// A diagonal no further out than `limit`, so that what is added to it does not overflow.
private func within(_ diagonal: Int, _ limit: Int) -> Int { max(-limit, min(limit, diagonal)) }
