import CPUKernelAPI
import FirecrestCPU

/// Mantissa in ±[0.5, 1) and exponent of each element
struct Frexp: MultiOp {
  var savedOutputs: [Int] { [1] }

  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec] {
    let spec = try inputs[0].requireFloat()
    return [spec, TensorSpec(.int32, spec.shape)]
  }

  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU) {
    // float64 holds the parts of every type exactly.
    let values = inputs[0].toArray(Double.self)
    let mantissas = Tensor(empty: outputs[0].shape, .float64)
    mantissas.withElements(Double.self) { mantissas in
      outputs[1].withElements(Int32.self) { exponents in
        for (i, x) in values.enumerated() {
          let isPlain = x.isFinite && x != 0
          mantissas[i] = isPlain ? Double(sign: x.sign, exponent: -1, significand: x.significand) : x
          exponents[i] = isPlain ? Int32(x.exponent) + 1 : 0
        }
      }
    }
    copyElements(mantissas, outputs[0], cpu)
  }

  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] {
    [g[0].map { $0 / Tensor.pow(2.0, saved.output(1)) }]
  }
}

extension Tensor {
  /// Each element as mantissa · 2^exponent, with the mantissa in ±[0.5, 1) and an int32 exponent; 0, infinities and NaN
  /// are their own mantissa (PyTorch's `frexp`).
  public func frexp() -> (mantissa: Tensor, exponent: Tensor) {
    let parts = apply(Frexp(), [self])
    return (parts[0], parts[1])
  }
}
