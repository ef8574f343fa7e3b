import FirecrestCPU

/// A copy of `a` in which the window that `view` shows holds `b`.
struct ReplaceWindow<V: ViewOp>: BinaryOp {
  let view: V
  var name: String { view.name + "Scatter" }
  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec { a }
  func run(_ a: Tensor, _ b: Tensor, into y: Tensor, on cpu: CPU) {
    copyElements(a, y, cpu)
    guard let window = try? view.window(y) else { return }
    copyElements(b, y.window(window.shape, strides: window.strides, offset: window.offset), cpu)
  }
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) {
    let ga = saved.needsA ? apply(self, g, Tensor.zeros(saved.bSpec.shape, dtype: g.dtype)) : nil
    return (ga, saved.needsB ? apply(view, g.contiguous()) : nil)
  }
}

extension Tensor {
  private func replacing<V: ViewOp>(_ view: V, _ source: Tensor, _ operation: String) -> Tensor {
    let window: (shape: Shape, strides: Shape, offset: Int)
    // Only the shape is asked for; a contiguous stand-in has the layout that the copy will have.
    let layout = Tensor(storage, dtype, shape: shape, strides: shape.contiguousStrides, offset: 0)
    do { window = try view.window(layout) } catch { stop(operation, error, [self, source]) }
    if source.shape != window.shape {
      stop(operation, "the source's shape is not the window's, \(window.shape)", [self, source])
    }
    return apply(ReplaceWindow(view: view), self, source)
  }

  /// A copy with index `index` of a dimension replaced by `source` (PyTorch's `select_scatter`).
  public func selectScatter(_ source: Tensor, dim: Int, index: Int) -> Tensor {
    let d = resolve(dim, "selectScatter")
    if rank == 0 { stop("selectScatter", "a scalar has no dimension to select from", [self]) }
    return replacing(Select(dim: d, index: index < 0 ? index + shape[d] : index), source, "selectScatter")
  }

  /// A copy with a slice replaced by `source`; the slice is that of `slice(dim:start:end:step:)` (PyTorch's
  /// `slice_scatter`).
  public func sliceScatter(
    _ source: Tensor, dim: Int = 0, start: Int? = nil, end: Int? = nil, step: Int = 1
  ) -> Tensor {
    let (d, range) = sliceRange(dim, start, end, step, "sliceScatter")
    return replacing(Slice(dim: d, start: range.start, count: range.count, step: step), source, "sliceScatter")
  }

  /// A copy with a diagonal replaced by `source` (PyTorch's `diagonal_scatter`).
  public func diagonalScatter(_ source: Tensor, offset: Int = 0, dim1: Int = 0, dim2: Int = 1) -> Tensor {
    replacing(diagonalView(offset, dim1, dim2, "diagonalScatter"), source, "diagonalScatter")
  }

  /// A copy with the window of `asStrided` replaced by `source`; no two indices of the window may mean the same element
  /// (PyTorch's `as_strided_scatter`).
  public func asStridedScatter(_ source: Tensor, _ shape: Shape, strides: Shape, offset: Int = 0) -> Tensor {
    let window = Tensor(storage, dtype, shape: shape, strides: strides, offset: 0)
    if window.overlapsItself {
      stop("asStridedScatter", "the window overlaps itself: \(shape) with strides \(strides)", [self])
    }
    return replacing(AsStrided(shape, strides: strides, offset: offset), source, "asStridedScatter")
  }
}
