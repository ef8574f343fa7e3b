import CPUKernelAPI
import FirecrestCPU

/// Rows of a matrix; the gradient of the row `paddingIndex` is 0, and with `scalesByFrequency` that of a row is divided
/// by how often it is looked up.
private struct EmbeddingLookup: BinaryOp {
  let layout: RunLayout
  let shape: Shape
  let paddingIndex: Int?
  let scalesByFrequency: Bool
  var name: String { "embedding" }
  var saves: Saves { .b }

  func infer(_ weight: TensorSpec, _ offsets: TensorSpec) throws(OpError) -> TensorSpec {
    TensorSpec(weight.dtype, shape)
  }

  func run(_ weight: Tensor, _ offsets: Tensor, into y: Tensor, on cpu: CPU) {
    layout.take(weight, offsets, into: y, cpu)
  }

  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let weight = saved.aSpec.shape
    var dw = apply(SumRuns(operation: name, layout: layout, shape: weight), g, saved.b)
    if let paddingIndex { dw = dw.indexFill(dim: 0, Tensor([paddingIndex]), 0) }
    if scalesByFrequency {
      let count = noGrad {
        let ones = Tensor.ones([saved.b.elementCount], dtype: g.dtype)
        let rows = Tensor(empty: ones.shape, .int64)
        let width = Int64(max(1, layout.run))
        saved.b.withElements(Int64.self) { from in
          rows.withElements(Int64.self) { for i in from.indices { $0[i] = from[i] / width } }
        }
        let sums = Tensor.zeros([weight[0]], dtype: g.dtype).putting(
          ones, rows, RunLayout([weight[0]]), name, adds: true)
        return sums.maskedFill(sums.to(.bool).logicalNot(), 1).view(-1, 1)
      }
      dw = dw / count
    }
    return (dw, nil)
  }
}

/// The rows of `weight`, a matrix, that `indices` name, in the shape of the indices with a row's length behind
/// (PyTorch's `functional.embedding`). The row `paddingIndex` gets no gradient; with `scaleGradByFrequency` gradients
/// are divided by how often a row occurs in the indices.
public func embedding(
  _ indices: Tensor, _ weight: Tensor, paddingIndex: Int? = nil, scaleGradByFrequency: Bool = false
) -> Tensor {
  guard weight.rank == 2 else { stop("embedding", "the weight must be a matrix", [indices, weight]) }
  let (rows, width) = (weight.shape[0], weight.shape[1])
  var padding: Int?
  if let paddingIndex {
    if paddingIndex < -rows || paddingIndex >= rows {
      stop("embedding", "paddingIndex \(paddingIndex) is out of range for \(rows) rows", [indices, weight])
    }
    padding = paddingIndex < 0 ? paddingIndex + rows : paddingIndex
  }
  let offsets = Tensor(empty: indices.shape, .int64)
  offsets.accumulateIndex(indices, stride: width, size: rows, dim: 0, "embedding", allowNegative: false, first: true)
  var shape = indices.shape
  shape.append(width)
  let lookup = EmbeddingLookup(
    layout: RunLayout(weight.shape, run: width), shape: shape, paddingIndex: padding,
    scalesByFrequency: scaleGradByFrequency)
  return apply(lookup, weight, offsets)
}

extension Tensor {
  /// 1 at the place that each element names and 0 elsewhere, along a new last dimension of size `classCount`: int64
  /// (PyTorch's `functional.one_hot`). Without `classCount` it is the largest element plus one.
  public func oneHot(_ classCount: Int? = nil) -> Tensor {
    let index = positionIndex("oneHot").contiguous()
    let largest = index.withElements(Int64.self) { $0.max() }
    if let classCount, classCount < 1 { stop("oneHot", "there must be a class, not \(classCount)", [self]) }
    guard let count = classCount ?? largest.map({ Int($0) + 1 }) else {
      stop("oneHot", "the number of classes cannot be told from no elements", [self], help: "give classCount")
    }
    if count < 1 { stop("oneHot", "class \(count - 1) is negative", [self], help: "classes count from 0") }
    if count > largestSize { stop("oneHot", "\(count) classes are more than any tensor has", [self]) }
    let y = Tensor.zeros(shape + [count], dtype: .int64)
    y.withElements(Int64.self) { y in
      index.withElements(Int64.self) { index in
        for i in index.indices {
          if index[i] < 0 || index[i] >= count { refuseClass(Int(index[i]), count) }
          y[i * count + Int(index[i])] = 1
        }
      }
    }
    return y
  }

  private func refuseClass(_ value: Int, _ count: Int) -> Never {
    stop("oneHot", "class \(value) is not in 0 ..< \(count)", [self])
  }
}

extension Shape {
  /// The dimensions of both, one after the other.
  fileprivate static func + (a: Shape, b: Shape) -> Shape {
    var result = a
    for size in b { result.append(size) }
    return result
  }
}
