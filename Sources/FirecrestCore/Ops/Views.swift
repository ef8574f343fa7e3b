import CPUKernelAPI
import FirecrestCPU

extension ViewOp {
  /// By default a view's gradient is put back where the view looked, zeros elsewhere, sums where it looked twice.
  package func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    apply(Embed(view: self, shape: saved.xSpec.shape), g)
  }
}

/// The adjoint of a view: a tensor of zeros with `x` added where `view` looks.
struct Embed<V: ViewOp>: UnaryOp {
  let view: V
  let shape: Shape
  var name: String { view.name + "Backward" }

  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { TensorSpec(x.dtype, shape) }

  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    y.fillElements(.int(0))
    guard let window = try? view.window(y) else { return }
    let target = y.window(window.shape, strides: window.strides, offset: window.offset)
    if !target.overlapsItself { return copyElements(x, target, cpu) }
    let positions = Tensor.positions(target)
    let x = x.contiguous()
    cpu.kernels.put(
      .add, x.dtype, count: x.elementCount, run: 1, x.pointer, positions.pointer.assumingMemoryBound(to: Int64.self),
      y.storage.pointer)
  }

  // A window counted in elements of the memory needs them in order; other views look at any layout.
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { apply(view, view is AsStrided ? g.contiguous() : g) }
}

extension Tensor {
  /// True where two indices may reach the same element.
  var overlapsItself: Bool {
    var dims: [(stride: Int, size: Int)] = []
    for d in 0..<rank where shape[d] > 1 { dims.append((Swift.abs(strides[d]), shape[d])) }
    dims.sort { $0.stride < $1.stride }
    var reach = 0
    for dim in dims {
      if dim.stride <= reach { return true }
      reach += dim.stride * (dim.size - 1)
    }
    return false
  }

  /// The positions in the storage of this tensor's elements, in row-major order, as int64.
  static func positions(_ x: Tensor) -> Tensor {
    let y = Tensor(empty: x.shape, .int64)
    var sum = Int64(x.offset)
    copyElements(Tensor.scalar(.int(Int(sum)), .int64), y)
    for d in 0..<x.rank {
      let steps = Tensor(empty: [x.shape[d]], .int64)
      steps.withElements(Int64.self) { for i in 0..<$0.count { $0[i] = Int64(i * x.strides[d]) } }
      sum = 0
      var shape = Shape(repeating: 1, count: x.rank)
      shape[d] = x.shape[d]
      let row = steps.window(shape, strides: shape.contiguousStrides, offset: 0)
      runBinary(.add, y, row, y, .shared, cost: 1)
    }
    return y
  }
}

/// The same elements under another shape.
struct View: ViewOp {
  let shape: Shape
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    let target = try shape.resolved(for: x.elementCount)
    guard let strides = x.strides(viewedAs: target) else {
      throw OpError(
        "shape \(x.shape) with strides \(x.strides) cannot be viewed as \(target) without a copy",
        help: "use reshape, which copies where it must")
    }
    return (target, strides, x.offset)
  }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g.reshape(saved.xSpec.shape) }
}

extension Shape {
  /// This shape with a −1, if there is one, replaced by what `count` elements need.
  package func resolved(for count: Int) throws(OpError) -> Shape {
    var result = self
    var known = 1
    var free: Int?
    for (d, size) in enumerated() {
      if size == -1 {
        if free != nil { throw OpError("shape \(self) has more than one -1") }
        free = d
      } else if size < 0 {
        throw OpError("shape \(self) has a negative size")
      } else {
        let (product, overflow) = known.multipliedReportingOverflow(by: size)
        if overflow { throw OpError("shape \(self) has too many elements") }
        known = product
      }
    }
    if let free {
      guard known != 0, count % known == 0 else {
        throw OpError(
          "\(count) elements do not fit shape \(self)", help: "the product of the sizes must divide \(count)")
      }
      result[free] = count / known
    } else if known != count {
      throw OpError("\(count) elements do not fit shape \(self), which has \(known)")
    }
    return result
  }
}

extension Tensor {
  /// The strides under which this tensor's memory has `target`'s shape, nil where no such strides exist.
  package func strides(viewedAs target: Shape) -> Shape? {
    if isContiguous { return target.contiguousStrides }
    // Runs of dimensions that lie together can be cut anew, each by itself.
    var result = Shape(repeating: 1, count: target.count)
    var next = target.count - 1
    var d = rank - 1
    while d >= 0 {
      var size = shape[d]
      let stride = strides[d]
      while d > 0 && (shape[d - 1] == 1 || strides[d - 1] == stride * size) {
        d -= 1
        size *= shape[d]
      }
      var cut = 1
      while next >= 0 && cut < size {
        result[next] = stride * cut
        cut *= target[next]
        next -= 1
      }
      if cut != size { return nil }
      d -= 1
    }
    while next >= 0 {
      if target[next] != 1 { return nil }
      next -= 1
    }
    return result
  }

  /// The same elements under another shape, sharing memory; one size may be −1 (PyTorch's `view`). Stops where the
  /// strides do not allow it.
  public func view(_ shape: Shape) -> Tensor { apply(View(shape: shape), self) }
  /// The same elements under another shape: `x.view(-1, 400)`.
  public func view(_ sizes: Int...) -> Tensor { view(Shape(sizes)) }
  /// A view in another tensor's shape (PyTorch's `view_as`).
  public func view(as other: Tensor) -> Tensor { view(other.shape) }

  /// The same elements under another shape: a view where possible, else a copy (PyTorch's `reshape`).
  public func reshape(_ shape: Shape) -> Tensor {
    guard !isContiguous, let target = try? shape.resolved(for: elementCount), strides(viewedAs: target) == nil else {
      return view(shape)
    }
    return contiguous().view(target)
  }
  /// The same elements under another shape: `x.reshape(2, -1)`.
  public func reshape(_ sizes: Int...) -> Tensor { reshape(Shape(sizes)) }
  /// In another tensor's shape (PyTorch's `reshape_as`).
  public func reshape(as other: Tensor) -> Tensor { reshape(other.shape) }
}

/// Dimensions of size 1 repeated, and new ones in front.
struct Expand: ViewOp {
  let shape: Shape
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    let lead = shape.count - x.rank
    guard lead >= 0 else { throw OpError("cannot expand \(x.shape) to fewer dimensions: \(shape)") }
    var target = shape
    for d in 0..<shape.count {
      let size = d < lead ? 1 : x.shape[d - lead]
      if target[d] == -1 && d >= lead { target[d] = size }
      guard target[d] >= 0, target[d] == size || size == 1 else {
        throw OpError(
          "cannot expand \(x.shape) to \(shape)", help: "only dimensions of size 1 can be repeated; -1 keeps a size")
      }
    }
    var count = 1
    for size in target where size > 1 {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      if overflow { throw OpError("shape \(target) has too many elements") }
      count = product
    }
    return (target, x.broadcastStrides(to: target), x.offset)
  }
  // The caller sums a gradient of the larger shape to the input's.
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g }
}

/// The dimensions in another order.
struct Permute: ViewOp {
  let order: Shape
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    guard order.count == x.rank else { throw OpError("\(order.count) dimensions named for a tensor of \(x.rank)") }
    var seen = DimSet()
    var shape = Shape()
    var strides = Shape()
    for dim in order {
      let d = try resolveDim(dim, rank: x.rank)
      if seen.contains(d) { throw OpError("dimension \(d) appears twice in \(order)") }
      seen.insert(d)
      shape.append(x.shape[d])
      strides.append(x.strides[d])
    }
    return (shape, strides, x.offset)
  }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    var inverse = order
    for (i, dim) in order.enumerated() { inverse[dim < 0 ? dim + order.count : dim] = i }
    return apply(Permute(order: inverse), g)
  }
}

/// Every `step`-th index of one dimension, `count` of them from `start` on.
struct Slice: ViewOp {
  let dim: Int
  let start: Int
  let count: Int
  let step: Int
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    var shape = x.shape
    var strides = x.strides
    shape[dim] = count
    // Of one index the stride does not matter, and may be beyond all numbers.
    strides[dim] &*= step
    return (shape, strides, count == 0 ? x.offset : x.offset + start * x.strides[dim])
  }
}

/// One index of one dimension, which goes away.
struct Select: ViewOp {
  let dim: Int
  let index: Int
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    var shape = x.shape
    var strides = x.strides
    let step = strides[dim]
    guard index >= 0 && index < shape[dim] else {
      throw OpError("index \(index) is out of range for dim \(dim) of size \(shape[dim])")
    }
    shape.remove(at: dim)
    strides.remove(at: dim)
    return (shape, strides, x.offset + index * step)
  }
}

/// Any window on the memory of a contiguous tensor, in the tensor's own elements.
struct AsStrided: ViewOp {
  let shape: Shape
  let strides: Shape
  /// Counted from the tensor's first element.
  let offset: Int

  init(_ shape: Shape, strides: Shape, offset: Int) {
    self.shape = shape
    self.strides = strides
    self.offset = offset
  }

  /// The window of a view of `base`, a tensor contiguous in its order of memory. The view's offset counts from the
  /// start of the storage.
  init(_ shape: Shape, strides: Shape, offset: Int, of base: Tensor) {
    self.init(shape, strides: strides, offset: offset - base.offset)
  }

  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    guard shape.count == strides.count else { throw OpError("shape \(shape) and strides \(strides) differ in length") }
    guard x.isContiguous else { throw OpError("needs a contiguous tensor", help: "call contiguous() first") }
    var last = offset
    for d in 0..<shape.count {
      guard shape[d] >= 0, strides[d] >= 0 else { throw OpError("negative size or stride: \(shape), \(strides)") }
      let (step, overflow) = max(0, shape[d] - 1).multipliedReportingOverflow(by: strides[d])
      let (sum, beyond) = last.addingReportingOverflow(step)
      last = overflow || beyond ? .max : sum
    }
    guard offset >= 0, shape.elementCount == 0 || last < x.elementCount else {
      throw OpError("shape \(shape) with strides \(strides) at offset \(offset) reaches outside of the tensor")
    }
    return (shape, strides, x.offset + offset)
  }

  // A gradient may come in any layout.
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? {
    apply(Embed(view: self, shape: saved.xSpec.shape), g.contiguous())
  }
}

extension Tensor {
  /// The order of dimensions in which the elements lie one after the other, as in a transposed tensor. For changes of
  /// views, of which this is the base.
  var orderOfMemory: [Int] {
    let order = (0..<rank).sorted { (strides[$0], $1) > (strides[$1], $0) }
    if elementCount > 0 && Shape(order.map { shape[$0] }).contiguousStrides != Shape(order.map { strides[$0] }) {
      // Strides of single indices are arbitrary.
      let wide = order.filter { shape[$0] != 1 }
      if Shape(wide.map { shape[$0] }).contiguousStrides != Shape(wide.map { strides[$0] }) {
        stop(
          "backward", "a view of a tensor whose elements do not lie together was changed in place", [self],
          help: "change a contiguous() copy")
      }
    }
    return order
  }

  /// Repeats dimensions of size 1, without copying; −1 keeps a size (PyTorch's `expand`).
  public func expand(_ shape: Shape) -> Tensor { apply(Expand(shape: shape), self) }
  /// Repeats dimensions of size 1: `x.expand(3, -1)`.
  public func expand(_ sizes: Int...) -> Tensor { expand(Shape(sizes)) }
  /// Expanded to another tensor's shape (PyTorch's `expand_as`).
  public func expand(as other: Tensor) -> Tensor { expand(other.shape) }

  /// The dimensions in the given order, as a view (PyTorch's `permute`).
  public func permute(_ order: [Int]) -> Tensor { apply(Permute(order: Shape(order)), self) }
  /// The dimensions in the given order: `x.permute(2, 0, 1)`.
  public func permute(_ order: Int...) -> Tensor { permute(order) }

  /// Two dimensions swapped, as a view (PyTorch's `transpose`).
  public func transpose(_ dim0: Int, _ dim1: Int) -> Tensor {
    let a = resolve(dim0, "transpose")
    let b = resolve(dim1, "transpose")
    if rank == 0 { return view(shape) }
    var order = Shape(0..<rank)
    order[a] = b
    order[b] = a
    return apply(Permute(order: order), self)
  }

  /// The transposed matrix; of more dimensions, all reversed (PyTorch's `T`).
  public var T: Tensor { permute(Array((0..<rank).reversed())) }

  /// The index `index` of one dimension, which goes away (PyTorch's `select`); negative indices count from the end.
  public func select(dim: Int, _ index: Int) -> Tensor {
    let d = resolve(dim, "select")
    if rank == 0 { stop("select", "a scalar has no dimension to select from", [self]) }
    return apply(Select(dim: d, index: index < 0 ? index + shape[d] : index), self)
  }

  /// `length` indices of one dimension from `start` on, as a view (PyTorch's `narrow`).
  public func narrow(dim: Int, start: Int, length: Int) -> Tensor {
    let d = resolve(dim, "narrow")
    if rank == 0 { stop("narrow", "a scalar has no dimension to narrow", [self]) }
    let first = start < 0 ? start + shape[d] : start
    if length < 0 || first < 0 || length > shape[d] - first {
      stop("narrow", "\(length) indices from \(start) on are not in dim \(d) of size \(shape[d])", [self])
    }
    return apply(Slice(dim: d, start: first, count: length, step: 1), self)
  }

  /// Any window on a contiguous tensor's elements (PyTorch's `as_strided`).
  public func asStrided(_ shape: Shape, strides: Shape, offset: Int = 0) -> Tensor {
    apply(AsStrided(shape, strides: strides, offset: offset), self)
  }
}
