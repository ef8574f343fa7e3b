import FirecrestCore
import TestSupport

let joiningEntries: [OpEntry] = [
  OpEntry("cat") { s in cat(s.inputs, dim: s.int(0, "dim") ?? 0) },
  OpEntry("stack") { s in stack(s.inputs, dim: s.int(0, "dim") ?? 0) },
  OpEntry("hstack") { s in hstack(s.inputs) },
  OpEntry("vstack") { s in vstack(s.inputs) },
  OpEntry("dstack") { s in dstack(s.inputs) },
  OpEntry("column_stack") { s in columnStack(s.inputs) },
  OpEntry("block_diag") { s in blockDiag([s.input] + s.args.indices.map { s.tensor($0)! }) },
  OpEntry("repeat") { s in s.input.repeat(s.restInts("repeats")) },
  OpEntry("tile") { s in s.input.tile(s.restInts("dims")) },
  OpEntry("roll") { s in
    let shifts = s.ints(0, "shifts")!
    return s.has(1, "dims") ? s.input.roll(shifts, dims: s.ints(1, "dims")!) : s.input.roll(shifts[0])
  },
  OpEntry("flip") { s in s.input.flip(dims: s.ints(0, "dims")!) },
  OpEntry("fliplr") { s in s.input.fliplr() },
  OpEntry("flipud") { s in s.input.flipud() },
  OpEntry("rot90") { s in
    let dims = s.ints(1, "dims") ?? [0, 1]
    return s.input.rot90(s.int(0, "k") ?? 1, dims: (dims[0], dims[1]))
  },
  OpEntry("tril") { s in s.input.tril(diagonal: s.int(0, "diagonal") ?? 0) },
  OpEntry("triu") { s in s.input.triu(diagonal: s.int(0, "diagonal") ?? 0) },
  OpEntry("diag") { s in s.input.diag(offset: s.int(0, "diagonal") ?? 0) },
  OpEntry("diag_embed") { s in
    s.input.diagEmbed(offset: s.int(-1, "offset") ?? 0, dim1: s.int(-1, "dim1") ?? -2, dim2: s.int(-1, "dim2") ?? -1)
  },
  OpEntry("diagflat") { s in s.input.diagflat(offset: s.int(0, "offset") ?? 0) },
  OpEntry("select_scatter") { s in
    s.input.selectScatter(s.tensor(0)!, dim: s.int(1, "dim")!, index: s.int(2, "index")!)
  },
  OpEntry("slice_scatter") { s in
    s.input.sliceScatter(
      s.tensor(0)!, dim: s.int(1, "dim") ?? 0, start: s.int(2, "start"), end: s.int(3, "end"),
      step: s.int(4, "step") ?? 1)
  },
  OpEntry("diagonal_scatter") { s in
    s.input.diagonalScatter(
      s.tensor(0)!, offset: s.int(1, "offset") ?? 0, dim1: s.int(2, "dim1") ?? 0, dim2: s.int(3, "dim2") ?? 1)
  },
  OpEntry("as_strided_scatter") { s in
    s.input.asStridedScatter(
      s.tensor(0)!, Shape(s.ints(1)!), strides: Shape(s.ints(2)!), offset: s.int(3, "storage_offset") ?? 0)
  }.exempting { _, place in
    place == "gradient of input" ? "PyTorch gives the part of the gradient that is the source's" : nil
  },
  OpEntry("meshgrid_list_of_tensors", several: { s in meshgrid(s.inputs, indexing: indexing(s)) }),
  OpEntry(
    "meshgrid_variadic_tensors",
    several: { s in
      meshgrid([s.input] + s.args.indices.map { s.tensor($0)! }, indexing: indexing(s))
    }),
  OpEntry("cartesian_prod") { s in cartesianProd([s.input] + s.args.indices.map { s.tensor($0)! }) },
  OpEntry("linalg_vander") { s in s.input.vander(columns: s.int(-1, "N"), increasing: true) },
  OpEntry("constant_pad_nd") { s in s.input.pad(s.ints(0, "pad")!, value: s.scalar(1, "value") ?? .int(0)) },
  OpEntry("nn_functional_pad_constant") { s in s.input.pad(s.ints(0)!, value: s.scalar(2, "value") ?? .int(0)) },
  OpEntry("nn_functional_pad_reflect") { s in s.input.pad(s.ints(0)!, mode: .reflect) },
  OpEntry("nn_functional_pad_replicate") { s in s.input.pad(s.ints(0)!, mode: .replicate) },
  OpEntry("nn_functional_pad_replicate_negative") { s in s.input.pad(s.ints(0)!, mode: .replicate) },
  OpEntry("nn_functional_pad_circular") { s in s.input.pad(s.ints(0)!, mode: .circular) },
  OpEntry("nn_functional_pixel_shuffle") { s in s.input.pixelShuffle(s.int(0, "upscale_factor")!) },
  OpEntry("nn_functional_pixel_unshuffle") { s in s.input.pixelUnshuffle(s.int(0, "downscale_factor")!) },
  OpEntry("nn_functional_channel_shuffle") { s in s.input.channelShuffle(groups: s.int(0, "groups")!) },
  OpEntry("nn_functional_unfold") { s in
    s.input.unfold(
      kernelSize: pair(s, 0, "kernel_size")!, dilation: pair(s, 1, "dilation") ?? (1, 1),
      padding: pair(s, 2, "padding") ?? (0, 0), stride: pair(s, 3, "stride") ?? (1, 1))
  },
  OpEntry("trapezoid") { s in trapezoid(s) },
  OpEntry("trapz") { s in trapezoid(s) },
  OpEntry("cumulative_trapezoid") { s in
    s.input.cumulativeTrapezoid(x: s.tensor(0, "x"), dx: s.double(-1, "dx") ?? 1, dim: s.int(-1, "dim") ?? -1)
  },
  OpEntry("gradient", several: { s in gradient(s) }),
  OpEntry("repeat_interleave") { s in
    guard let counts = s.tensor(0, "repeats") else {
      return s.input.repeatInterleave(s.int(0, "repeats")!, dim: s.int(1, "dim"))
    }
    return s.input.repeatInterleave(counts, dim: s.int(1, "dim"))
  },
  OpEntry("combinations") { s in
    s.input.combinations(r: s.int(0, "r") ?? 2, replacement: s.bool(1, "with_replacement"))
  },
  OpEntry("diff") { s in
    s.input.diff(
      n: s.int(0, "n") ?? 1, dim: s.int(1, "dim") ?? -1, prepend: s.tensor(2, "prepend"), append: s.tensor(3, "append"))
  },
]

private func trapezoid(_ s: GoldenSample) -> Tensor {
  s.input.trapezoid(x: s.tensor(0, "x"), dx: s.double(-1, "dx") ?? 1, dim: s.int(-1, "dim") ?? -1)
}

private func gradient(_ s: GoldenSample) -> [Tensor] {
  let (dims, order) = (s.ints(-1, "dim"), s.int(-1, "edge_order") ?? 1)
  if let points = s.tensors(-1, "spacing") { return s.input.gradient(points: points, dims: dims, edgeOrder: order) }
  guard case .list(let steps) = s.value(-1, "spacing") else {
    return s.input.gradient(spacing: [s.double(-1, "spacing") ?? 1], dims: dims, edgeOrder: order)
  }
  let spacing = steps.map { if case .double(let step) = $0 { step } else { fatalError("a spacing is no number") } }
  return s.input.gradient(spacing: spacing, dims: dims, edgeOrder: order)
}

private func indexing(_ s: GoldenSample) -> GridIndexing { s.string(-1, "indexing") == "xy" ? .xy : .ij }

private func pair(_ s: GoldenSample, _ position: Int, _ keyword: String) -> (Int, Int)? {
  guard let list = s.ints(position, keyword) else { return nil }
  return (list[0], list[list.count - 1])
}
