import CPUKernelAPI
import Foundation
import Testing

/// e to the x in double precision.
func exponential(_ x: Double) -> Double { exp(x) }

/// Running reductions and softmax of every instruction set against loops in Double.
struct ScanKernelTests {
  private static let indices = Array(ReductionKernelTests.sets.indices)

  private func tolerance(_ type: DType) -> Double {
    switch type {
    case .float16: 1e-3
    case .bfloat16: 8e-3
    case .float32: 3e-6
    default: 1e-13
    }
  }

  @Test(arguments: indices, DType.allCases)
  func scan(set: Int, type: DType) {
    for op in ScanKernel.allCases where type.isFloatingPoint || op != .logcumsumexp {
      for loop in ReductionLayout.all where loop.count <= 129 || type.size > 2 {
        let x = SampleTensor(type, count: loop.extent, small: true)
        let y = SampleTensor(type, count: max(1, loop.outer * loop.count * loop.inner), small: false)
        ReductionKernelTests.sets[set].scan(op, type, loop, x.bytes, y.bytes)
        for at in 0..<(loop.outer * loop.inner) {
          var total = op == .cumsum ? 0 : op == .cumprod ? 1 : -Double.infinity
          var magnitude = 1.0
          for (k, position) in loop.positions(at).enumerated() {
            let v = x[position]
            switch op {
            case .cumsum: total += v
            case .cumprod:
              total *= v
              if !type.isFloatingPoint { total = Double(truncated(Int64(total), type)) }
            case .logcumsumexp: total = max(total, v) + log1p(exp(-abs(total - v)))
            }
            if !type.isFloatingPoint { total = Double(truncated(Int64(total), type)) }
            magnitude = max(magnitude, abs(total))
            let got = y[(at / loop.inner * loop.count + k) * loop.inner + at % loop.inner]
            // 65520 and beyond round to infinity.
            if type == .float16 && abs(total) >= 65504 { break }
            let right = got == total || abs(got - total) <= tolerance(type) * magnitude
            if !right {
              Issue.record("\(op) \(type) \(loop) at \(at), \(k): \(got), not \(total)")
              return
            }
          }
        }
      }
    }
  }

  private func truncated(_ x: Int64, _ type: DType) -> Int64 {
    switch type {
    case .bool, .uint8: Int64(UInt8(truncatingIfNeeded: x))
    case .int8: Int64(Int8(truncatingIfNeeded: x))
    case .int16: Int64(Int16(truncatingIfNeeded: x))
    default: x
    }
  }

  @Test(arguments: indices, DType.allCases)
  func scanExtreme(set: Int, type: DType) {
    for loop in ReductionLayout.all {
      for upward in [true, false] {
        let x = SampleTensor(type, count: loop.extent, small: true)
        let total = loop.outer * loop.count * loop.inner
        let y = SampleTensor(type, count: max(1, total), small: false)
        var places = [Int64](repeating: -1, count: total)
        ReductionKernelTests.sets[set].scanExtreme(max: upward, type, loop, x.bytes, values: y.bytes, indices: &places)
        for at in 0..<(loop.outer * loop.inner) {
          var best = upward ? -Double.infinity : Double.infinity
          var place = 0
          for (k, position) in loop.positions(at).enumerated() {
            if upward ? x[position] >= best : x[position] <= best {
              best = x[position]
              place = k
            }
            let to = (at / loop.inner * loop.count + k) * loop.inner + at % loop.inner
            let right = y[to] == best && places[to] == place
            if !right {
              Issue.record("\(type) \(loop) at \(at), \(k)")
              return
            }
          }
        }
      }
    }
  }

  @Test(arguments: indices, [DType.float16, .bfloat16, .float32, .float64])
  func softmax(set: Int, type: DType) {
    for count in [1, 2, 3, 7, 10, 16, 17, 33, 100, 1000, 3001] {
      let rows = 3
      let x = SampleTensor(type, count: rows * count, small: false)
      let g = SampleTensor(type, count: rows * count, small: true)
      let y = SampleTensor(type, count: rows * count, small: false)
      let d = SampleTensor(type, count: rows * count, small: false)
      for log in [false, true] {
        let kernels = ReductionKernelTests.sets[set]
        kernels.softmax(log: log, type, rows: rows, count: count, x.bytes, y.bytes)
        kernels.softmaxBackward(log: log, type, rows: rows, count: count, g.bytes, y.bytes, d.bytes)
        for r in 0..<rows {
          let range = (r * count)..<((r + 1) * count)
          let high = range.map { x[$0] }.max()!
          let sum = range.reduce(0.0) { $0 + exp(x[$1] - high) }
          let total = range.reduce(0.0) { $0 + (log ? g[$1] : g[$1] * y[$1]) }
          for i in range {
            let want = log ? x[i] - high - Foundation.log(sum) : exp(x[i] - high) / sum
            let near = abs(y[i] - want) <= tolerance(type) * max(abs(want), 1e-4)
            #expect(near, "\(type) \(log) \(count): \(y[i]), not \(want)")
            let slope = log ? g[i] - exp(y[i]) * total : y[i] * (g[i] - total)
            let bound = tolerance(type) * (log ? 2 + abs(total) : 4)
            #expect(abs(d[i] - slope) <= bound, "\(type) \(log) \(count): \(d[i]), not \(slope)")
          }
        }
      }
    }
  }

  @Test(arguments: indices)
  func softmaxOfInfinities(set: Int) {
    let kernels = ReductionKernelTests.sets[set]
    let inf = Float.infinity
    var x: [Float] = [-inf, 0, -inf, 0, -inf, -inf, -inf, -inf, inf, 0, 0, 0, .nan, 0, 0, 0]
    x[14] = -200
    var y = [Float](repeating: 9, count: 16)
    kernels.softmax(log: false, .float32, rows: 4, count: 4, x, &y)
    #expect(Array(y[0..<4]) == [0, 0.5, 0, 0.5])
    #expect(y[4...].allSatisfy { $0.isNaN })
    kernels.softmax(log: true, .float32, rows: 4, count: 4, x, &y)
    #expect(y[0] == -inf && abs(y[1] + 0.6931472) < 1e-6)
    #expect(y[4..<8].allSatisfy { $0.isNaN } && y[12...].allSatisfy { $0.isNaN })
    var sum: Float = 0
    var center: Float = -inf
    let loop = ReduceLoop(outer: 1, count: 4, inner: 1, outerStride: 0, countStride: 1, innerStride: 0)
    kernels.reduce(.sumExp, .float32, loop, x, center: &center, &sum)
    #expect(sum == 2)
  }
}
