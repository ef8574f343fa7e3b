import FirecrestCPU

/// The elements, at least `low` and at most `high`: unlike `clamp`, the bounds themselves have no gradient.
struct Hardtanh: UnaryOp {
  let low: Scalar
  let high: Scalar
  var saves: Saves { .x }
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec { x }
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU) {
    runTernary(.clamp, [x, Tensor.scalar(low, x.dtype), Tensor.scalar(high, x.dtype)], y, cpu)
  }
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { g.zeroed(where: (saved.x .<= low) | (saved.x .>= high)) }
}

extension Tensor {
  /// The elements, at least `min` and at most `max`; the gradient passes strictly between (PyTorch's `hardtanh`).
  public consuming func hardtanh(min: Double = -1, max: Double = 1) -> Tensor {
    apply(Hardtanh(low: .double(min), high: .double(max)), reusing: self)
  }
  /// The elements, at least 0 and at most 6 (PyTorch's `relu6`).
  public consuming func relu6() -> Tensor { hardtanh(min: 0, max: 6) }
  /// relu6(x + 3) / 6, a sigmoid of three lines (PyTorch's `hardsigmoid`).
  public func hardsigmoid() -> Tensor { floating.inFull { ($0 + 3).relu6() / 6 } }
  /// x · hardsigmoid(x) (PyTorch's `hardswish`).
  public func hardswish() -> Tensor {
    floating.inFull { $0 * $0.hardsigmoid() }
  }

  /// x where positive, else α (eˣ − 1) (PyTorch's `elu`).
  public func elu(alpha: Double = 1) -> Tensor { exponentialUnit(alpha: alpha, scale: 1, rate: 1) }
  /// `elu` with the scale and α that keep mean and variance over layers (PyTorch's `selu`).
  public func selu() -> Tensor { exponentialUnit(alpha: 1.6732632423543772, scale: 1.0507009873554805, rate: 1) }
  /// x where positive, else α (e^(x/α) − 1), smooth for every α (PyTorch's `celu`).
  public func celu(alpha: Double = 1) -> Tensor { exponentialUnit(alpha: alpha, scale: 1, rate: 1 / alpha) }

  private func exponentialUnit(alpha: Double, scale: Double, rate: Double) -> Tensor {
    floating.inFull { x in
      // Large elements would overflow in the branch that they do not take, and make its gradient NaN.
      let low = rate == 1 ? x.clamp(max: 0) : x.clamp(max: 0) * rate
      let bent = low.expm1() * (alpha * scale)
      // NaN takes the straight branch, which passes its gradient on.
      return bent.where(x .<= 0, scale == 1 ? x : x * scale)
    }
  }

  /// x / (1 + |x|) (PyTorch's `softsign`).
  public func softsign() -> Tensor {
    let x = floating
    return x / (x.abs() + 1)
  }
  /// x − tanh(x) (PyTorch's `tanhshrink`).
  public func tanhshrink() -> Tensor {
    let x = floating
    return x - x.tanh()
  }
  /// 0 where |x| ≤ λ, else x (PyTorch's `hardshrink`).
  public func hardshrink(_ lambda: Double = 0.5) -> Tensor {
    let x = floating
    return x.zeroed(where: (x .<= lambda) & (x .>= -lambda))
  }
  /// x moved towards 0 by λ, which may not be negative (PyTorch's `softshrink`).
  public func softshrink(_ lambda: Double = 0.5) -> Tensor {
    if !(lambda >= 0) { stop("softshrink", "lambda must be at least 0, not \(lambda)", [self]) }
    let x = floating
    // 0 · x keeps NaN.
    let inside = (x .>= -lambda) & (x .<= lambda)
    let moved = (x - lambda).where(x .> lambda, (x + lambda).where(x .< -lambda, x))
    return moved.zeroed(where: inside)
  }
  /// x where it is above `threshold`, else `value` (PyTorch's `threshold`).
  public func threshold(_ threshold: some TensorScalar, value: some TensorScalar) -> Tensor {
    // The result keeps this tensor's type, whatever the numbers are.
    apply(Where(), [self .<= Tensor.scalar(threshold.scalar, dtype), Tensor.scalar(value.scalar, dtype), self])[0]
  }
  /// The first half along `dim` times the sigmoid of the second (PyTorch's `glu`).
  public func glu(dim: Int = -1) -> Tensor {
    let d = resolve(dim, "glu")
    if rank == 0 || shape[d] % 2 != 0 {
      stop("glu", "needs an even size along dim \(dim)", [self])
    }
    let half = shape[d] / 2
    let gate = narrow(dim: d, start: half, length: half).sigmoid()
    return narrow(dim: d, start: 0, length: half) * gate
  }
  /// x where positive, else x · `weight`, which is one number or one for each channel (dim 1) (PyTorch's `prelu`).
  public func prelu(_ weight: Tensor) -> Tensor {
    var weight = weight
    if weight.elementCount != 1 {
      let channels = rank > 1 ? shape[1] : 1
      if weight.rank != 1 || weight.elementCount != channels {
        stop("prelu", "needs one weight, or one for each of \(channels) channels", [self, weight])
      }
      var aligned = Shape(repeating: 1, count: rank)
      aligned[1] = channels
      weight = weight.view(aligned)
    } else if weight.rank > 0 {
      weight = weight.view(Shape())
    }
    return self.where(self .> 0, self * weight)
  }
  /// `leakyRelu` with the mean of both slopes, which is what training with random slopes expects afterwards (PyTorch's
  /// `rrelu` in evaluation).
  public func rrelu(lower: Double = 1.0 / 8, upper: Double = 1.0 / 3) -> Tensor {
    leakyRelu(negativeSlope: (lower + upper) / 2)
  }
}
