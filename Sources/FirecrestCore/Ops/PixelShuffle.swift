import FirecrestCPU

extension Tensor {
  /// Channels spread over space: […, C·r², H, W] becomes […, C, H·r, W·r] (PyTorch's `nn.functional.pixel_shuffle`).
  public func pixelShuffle(_ factor: Int) -> Tensor {
    if rank < 3 || !(1...largestSize).contains(factor) || shape[-3] % (factor * factor) != 0 {
      stop("pixelShuffle", "needs […, C·\(factor)², H, W] and a positive factor", [self])
    }
    if factor == 1 { return clone() }
    let (channels, height, width) = (shape[-3] / (factor * factor), shape[-2], shape[-1])
    let batch = Array(shape.dropLast(3))
    let count = batch.reduce(1, *)
    let x = reshape(Shape([count, channels, factor, factor, height, width]))
    return x.permute(0, 1, 4, 2, 5, 3).reshape(Shape(batch + [channels, height * factor, width * factor]))
  }

  /// Space gathered into channels, the inverse of `pixelShuffle`: […, C, H·r, W·r] becomes […, C·r², H, W] (PyTorch's
  /// `nn.functional.pixel_unshuffle`).
  public func pixelUnshuffle(_ factor: Int) -> Tensor {
    if rank < 3 || !(1...largestSize).contains(factor) || shape[-2] % factor != 0 || shape[-1] % factor != 0 {
      stop("pixelUnshuffle", "needs […, C, H·\(factor), W·\(factor)] and a positive factor", [self])
    }
    if factor == 1 { return clone() }
    let (channels, height, width) = (shape[-3], shape[-2] / factor, shape[-1] / factor)
    let batch = Array(shape.dropLast(3))
    let count = batch.reduce(1, *)
    let x = reshape(Shape([count, channels, height, factor, width, factor]))
    return x.permute(0, 1, 3, 5, 2, 4).reshape(Shape(batch + [channels * factor * factor, height, width]))
  }

  /// The channels (dim 1) of `groups` groups dealt out in turn (PyTorch's `nn.functional.channel_shuffle`).
  public func channelShuffle(groups: Int) -> Tensor {
    if rank < 3 || groups <= 0 || shape[1] % groups != 0 {
      stop("channelShuffle", "needs [N, C, …] with C a multiple of \(groups)", [self])
    }
    let run = shape.dropFirst(2).reduce(1, *)
    let x = reshape(Shape([shape[0], groups, shape[1] / groups, run]))
    return x.transpose(1, 2).reshape(shape)
  }

  /// The patches that a convolution's kernel sees, each as a column: [N, C, H, W] becomes [N, C·kh·kw, L] (PyTorch's
  /// `nn.functional.unfold`). Every pair is (height, width); an input without N gives a result without it.
  public func unfold(
    kernelSize: (Int, Int), dilation: (Int, Int) = (1, 1), padding: (Int, Int) = (0, 0), stride: (Int, Int) = (1, 1)
  ) -> Tensor {
    if rank == 3 {
      return unsqueeze(dim: 0).unfold(kernelSize: kernelSize, dilation: dilation, padding: padding, stride: stride)
        .squeeze(dim: 0)
    }
    if rank != 4 { stop("unfold", "needs [N, C, H, W]", [self]) }
    let x = padding == (0, 0) ? contiguous() : pad([padding.1, padding.1, padding.0, padding.0])
    let patches = patchView(x.shape, kernelSize, dilation, stride, "unfold")
    let (rows, columns) = (patches.shape[4], patches.shape[5])
    return apply(patches, x).reshape(Shape([x.shape[0], x.shape[1] * kernelSize.0 * kernelSize.1, rows * columns]))
  }

  /// Patches added up where they lie in the image, the adjoint of `unfold`: [N, C·kh·kw, L] becomes [N, C, H, W]
  /// (PyTorch's `nn.functional.fold`).
  public func fold(
    outputSize: (Int, Int), kernelSize: (Int, Int), dilation: (Int, Int) = (1, 1), padding: (Int, Int) = (0, 0),
    stride: (Int, Int) = (1, 1)
  ) -> Tensor {
    if rank == 2 {
      return unsqueeze(dim: 0)
        .fold(outputSize: outputSize, kernelSize: kernelSize, dilation: dilation, padding: padding, stride: stride)
        .squeeze(dim: 0)
    }
    let area = kernelSize.0 * kernelSize.1
    if rank != 3 || area <= 0 || shape[1] % area != 0 { stop("fold", "needs [N, C·kh·kw, L]", [self]) }
    let padded = Shape([
      shape[0], shape[1] / area, outputSize.0 + 2 * padding.0, outputSize.1 + 2 * padding.1,
    ])
    let patches = patchView(padded, kernelSize, dilation, stride, "fold")
    if patches.shape[4] * patches.shape[5] != shape[2] {
      stop(
        "fold", "an output of \(outputSize) has \(patches.shape[4] * patches.shape[5]) patches, not \(shape[2])", [self]
      )
    }
    let whole = apply(Embed(view: patches, shape: padded), reshape(patches.shape))
    return padding == (0, 0) ? whole : whole.pad([-padding.1, -padding.1, -padding.0, -padding.0])
  }

  /// All patches of a contiguous image of the given shape: [N, C, kh, kw, rows, columns].
  private func patchView(
    _ image: Shape, _ kernel: (Int, Int), _ dilation: (Int, Int), _ stride: (Int, Int), _ operation: String
  ) -> AsStrided {
    let reach = (dilation.0 * (kernel.0 - 1) + 1, dilation.1 * (kernel.1 - 1) + 1)
    if Swift.min(kernel.0, kernel.1, dilation.0, dilation.1, stride.0, stride.1) <= 0 {
      stop(operation, "kernel size, dilation and stride must be positive", [self])
    }
    if reach.0 > image[2] || reach.1 > image[3] {
      stop(
        operation, "a kernel that reaches over \(reach) does not fit the padded image, (\(image[2]), \(image[3]))",
        [self])
    }
    let rows = (image[2] - reach.0) / stride.0 + 1
    let columns = (image[3] - reach.1) / stride.1 + 1
    let steps = image.contiguousStrides
    let strides = [
      steps[0], steps[1], dilation.0 * steps[2], dilation.1 * steps[3], stride.0 * steps[2], stride.1 * steps[3],
    ]
    return AsStrided(
      Shape([image[0], image[1], kernel.0, kernel.1, rows, columns]), strides: Shape(strides), offset: 0)
  }
}
