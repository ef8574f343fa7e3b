import CPUKernelAPI
import Foundation
import Testing

/// Every elementwise operation, in every type: layouts agree with contiguous memory bit for bit, and instruction sets
/// agree with each other to rounding.
struct ElementwiseKernelTests {
  private static let sets = InstructionSets.elementwiseKernels
  private static let indices = Array(sets.indices)

  /// Two loops, and the strides (inner, outer) of three inputs and the output.
  private struct Layout {
    var n: Extent
    var strides: [(Int, Int)]
  }

  private static let layouts: [Layout] = [
    // Contiguous, with and without a last incomplete vector; empty; one element.
    Layout(n: Extent(inner: 512), strides: [(1, 0), (1, 0), (1, 0), (1, 0)]),
    Layout(n: Extent(inner: 37, outer: 11), strides: [(1, 37), (1, 37), (1, 37), (1, 37)]),
    Layout(n: Extent(inner: 0, outer: 3), strides: [(1, 0), (1, 0), (1, 0), (1, 0)]),
    Layout(n: Extent(inner: 1), strides: [(1, 0), (0, 0), (1, 0), (1, 0)]),
    // Strided, transposed, with gaps.
    Layout(n: Extent(inner: 200, outer: 2), strides: [(2, 401), (3, 600), (1, 210), (2, 400)]),
    Layout(n: Extent(inner: 30, outer: 20), strides: [(20, 1), (1, 30), (20, 1), (1, 31)]),
    Layout(n: Extent(inner: 140, outer: 5), strides: [(1, 150), (1, 140), (1, 140), (1, 141)]),
    // Broadcast: a value, a row, a column.
    Layout(n: Extent(inner: 700, outer: 2), strides: [(1, 700), (0, 0), (0, 1), (1, 700)]),
    Layout(n: Extent(inner: 50, outer: 30), strides: [(1, 50), (1, 0), (0, 1), (1, 50)]),
    Layout(n: Extent(inner: 300, outer: 4), strides: [(0, 1), (1, 0), (1, 300), (1, 300)]),
    // Short inner loops, on both sides of the tile.
    Layout(n: Extent(inner: 3, outer: 501), strides: [(1, 3), (1, 0), (0, 1), (1, 3)]),
    Layout(n: Extent(inner: 3, outer: 400), strides: [(1, 5), (0, 0), (1, 4), (2, 6)]),
    // Few elements.
    Layout(n: Extent(inner: 9), strides: [(2, 0), (0, 0), (1, 0), (1, 0)]),
    Layout(n: Extent(inner: 1, outer: 300), strides: [(1, 2), (0, 1), (1, 0), (1, 3)]),
  ]

  /// One call in one operation, on inputs and an output described by the layout.
  private typealias Call = (any ElementwiseKernels, Extent, [Operand]) -> Void

  private struct Job {
    var name: String
    var inputs: [DType]
    var output: DType
    var call: Call
  }

  private static func jobs(_ type: DType) -> [Job] {
    var jobs: [Job] = []
    for op in UnaryKernel.allCases where type.isFloatingPoint || op.rawValue <= UnaryKernel.relu.rawValue {
      jobs.append(Job(name: "\(op)", inputs: [type], output: type) { $0.unary(op, type, $1, $2[0], $2[1]) })
    }
    for op in BinaryKernel.allCases {
      let isBitwise = op.rawValue >= BinaryKernel.bitwiseAnd.rawValue && op.rawValue <= BinaryKernel.lcm.rawValue
      let isFloating = op.rawValue >= BinaryKernel.div.rawValue
      if type.isFloatingPoint ? isBitwise : isFloating { continue }
      jobs.append(
        Job(name: "\(op)", inputs: [type, type], output: type) { $0.binary(op, type, $1, $2[0], $2[1], $2[2]) })
    }
    for op in CompareKernel.allCases {
      jobs.append(
        Job(name: "\(op)", inputs: [type, type], output: .bool) { $0.compare(op, type, $1, $2[0], $2[1], $2[2]) })
    }
    for op in PredicateKernel.allCases {
      jobs.append(Job(name: "\(op)", inputs: [type], output: .bool) { $0.predicate(op, type, $1, $2[0], $2[1]) })
    }
    for op in TernaryKernel.allCases where type.isFloatingPoint || op.rawValue <= TernaryKernel.lerp.rawValue {
      jobs.append(
        Job(name: "\(op)", inputs: [type, type, type], output: type) {
          $0.ternary(op, type, $1, $2[0], $2[1], $2[2], $2[3])
        })
    }
    jobs.append(
      Job(name: "select", inputs: [.bool, type, type], output: type) { $0.select(type, $1, $2[0], $2[1], $2[2], $2[3]) }
    )
    for to in DType.allCases {
      jobs.append(Job(name: "to \(to)", inputs: [type], output: to) { $0.convert(type, to, $1, $2[0], $2[1]) })
    }
    return jobs
  }

  /// 3,000 elements in small numbers of either sign, written through a conversion that other tests check.
  private static func samples(_ type: DType, seed: Int) -> [UInt8] {
    var values = (0..<3000).map { i -> Float in
      let h = UInt32(truncatingIfNeeded: (i &+ 1) &* (seed &* 2_654_435_761 &+ 40_503)) >> 8 & 0xffff
      return Float(h) / 8192 - 4
    }
    var bytes = [UInt8](repeating: 0, count: 3000 * type.size)
    values.withUnsafeMutableBytes { x in
      bytes.withUnsafeMutableBytes { y in
        guard let x = x.baseAddress, let y = y.baseAddress else { return }
        sets[0].kernels.convert(
          .float32, type, Extent(inner: 3000), Operand(x, inner: 1), Operand(y, inner: 1))
      }
    }
    return bytes
  }

  /// Runs a job; the output is 3,000 elements, zero where nothing is written.
  private static func run(
    _ job: Job, _ kernels: any ElementwiseKernels, _ n: Extent, _ inputs: [[UInt8]], _ strides: [(Int, Int)]
  ) -> [UInt8] {
    var memory = inputs + [[UInt8](repeating: 0, count: 3000 * job.output.size)]
    let types = job.inputs + [job.output]
    var operands: [Operand] = []
    var pointers: [UnsafeMutableRawPointer] = []
    for i in memory.indices {
      let p = UnsafeMutableRawPointer.allocate(byteCount: memory[i].count, alignment: 64)
      memory[i].withUnsafeBytes { p.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(p), byteCount: $0.count) }
      pointers.append(p)
      let at = i == types.count - 1 ? 3 : i
      operands.append(Operand(p, inner: strides[at].0, outer: strides[at].1))
    }
    job.call(kernels, n, operands)
    let last = pointers.count - 1
    memory[last] = Array(UnsafeRawBufferPointer(start: pointers[last], count: memory[last].count))
    for p in pointers { p.deallocate() }
    return memory[last]
  }

  @Test(arguments: indices, DType.allCases)
  func layoutsAgreeWithContiguous(set: Int, type: DType) {
    let (name, kernels) = Self.sets[set]
    for job in Self.jobs(type) {
      let inputs = job.inputs.enumerated().map { Self.samples($1, seed: $0 + 1) }
      for (number, layout) in Self.layouts.enumerated() {
        let result = Self.run(job, kernels, layout.n, inputs, layout.strides)
        // The same elements in order, one after the other.
        let count = layout.n.inner * layout.n.outer
        var expected = [UInt8](repeating: 0, count: result.count)
        let gathered = zip(zip(inputs, job.inputs), layout.strides).map { pair, stride in
          var bytes = [UInt8](repeating: 0, count: 3000 * pair.1.size)
          for i in 0..<count {
            let from = (i / layout.n.inner * stride.1 + i % layout.n.inner * stride.0) * pair.1.size
            for k in 0..<pair.1.size { bytes[i * pair.1.size + k] = pair.0[from + k] }
          }
          return bytes
        }
        let plain = Self.run(job, kernels, Extent(inner: count), gathered, Array(repeating: (1, 0), count: 4))
        let (stride, size) = (layout.strides[3], job.output.size)
        for i in 0..<count {
          let to = (i / layout.n.inner * stride.1 + i % layout.n.inner * stride.0) * size
          for k in 0..<size { expected[to + k] = plain[i * size + k] }
        }
        #expect(result == expected, "\(name) \(job.name) \(type) layout \(number)")
      }
    }
  }

  @Test(arguments: DType.allCases)
  func instructionSetsAgree(type: DType) {
    for job in Self.jobs(type) {
      let inputs = job.inputs.enumerated().map { Self.samples($1, seed: $0 + 1) }
      let results = Self.sets.map {
        Self.run(job, $0.kernels, Extent(inner: 3000), inputs, Array(repeating: (1, 0), count: 4))
      }
      let first = Self.doubles(results[0], job.output)
      for (set, result) in zip(Self.sets, results).dropFirst() {
        let other = Self.doubles(result, job.output)
        let tolerance: Double =
          switch job.output {
          case .float16: 2e-3
          case .bfloat16: 2e-2
          case .float32: 2e-6
          case .float64: 1e-13
          default: 0
          }
        let wrong = zip(first, other).filter { a, b in
          !(a == b || a.isNaN && b.isNaN || abs(a - b) <= tolerance * max(abs(a), 1))
        }
        #expect(wrong.isEmpty, "\(set.name) \(job.name) \(type): \(wrong.prefix(3))")
      }
    }
  }

  private static func doubles(_ bytes: [UInt8], _ type: DType) -> [Double] {
    var (bytes, result) = (bytes, [Double](repeating: 0, count: bytes.count / type.size))
    let count = result.count
    bytes.withUnsafeMutableBytes { x in
      result.withUnsafeMutableBytes { y in
        guard let x = x.baseAddress, let y = y.baseAddress else { return }
        sets[0].kernels.convert(type, .float64, Extent(inner: count), Operand(x, inner: 1), Operand(y, inner: 1))
      }
    }
    return result
  }

  /// Where a switch has no body for an operation, no other one's runs.
  @Test func missingBodiesStop() async throws {
    let gcd = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Self.elements([1.0], [2.0]) { Self.sets[0].kernels.binary(.gcd, .float64, $0, $1, $2, $3) }
    }
    let text = String(decoding: try #require(gcd).standardErrorContent, as: UTF8.self)
    #expect(text.contains("BinaryKernel.gcd has no body"), "\(text)")
    await #expect(processExitsWith: .failure) {
      _ = Self.elements([1], [2]) { Self.sets[0].kernels.binary(.atan2, .int64, $0, $1, $2, $3) }
    }
    await #expect(processExitsWith: .failure) {
      _ = Self.elements([1], [2]) { n, x, _, y in Self.sets[0].kernels.unary(.exp, .int64, n, x, y) }
    }
    await #expect(processExitsWith: .failure) {
      _ = Self.elements([UInt8(1)], [0]) { n, x, _, y in Self.sets[0].kernels.unary(.exp, .bool, n, x, y) }
    }
  }

  /// Remainders are exact, of neighbours of whole quotients and of large ones too.
  @Test(arguments: indices)
  func remainders(set: Int) {
    let kernels = Self.sets[set].kernels
    var state: UInt64 = 5
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 24
    }
    func check<T: BinaryFloatingPoint>(_ type: DType, _: T.Type) {
      var (a, b): ([T], [T]) = ([], [])
      for i in 0..<4000 {
        let divisor = T(Double(next() % 2_000_001) / 1000 - 1000)
        let whole = T(next() % (i % 4 == 0 ? 1 << 40 : 50)) * divisor
        b.append(divisor)
        a.append([whole, whole.nextUp, whole.nextDown, divisor * T(next() % 999) / 7][i % 4])
      }
      a += [0, -0.0, 3, -3, .infinity, 1, .nan, 5e30, -5e30]
      b += [3, 3, .infinity, .infinity, 2, 0, 1, 3, 7]
      func run(_ op: BinaryKernel) -> [T] { Self.elements(a, b) { kernels.binary(op, type, $0, $1, $2, $3) } }
      let (truncated, floored, quotients) = (run(.fmod), run(.remainder), run(.floorDivide))
      for i in a.indices {
        let m = a[i].truncatingRemainder(dividingBy: b[i])
        let r = m != 0 && (b[i] < 0) != (m < 0) ? T(Double(m) + Double(b[i])) : m
        #expect("\(truncated[i])" == "\(m)", "fmod(\(a[i]), \(b[i]))")
        #expect("\(floored[i])" == "\(r)", "remainder(\(a[i]), \(b[i]))")
        if a[i].isFinite && b[i].isFinite && b[i] != 0 && abs(a[i] / b[i]) < 1_048_576 {
          let exact = ((Double(a[i]) - Double(r)) / Double(b[i])).rounded()
          #expect(Double(quotients[i]) == exact, "\(a[i]) // \(b[i])")
        }
      }
    }
    check(.float32, Float.self)
    check(.float64, Double.self)
  }

  /// Values that PyTorch 2.13 gives.
  @Test(arguments: indices)
  func edgesOfMeaning(set: Int) {
    let kernels = Self.sets[set].kernels
    func floats(_ op: BinaryKernel, _ a: [Float], _ b: [Float]) -> [Float] {
      Self.elements(a, b) { kernels.binary(op, .float32, $0, $1, $2, $3) }
    }
    func ints(_ op: BinaryKernel, _ a: [Int32], _ b: [Int32]) -> [Int32] {
      Self.elements(a, b) { kernels.binary(op, .int32, $0, $1, $2, $3) }
    }
    func one(_ op: UnaryKernel, _ a: [Float]) -> [Float] {
      Self.elements(a, a) { n, x, _, y in kernels.unary(op, .float32, n, x, y) }
    }
    let (inf, nan) = (Float.infinity, Float.nan)
    func same(_ a: [Float], _ b: [Float], _ comment: Comment) {
      #expect(a.map(\.description) == b.map(\.description), comment)
    }
    same(
      floats(.floorDivide, [7, -7, 1, -1, 0, inf, 1, -1, 5], [0, 0, inf, inf, 0, 2, -inf, -0.0, 0.3]),
      [inf, -inf, 0, -1, nan, nan, -1, inf, 16], "floorDivide")
    same(
      floats(.remainder, [7, 1, -1, inf, 1, -1], [0, inf, inf, 2, -inf, -2]), [nan, 1, inf, nan, -inf, -1], "remainder")
    same(floats(.maximum, [nan, 1, 2], [1, nan, 3]), [nan, nan, 3], "maximum")
    same(floats(.fmax, [nan, 1, nan], [1, nan, nan]), [1, 1, nan], "fmax")
    same(floats(.heaviside, [nan, -1, 0, 1], [5, 5, nan, 5]), [0, 0, nan, 1], "heaviside")
    same(floats(.xlogy, [0, 0, 0, 1], [nan, 0, -1, 0]), [nan, 0, 0, -inf], "xlogy")
    same(floats(.logaddexp, [-inf, inf, inf, nan], [-inf, inf, -inf, 1]), [-inf, inf, inf, nan], "logaddexp")
    same(floats(.pow, [-2, -2, 0, 1, nan, -8, -1], [3, 0.5, -1, nan, 0, 1, inf]), [-8, nan, inf, 1, 1, -8, 1], "pow")
    same(floats(.reluBackward, [1, 1, 1, 2], [nan, 0, 1, -1]), [1, 0, 1, 0], "reluBackward")
    same(one(.sign, [nan, -0.0, -3, 2]), [0, 0, -1, 1], "sign")
    same(one(.relu, [nan, -1, 3]), [nan, 0, 3], "relu")
    same(one(.round, [0.5, 1.5, 2.5, -0.5, 1e9]), [0, 2, 2, -0.0, 1e9], "round")
    same(one(.digamma, [0, -1]), [-inf, nan], "digamma")
    #expect(ints(.shiftLeft, [1, 1, 1, 1, -1], [31, 32, 33, -1, 40]) == [.min, 0, 0, 0, 0])
    #expect(ints(.shiftRight, [1, -8, -8, -8, 8], [31, 32, 33, -1, -1]) == [0, -1, -1, -1, 0])
    #expect(ints(.pow, [2, 3, -1, -1, 1, 0, 5], [31, 40, -1, -2, -5, -1, -1]) == [.min, 689_956_897, -1, 1, 1, 0, 0])
    #expect(ints(.floorDivide, [7, -7, 7, -7, 3], [2, 2, -2, -2, 0]) == [3, -4, -4, 3, 0])
    #expect(ints(.truncDivide, [7, -7, .min], [2, 2, -1]) == [3, -3, .min])
    #expect(ints(.remainder, [7, -7, 7, -7, 3], [2, 2, -2, -2, 0]) == [1, 1, -1, -1, 0])
    #expect(ints(.fmod, [7, -7, 7, -7], [2, 2, -2, -2]) == [1, -1, 1, -1])
    #expect(ints(.gcd, [0, 12, -12], [0, 18, 18]) == [0, 6, 6])
    #expect(ints(.lcm, [0, 12, -12], [5, 18, 18]) == [0, 36, 36])
    var values: [Float] = [300, -1, -1.5, 255.9, nan, -0.0]
    var (small, wide, truth) = (
      [UInt8](repeating: 9, count: 6), [Int32](repeating: 9, count: 6), [UInt8](repeating: 9, count: 6)
    )
    values.withUnsafeMutableBytes { x in
      guard let x = x.baseAddress else { return }
      func to(_ type: DType, _ y: UnsafeMutableRawBufferPointer) {
        guard let y = y.baseAddress else { return }
        kernels.convert(.float32, type, Extent(inner: 6), Operand(x, inner: 1), Operand(y, inner: 1))
      }
      small.withUnsafeMutableBytes { to(.uint8, $0) }
      wide.withUnsafeMutableBytes { to(.int32, $0) }
      truth.withUnsafeMutableBytes { to(.bool, $0) }
    }
    #expect(small[0..<4] == [44, 255, 255, 255])
    #expect(wide[0..<4] == [300, -1, -1, 255])
    #expect(truth == [1, 1, 1, 1, 1, 0])
  }

  private static func elements<T: Numeric>(
    _ a: [T], _ b: [T], _ f: (Extent, Operand, Operand, Operand) -> Void
  ) -> [T] {
    let count = min(a.count, b.count)
    var (a, b, y) = (a, b, [T](repeating: 0, count: count))
    a.withUnsafeMutableBytes { p in
      b.withUnsafeMutableBytes { q in
        y.withUnsafeMutableBytes { r in
          guard let p = p.baseAddress, let q = q.baseAddress, let r = r.baseAddress else { return }
          f(Extent(inner: count), Operand(p, inner: 1), Operand(q, inner: 1), Operand(r, inner: 1))
        }
      }
    }
    return y
  }
}
