import FirecrestCPU

extension Tensor {
  /// The positions, counted in row-major order, of the elements that are not 0, ascending, as an int64 vector.
  package func nonzeroPositions() -> Tensor {
    let mask = noGrad { to(.bool).contiguous() }
    return mask.withElements(UInt8.self) { bits in
      // Counted in parts first, so that the parts know where to write.
      let part = 4 * CPU.grain
      let parts = (bits.count + part - 1) / part
      var starts = [Int](repeating: 0, count: parts + 1)
      starts.withUnsafeMutableBufferPointer { starts in
        let counts = starts
        CPU.shared.parallel(parts, grain: 1, multiple: 1) { range in
          for p in range {
            var count = 0
            for i in p * part..<Swift.min(bits.count, (p + 1) * part) { count &+= Int(bits[i]) }
            counts[p + 1] = count
          }
        }
      }
      for p in 0..<parts { starts[p + 1] += starts[p] }
      let offsets = starts
      let y = Tensor(empty: [starts[parts]], .int64)
      y.withElements(Int64.self) { y in
        CPU.shared.parallel(parts, grain: 1, multiple: 1) { range in
          for p in range {
            var at = offsets[p]
            let end = offsets[p + 1]
            var i = p * part
            while at < end {
              y[at] = Int64(i)
              at &+= Int(bits[i])
              i &+= 1
            }
          }
        }
      }
      return y
    }
  }

  /// The indices of the elements that are not 0, one row each, in row-major order: int64 of shape [count, rank]
  /// (PyTorch's `nonzero` and `argwhere`).
  public func nonzero() -> Tensor {
    let flat = nonzeroPositions()
    let y = Tensor(empty: [flat.elementCount, rank], .int64)
    flat.fillCoordinates(of: shape, into: y)
    return y
  }

  /// The indices of the elements that are not 0, one vector a dimension, ready to be used between brackets (PyTorch's
  /// one-argument `where`, `nonzero(as_tuple=True)`); a scalar counts as a vector.
  public func nonzeroIndices() -> [Tensor] {
    let flat = nonzeroPositions()
    return flat.unravelIndex(rank == 0 ? Shape([1]) : shape)
  }

  /// The first `size` rows of `nonzero()`, with rows of `fillValue` added where there are fewer (PyTorch's
  /// `nonzero_static`).
  public func nonzeroStatic(size: Int, fillValue: Int = -1) -> Tensor {
    if size < 0 { stop("nonzeroStatic", "the size must not be negative, but is \(size)", [self]) }
    let rows = nonzero()
    let y = Tensor.full([size, rank], fillValue)
    let count = Swift.min(size, rows.shape[0])
    copyElements(rows.narrow(dim: 0, start: 0, length: count), y.narrow(dim: 0, start: 0, length: count))
    return y
  }

  /// The coordinates in a tensor of the given shape of positions counted in row-major order, one tensor a dimension
  /// (PyTorch's `unravel_index`).
  public func unravelIndex(_ shape: Shape) -> [Tensor] {
    let index = positionIndex("unravelIndex").contiguous()
    let strides = shape.contiguousStrides
    let total = shape.elementCount
    let checked = Tensor(empty: index.shape, .int64)
    checked.accumulateIndex(
      index, stride: 1, size: total, dim: 0, "unravelIndex", allowNegative: true, first: true)
    return (0..<shape.count).map { d in
      let y = Tensor(empty: index.shape, .int64)
      let (stride, size) = (Int64(strides[d]), Int64(shape[d]))
      checked.withElements(Int64.self) { flat in
        y.withElements(Int64.self) { y in
          CPU.shared.parallel(flat.count) { for i in $0 { y[i] = flat[i] / stride % size } }
        }
      }
      return y
    }
  }

  /// Writes row by row the coordinates of these positions, which are in range.
  private func fillCoordinates(of shape: Shape, into y: Tensor) {
    let strides = shape.contiguousStrides
    withElements(Int64.self) { flat in
      y.withElements(Int64.self) { y in
        CPU.shared.parallel(flat.count) { range in
          for i in range {
            var rest = flat[i]
            for d in 0..<shape.count {
              let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: Int64(strides[d]))
              y[i * shape.count + d] = quotient
              rest = remainder
            }
          }
        }
      }
    }
  }
}
