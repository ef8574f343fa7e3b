// Sums of a tensor and a product: beta · self + alpha · (a product).

extension Scalar {
  /// The number as PyTorch multiplies a tensor of `dtype` with it: for integers without its fraction.
  fileprivate func fitting(_ dtype: DType) -> Scalar {
    if case .double(let value) = self, !dtype.isFloatingPoint, let whole = Int(exactly: value.rounded(.towardZero)) {
      return .int(whole)
    }
    return self
  }
}

extension Tensor {
  /// beta · self + alpha · product. With beta 0 self does not count, not even its NaNs.
  private func combined(_ product: Tensor, _ beta: Scalar, _ alpha: Scalar, _ operation: String) -> Tensor {
    if dtype != product.dtype {
      stop(operation, "types differ: \(dtype) and \(product.dtype)", [self, product], help: "convert one with to(_:)")
    }
    do throws(OpError) {
      if try broadcastShapes(shape, product.shape) != product.shape {
        throw OpError("shape \(shape) does not broadcast to the product's \(product.shape)")
      }
    } catch { stop(operation, error, [self, product]) }
    let beta = beta.fitting(dtype)
    let alpha = alpha.fitting(dtype)
    let right = alpha.doubleValue == 1 ? product : product * alpha
    if beta.doubleValue == 0 { return right }
    return (beta.doubleValue == 1 ? self : self * beta) + right
  }

  /// beta · self + alpha · (a · b) for two matrices; self broadcasts to the product (PyTorch's `addmm`).
  public func addmm(_ a: Tensor, _ b: Tensor, beta: some TensorScalar = 1, alpha: some TensorScalar = 1) -> Tensor {
    combined(a.mm(b), beta.scalar, alpha.scalar, "addmm")
  }

  /// beta · self + alpha · (matrix · vector) (PyTorch's `addmv`).
  public func addmv(_ matrix: Tensor, _ vector: Tensor, beta: some TensorScalar = 1, alpha: some TensorScalar = 1)
    -> Tensor
  {
    combined(matrix.mv(vector), beta.scalar, alpha.scalar, "addmv")
  }

  /// beta · self + alpha · the products of two batches of matrices (PyTorch's `baddbmm`).
  public func baddbmm(_ a: Tensor, _ b: Tensor, beta: some TensorScalar = 1, alpha: some TensorScalar = 1) -> Tensor {
    combined(a.bmm(b), beta.scalar, alpha.scalar, "baddbmm")
  }

  /// beta · self + alpha · the sum of the products of two batches of matrices (PyTorch's `addbmm`).
  public func addbmm(_ a: Tensor, _ b: Tensor, beta: some TensorScalar = 1, alpha: some TensorScalar = 1) -> Tensor {
    if a.rank != 3 || b.rank != 3 || a.shape[0] != b.shape[0] {
      stop("addbmm", "needs two batches of as many matrices", [a, b])
    }
    // The batch becomes part of the inner dimension: one product, [m, b · k] · [b · k, n].
    let left = a.permute(1, 0, 2).reshape([a.shape[1], a.shape[0] * a.shape[2]])
    if a.shape[2] != b.shape[1] { stop("addbmm", "inner dimensions differ", [a, b]) }
    return combined(left.mm(b.reshape([b.shape[0] * b.shape[1], b.shape[2]])), beta.scalar, alpha.scalar, "addbmm")
  }

  /// beta · self + alpha · the outer product of two vectors (PyTorch's `addr`); for bool, or and and.
  public func addr(_ a: Tensor, _ b: Tensor, beta: some TensorScalar = 1, alpha: some TensorScalar = 1) -> Tensor {
    let product = a.outer(b)
    if dtype == .bool && product.dtype == .bool {
      let right = alpha.scalar.doubleValue == 0 ? Tensor.zeros(like: product) : product
      return beta.scalar.doubleValue == 0 ? right : logicalOr(right)
    }
    return combined(product, beta.scalar, alpha.scalar, "addr")
  }
}
