import CPUKernelAPI
import FirecrestCPU

/// A set of dimensions of one tensor.
package struct DimSet: Sendable, Equatable {
  package var bits: UInt8 = 0
  @inline(__always)
  package init() {}

  /// The dimensions `dims` of a tensor of `rank` dimensions, negative ones counted from the end; all of them where
  /// `dims` is nil or, as in PyTorch, empty.
  package init(_ dims: [Int]?, rank: Int) throws(OpError) {
    guard let dims, !dims.isEmpty else {
      self = .all(rank)
      return
    }
    for dim in dims {
      let d = try resolveDim(dim, rank: rank)
      if contains(d) { throw OpError("dimension \(d) appears twice") }
      insert(d)
    }
  }

  @inline(__always)
  package static func all(_ rank: Int) -> DimSet {
    var set = DimSet()
    set.bits = UInt8(truncatingIfNeeded: (1 << rank) - 1)
    return set
  }

  @inline(__always)
  package mutating func insert(_ dim: Int) { bits |= 1 << UInt8(dim) }
  @inline(__always)
  package func contains(_ dim: Int) -> Bool { bits >> UInt8(dim) & 1 == 1 }

  /// `shape` with these dimensions of size 1, or without them.
  package func reduced(_ shape: Shape, keepDim: Bool) -> Shape {
    var result = Shape()
    for d in 0..<shape.count {
      if !contains(d) { result.append(shape[d]) } else if keepDim { result.append(1) }
    }
    return result
  }

  /// How many elements each result element is made of.
  package func count(_ shape: Shape) -> Int {
    (0..<shape.count).reduce(1) { contains($1) ? $0 * shape[$1] : $0 }
  }
}

/// The loops of a reduction over any dimensions of any tensor: up to three of them, kept × reduced × kept, after
/// merging what lies together; a copy with the reduced dimensions last where that is not possible.
package struct ReductionLoop {
  package let loop: ReduceLoop
  /// What the loop runs over: the tensor itself, or the rearranged copy. Held so that it stays alive.
  package let source: Tensor

  package init(_ x: Tensor, _ dims: DimSet) {
    if let loop = ReductionLoop.merged(x, dims) {
      self.loop = loop
      source = x
      return
    }
    let order = (0..<x.rank).filter { !dims.contains($0) } + (0..<x.rank).filter { dims.contains($0) }
    source = noGrad { x.permute(order).contiguous() }
    let count = dims.count(x.shape)
    let outer = dims.reduced(x.shape, keepDim: false).elementCount
    loop = ReduceLoop(outer: outer, count: count, inner: 1, outerStride: count, countStride: 1, innerStride: 0)
  }

  private static func merged(_ x: Tensor, _ dims: DimSet) -> ReduceLoop? {
    // Groups of neighbouring dimensions of one kind, merged where the strides allow.
    var sizes = InlineArray<8, Int>(repeating: 1)
    var strides = InlineArray<8, Int>(repeating: 0)
    var kinds = InlineArray<8, Bool>(repeating: false)
    var count = 0
    for d in 0..<x.rank where x.shape.sizes[d] != 1 {
      let reduced = dims.contains(d)
      let size = x.shape.sizes[d]
      let stride = x.strides.sizes[d]
      if count > 0 && kinds[count - 1] == reduced && strides[count - 1] == stride &* size {
        sizes[count - 1] &*= size
        strides[count - 1] = stride
      } else {
        sizes[count] = size
        strides[count] = stride
        kinds[count] = reduced
        count += 1
      }
    }
    var loop = ReduceLoop(outer: 1, count: 1, inner: 1, outerStride: 0, countStride: 0, innerStride: 0)
    var at = 0
    if at < count && !kinds[at] {
      loop.outer = sizes[at]
      loop.outerStride = strides[at]
      at += 1
    }
    if at < count && kinds[at] {
      loop.count = sizes[at]
      loop.countStride = strides[at]
      at += 1
    }
    if at < count && !kinds[at] {
      loop.inner = sizes[at]
      loop.innerStride = strides[at]
      at += 1
    }
    return at == count ? loop : nil
  }

  /// The reduced dimensions at the end and the rest of them, where all together are not one loop but these are.
  static func twoPasses(_ x: Tensor, _ dims: DimSet) -> (DimSet, DimSet)? {
    if x.rank < 3 || x.elementCount == 0 || merged(x, dims) != nil { return nil }
    var (first, rest) = (DimSet(), dims)
    var d = x.rank - 1
    while d >= 0 && (dims.contains(d) || x.shape[d] == 1) {
      if dims.contains(d) {
        first.insert(d)
        rest.bits &= ~(1 << UInt8(d))
      }
      d -= 1
    }
    let count = first.count(x.shape)
    return rest.bits == 0 || count < 16 || merged(x, first) == nil ? nil : (first, rest)
  }

  /// Elements of the reduced loop in one task of a split reduction. Fixed, so that results do not depend on threads.
  private static let chunk = 65_536

  /// Runs `op` and writes the results, of the kernel's result type, to `y`.
  package func run(_ op: ReduceKernel, center: Tensor? = nil, into y: UnsafeMutableRawPointer, _ cpu: CPU) {
    let type = source.dtype
    let kernels = cpu.kernels
    let outputs = loop.outer * loop.inner
    if outputs == 0 { return }
    let x = UnsafeRawPointer(source.pointer)
    let center = center.map { UnsafeRawPointer($0.pointer) }
    if loop.count * outputs < 2 * CPU.grain {
      kernels.reduce(op, type, loop, x, center: center, y)
    } else if loop.count > 2 * Self.chunk && outputs < 1024 {
      split(op, x, center, y, cpu)
    } else if loop.outer >= 4 || loop.inner == 1 {
      cpu.parallel(loop.outer, grain: max(1, CPU.grain / (loop.count * loop.inner + 1)), multiple: 1) { range in
        part(op, x, center, y, kernels, outer: range, inner: 0..<loop.inner)
      }
    } else {
      for o in 0..<loop.outer {
        cpu.parallel(loop.inner, grain: max(1, CPU.grain / (loop.count + 1))) { range in
          part(op, x, center, y, kernels, outer: o..<o + 1, inner: range)
        }
      }
    }
  }

  private func part(
    _ op: ReduceKernel, _ x: UnsafeRawPointer, _ center: UnsafeRawPointer?, _ y: UnsafeMutableRawPointer,
    _ kernels: any KernelSet, outer: Range<Int>, inner: Range<Int>
  ) {
    var piece = loop
    piece.outer = outer.count
    piece.inner = inner.count
    let start = outer.lowerBound * loop.outerStride + inner.lowerBound * loop.innerStride
    let output = outer.lowerBound * loop.inner + inner.lowerBound
    let resultSize = op.resultType(source.dtype).size
    kernels.reduce(
      op, source.dtype, piece, x + start * source.dtype.size,
      center: center.map { $0 + output * source.dtype.accumulator.size }, y + output * resultSize)
  }

  /// A long reduction in chunks of fixed size whose results are reduced in turn.
  private func split(
    _ op: ReduceKernel, _ x: UnsafeRawPointer, _ center: UnsafeRawPointer?, _ y: UnsafeMutableRawPointer, _ cpu: CPU
  ) {
    let outputs = loop.outer * loop.inner
    let chunks = (loop.count + Self.chunk - 1) / Self.chunk
    let result = op.resultType(source.dtype)
    let partial = Tensor(empty: [chunks, outputs], result)
    let base = partial.pointer
    cpu.parallel(chunks, grain: 1, multiple: 1) { range in
      for c in range {
        var piece = loop
        piece.count = min(Self.chunk, loop.count - c * Self.chunk)
        cpu.kernels.reduce(
          op, source.dtype, piece, x + c * Self.chunk * loop.countStride * source.dtype.size, center: center,
          base + c * outputs * result.size)
      }
    }
    let rest = ReduceLoop(
      outer: 1, count: chunks, inner: outputs, outerStride: 0, countStride: outputs, innerStride: 1)
    cpu.kernels.reduce(op.combiner, result, rest, base, center: nil, y)
  }
}

extension ReduceKernel {
  /// The type of the kernel's results for inputs of `type`.
  package func resultType(_ type: DType) -> DType {
    switch self {
    case .min, .max, .maxAbs, .minAbs: type
    case .any, .all: .bool
    case .countNonzero: .int64
    default: type.accumulator
    }
  }

  /// The reduction that joins the results of parts.
  var combiner: ReduceKernel {
    switch self {
    case .prod: .prod
    case .min, .minAbs: .min
    case .max, .maxAbs: .max
    case .any: .any
    case .all: .all
    default: .sum
    }
  }
}

/// Reduces `dims` of `x` with one kernel into `y`, converting where y's type is not the kernel's result type.
package func reduce(
  _ op: ReduceKernel, _ x: Tensor, _ dims: DimSet, center: Tensor? = nil, into y: Tensor, _ cpu: CPU
) {
  // Reduced, kept, reduced dimensions: in two passes rather than through a rearranged copy.
  if center == nil, let (first, rest) = ReductionLoop.twoPasses(x, dims) {
    let between = Tensor(empty: first.reduced(x.shape, keepDim: true), op.resultType(x.dtype))
    reduce(op, x, first, into: between, cpu)
    return reduce(op.combiner, between, rest, into: y, cpu)
  }
  let loop = ReductionLoop(x, dims)
  let result = op.resultType(x.dtype)
  if result == y.dtype { return loop.run(op, center: center, into: y.pointer, cpu) }
  let wide = Tensor(empty: y.shape, result)
  loop.run(op, center: center, into: wide.pointer, cpu)
  copyElements(wide, y, cpu)
}
