import CPUKernelAPI
import FirecrestCPU

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The shapes of window that spectral analysis multiplies a signal with (PyTorch's `torch.signal.windows`).
public enum SignalWindow: Sendable, Hashable {
  /// A triangle from 0 to 1 to 0.
  case bartlett
  /// Half a period of a sine.
  case cosine
  /// Σ (−1)ᵏ aₖ cos(2πkn/N) for the given coefficients.
  case generalCosine([Double])
  /// A cosine period raised to touch 0 at the ends: coefficients ½, ½.
  case hann
  /// Hann's with coefficients 0.54 and 0.46.
  case hamming
  /// Three terms: 0.42, 0.5, 0.08.
  case blackman
  /// Nuttall's four terms with the lowest side lobes.
  case nuttall
  /// exp(−½ (n/σ)²) around the centre.
  case gaussian(standardDeviation: Double)
  /// exp(−|n|/τ) around the centre.
  case exponential(tau: Double)
  /// Kaiser's window of shape β: I₀(β√(1 − (2n/N − 1)²)) / I₀(β).
  case kaiser(beta: Double)
}

extension Tensor {
  /// The values of a window at `count` points. A periodic window, the default, is the first `count` points of one with
  /// `count + 1`, as the discrete Fourier transform wants it; a symmetric one (`periodic: false`) suits filter design.
  public static func window(
    _ kind: SignalWindow, _ count: Int, periodic: Bool = true, dtype: DType = .float32
  ) -> Tensor {
    if count < 0 { fail("window", "the number of points is negative: \(count)") }
    if !dtype.isFloatingPoint { fail("window", "needs a floating-point type, not \(dtype)") }
    if count <= 1 { return ones([count], dtype: dtype) }
    // The last point of the symmetric window that this one is (the beginning of).
    let last = Double(periodic ? count : count - 1)
    return kind.sampled(last, Tensor.arange(Double(count), dtype: .float64)).to(dtype)
  }
}

extension SignalWindow {
  /// The window that ends at `last`, at the given points, whose memory it reuses.
  fileprivate func sampled(_ last: Double, _ points: Tensor) -> Tensor {
    func map(_ body: (Double) -> Double) -> Tensor {
      points.withElements(Double.self) { for i in $0.indices { $0[i] = body($0[i]) } }
      return points
    }
    switch self {
    case .bartlett: return map { 1 - abs(2 * $0 / last - 1) }
    case .cosine: return map { sin(($0 + 0.5) * .pi / (last + 1)) }
    case .hann: return SignalWindow.generalCosine([0.5, 0.5]).sampled(last, points)
    case .hamming: return SignalWindow.generalCosine([0.54, 0.46]).sampled(last, points)
    case .blackman: return SignalWindow.generalCosine([0.42, 0.5, 0.08]).sampled(last, points)
    case .nuttall:
      return SignalWindow.generalCosine([0.3635819, 0.4891775, 0.1365995, 0.0106411]).sampled(last, points)
    case .generalCosine(let coefficients):
      return map { n in
        coefficients.enumerated().reduce(0) { sum, term in
          sum + (term.offset % 2 == 0 ? 1 : -1) * term.element * cos(2 * .pi * Double(term.offset) * n / last)
        }
      }
    case .gaussian(let deviation):
      return map { n in
        let distance = (n - last / 2) / deviation
        return exp(-distance * distance / 2)
      }
    case .exponential(let tau): return map { exp(-abs($0 - last / 2) / tau) }
    case .kaiser(let beta):
      let bessel = map { n in
        let place = 2 * n / last - 1
        return beta * max(0, 1 - place * place).squareRoot()
      }
      let scale = Tensor.full([], beta, dtype: .float64)
      runUnary(.i0, bessel, bessel, .shared, cost: 16)
      runUnary(.i0, scale, scale, .shared, cost: 16)
      return noGrad { bessel / scale }
    }
  }
}
