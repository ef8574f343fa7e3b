import CPUKernelAPI
import FirecrestCPU

/// An element that sorting singles out.
private enum Rank: Sendable {
  /// The k-th smallest, counted from 1.
  case kth(Int)
  /// The lower one of the middle; NaN if there is one.
  case median
  /// The lower one of the middle of those that are not NaN.
  case nanMedian
  /// The most frequent one, the smallest of those.
  case mode
}

/// The element of a rank along `dim` and where it is
private struct Ranked: SelectingOp {
  let rank: Rank
  let dim: Int
  var name: String {
    switch rank {
    case .kth: "kthvalue"
    case .median: "median"
    case .nanMedian: "nanmedian"
    case .mode: "mode"
    }
  }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let x = inputs[0]
    let count = x.shape.count == 0 ? 1 : x.shape[dim]
    if count == 0 { throw OpError("there is no \(name) along dim \(dim), which has size 0") }
    if case .kth(let k) = rank, k < 1 || k > count {
      throw OpError("k is \(k), but dim \(dim) has \(count) elements", help: "k counts from 1")
    }
    return specs(x, resized: 1)
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    let loop = RowLoop(inputs[0].shape, dim: dim)
    if loop.rows == 0 { return }
    let x = loop.source(inputs[0])
    var length = loop.count
    if case .kth(let k) = rank, k * 8 <= loop.count { length = k }
    let values = Tensor(empty: [loop.rows, length], x.dtype)
    let places = Tensor(empty: [loop.rows, length], .int64)
    if length < loop.count {
      loop.topk(x, length, largest: false, values, places, cpu)
    } else {
      loop.sort(x, descending: false, values, places, cpu)
    }
    let chosen = positions(values)
    let index = places.pointer.assumingMemoryBound(to: Int64.self)
    let size = x.dtype.size
    loop.write(outputs[0], cpu) { y in
      for (row, p) in chosen.enumerated() {
        (y.pointer + row * size).copyMemory(from: values.pointer + (row * length + p) * size, byteCount: size)
      }
    }
    loop.write(outputs[1], cpu) { y in
      let y = y.pointer.assumingMemoryBound(to: Int64.self)
      for (row, p) in chosen.enumerated() { y[row] = index[row * length + p] }
    }
  }

  /// The position to take in each sorted row.
  private func positions(_ sorted: Tensor) -> [Int] {
    let (rows, count) = (sorted.shape[0], sorted.shape[1])
    switch rank {
    case .kth(let k): return [Int](repeating: k - 1, count: rows)
    case .mode:
      if sorted.dtype.isFloatingPoint { return modes(sorted.toArray(Double.self), count) }
      return modes(sorted.toArray(Int64.self), count)
    case .median, .nanMedian:
      if !sorted.dtype.isFloatingPoint { return [Int](repeating: (count - 1) / 2, count: rows) }
      let nans: [Int64] = noGrad { sorted.isNaN().sum(dim: 1).toArray() }
      var isMedian = false
      if case .median = rank { isMedian = true }
      return nans.map { nans in
        let numbers = count - Int(nans)
        return isMedian && nans > 0 ? numbers : max(0, numbers - 1) / 2
      }
    }
  }

  /// The last position of the longest run in each sorted row, the first of several.
  private func modes<T: Equatable>(_ all: [T], _ count: Int) -> [Int] {
    var result: [Int] = []
    var start = 0
    while start < all.count {
      var (best, most, run) = (0, 0, 0)
      for i in 0..<count {
        run += 1
        if i == count - 1 || all[start + i] != all[start + i + 1] {
          if run > most { (best, most) = (i, run) }
          run = 0
        }
      }
      result.append(best)
      start += count
    }
    return result
  }
}

/// The median of all elements; equal ones share the gradient
private struct MedianOfAll: UnaryOp {
  let ignoresNaN: Bool
  var name: String { ignoresNaN ? "nanmedian" : "median" }
  var saves: Saves { [.x, .y] }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec {
    if x.shape.elementCount == 0 && !x.dtype.isFloatingPoint { throw OpError("an empty tensor has no median") }
    return TensorSpec(x.dtype, [])
  }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    if x.elementCount == 0 { return y.fillElements(.double(.nan)) }
    let flat = noGrad { x.reshape(-1) }
    let found = noGrad { apply(Ranked(rank: ignoresNaN ? .nanMedian : .median, dim: 0), [flat]) }
    copyElements(noGrad { found[0].view(Shape()) }, y, cpu)
  }

  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    g.shared(among: saved.x, equalTo: saved.y, .all(saved.x.rank), keepDim: false)
  }
}

extension Tensor {
  private func ranked(_ rank: Rank, _ dim: Int, _ keepDim: Bool, _ operation: String) -> (Tensor, Tensor) {
    let d = resolve(dim, operation)
    let found = apply(Ranked(rank: rank, dim: d), [self])
    return (found[0].keeping(keepDim, d), found[1].keeping(keepDim, d))
  }

  /// The `k`-th smallest element along a dimension, counted from 1, and where it is (PyTorch's `kthvalue`).
  public func kthvalue(_ k: Int, dim: Int = -1, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
    ranked(.kth(k), dim, keepDim, "kthvalue")
  }

  /// The median of all elements, the lower one of two in the middle, NaN if any is (PyTorch's `median`).
  public func median() -> Tensor { apply(MedianOfAll(ignoresNaN: false), self) }

  /// The median along a dimension, the lower one of two in the middle, and where it is; NaN if any is.
  public func median(dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
    ranked(.median, dim, keepDim, "median")
  }

  /// The median of all elements that are not NaN (PyTorch's `nanmedian`).
  public func nanmedian() -> Tensor { apply(MedianOfAll(ignoresNaN: true), self) }

  /// The median along a dimension of the elements that are not NaN, and where it is.
  public func nanmedian(dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
    ranked(.nanMedian, dim, keepDim, "nanmedian")
  }

  /// The most frequent element along a dimension, the smallest of several, and where it last is (PyTorch's `mode`).
  public func mode(dim: Int = -1, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
    ranked(.mode, dim, keepDim, "mode")
  }
}
