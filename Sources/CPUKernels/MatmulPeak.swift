/// The machine's limit: multiply-adds between registers.
enum MatmulPeak {
  /// Twelve chains, enough to cover latency × throughput of every current core at every width.
  @inline(__always)
  static func run<S: MatmulScalar>(_: S.Type, _ iterations: Int) -> (operations: Double, check: S) {
    // Values the optimiser cannot know, and which stay finite and normal however long the loop runs.
    let x = S.splat(S(iterations & 1) * 0.25 + 0.5), y = S.splat(S(iterations & 1) + 0.5)
    var s0 = y, s1 = S.add(y, x), s2 = S.add(s1, x), s3 = S.add(s2, x), s4 = S.add(s3, x), s5 = S.add(s4, x)
    var s6 = S.add(s5, x), s7 = S.add(s6, x), s8 = S.add(s7, x), s9 = S.add(s8, x), s10 = S.add(s9, x)
    var s11 = S.add(s10, x)
    for _ in 0..<iterations {
      s0 = S.multiplyAdd(y, s0, x)
      s1 = S.multiplyAdd(y, s1, x)
      s2 = S.multiplyAdd(y, s2, x)
      s3 = S.multiplyAdd(y, s3, x)
      s4 = S.multiplyAdd(y, s4, x)
      s5 = S.multiplyAdd(y, s5, x)
      s6 = S.multiplyAdd(y, s6, x)
      s7 = S.multiplyAdd(y, s7, x)
      s8 = S.multiplyAdd(y, s8, x)
      s9 = S.multiplyAdd(y, s9, x)
      s10 = S.multiplyAdd(y, s10, x)
      s11 = S.multiplyAdd(y, s11, x)
    }
    let total = S.add(
      S.add(S.add(s0, s1), S.add(s2, s3)),
      S.add(S.add(S.add(s4, s5), S.add(s6, s7)), S.add(S.add(s8, s9), S.add(s10, s11))))
    return (Double(iterations) * 12 * 2 * Double(S.lanes), S.sum(total))
  }
}
