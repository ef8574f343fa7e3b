import FirecrestCPU

/// The bins of a histogram along one dimension: how many of equal width, or their edges, ascending.
public enum HistogramBins: Sendable, ExpressibleByIntegerLiteral {
  /// Bins of equal width over the range given, or from the smallest to the largest element.
  case count(Int)
  /// A vector with one edge more than there are bins.
  case edges(Tensor)

  /// Bins of equal width.
  public init(integerLiteral value: Int) { self = .count(value) }
}

extension Tensor {
  /// How often each of 0, 1, 2, … occurs in a vector of integers that are not negative, at least up to `minLength`:
  /// int64; or, with `weights`, the sums of the weights of equal elements, float64 where they are not floating
  /// (PyTorch's `bincount`).
  public func bincount(weights: Tensor? = nil, minLength: Int = 0) -> Tensor {
    if rank != 1 { stop("bincount", "needs a vector", [self]) }
    if minLength < 0 { stop("bincount", "minLength must not be negative, but is \(minLength)", [self]) }
    if let weights, weights.shape != shape {
      stop("bincount", "the weights must have the input's shape", [self, weights])
    }
    let index = positionIndex("bincount").contiguous()
    let (low, high) = index.withElements(Int64.self) { ($0.min() ?? 0, $0.max() ?? -1) }
    if low < 0 { stop("bincount", "\(low) is negative", [self]) }
    if high > 1 << 40 { stop("bincount", "\(high) is too large to be counted", [self]) }
    let length = Swift.max(minLength, Int(high) + 1)
    guard let weights else {
      let y = Tensor.zeros([length], dtype: .int64)
      y.withElements(Int64.self) { y in index.withElements(Int64.self) { for i in $0 { y[Int(i)] += 1 } } }
      return y
    }
    let values = noGrad { weights.dtype == .float32 ? weights : weights.to(.float64) }
    let zeros = Tensor.zeros([length], dtype: values.dtype)
    return noGrad { zeros.putting(values, index, RunLayout(zeros.shape), "bincount", adds: true) }
  }

  /// The number of elements in each of `bins` bins of equal width from `min` to `max`, or over the elements' own range
  /// where both are 0, in the tensor's type (PyTorch's `histc`). Elements outside are not counted, NaN neither.
  public func histc(bins: Int = 100, min: Double = 0, max: Double = 0) -> Tensor {
    requireFloat("histc")
    if !(1...largestSize).contains(bins) { stop("histc", "needs 1 ... \(largestSize) bins, not \(bins)", [self]) }
    let values = toArray(Double.self)
    let (low, high) = binRange(values, min == max ? nil : (min, max), "histc")
    var counts = [Double](repeating: 0, count: bins)
    let scale = Double(bins) / (high - low)
    for value in values where value >= low && value <= high {
      counts[Swift.min(Int((value - low) * scale), bins - 1)] += 1
    }
    return Tensor(counts, shape: [bins], dtype: dtype)
  }

  /// The number of elements in each bin, or the sum of their `weights`, and the edges of the bins (PyTorch's
  /// `histogram`): `x.histogram(10)`, `x.histogram(.edges(e))`. A bin includes its lower edge, the last its upper edge
  /// too. With `density` the histogram's integral is 1.
  public func histogram(
    _ bins: HistogramBins, range: ClosedRange<Double>? = nil, weights: Tensor? = nil, density: Bool = false
  ) -> (histogram: Tensor, edges: Tensor) {
    let column = noGrad { reshape(-1, 1) }
    let flat = weights.map { w in noGrad { w.reshape(-1) } }
    if let weights, weights.shape != shape {
      stop("histogram", "the weights must have the input's shape", [self, weights])
    }
    let (y, edges) = column.histogramDD([bins], ranges: range.map { [$0] }, weights: flat, density: density)
    return (y, edges[0])
  }

  /// The histogram of points whose coordinates are the last dimension, in as many dimensions, and the edges of the bins
  /// of each (PyTorch's `histogramdd`). `weights` has the shape of the other dimensions.
  public func histogramDD(
    _ bins: [HistogramBins], ranges: [ClosedRange<Double>]? = nil, weights: Tensor? = nil, density: Bool = false
  ) -> (histogram: Tensor, edges: [Tensor]) {
    requireFloat("histogram")
    guard rank >= 2, shape[-1] == bins.count, ranges == nil || ranges!.count == bins.count else {
      stop("histogram", "needs bins (and ranges) for each coordinate: \(bins.count) given", [self])
    }
    let dimensions = bins.count
    let count = shape.product(0..<rank - 1)
    if let weights, weights.shape.elementCount != count {
      stop("histogram", "needs one weight for each point", [self, weights])
    }
    let points = noGrad { reshape(Shape([count, dimensions])) }
    var cells = [Int](repeating: 0, count: count)
    var size = Shape()
    var allEdges: [Tensor] = []
    for (d, bin) in bins.enumerated() {
      let values = noGrad { points.select(dim: 1, d) }
      let edges: Tensor
      switch bin {
      case .edges(let given):
        if given.rank != 1 || given.elementCount < 2 { stop("histogram", "edges are a vector of two or more", [given]) }
        edges = given.to(dtype)
      case .count(let bins):
        if bins < 1 { stop("histogram", "needs at least one bin, not \(bins)", [self]) }
        edges = values.equalEdges(bins, ranges?[d])
      }
      let last = edges.elementCount - 1
      let after = edges.searchsorted(values, right: true).toArray(Int.self)
      let (own, bounds) = (values.toArray(Double.self), edges.toArray(Double.self))
      for i in 0..<count where cells[i] >= 0 {
        // The upper edge of the last bin belongs to it.
        let bin = own[i] == bounds[last] ? last - 1 : after[i] - 1
        cells[i] = own[i] >= bounds[0] && own[i] <= bounds[last] ? cells[i] * last + bin : -1
      }
      size.append(last)
      allEdges.append(edges)
    }
    var sums = [Double](repeating: 0, count: size.elementCount)
    let weight = weights?.toArray(Double.self)
    for i in 0..<count where cells[i] >= 0 { sums[cells[i]] += weight?[i] ?? 1 }
    if density { normalize(&sums, size, allEdges) }
    return (Tensor(sums, shape: size, dtype: dtype), allEdges)
  }

  /// Divides by the sum and by each cell's volume.
  private func normalize(_ sums: inout [Double], _ size: Shape, _ edges: [Tensor]) {
    let total = sums.reduce(0, +)
    let strides = size.contiguousStrides
    let bounds = edges.map { $0.toArray(Double.self) }
    for i in sums.indices {
      var volume = total
      for d in 0..<size.count {
        let bin = i / strides[d] % size[d]
        volume *= bounds[d][bin + 1] - bounds[d][bin]
      }
      sums[i] /= volume
    }
  }

  /// `bins` + 1 edges over a range, or over the elements' own.
  private func equalEdges(_ bins: Int, _ range: ClosedRange<Double>?) -> Tensor {
    let (low, high) = binRange(
      toArray(Double.self), range.map { ($0.lowerBound, $0.upperBound) }, "histogram")
    return Tensor.linspace(low, high, bins + 1, dtype: dtype)
  }

  /// The range given or that of the elements, half to either side of a single value.
  private func binRange(
    _ values: [Double], _ range: (low: Double, high: Double)?, _ operation: String
  ) -> (Double, Double) {
    // Without elements and without a range the bins cover 0 to 1.
    var (low, high) = range ?? (0, values.isEmpty ? 1 : 0)
    if low > high { stop(operation, "the range's end \(high) is below its start \(low)", [self]) }
    if range == nil && !values.isEmpty {
      (low, high) = (.infinity, -.infinity)
      for value in values {
        // A NaN makes the range NaN, which is refused below.
        low = value < low || value.isNaN ? value : low
        high = value > high || value.isNaN ? value : high
      }
    }
    if !(low.isFinite && high.isFinite) {
      stop(operation, "the range \(low) to \(high) is not finite", [self], help: "give a range")
    }
    return low == high ? (low - 0.5, high + 0.5) : (low, high)
  }
}
