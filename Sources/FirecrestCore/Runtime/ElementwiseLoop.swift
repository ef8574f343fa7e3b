import CPUKernelAPI
import FirecrestCPU

/// The loops of an elementwise operation over up to four tensors, the last of which is the output: dimensions that lie
/// one after the other in all of them are merged, so that a kernel gets the longest inner loops the strides allow.
package struct ElementwiseLoop {
  private var pointers: InlineArray<4, UnsafeMutableRawPointer>
  private var sizes: InlineArray<4, Int>
  private var strides: InlineArray<4, Shape>
  private var shape: Shape
  private let count: Int
  /// Keeps the memory behind `pointers` alive, that of temporary tensors too.
  private let tensors: (Tensor, Tensor?, Tensor?, Tensor)

  /// Inputs broadcast to the output's shape.
  package init(_ a: Tensor, _ b: Tensor? = nil, _ c: Tensor? = nil, into y: Tensor) {
    pointers = InlineArray(repeating: y.pointer)
    sizes = InlineArray(repeating: y.dtype.size)
    strides = InlineArray(repeating: y.strides)
    shape = y.shape
    count = c != nil ? 4 : b != nil ? 3 : 2
    tensors = (a, b, c, y)
    set(0, a)
    if let b { set(1, b) }
    if let c { set(2, c) }
    merge()
  }

  private mutating func set(_ i: Int, _ tensor: Tensor) {
    pointers[i] = tensor.pointer
    sizes[i] = tensor.dtype.size
    strides[i] = tensor.broadcastStrides(to: shape)
  }

  /// Drops dimensions of size 1 and merges neighbours.
  private mutating func merge() {
    var kept = 0
    for d in 0..<shape.count where shape.sizes[d] != 1 {
      var joins = kept > 0
      if joins {
        for i in 0..<count
        where strides[i].sizes[kept - 1] != strides[i].sizes[d] &* shape.sizes[d] {
          joins = false
          break
        }
      }
      if joins {
        shape.sizes[kept - 1] &*= shape.sizes[d]
        for i in 0..<count { strides[i].sizes[kept - 1] = strides[i].sizes[d] }
      } else {
        shape.sizes[kept] = shape.sizes[d]
        for i in 0..<count { strides[i].sizes[kept] = strides[i].sizes[d] }
        kept += 1
      }
    }
    if kept == 0 {
      shape.sizes[0] = 1
      for i in 0..<count { strides[i].sizes[0] = 0 }
      kept = 1
    }
    shape = Shape(shape.sizes, kept)
  }

  private func operand(_ i: Int, _ offset: Int, _ inner: Int, _ outer: Int) -> Operand {
    Operand(pointers[i] + offset &* sizes[i], inner: inner, outer: outer)
  }

  /// Calls `kernel` with the two innermost loops and the operands, the output last, once for each
  /// iteration of the loops outside of them, on several threads where there is enough to do. `cost` is the time of an
  /// element relative to an addition.
  package func run(_ cpu: CPU, cost: Int = 1, _ kernel: (Extent, InlineArray<4, Operand>) -> Void) {
    withExtendedLifetime(tensors) { runLoops(cpu, cost, kernel) }
  }

  private func runLoops(_ cpu: CPU, _ cost: Int, _ kernel: (Extent, InlineArray<4, Operand>) -> Void) {
    let total = shape.elementCount
    if total == 0 { return }
    let inner = shape[shape.count - 1]
    let outer = shape.count > 1 ? shape[shape.count - 2] : 1
    let blocks = total / (inner * outer)
    let grain = max(1, CPU.grain / cost)
    if total < 2 * grain {
      for block in 0..<blocks { call(block, 0..<outer, 0..<inner, kernel) }
    } else if blocks >= 8 {
      cpu.parallel(blocks, grain: max(1, grain / (inner * outer)), multiple: 1) { range in
        for block in range { call(block, 0..<outer, 0..<inner, kernel) }
      }
    } else if outer >= 8 {
      for block in 0..<blocks {
        cpu.parallel(outer, grain: max(1, grain / inner), multiple: 1) { call(block, $0, 0..<inner, kernel) }
      }
    } else {
      for block in 0..<blocks {
        for row in 0..<outer { cpu.parallel(inner, grain: grain) { call(block, row..<row + 1, $0, kernel) } }
      }
    }
  }

  private func call(
    _ block: Int, _ rows: Range<Int>, _ columns: Range<Int>, _ kernel: (Extent, InlineArray<4, Operand>) -> Void
  ) {
    var offsets = InlineArray<4, Int>(repeating: 0)
    var rest = block
    var d = shape.count - 3
    while d >= 0 {
      let index = rest % shape.sizes[d]
      rest /= shape.sizes[d]
      for i in 0..<count { offsets[i] += index * strides[i].sizes[d] }
      d -= 1
    }
    let last = shape.count - 1
    func make(_ i: Int) -> Operand {
      let inner = strides[i].sizes[last]
      let outer = last > 0 ? strides[i].sizes[last - 1] : 0
      return operand(i, offsets[i] + rows.lowerBound * outer + columns.lowerBound * inner, inner, outer)
    }
    var operands = InlineArray<4, Operand>(repeating: make(count - 1))
    for i in 0..<count - 1 { operands[i] = make(i) }
    kernel(Extent(inner: columns.count, outer: rows.count), operands)
  }
}

extension Shape {
  /// The first `count` of `sizes`.
  @inline(__always)
  init(_ sizes: InlineArray<8, Int>, _ count: Int) {
    self.init(repeating: 0, count: count)
    self.sizes = sizes
  }
}

extension Tensor {
  /// The strides with which this tensor is read as if it had the larger `shape`: 0 where it is repeated.
  @inline(__always)
  package func broadcastStrides(to shape: Shape) -> Shape {
    if shape == self.shape { return strides }
    var result = Shape(repeating: 0, count: shape.count)
    let lead = shape.count - rank
    for d in 0..<rank where self.shape.sizes[d] != 1 { result.sizes[lead + d] = strides.sizes[d] }
    return result
  }
}
