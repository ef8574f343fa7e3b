import CPUKernelAPI
import CPUKernelsBaseline
import Testing

#if arch(x86_64)
  import CPUKernelsAVX2
  import CPUKernelsAVX512
#endif

private let kernelSets: [any MovementKernels] = {
  var sets: [any MovementKernels] = [CPUKernelsBaseline.Kernels()]
  #if arch(x86_64)
    if InstructionSets.avx2 { sets.append(CPUKernelsAVX2.Kernels()) }
    if InstructionSets.avx512 { sets.append(CPUKernelsAVX512.Kernels()) }
  #endif
  return sets
}()

/// A row of elements of any type, and what they are worth.
private final class Elements {
  let type: DType
  let count: Int
  let pointer: UnsafeMutableRawPointer

  init(_ type: DType, _ count: Int) {
    self.type = type
    self.count = count
    pointer = .allocate(byteCount: (count + 1) * type.size, alignment: 64)
    pointer.initializeMemory(as: UInt8.self, repeating: 0xA5, count: (count + 1) * type.size)
  }

  convenience init(_ type: DType, _ values: [Double]) {
    self.init(type, values.count)
    for (i, value) in values.enumerated() { self[i] = value }
  }

  deinit { pointer.deallocate() }

  var values: [Double] { (0..<count).map { self[$0] } }

  subscript(_ i: Int) -> Double {
    get {
      func load<T>(_: T.Type) -> T { (pointer + i * MemoryLayout<T>.size).load(as: T.self) }
      switch type {
      case .bool, .uint8: return Double(load(UInt8.self))
      case .int8: return Double(load(Int8.self))
      case .int16: return Double(load(Int16.self))
      case .int32: return Double(load(Int32.self))
      case .int64: return Double(load(Int64.self))
      case .float16: return Double(load(Float16.self))
      case .bfloat16: return Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16))
      case .float32: return Double(load(Float.self))
      case .float64: return load(Double.self)
      }
    }
    set {
      func store<T>(_ value: T) { (pointer + i * MemoryLayout<T>.size).storeBytes(of: value, as: T.self) }
      switch type {
      case .bool: store(newValue != 0)
      case .uint8: store(UInt8(newValue))
      case .int8: store(Int8(newValue))
      case .int16: store(Int16(newValue))
      case .int32: store(Int32(newValue))
      case .int64: store(Int64(newValue))
      case .float16: store(Float16(newValue))
      case .bfloat16:
        let bits = Float(newValue).bitPattern
        store(UInt16(truncatingIfNeeded: (newValue.isNaN ? bits : bits + 0x7FFF + ((bits >> 16) & 1)) >> 16))
      case .float32: store(Float(newValue))
      case .float64: store(newValue)
      }
    }
  }
}

/// Values that every type holds, with many ties; for floating types also both zeros, infinities and NaN.
private func tiedValues(_ type: DType, _ count: Int, _ random: inout SplitMix) -> [Double] {
  (0..<count).map { _ in
    let r = Int(random.next() % 64)
    if type == .bool { return Double(r & 1) }
    if type == .uint8 { return Double(r) }
    if !type.isFloatingPoint { return Double(r - 32) }
    let special: [Double] = [.nan, .infinity, -.infinity, 0, -0.0, 1e-7]
    return r < 6 ? special[r] : Double(r - 32) / 4
  }
}

private struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// NaN is largest.
private func precedes(_ a: Double, _ b: Double) -> Bool { a.isNaN ? false : b.isNaN || a < b }

private func sortedPositions(_ x: [Double], descending: Bool) -> [Int] {
  x.indices.sorted {
    let (a, b) = descending ? (x[$1], x[$0]) : (x[$0], x[$1])
    return precedes(a, b) || (!precedes(b, a) && $0 < $1)
  }
}

/// Equal to the bit, as far as a double shows it.
private func same(_ a: [Double], _ b: [Double]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { ($0.isNaN && $1.isNaN) || $0.bitPattern == $1.bitPattern }
}

@Test func copyMovesEveryLayout() {
  var random = SplitMix(state: 1)
  let shapes = [(1, 1), (1, 7), (7, 1), (3, 5), (16, 16), (17, 33), (70, 130), (130, 3), (5, 0)]
  for kernels in kernelSets {
    for size in [1, 2, 4, 8] {
      for (rows, columns) in shapes {
        // (row stride, column stride) in elements; the last three only for the source.
        let layouts = [
          (columns, 1), (1, rows), (columns + 3, 1), (1, rows + 5), (2 * columns, 2), (3, 3 * rows),
          (0, 1), (1, 0), (0, 0),
        ]
        for (xr, xc) in layouts {
          for (yr, yc) in layouts.prefix(6) {
            let xLength = max(1, (rows - 1) * xr + max(0, columns - 1) * xc + 1) * size
            let yLength = max(1, (rows - 1) * yr + max(0, columns - 1) * yc + 1) * size
            let x = (0..<xLength).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            var y = [UInt8](repeating: 0x5A, count: yLength)
            var expected = y
            for r in 0..<rows {
              for c in 0..<columns {
                for b in 0..<size { expected[(r * yr + c * yc) * size + b] = x[(r * xr + c * xc) * size + b] }
              }
            }
            y.withUnsafeMutableBytes { y in
              x.withUnsafeBytes { x in
                kernels.copy(
                  size: size, rows: rows, columns: columns, x.baseAddress!, rowStride: xr, columnStride: xc,
                  y.baseAddress!, rowStride: yr, columnStride: yc)
              }
            }
            #expect(y == expected, "\(kernels) \(size) \(rows)x\(columns) \((xr, xc)) \((yr, yc))")
          }
        }
      }
    }
  }
}

@Test func takeGathersRuns() {
  var random = SplitMix(state: 2)
  for kernels in kernelSets {
    for size in [1, 2, 4, 8] {
      for run in [0, 1, 2, 3, 5, 8, 15, 17, 40] {
        let x = (0..<(500 * size)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let offsets = (0..<37).map { _ in Int64(random.next() % 450) }
        var y = [UInt8](repeating: 9, count: 37 * run * size + 1)
        y.withUnsafeMutableBytes {
          kernels.take(size: size, count: 37, run: run, x, offsets, $0.baseAddress!)
        }
        var expected: [UInt8] = []
        for offset in offsets { expected += x[(Int(offset) * size)..<((Int(offset) + run) * size)] }
        #expect(y == expected + [9])
      }
    }
  }
}

@Test func putCombinesInOrder() {
  var random = SplitMix(state: 3)
  for kernels in kernelSets {
    for type in DType.allCases {
      for op in PutKernel.allCases {
        for run in [1, 3, 40] {
          func value() -> Double {
            let r = Double(random.next() % 3)
            return type == .bool ? min(r, 1) : type.isFloatingPoint ? r + 0.37 : r
          }
          let count = 6
          let x = Elements(type, (0..<(count * run)).map { _ in value() })
          let y = Elements(type, (0..<100).map { _ in value() })
          if type.isFloatingPoint {
            x[0] = .nan
            y[51] = .nan
          }
          let offsets: [Int64] = [5, 50, 5, 6, 50, 60]
          let scratch = Elements(type, y.values)
          for i in 0..<count {
            for j in 0..<run {
              let (a, b, at) = (scratch[Int(offsets[i]) + j], x[i * run + j], Int(offsets[i]) + j)
              let nan = a.isNaN || b.isNaN
              // Storing rounds to the type, each time.
              switch op {
              case .assign: scratch[at] = b
              case .add: scratch[at] = type == .bool ? max(a, b) : a + b
              case .multiply: scratch[at] = a * b
              case .minimum: scratch[at] = nan ? .nan : min(a, b)
              case .maximum: scratch[at] = nan ? .nan : max(a, b)
              }
            }
          }
          kernels.put(op, type, count: count, run: run, x.pointer, offsets, y.pointer)
          #expect(same(y.values, scratch.values), "\(kernels) \(op) \(type) \(run)")
        }
      }
    }
  }
}

@Test func sortIsStableAndPutsNaNLast() {
  var random = SplitMix(state: 4)
  for kernels in kernelSets {
    for type in DType.allCases {
      for (rows, count) in [(1, 0), (3, 1), (5, 2), (4, 15), (3, 16), (3, 17), (2, 100), (2, 161), (2, 700), (1, 9000)]
      {
        for descending in [false, true] {
          let x = Elements(type, tiedValues(type, rows * count, &random))
          let values = Elements(type, rows * count)
          var indices = [Int64](repeating: -1, count: rows * count + 1)
          kernels.sort(
            type, rows: rows, count: count, descending: descending, x.pointer, values: values.pointer,
            indices: &indices)
          #expect(indices.last == -1)
          for row in 0..<rows {
            let part = Array(x.values[(row * count)..<((row + 1) * count)])
            let order = sortedPositions(part, descending: descending)
            let range = (row * count)..<((row + 1) * count)
            #expect(indices[range].map { Int($0) } == order, "\(kernels) \(type) \(count)")
            #expect(same(Array(values.values[range]), order.map { part[$0] }), "\(kernels) \(type) \(count)")
          }
        }
      }
    }
  }
}

/// Every digit of a wide key matters, and the extremes are ordered.
@Test func sortOrdersWideKeys() {
  var random = SplitMix(state: 5)
  for kernels in kernelSets {
    for count in [30, 300, 20_000] {
      var x = (0..<count).map { _ in Int64(bitPattern: random.next()) >> Int64(random.next() % 64) }
      (x[3], x[7]) = (.max, .min)
      var values = x
      var indices = x
      kernels.sort(.int64, rows: 1, count: count, descending: false, x, values: &values, indices: &indices)
      #expect(values == x.sorted())
      #expect(indices.map { x[Int($0)] } == values)

      let f = x.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0 >> 13)) }.map { $0.isNaN ? 0 : $0 }
      var floats = f
      kernels.sort(.float32, rows: 1, count: count, descending: true, f, values: &floats, indices: &indices)
      #expect(floats == f.sorted(by: >))
      #expect(indices.map { f[Int($0)] } == floats)

      let d = x.map { Double(bitPattern: UInt64(bitPattern: $0)) }.map { $0.isNaN ? 0 : $0 }
      var doubles = d
      kernels.sort(.float64, rows: 1, count: count, descending: false, d, values: &doubles, indices: &indices)
      #expect(doubles == d.sorted())
      #expect(indices.map { d[Int($0)] } == doubles)
    }
  }
}

/// Keys that differ only in their lower halves, in short and in long runs, beside one far away.
@Test func sortTellsCloseWideKeysApart() {
  var random = SplitMix(state: 8)
  for kernels in kernelSets {
    for spread in [4, 40, 4000] as [UInt64] {
      let count = 3000
      var x = (0..<count).map { _ in
        Double(bitPattern: (1.0).bitPattern + (random.next() % 60) << 40 + random.next() % spread)
      }
      (x[5], x[9]) = (-1e300, 1e300)
      var (values, indices) = (x, [Int64](repeating: 0, count: count))
      kernels.sort(.float64, rows: 1, count: count, descending: false, x, values: &values, indices: &indices)
      let order = sortedPositions(x, descending: false)
      #expect(indices.map { Int($0) } == order)
      #expect(values == order.map { x[$0] })
    }
  }
}

@Test func topkPrefersEarlierOfEquals() {
  var random = SplitMix(state: 6)
  for kernels in kernelSets {
    for type in DType.allCases {
      for (rows, count) in [(3, 1), (2, 20), (2, 300), (1, 5000)] {
        for k in Set([1, min(5, count), count / 2, count]) where k > 0 {
          for largest in [false, true] {
            var values = tiedValues(type, rows * count, &random)
            // A row in the worst order: every element is better than all before it.
            if rows == 1 && type == .float32 { values = values.indices.map { largest ? Double($0) : -Double($0) } }
            let x = Elements(type, values)
            let best = Elements(type, rows * k)
            var indices = [Int64](repeating: -1, count: rows * k)
            kernels.topk(
              type, rows: rows, count: count, k: k, largest: largest, x.pointer, values: best.pointer,
              indices: &indices)
            for row in 0..<rows {
              let part = Array(x.values[(row * count)..<((row + 1) * count)])
              let order = Array(sortedPositions(part, descending: largest).prefix(k))
              let range = (row * k)..<((row + 1) * k)
              #expect(indices[range].map { Int($0) } == order, "\(kernels) \(type) \(count) \(k)")
              #expect(same(Array(best.values[range]), order.map { part[$0] }))
            }
          }
        }
      }
    }
  }
}

@Test func searchSortedFindsTheFirstPlace() {
  var random = SplitMix(state: 7)
  for kernels in kernelSets {
    for type in DType.allCases {
      for length in [0, 1, 2, 7, 64, 501] {
        let unsorted = tiedValues(type, length, &random)
        let row = Elements(type, sortedPositions(unsorted, descending: false).map { unsorted[$0] })
        let x = Elements(type, tiedValues(type, 90, &random))
        for right in [false, true] {
          var found = [Int64](repeating: -1, count: 90)
          kernels.searchsorted(
            type, sorted: row.pointer, length: length, count: 90, right: right, x.pointer, &found)
          let expected = x.values.map { value in
            row.values.firstIndex { right ? precedes(value, $0) : !precedes($0, value) } ?? length
          }
          #expect(found.map { Int($0) } == expected, "\(kernels) \(type) \(length) \(right)")
        }
      }
    }
  }
}
