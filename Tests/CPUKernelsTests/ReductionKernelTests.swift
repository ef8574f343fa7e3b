import CPUKernelAPI
import CPUKernelsBaseline
import Testing

#if arch(x86_64)
  import CPUKernelsAVX2
  import CPUKernelsAVX512
#endif

/// Every reduction of every instruction set against a loop in Double or Int64.
struct ReductionKernelTests {
  /// The sets this machine can run.
  static let sets: [any ReductionKernels] = {
    var sets: [any ReductionKernels] = [CPUKernelsBaseline.Kernels()]
    #if arch(x86_64)
      if InstructionSets.avx2 { sets.append(CPUKernelsAVX2.Kernels()) }
      if InstructionSets.avx512 { sets.append(CPUKernelsAVX512.Kernels()) }
    #endif
    return sets
  }()
  private static let indices = Array(sets.indices)
  private static let layouts = ReductionLayout.all

  @Test(arguments: indices, DType.allCases)
  func reduce(set: Int, type: DType) {
    let kernels = Self.sets[set]
    for op in ReduceKernel.allCases where type.isFloatingPoint || op != .sumExp {
      for loop in Self.layouts where loop.count > 0 || op.acceptsNothing {
        let x = SampleTensor(type, count: loop.extent, small: op == .prod)
        let results = loop.outer * loop.inner
        let center = SampleTensor(type.accumulator, count: results, small: false)
        let y = SampleTensor(op.resultType(type), count: results, small: false)
        kernels.reduce(op, type, loop, x.bytes, center: op.takesCenter ? UnsafeRawPointer(center.bytes) : nil, y.bytes)
        for at in 0..<results {
          let values = loop.positions(at).map { x[$0] }
          let want = op.reference(values, center[at], type)
          let got = y[at]
          let scale = op.magnitude(values, center[at])
          // `#expect` on every element would take minutes.
          if !close(got, want, type, scale) { Issue.record("\(op) \(type) \(loop) at \(at): \(got), not \(want)") }
        }
      }
    }
  }

  @Test(arguments: indices, DType.allCases)
  func extreme(set: Int, type: DType) {
    for loop in Self.layouts where loop.count > 0 {
      for max in [true, false] {
        let x = SampleTensor(type, count: loop.extent, small: true)
        let results = loop.outer * loop.inner
        let y = SampleTensor(type, count: results, small: false)
        var found = [Int64](repeating: -1, count: results)
        Self.sets[set].extreme(max: max, type, loop, x.bytes, values: y.bytes, indices: &found)
        for at in 0..<results {
          let values = loop.positions(at).map { x[$0] }
          let best = max ? values.max()! : values.min()!
          let right = y[at] == best && Int(found[at]) == values.firstIndex(of: best)!
          if !right { Issue.record("\(type) \(loop) at \(at)") }
        }
        var alone = [Int64](repeating: -1, count: results)
        Self.sets[set].extreme(max: max, type, loop, x.bytes, values: nil, indices: &alone)
        #expect(alone == found)
        Self.sets[set].extreme(max: max, type, loop, x.bytes, values: y.bytes, indices: nil)
      }
    }
  }

  @Test(arguments: indices)
  func notANumber(set: Int) {
    let kernels = Self.sets[set]
    for n in [1, 3, 15, 16, 17, 100, 1500, 5000] {
      for spot in Set([0, n / 2, n - 1]) {
        var x = (0..<n).map { Float($0 % 7) }
        x[spot] = -.nan
        if n > 20 { x[n - 1] = .nan }
        let loop = ReduceLoop(outer: 1, count: n, inner: 1, outerStride: 0, countStride: 1, innerStride: 0)
        let down = ReduceLoop(outer: 1, count: n, inner: 5, outerStride: 0, countStride: 1, innerStride: 0)
        for op in [ReduceKernel.min, .max, .maxAbs, .minAbs, .sum] {
          var y = [Float](repeating: 0, count: 5)
          kernels.reduce(op, .float32, loop, x, center: nil, &y)
          #expect(y[0].isNaN, "\(op) \(n) \(spot)")
          kernels.reduce(op, .float32, down, x, center: nil, &y)
          #expect(y.allSatisfy { $0.isNaN }, "\(op) \(n) \(spot)")
        }
        var any: UInt8 = 9
        kernels.reduce(.any, .float32, loop, x, center: nil, &any)
        #expect(any == 1)
        var index: Int64 = -1
        var value: Float = 0
        for max in [true, false] {
          kernels.extreme(max: max, .float32, loop, x, values: &value, indices: &index)
          #expect(value.isNaN && Int(index) == spot, "\(n) \(spot): \(index)")
        }
        var running = [Float](repeating: 0, count: n)
        var places = [Int64](repeating: 0, count: n)
        kernels.scanExtreme(max: true, .float32, loop, x, values: &running, indices: &places)
        #expect(running[n - 1].isNaN && Int(places[n - 1]) == (n > 20 ? n - 1 : spot))
      }
    }
  }

  /// The first of equal elements for argmax, the last for cummax.
  @Test(arguments: indices)
  func ties(set: Int) {
    let x: [Float] = [1, 3, 3, 2, 3, 0, 0]
    let loop = ReduceLoop(outer: 1, count: 7, inner: 1, outerStride: 0, countStride: 1, innerStride: 0)
    var index: Int64 = -1
    Self.sets[set].extreme(max: true, .float32, loop, x, values: nil, indices: &index)
    #expect(index == 1)
    Self.sets[set].extreme(max: false, .float32, loop, x, values: nil, indices: &index)
    #expect(index == 5)
    var values = [Float](repeating: 0, count: 7)
    var places = [Int64](repeating: 0, count: 7)
    Self.sets[set].scanExtreme(max: true, .float32, loop, x, values: &values, indices: &places)
    #expect(values == [1, 3, 3, 3, 3, 3, 3] && places == [0, 1, 2, 2, 4, 4, 4])
    Self.sets[set].scanExtreme(max: false, .float32, loop, x, values: &values, indices: &places)
    #expect(values == [1, 1, 1, 1, 1, 0, 0] && places == [0, 0, 0, 0, 0, 5, 6])
  }

  /// Ten million numbers and their sum in double precision, made once: debug builds take seconds for it.
  private static let manyValues: ([Float], Double) = {
    var state: UInt64 = 1
    var x = [Float](repeating: 0, count: 10_000_019)
    var sum = 0.0
    for i in x.indices {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      x[i] = Float(state >> 40) * 0x1p-24
      sum += Double(x[i])
    }
    return (x, sum)
  }()

  @Test(arguments: indices)
  func longSums(set: Int) {
    let (x, want) = Self.manyValues
    let n = x.count
    for (count, inner) in [(n, 1), (n / 3, 3), (n / 100, 100)] {
      let loop = ReduceLoop(
        outer: 1, count: count, inner: inner, outerStride: 0, countStride: inner, innerStride: 1)
      var y = [Float](repeating: 0, count: inner)
      Self.sets[set].reduce(.sum, .float32, loop, x, center: nil, &y)
      let rest = x[(count * inner)...].reduce(0.0) { $0 + Double($1) }
      let got = y.reduce(rest) { $0 + Double($1) }
      #expect(abs(got - want) / want < 2e-7, "\(inner) columns: \(got), not \(want)")
    }
  }

  /// A float32 cannot count past 2²⁴.
  @Test(arguments: indices)
  func longCounts(set: Int) {
    let n = (1 << 25) + 1
    var one: Float = 1
    let loop = ReduceLoop(outer: 1, count: n, inner: 1, outerStride: 0, countStride: 0, innerStride: 0)
    var y: Int64 = 0
    Self.sets[set].reduce(.countNonzero, .float32, loop, &one, center: nil, &y)
    #expect(y == n)
  }
}
