import FirecrestCore
import TestSupport

extension GoldenSample {
  /// A size or one for each dimension.
  fileprivate func sizes(_ position: Int, _ keyword: String, _ otherwise: Int) -> [Int] {
    ints(position, keyword) ?? [otherwise]
  }
  /// Sizes that an empty list leaves out.
  fileprivate func stride(_ position: Int) -> [Int]? {
    ints(position, "stride").flatMap { $0.isEmpty ? nil : $0 }
  }
}

/// conv1d, conv2d or conv3d with the sample's padding, whatever kind it is.
private func convolution(_ s: GoldenSample, _ spatial: Int) -> Tensor {
  func call(_ padding: some ConvolutionPadding) -> Tensor {
    let (w, b) = (s.tensor(0, "weight")!, s.tensor(1, "bias"))
    let (stride, dilation) = (s.sizes(2, "stride", 1), s.sizes(4, "dilation", 1))
    let groups = s.int(5, "groups") ?? 1
    switch spatial {
    case 1: return conv1d(s.input, w, b, stride: stride, padding: padding, dilation: dilation, groups: groups)
    case 2: return conv2d(s.input, w, b, stride: stride, padding: padding, dilation: dilation, groups: groups)
    default: return conv3d(s.input, w, b, stride: stride, padding: padding, dilation: dilation, groups: groups)
    }
  }
  switch s.string(3, "padding") {
  case "same": return call(.same)
  case "valid": return call(.valid)
  default: return call(s.sizes(3, "padding", 0))
  }
}

private func transposed(_ s: GoldenSample, _ spatial: Int) -> Tensor {
  let (w, b) = (s.tensor(0, "weight")!, s.tensor(1, "bias"))
  let (stride, padding, extra) = (s.sizes(2, "stride", 1), s.sizes(3, "padding", 0), s.sizes(4, "output_padding", 0))
  let (groups, dilation) = (s.int(5, "groups") ?? 1, s.sizes(6, "dilation", 1))
  switch spatial {
  case 1:
    return convTranspose1d(
      s.input, w, b, stride: stride, padding: padding, outputPadding: extra, groups: groups, dilation: dilation)
  case 2:
    return convTranspose2d(
      s.input, w, b, stride: stride, padding: padding, outputPadding: extra, groups: groups, dilation: dilation)
  default:
    return convTranspose3d(
      s.input, w, b, stride: stride, padding: padding, outputPadding: extra, groups: groups, dilation: dilation)
  }
}

private func maxPool(_ s: GoldenSample, _ spatial: Int) -> [Tensor] {
  let (kernel, stride) = (s.ints(0, "kernel_size")!, s.stride(1))
  let (padding, dilation, ceil) = (s.sizes(2, "padding", 0), s.sizes(3, "dilation", 1), s.bool(4, "ceil_mode"))
  let withIndices = s.bool(5, "return_indices")
  let both: (Tensor, Tensor)
  switch spatial {
  case 1:
    if !withIndices {
      return [
        maxPool1d(
          s.input, kernelSize: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceil)
      ]
    }
    both = maxPool1dWithIndices(
      s.input, kernelSize: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceil)
  case 2:
    if !withIndices {
      return [
        maxPool2d(
          s.input, kernelSize: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceil)
      ]
    }
    both = maxPool2dWithIndices(
      s.input, kernelSize: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceil)
  default:
    if !withIndices {
      return [
        maxPool3d(
          s.input, kernelSize: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceil)
      ]
    }
    both = maxPool3dWithIndices(
      s.input, kernelSize: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceil)
  }
  return [both.0, both.1]
}

private func averagePool(_ s: GoldenSample, _ spatial: Int) -> Tensor {
  let (kernel, stride, padding) = (s.ints(0, "kernel_size")!, s.stride(1), s.sizes(2, "padding", 0))
  let (ceil, counts, divisor) = (
    s.bool(3, "ceil_mode"), s.bool(4, "count_include_pad", true), s.int(5, "divisor_override")
  )
  switch spatial {
  case 1:
    return avgPool1d(
      s.input, kernelSize: kernel, stride: stride, padding: padding, ceilMode: ceil, countIncludePad: counts)
  case 2:
    return avgPool2d(
      s.input, kernelSize: kernel, stride: stride, padding: padding, ceilMode: ceil, countIncludePad: counts,
      divisorOverride: divisor)
  default:
    return avgPool3d(
      s.input, kernelSize: kernel, stride: stride, padding: padding, ceilMode: ceil, countIncludePad: counts,
      divisorOverride: divisor)
  }
}

/// An adaptive pooling's output sizes; a single number counts for all dimensions.
private func adaptive(_ s: GoldenSample, _ spatial: Int) -> [Int?] {
  switch s.value(0, "output_size") {
  case .int(let size): return Array(repeating: size, count: spatial)
  case .list(let items):
    let sizes = items.map { item -> Int? in if case .int(let size) = item { size } else { nil } }
    return sizes.count == spatial ? sizes : Array(repeating: sizes[0], count: spatial)
  default: return []
  }
}

private func adaptiveMax(_ s: GoldenSample, _ spatial: Int) -> [Tensor] {
  let size = adaptive(s, spatial)
  let (values, indices) =
    spatial == 1
    ? adaptiveMaxPool1d(s.input, outputSize: size)
    : spatial == 2 ? adaptiveMaxPool2d(s.input, outputSize: size) : adaptiveMaxPool3d(s.input, outputSize: size)
  return s.bool(1, "return_indices") ? [values, indices] : [values]
}

private func unpool(_ s: GoldenSample, _ spatial: Int) -> Tensor {
  let (kernel, stride, padding) = (s.ints(1, "kernel_size")!, s.stride(2), s.sizes(3, "padding", 0))
  let (indices, size) = (s.tensor(0, "indices")!, s.ints(4, "output_size"))
  switch spatial {
  case 1:
    return maxUnpool1d(s.input, indices, kernelSize: kernel, stride: stride, padding: padding, outputSize: size)
  case 2:
    return maxUnpool2d(s.input, indices, kernelSize: kernel, stride: stride, padding: padding, outputSize: size)
  default:
    return maxUnpool3d(s.input, indices, kernelSize: kernel, stride: stride, padding: padding, outputSize: size)
  }
}

let convolutionEntries: [OpEntry] = (1...3).flatMap { spatial in
  [
    OpEntry("nn_functional_conv\(spatial)d") { s in convolution(s, spatial) },
    OpEntry("nn_functional_conv_transpose\(spatial)d") { s in transposed(s, spatial) },
  ]
}

let poolingEntries: [OpEntry] = (1...3).flatMap { spatial in
  [
    OpEntry("nn_functional_max_pool\(spatial)d", several: { s in maxPool(s, spatial) }),
    OpEntry("nn_functional_avg_pool\(spatial)d") { s in averagePool(s, spatial) },
    OpEntry("nn_functional_adaptive_avg_pool\(spatial)d") { s in
      let size = adaptive(s, spatial)
      return spatial == 1
        ? adaptiveAvgPool1d(s.input, outputSize: size)
        : spatial == 2 ? adaptiveAvgPool2d(s.input, outputSize: size) : adaptiveAvgPool3d(s.input, outputSize: size)
    },
    OpEntry("nn_functional_adaptive_max_pool\(spatial)d", several: { s in adaptiveMax(s, spatial) }),
    // Positions repeat here, of which one wins; the samples of `_grad` have none that do.
    OpEntry("nn_functional_max_unpool\(spatial)d") { s in unpool(s, spatial) }.withoutFiniteDifferences(),
    OpEntry("nn_functional_max_unpool\(spatial)d_grad") { s in unpool(s, spatial) },
  ]
}
