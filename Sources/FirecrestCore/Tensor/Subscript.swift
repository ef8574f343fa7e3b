import CPUKernelAPI
import FirecrestCPU

extension Tensor {
  /// The part of the tensor that the indices select (PyTorch's and NumPy's indexing): `x[0]`, `x[.all, 1..<3]`,
  /// `x[.ellipsis, -1]`, `x[rows, columns]`, `x[x > 0]`.
  ///
  /// Integers, ranges, `.slice`, `.newAxis` and `.ellipsis` give views that share the tensor's memory. Tensors and arrays
  /// of integers, and masks, give a copy: index tensors are broadcast together, and their shape stands where the indexed
  /// dimensions were if those are neighbours, else in front. A mask selects the elements for which it is true; its
  /// dimensions go into one.
  ///
  /// Assignment changes the tensor in place and converts and broadcasts the new value, a tensor or a number:
  /// `x[1] = 7`, `x[mask] = 0`, `x[rows] += y`. Where an index occurs twice, the last value stays; see
  /// `indexPut(_:_:accumulate:)` for sums.
  public subscript(_ indices: any TensorIndex...) -> Tensor {
    get { Selection(self, indices).value }
    set { Selection(self, indices).assign(newValue) }
  }

  /// Assigns a number to the selected part: `x[1] = 7`.
  @_disfavoredOverload
  public subscript(_ indices: any TensorIndex...) -> any TensorScalar {
    @available(*, unavailable, message: "x[…] is a tensor; x[…].item() is its number")
    get { Selection(self, indices).value.item() }
    set { Selection(self, indices).assign(newValue.scalar) }
  }

  /// One position of the first dimension, as a view.
  @inline(__always)
  public subscript(_ index: Int) -> Tensor {
    get { apply(Select(dim: 0, index: checkedIndex(index, dim: 0)), self) }
    set { Selection(view: apply(Select(dim: 0, index: checkedIndex(index, dim: 0)), self)).assign(newValue) }
  }

  /// One position of each of the first two dimensions, as a view.
  public subscript(_ first: Int, _ second: Int) -> Tensor {
    get {
      apply(SelectTwo(first: checkedIndex(first, dim: 0), second: checkedIndex(second, dim: 1)), self)
    }
    set { Selection(view: self[first, second]).assign(newValue) }
  }

  /// An index as 0 ..< size, or the program stops.
  @inline(__always)
  func checkedIndex(_ index: Int, dim: Int) -> Int {
    if dim >= rank { refuseIndexCount(dim + 1) }
    let size = shape.sizes[dim]
    let position = index < 0 ? index + size : index
    if position < 0 || position >= size { refuseIndex(Int64(index), size: size, dim: dim, "index") }
    return position
  }

  @inline(never)
  fileprivate func refuseIndexCount(_ count: Int) -> Never {
    stop("index", "\(count) indices are too many for \(rank) dimensions", [self])
  }
}

/// One index of each of the first two dimensions.
struct SelectTwo: ViewOp {
  let first: Int
  let second: Int
  var name: String { "index" }
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    var shape = x.shape
    var strides = x.strides
    let offset = x.offset + first * strides[0] + second * strides[1]
    for _ in 0..<2 {
      shape.remove(at: 0)
      strides.remove(at: 0)
    }
    return (shape, strides, offset)
  }
}

/// Integers, ranges and new axes, one step for each dimension of the tensor or the result.
struct BasicIndex: ViewOp {
  enum Step: Sendable {
    case select(Int)
    case slice(start: Int, count: Int, step: Int)
    case newAxis
  }
  /// For the first dimensions; those after stay whole.
  let steps: [Step]
  var name: String { "index" }

  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int) {
    var shape = Shape()
    var strides = Shape()
    var offset = x.offset
    var d = 0
    for step in steps {
      switch step {
      case .select(let index):
        offset += index * x.strides[d]
        d += 1
      case .slice(let start, let count, let step):
        if count > 0 { offset += start * x.strides[d] }
        shape.append(count)
        strides.append(x.strides[d] &* step)
        d += 1
      case .newAxis:
        shape.append(1)
        strides.append(0)
      }
    }
    for d in d..<x.rank {
      shape.append(x.shape[d])
      strides.append(x.strides[d])
    }
    return (shape, strides, offset)
  }
}

/// What a list of indices selects: a view, and index tensors or masks on some of the view's dimensions.
struct Selection {
  private let view: Tensor
  /// True where the view is all of the tensor, as it is.
  private let isWhole: Bool
  /// Integers or masks in the order of the dimensions.
  private var advanced: [(dim: Int, index: Tensor)] = []

  init(view: Tensor) {
    self.view = view
    isWhole = false
  }

  init(_ x: Tensor, _ indices: [any TensorIndex]) {
    let positions = indices.map(\.position)
    let used = positions.reduce(0) { $0 + Selection.dimensions($1) }
    if used > x.rank { x.refuseIndexCount(used) }
    var steps: [BasicIndex.Step] = []
    // The dimension of the tensor and of the view that comes next.
    var (d, v) = (0, 0)
    var hasEllipsis = false
    func keep(_ count: Int) {
      for _ in 0..<count {
        steps.append(.slice(start: 0, count: x.shape[d], step: 1))
        d += 1
        v += 1
      }
    }
    for position in positions {
      switch position {
      case .integer(let index):
        steps.append(.select(x.checkedIndex(index, dim: d)))
        d += 1
      case .range(let start, let stop, let step):
        steps.append(Selection.slice(start, stop, step, size: x.shape[d]))
        d += 1
        v += 1
      case .newAxis:
        steps.append(.newAxis)
        v += 1
      case .ellipsis:
        if hasEllipsis { fail("index", "an index can have only one ellipsis") }
        hasEllipsis = true
        keep(x.rank - used)
      case .tensor(let index) where index.dtype == .bool:
        if index.rank == 0 {
          steps.append(.newAxis)
          advanced.append((v, index.view(Shape([1]))))
          v += 1
          continue
        }
        for k in 0..<index.rank where index.shape[k] != x.shape[d + k] {
          stop(
            "index", "the mask's dim \(k) of size \(index.shape[k]) stands for dim \(d + k) of size \(x.shape[d + k])",
            [x, index])
        }
        advanced.append((v, index))
        keep(index.rank)
      case .tensor(let index):
        if index.dtype == .uint8 || index.dtype.isFloatingPoint {
          stop(
            "index", "an index is of an integer type or bool, not \(index.dtype)", [x, index],
            help: index.dtype == .uint8 ? "convert it with to(.bool) or to(.int64)" : "convert it with to(.int64)")
        }
        if index.rank == 0 {
          steps.append(.select(x.checkedIndex(index.item(as: Int.self), dim: d)))
          d += 1
          continue
        }
        advanced.append((v, index))
        keep(1)
      }
    }
    view = apply(BasicIndex(steps: steps), x)
    isWhole = view.shape == x.shape && view.strides == x.strides && view.offset == x.offset
  }

  private static func dimensions(_ position: IndexPosition) -> Int {
    switch position {
    case .integer, .range: 1
    case .newAxis, .ellipsis: 0
    case .tensor(let index): index.dtype == .bool ? index.rank : 1
    }
  }

  /// Python's rule: negative bounds count from the end, and all are cut to the size.
  private static func slice(_ start: Int?, _ stop: Int?, _ step: Int, size: Int) -> BasicIndex.Step {
    if step < 1 {
      fail("index", "a slice's step must be positive, not \(step)", help: "use flip for the reverse order")
    }
    func bound(_ value: Int) -> Int { min(max(value < 0 ? value + size : value, 0), size) }
    let first = bound(start ?? 0)
    let end = bound(stop ?? size)
    return .slice(start: first, count: end > first ? (end - first - 1) / step + 1 : 0, step: step)
  }

  private func plan(_ operation: String) -> IndexPlan {
    let entries = advanced.map { entry in
      if entry.index.dtype != .bool { return IndexPlan.Entry(dim: entry.dim, index: entry.index) }
      return IndexPlan.Entry(dim: entry.dim, span: entry.index.rank, index: entry.index.nonzeroPositions())
    }
    return IndexPlan(view.shape, entries, operation)
  }

  /// The selected values: the view itself, or a copy.
  var value: Tensor {
    if advanced.isEmpty { return view }
    let plan = plan("index")
    return view.taking(plan.offsets, plan.layout, plan.shape, "index")
  }

  /// Overwrites what is selected.
  func assign(_ value: Tensor) {
    // `x[0] += y` has changed the view already and assigns it to itself.
    if advanced.isEmpty && value.storage === view.storage && value.offset == view.offset && value.shape == view.shape
      && value.strides == view.strides && value.dtype == view.dtype
      && (value.extras?.base === view.extras?.base || !view.isRecorded(value))
    {
      return
    }
    if advanced.isEmpty { return view.copy(from: value.droppingLeadingOnes(to: view.rank)) }
    if value.rank == 0, let mask = singleMask { return view.fill(value, where: mask) }
    put(value, accumulate: false)
  }

  /// Overwrites what is selected with a number.
  func assign(_ value: Scalar) {
    if advanced.isEmpty { return view.fill(value) }
    view.dtype.refuse(value, "indexPut")
    let value = Tensor.scalar(value, view.dtype)
    if let mask = singleMask { return view.fill(value, where: mask) }
    put(value, accumulate: false)
  }

  /// The mask, shaped to broadcast with the view, where it is the only index tensor.
  private var singleMask: Tensor? {
    guard advanced.count == 1, advanced[0].index.dtype == .bool else { return nil }
    var shape = advanced[0].index.shape
    for _ in advanced[0].dim + shape.count..<view.rank { shape.append(1) }
    return advanced[0].index.reshape(shape)
  }

  private func values(_ value: Tensor, _ plan: IndexPlan) -> Tensor {
    let value = value.droppingLeadingOnes(to: plan.shape.count).to(view.dtype)
    do throws(OpError) {
      if try broadcastShapes(plan.shape, value.shape) != plan.shape { throw OpError("") }
    } catch {
      stop(
        "indexPut", "the value does not broadcast to what is selected, \(plan.shape)", [view, value],
        help: "reshape the value to \(plan.shape), or to sizes of 1 where it repeats")
    }
    return value.expand(plan.shape)
  }

  /// In place, recorded.
  private func put(_ value: Tensor, accumulate: Bool) {
    view.refuseOverlap("indexPut")
    let plan = plan("indexPut")
    let value = values(value, plan)
    if view.isRecorded(value) || !view.isContiguous {
      let result = view.putting(value, plan.offsets, plan.layout, "indexPut", adds: accumulate)
      return view.overwrite(with: result, "indexPut")
    }
    view.refuseLeafChange("indexPut")
    let source = value.storage === view.storage ? value.clone() : value
    plan.layout.put(accumulate ? .add : .assign, source, plan.offsets, into: view, .shared)
    view.storage.version += 1
  }

  /// The tensor `x`, of which this is a selection, with `value` put there or added.
  func replacing(_ x: Tensor, _ indices: [any TensorIndex], _ value: Tensor, accumulate: Bool) -> Tensor {
    if isWhole && !advanced.isEmpty {
      let plan = plan("indexPut")
      return x.putting(values(value, plan), plan.offsets, plan.layout, "indexPut", adds: accumulate)
    }
    let y = x.clone()
    let part = Selection(y, indices)
    if !advanced.isEmpty {
      part.put(value, accumulate: accumulate)
    } else if accumulate {
      part.view += value
    } else {
      part.assign(value)
    }
    return y
  }
}

extension Tensor {
  /// This tensor without dimensions of size 1 in front, as long as it has more than `rank`: what assignment allows
  /// beyond broadcasting.
  fileprivate func droppingLeadingOnes(to rank: Int) -> Tensor {
    var shape = self.shape
    while shape.count > rank && shape[0] == 1 { shape.remove(at: 0) }
    return shape == self.shape ? self : view(shape)
  }

  /// Sets the elements at which `mask`, which broadcasts, is true to the one of `value`, in place and recorded.
  fileprivate func fill(_ value: Tensor, where mask: Tensor) {
    let value = value.to(dtype)
    if isRecorded(value) { return overwrite(with: maskedFill(mask, value), "maskedFill") }
    refuseLeafChange("maskedFill")
    let (one, mask) = (
      value.storage === storage ? value.clone() : value, mask.storage === storage ? mask.clone() : mask
    )
    ElementwiseLoop(mask, one, self, into: self).run(.shared) {
      CPU.shared.kernels.select(dtype, $0, $1[0], $1[1], $1[2], $1[3])
    }
    storage.version += 1
  }

  /// A copy in which `values`, broadcast to what the indices select, stand at the indices, or are added there with
  /// `accumulate`, also several times to the same element (PyTorch's `index_put`):
  /// `x.indexPut([rows, columns], values)`.
  public func indexPut(_ indices: [any TensorIndex], _ values: Tensor, accumulate: Bool = false) -> Tensor {
    if values.dtype != dtype { stop("indexPut", "the values must have the tensor's type", [self, values]) }
    return Selection(self, indices).replacing(self, indices, values, accumulate: accumulate)
  }
}
