import CPUKernelAPI
import FirecrestCPU

/// x Wᵀ + b
struct Linear: MultiOp {
  var savedInputs: [Int] { [0, 1] }
  func savedInputs(needs: (Int) -> Bool) -> [Int] { factors(needs) }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let (x, weight) = (inputs[0], inputs[1])
    for other in inputs.dropFirst() where other.dtype != x.dtype {
      throw OpError("types differ: \(x.dtype) and \(other.dtype)", help: "convert one with to(_:)")
    }
    if x.dtype == .bool { throw OpError("is not defined for bool", help: "convert to an integer or floating type") }
    if weight.shape.count != 2 || x.shape.count == 0 {
      throw OpError("needs an input [..., in] and a weight [out, in]")
    }
    if x.shape[-1] != weight.shape[1] {
      throw OpError(
        "input has \(x.shape[-1]) features, weight takes \(weight.shape[1])",
        help: x.shape[-1] == weight.shape[0] ? "weights are [out, in]; pass weight.T" : "a weight is [out, in]")
    }
    if inputs.count > 2 && inputs[2].shape != [weight.shape[0]] {
      throw OpError("the bias \(inputs[2].shape) must have one element for each of the \(weight.shape[0]) outputs")
    }
    var shape = x.shape
    shape[-1] = weight.shape[0]
    return [TensorSpec(x.dtype, shape)]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let (x, weight, y) = (inputs[0], inputs[1], outputs[0])
    let (k, n) = (weight.shape[1], weight.shape[0])
    let flat = noGrad { x.asRows }
    multiply(
      y.dtype, m: flat.shape[0], n: n, k: k, flat.matrix, weight.matrix.transposed,
      into: Matrix(y.pointer, rowStride: n, columnStride: 1), adding: inputs.count > 2 ? inputs[2].eachRow : nil, cpu)
  }

  func decomposed(_ inputs: [Tensor]) -> [Tensor]? {
    let y = inputs[0].matmul(inputs[1].T)
    return [inputs.count > 2 ? y + inputs[2] : y]
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    guard let g = g[0] else { return saved.specs.map { _ in nil } }
    let x = saved.specs[0].shape, flat = g.asRows
    var gradients: [Tensor?] = [nil, saved.needs[1] ? flat.T.matmul(saved.input(0).asRows) : nil]
    if saved.needs[0] {
      let gradient = flat.matmul(saved.input(1))
      gradients[0] = x.count == 2 ? gradient : gradient.view(x)
    }
    if saved.specs.count > 2 { gradients.append(saved.needs[2] ? flat.sum(dim: 0) : nil) }
    return gradients
  }

  var addableGradients: [Int] { [1] }

  func addGradient(of index: Int, _ g: [Tensor?], _ saved: MultiSaved, to sum: Tensor) -> Bool {
    guard let g = g[0] else { return false }
    let x = saved.input(0).asRows
    multiply(
      sum.dtype, m: sum.shape[0], n: sum.shape[1], k: x.shape[0], g.asRows.matrix.transposed, x.matrix,
      into: sum.matrix, adding: sum.matrix, .shared)
    return true
  }
}

extension Tensor {
  /// The vectors in the last dimension as rows of a matrix.
  fileprivate var asRows: Tensor { rank == 2 ? self : reshape([shape.dropLast().reduce(1, *), shape[-1]]) }
}

/// input · weightᵀ + bias: the fully connected layer (PyTorch's `functional.linear`).
///
/// - Parameters:
///   - input: [..., in]
///   - weight: [out, in], or [in] for a single output without a dimension of its own
///   - bias: [out], or one number for all outputs
/// - Returns: [..., out], or [...]
public func linear(_ input: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) -> Tensor {
  if weight.rank == 1, input.rank > 0, bias.map({ $0.elementCount == 1 && $0.rank <= 1 }) ?? true {
    let y = input.matmul(weight)
    return bias.map { y + $0.view([]) } ?? y
  }
  guard let bias else { return apply(Linear(), [input, weight])[0] }
  let isShared = weight.rank == 2 && bias.elementCount == 1 && bias.rank <= 1 && bias.shape != [weight.shape[0]]
  return apply(Linear(), [input, weight, isShared ? bias.expand([weight.shape[0]]) : bias])[0]
}

/// For each output o the number aᵀ W[o] b + bias[o], for the vectors in the last dimension of both inputs (PyTorch's
/// `functional.bilinear`).
///
/// - Parameters:
///   - a: [..., in1]
///   - b: [..., in2]
///   - weight: [out, in1, in2]
///   - bias: [out]
/// - Returns: [..., out]
public func bilinear(_ a: Tensor, _ b: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) -> Tensor {
  if weight.rank != 3 || a.rank == 0 || b.rank != a.rank || a.shape.dropLast() != b.shape.dropLast()
    || a.shape[-1] != weight.shape[1] || b.shape[-1] != weight.shape[2]
  {
    stop("bilinear", "shapes do not fit", [a, b, weight], help: "needs [..., in1], [..., in2] and [out, in1, in2]")
  }
  let (outs, in1, in2) = (weight.shape[0], weight.shape[1], weight.shape[2])
  let rows = a.shape.dropLast().reduce(1, *)
  // [rows, in1] · [in1, out · in2], then the inner product with b for each row.
  let left = a.reshape([rows, in1]).matmul(weight.permute(1, 0, 2).reshape([in1, outs * in2]))
  let right = b.reshape([rows, in2, 1])
  var shape = a.shape
  shape[-1] = outs
  let y = left.view([rows, outs, in2]).matmul(right).view(shape)
  return bias.map { y + $0 } ?? y
}
