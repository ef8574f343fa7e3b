import FirecrestCore
import TestSupport

let creationEntries: [OpEntry] = [
  OpEntry("zeros") { s in Tensor.zeros(shape(s.rawInput), dtype: s.dtype(-1) ?? .float32) },
  OpEntry("ones") { s in Tensor.ones(shape(s.rawInput), dtype: s.dtype(-1) ?? .float32) },
  OpEntry("full") { s in Tensor.full(shape(s.rawInput), s.scalar(0, "fill_value")!, dtype: s.dtype(-1)) },
  OpEntry("zeros_like") { s in Tensor.zeros(like: s.input, dtype: s.dtype(-1)) },
  OpEntry("ones_like") { s in Tensor.ones(like: s.input, dtype: s.dtype(-1)) },
  OpEntry("full_like") { s in Tensor.full(like: s.input, s.scalar(0, "fill_value")!, dtype: s.dtype(-1)) },
  OpEntry("new_zeros") { s in Tensor.zeros(shape(s.value(0, "size")), dtype: s.dtype(-1) ?? s.input.dtype) },
  OpEntry("new_ones") { s in Tensor.ones(shape(s.value(0, "size")), dtype: s.dtype(-1) ?? s.input.dtype) },
  OpEntry("new_full") { s in
    Tensor.full(shape(s.value(0, "size")), s.scalar(1, "fill_value")!, dtype: s.dtype(-1) ?? s.input.dtype)
  },
  OpEntry("scalar_tensor") { s in Tensor.full([], s.rawInput.scalar!, dtype: s.dtype(-1)) },
  // In place: the copy stands for the tensor that PyTorch changes.
  OpEntry("zero_") { s in
    let x = s.input.clone()
    x.zero()
    return x
  },
  OpEntry("fill") { s in
    let x = s.input.clone()
    x.fill(s.scalar(0, "value")!)
    return x
  },
  OpEntry("arange") { s in
    let further = s.args + [s.value(-1, "end"), s.value(-1, "step")]
    let numbers = [s.rawInput.scalar!] + further.compactMap(\.scalar)
    let start = numbers.count == 1 ? .int(0) : numbers[0]
    let end = numbers[numbers.count == 1 ? 0 : 1]
    let step = numbers.count == 3 ? numbers[2] : .int(1)
    if case .int(let a) = start.whole, case .int(let b) = end.whole, case .int(let c) = step.whole {
      return Tensor.arange(a, b, step: c, dtype: s.dtype(-1) ?? .int64)
    }
    return Tensor.arange(
      start.doubleValue, end.doubleValue, step: step.doubleValue, dtype: s.dtype(-1) ?? .float32)
  },
  OpEntry("linspace") { s in linspace(s) },
  OpEntry("linspace_tensor_overload") { s in linspace(s) },
  OpEntry("logspace") { s in logspace(s) },
  OpEntry("logspace_tensor_overload") { s in logspace(s) },
  OpEntry("eye") { s in
    guard case .int(let rows) = s.rawInput else { return Tensor.zeros(0) }
    return Tensor.eye(rows, s.int(0, "m"), dtype: s.dtype(-1) ?? .float32)
  },
  OpEntry("tril_indices") { s in
    Tensor.trilIndices(
      s.rawInput.whole, s.int(0, "col")!, offset: s.int(1, "offset") ?? 0, dtype: s.dtype(-1) ?? .int64)
  },
  OpEntry("triu_indices") { s in
    Tensor.triuIndices(
      s.rawInput.whole, s.int(0, "col")!, offset: s.int(1, "offset") ?? 0, dtype: s.dtype(-1) ?? .int64)
  },
  OpEntry("signal_windows_bartlett") { s in window(.bartlett, s) },
  OpEntry("signal_windows_cosine") { s in window(.cosine, s) },
  OpEntry("signal_windows_hann") { s in window(.hann, s) },
  OpEntry("signal_windows_hamming") { s in window(.hamming, s) },
  OpEntry("signal_windows_blackman") { s in window(.blackman, s) },
  OpEntry("signal_windows_nuttall") { s in window(.nuttall, s) },
  OpEntry("signal_windows_general_hamming") { s in
    let alpha = s.double(-1, "alpha") ?? 0.54
    return window(.generalCosine([alpha, 1 - alpha]), s)
  },
  OpEntry("signal_windows_general_cosine") { s in
    guard case .list(let terms) = s.value(-1, "a") else { return window(.hann, s) }
    return window(.generalCosine(terms.map { $0.scalar!.doubleValue }), s)
  },
  OpEntry("signal_windows_gaussian") { s in window(.gaussian(standardDeviation: s.double(-1, "std") ?? 1), s) },
  OpEntry("signal_windows_exponential") { s in window(.exponential(tau: s.double(-1, "tau") ?? 1), s) },
  OpEntry("signal_windows_kaiser") { s in window(.kaiser(beta: s.double(-1, "beta") ?? 12), s) },
  OpEntry("nn_functional_dropout") { s in
    s.input.dropout(p: s.double(-1, "p") ?? 0.5, training: s.bool(-1, "training", true))
  },
  OpEntry("nn_functional_dropout2d") { s in channelDropout(s) },
  OpEntry("nn_functional_dropout3d") { s in channelDropout(s) },
  OpEntry("nn_functional_alpha_dropout") { s in
    s.input.alphaDropout(p: s.double(-1, "p") ?? 0.5, training: s.bool(-1, "training"))
  },
  OpEntry("nn_functional_feature_alpha_dropout_with_train") { s in channelAlphaDropout(s) },
  OpEntry("nn_functional_feature_alpha_dropout_without_train") { s in channelAlphaDropout(s) }.skipping { s in
    s.dtype.isFloatingPoint ? nil : "dropout is for floating-point tensors, in training or not"
  },
]

private func channelDropout(_ s: GoldenSample) -> Tensor {
  s.input.channelDropout(p: s.double(-1, "p") ?? 0.5, training: s.bool(-1, "training", true))
}

private func channelAlphaDropout(_ s: GoldenSample) -> Tensor {
  s.input.channelAlphaDropout(p: s.double(-1, "p") ?? 0.5, training: s.bool(-1, "training"))
}

private func window(_ kind: SignalWindow, _ s: GoldenSample) -> Tensor {
  Tensor.window(kind, s.rawInput.whole, periodic: !s.bool(-1, "sym", true), dtype: s.dtype(-1) ?? .float32)
}

private func linspace(_ s: GoldenSample) -> Tensor {
  Tensor.linspace(
    s.rawInput.scalar!.doubleValue, s.value(0, "end").scalar!.doubleValue, s.int(1, "steps")!,
    dtype: s.dtype(-1) ?? .float32)
}

private func logspace(_ s: GoldenSample) -> Tensor {
  Tensor.logspace(
    s.rawInput.scalar!.doubleValue, s.value(0, "end").scalar!.doubleValue, s.int(1, "steps")!,
    base: s.double(2, "base") ?? 10, dtype: s.dtype(-1) ?? .float32)
}

private func shape(_ value: GoldenValue) -> Shape {
  switch value {
  case .int(let size): [size]
  case .list(let items): Shape(items.map(\.whole))
  default: []
  }
}

extension GoldenValue {
  /// A number, or the one in a tensor without dimensions.
  fileprivate var scalar: Scalar? {
    switch self {
    case .bool(let bit): .bool(bit)
    case .int(let number): .int(number)
    case .double(let number): .double(number)
    case .tensor(let tensor): .double(tensor.item())
    default: nil
    }
  }
  fileprivate var whole: Int { scalar.map { Int($0.doubleValue) } ?? 0 }
}

extension Scalar {
  /// Truth values as whole numbers.
  fileprivate var whole: Scalar { if case .bool(let bit) = self { .int(bit ? 1 : 0) } else { self } }
}
