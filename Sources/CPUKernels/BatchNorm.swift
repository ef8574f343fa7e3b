import CPUKernelAPI

extension Kernels: NormalizationKernels {
  package func batchNorm(
    _ type: DType, _ batch: ChannelBatch, _ x: UnsafeRawPointer, weight: UnsafeRawPointer?, bias: UnsafeRawPointer?,
    eps: Double, _ y: UnsafeMutableRawPointer, mean: UnsafeMutableRawPointer, variance: UnsafeMutableRawPointer
  ) {
    @inline(__always) func run<S: MatmulScalar>(_: S.Type) {
      BatchNorm<S>(
        batch: batch, x: x.assumingMemoryBound(to: S.self), weight: weight?.assumingMemoryBound(to: S.self),
        mean: mean.assumingMemoryBound(to: S.self), variance: variance.assumingMemoryBound(to: S.self), eps: eps
      ).forward(bias?.assumingMemoryBound(to: S.self), y.assumingMemoryBound(to: S.self))
    }
    if type == .float64 { run(Double.self) } else { run(Float.self) }
  }

  package func channelAffine(
    _ type: DType, _ batch: ChannelBatch, _ x: UnsafeRawPointer, scale: UnsafeRawPointer, shift: UnsafeRawPointer?,
    _ y: UnsafeMutableRawPointer
  ) {
    @inline(__always) func run<S: MatmulScalar>(_: S.Type) {
      let x = x.assumingMemoryBound(to: S.self), y = y.assumingMemoryBound(to: S.self)
      let scale = scale.assumingMemoryBound(to: S.self), shift = shift?.assumingMemoryBound(to: S.self)
      for n in 0..<batch.batch {
        if batch.size == 1 {
          let start = n * batch.channels
          if let shift {
            for c in batch.range { y[start + c] = x[start + c] * scale[c] + shift[c] }
          } else {
            for c in batch.range { y[start + c] = x[start + c] * scale[c] }
          }
          continue
        }
        for c in batch.range {
          let start = (n * batch.channels + c) * batch.size, a = scale[c], b = shift?[c] ?? 0
          for i in start..<start + batch.size { y[i] = x[i] * a + b }
        }
      }
    }
    if type == .float64 { run(Double.self) } else { run(Float.self) }
  }

  package func batchNormBackward(
    _ type: DType, _ batch: ChannelBatch, _ g: UnsafeRawPointer, _ x: UnsafeRawPointer, weight: UnsafeRawPointer?,
    mean: UnsafeRawPointer, variance: UnsafeRawPointer, eps: Double, _ gx: UnsafeMutableRawPointer,
    gWeight: UnsafeMutableRawPointer, gBias: UnsafeMutableRawPointer
  ) {
    @inline(__always) func run<S: MatmulScalar>(_: S.Type) {
      BatchNorm<S>(
        batch: batch, x: x.assumingMemoryBound(to: S.self), weight: weight?.assumingMemoryBound(to: S.self),
        mean: UnsafeMutablePointer(mutating: mean.assumingMemoryBound(to: S.self)),
        variance: UnsafeMutablePointer(mutating: variance.assumingMemoryBound(to: S.self)), eps: eps
      ).backward(
        g.assumingMemoryBound(to: S.self), gx.assumingMemoryBound(to: S.self), gWeight.assumingMemoryBound(to: S.self),
        gBias.assumingMemoryBound(to: S.self))
    }
    if type == .float64 { run(Double.self) } else { run(Float.self) }
  }
}

/// Channels of a batch normalized by their own mean and variance. Channels of many elements are taken plane by plane,
/// others together, one sample after the other. Sums of up to 64 planes' or samples' pieces are kept in the type itself,
/// those of all in Double.
private struct BatchNorm<S: MatmulScalar> {
  let batch: ChannelBatch
  let x: UnsafePointer<S>
  let weight: UnsafePointer<S>?
  let mean: UnsafeMutablePointer<S>, variance: UnsafeMutablePointer<S>
  let eps: Double

  private var count: Double { Double(batch.batch * batch.size) }
  private var hasPlanes: Bool { batch.size >= S.lanes }

  @inline(never)
  func forward(_ bias: UnsafePointer<S>?, _ y: UnsafeMutablePointer<S>) {
    if hasPlanes { return forwardPlanes(bias, y) }
    let width = batch.range.count * batch.size
    withTotals(width) { totals, a, b in
      sums(width, totals, a, b) { x, _, _ in x }
      spread(totals, b) { c, total in
        let value = S(total / count)
        mean[c] = value
        return value
      }
      sums(width, totals, a, b) { x, _, m in (x - m) * (x - m) }
      spread(totals, b) { c, total in
        variance[c] = S(total / count)
        return 0
      }
      for c in batch.range {
        let (scale, shift) = line(c, bias)
        for l in 0..<batch.size {
          a[(c - batch.range.lowerBound) * batch.size + l] = scale
          b[(c - batch.range.lowerBound) * batch.size + l] = shift
        }
      }
      for n in 0..<batch.batch {
        let source = row(x, n), target = y + (source - x)
        for j in 0..<width { target[j] = source[j] * a[j] + b[j] }
      }
    }
  }

  /// What a channel is multiplied by, and what is added then.
  @inline(__always)
  private func line(_ c: Int, _ bias: UnsafePointer<S>?) -> (S, S) {
    let scale = Double(weight?[c] ?? 1) / (Double(variance[c]) + eps).squareRoot()
    return (S(scale), S(Double(bias?[c] ?? 0) - Double(mean[c]) * scale))
  }

  /// The gradient of x as a · g + b · x + c; the gradients of weight and bias on the way.
  @inline(__always)
  private func line(
    _ c: Int, _ sum: Double, _ product: Double, _ gWeight: UnsafeMutablePointer<S>, _ gBias: UnsafeMutablePointer<S>
  ) -> (S, S, S) {
    let inverse = 1 / (Double(variance[c]) + eps).squareRoot(), scale = Double(weight?[c] ?? 1) * inverse
    gBias[c] = S(sum)
    gWeight[c] = S(product * inverse)
    let slope = scale * inverse * inverse * product / count
    return (S(scale), S(-slope), S(slope * Double(mean[c]) - scale * sum / count))
  }

  // MARK: Planes

  @inline(__always)
  private func plane(_ n: Int, _ c: Int) -> Int { (n * batch.channels + c) * batch.size }

  /// The sum over all elements of a channel of what `body` makes of vectors at the same place, or of single elements.
  @inline(__always)
  private func total(_ c: Int, _ vector: (Int) -> S.Vector, _ single: (Int) -> S) -> Double {
    let lanes = S.lanes
    var result = 0.0
    for n in 0..<batch.batch {
      let start = plane(n, c), end = start + batch.size
      var s0 = S.Vector(), s1 = S.Vector(), s2 = S.Vector(), s3 = S.Vector()
      var i = start, fill = 0
      while i + 4 * lanes <= end {
        s0 = S.add(s0, vector(i))
        s1 = S.add(s1, vector(i + lanes))
        s2 = S.add(s2, vector(i + 2 * lanes))
        s3 = S.add(s3, vector(i + 3 * lanes))
        i += 4 * lanes
        fill += 1
        if fill == 64 {
          result += Double(S.sum(S.add(S.add(s0, s1), S.add(s2, s3))))
          (s0, s1, s2, s3) = (S.Vector(), S.Vector(), S.Vector(), S.Vector())
          fill = 0
        }
      }
      while i + lanes <= end {
        s0 = S.add(s0, vector(i))
        i += lanes
      }
      var rest = S.sum(S.add(S.add(s0, s1), S.add(s2, s3)))
      while i < end {
        rest += single(i)
        i += 1
      }
      result += Double(rest)
    }
    return result
  }

  @inline(__always)
  private func forwardPlanes(_ bias: UnsafePointer<S>?, _ y: UnsafeMutablePointer<S>) {
    for c in batch.range {
      mean[c] = S(total(c, { S.load(x + $0) }, { x[$0] }) / count)
      let m = mean[c], minus = S.splat(-m)
      variance[c] = S(
        total(
          c,
          {
            let d = S.add(S.load(x + $0), minus)
            return S.multiply(d, d)
          }, { (x[$0] - m) * (x[$0] - m) }) / count)
      let (scale, shift) = line(c, bias)
      for n in 0..<batch.batch {
        let source = x + plane(n, c), target = y + plane(n, c)
        for i in 0..<batch.size { target[i] = source[i] * scale + shift }
      }
    }
  }

  @inline(__always)
  private func backwardPlanes(
    _ g: UnsafePointer<S>, _ gx: UnsafeMutablePointer<S>, _ gWeight: UnsafeMutablePointer<S>,
    _ gBias: UnsafeMutablePointer<S>
  ) {
    for c in batch.range {
      let m = mean[c], minus = S.splat(-m)
      let sum = total(c, { S.load(g + $0) }, { g[$0] })
      let product = total(
        c, { S.multiply(S.load(g + $0), S.add(S.load(x + $0), minus)) }, { g[$0] * (x[$0] - m) })
      let (a, b, shift) = line(c, sum, product, gWeight, gBias)
      for n in 0..<batch.batch {
        let source = x + plane(n, c), slope = g + plane(n, c), target = gx + plane(n, c)
        for i in 0..<batch.size { target[i] = slope[i] * a + (source[i] * b + shift) }
      }
    }
  }

  // MARK: Rows

  @inline(__always)
  private func row(_ x: UnsafePointer<S>, _ n: Int) -> UnsafePointer<S> {
    x + (n * batch.channels + batch.range.lowerBound) * batch.size
  }

  /// Memory for a number in Double and three in the type for each element of a row.
  @inline(__always)
  private func withTotals(
    _ width: Int, _ body: (UnsafeMutablePointer<Double>, UnsafeMutablePointer<S>, UnsafeMutablePointer<S>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 3 * width + 3) { memory in
      let totals = memory.baseAddress!
      let rest = UnsafeMutableRawPointer(totals + width).assumingMemoryBound(to: S.self)
      body(totals, rest, rest + width)
    }
  }

  /// totals[j] = Σ over the samples of `body` of x[j], `g`[j] and `m`[j].
  @inline(__always)
  private func sums(
    _ width: Int, _ totals: UnsafeMutablePointer<Double>, _ part: UnsafeMutablePointer<S>,
    _ m: UnsafeMutablePointer<S>, g: UnsafePointer<S>? = nil, _ body: (S, S, S) -> S
  ) {
    for j in 0..<width { totals[j] = 0 }
    var n = 0
    while n < batch.batch {
      let end = min(n + 64, batch.batch)
      for j in 0..<width { part[j] = 0 }
      while n < end {
        let source = row(x, n), other = row(g ?? x, n)
        for j in 0..<width { part[j] += body(source[j], other[j], m[j]) }
        n += 1
      }
      for j in 0..<width { totals[j] += Double(part[j]) }
    }
  }

  /// Calls `body` with the total of each channel and gives all its elements of `target` the result.
  @inline(__always)
  private func spread(
    _ totals: UnsafeMutablePointer<Double>, _ target: UnsafeMutablePointer<S>, _ body: (Int, Double) -> S
  ) {
    for c in batch.range {
      let start = (c - batch.range.lowerBound) * batch.size
      var total = 0.0
      for l in 0..<batch.size { total += totals[start + l] }
      let value = body(c, total)
      for l in 0..<batch.size { target[start + l] = value }
    }
  }

  @inline(never)
  func backward(
    _ g: UnsafePointer<S>, _ gx: UnsafeMutablePointer<S>, _ gWeight: UnsafeMutablePointer<S>,
    _ gBias: UnsafeMutablePointer<S>
  ) {
    if hasPlanes { return backwardPlanes(g, gx, gWeight, gBias) }
    let width = batch.range.count * batch.size
    withTotals(width) { totals, a, b in
      sums(width, totals, a, b, g: g) { _, g, _ in g }
      spread(totals, b) { c, total in
        gBias[c] = S(total)
        return mean[c]
      }
      sums(width, totals, a, b, g: g) { x, g, m in g * (x - m) }
      withUnsafeTemporaryAllocation(of: S.self, capacity: width + 1) { shifts in
        let shift = shifts.baseAddress!
        spread(totals, a) { c, total in
          let values = line(c, Double(gBias[c]), total, gWeight, gBias)
          let start = (c - batch.range.lowerBound) * batch.size
          for l in 0..<batch.size { (b[start + l], shift[start + l]) = (values.1, values.2) }
          return values.0
        }
        for n in 0..<batch.batch {
          let source = row(x, n), slope = row(g, n), target = gx + (source - x)
          for j in 0..<width { target[j] = slope[j] * a[j] + (source[j] * b[j] + shift[j]) }
        }
      }
    }
  }
}
