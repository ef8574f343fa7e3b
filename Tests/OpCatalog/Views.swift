import FirecrestCore
import TestSupport

let viewEntries: [OpEntry] = [
  OpEntry("expand") { s in s.input.expand(Shape(s.restInts("size"))) },
  OpEntry("expand_copy") { s in s.input.expand(Shape(s.restInts("size"))).clone() },
  OpEntry("expand_as") { s in s.input.expand(s.tensor(0, "other")!.shape) },
  OpEntry("broadcast_to") { s in s.input.expand(Shape(s.restInts("size"))) },
  OpEntry(
    "broadcast_tensors",
    several: { s in
      broadcastTensors([s.input] + s.args.indices.map { s.tensor($0)! })
    }),
  OpEntry(
    "broadcast_shapes",
    several: { s in
      let shapes = [s.rawInput.sizes] + s.args.map(\.sizes)
      return broadcastShapes(shapes.map { Shape($0) }).map { Tensor.full([], $0) }
    }),
  OpEntry("permute") { s in s.input.permute(s.restInts("dims")) },
  OpEntry("permute_copy") { s in s.input.permute(s.restInts("dims")).clone() },
  OpEntry("transpose") { s in s.input.transpose(s.int(0, "dim0")!, s.int(1, "dim1")!) },
  OpEntry("transpose_copy") { s in s.input.transpose(s.int(0, "dim0")!, s.int(1, "dim1")!).clone() },
  OpEntry("T") { s in s.input.T },
  OpEntry("t") { s in s.input.T },
  OpEntry("t_copy") { s in s.input.T.clone() },
  OpEntry("H") { s in s.input.T },
  OpEntry("mT") { s in s.input.mT },
  OpEntry("mH") { s in s.input.mT },
  OpEntry("movedim") { s in s.input.movedim(s.ints(0, "source")!, to: s.ints(1, "destination")!) },
  OpEntry("view") { s in s.input.contiguous().view(Shape(s.restInts("size"))) },
  OpEntry("view_copy") { s in s.input.contiguous().view(Shape(s.restInts("size"))).clone() },
  OpEntry("view_as") { s in s.input.contiguous().view(s.tensor(0, "other")!.shape) },
  OpEntry("reshape") { s in s.input.reshape(Shape(s.restInts("shape"))) },
  OpEntry("reshape_as") { s in s.input.reshape(s.tensor(0, "other")!.shape) },
  OpEntry("ravel") { s in s.input.flatten() },
  OpEntry("flatten") { s in s.input.flatten(from: s.int(0, "start_dim") ?? 0, through: s.int(1, "end_dim") ?? -1) },
  OpEntry("unflatten") { s in s.input.unflatten(dim: s.int(0, "dim")!, Shape(s.ints(1, "sizes")!)) },
  OpEntry("squeeze") { s in s.has(0, "dim") ? s.input.squeeze(dim: s.int(0, "dim")!) : s.input.squeeze() },
  OpEntry("squeeze_copy") { s in
    (s.has(0, "dim") ? s.input.squeeze(dim: s.int(0, "dim")!) : s.input.squeeze()).clone()
  },
  OpEntry("squeeze_multiple") { s in s.input.squeeze(dims: s.ints(0, "dim")!) },
  OpEntry("unsqueeze") { s in s.input.unsqueeze(dim: s.int(0, "dim")!) },
  OpEntry("unsqueeze_copy") { s in s.input.unsqueeze(dim: s.int(0, "dim")!).clone() },
  OpEntry("atleast_1d", several: { s in s.inputs.map { $0.atleast1d() } }),
  OpEntry("atleast_2d", several: { s in s.inputs.map { $0.atleast2d() } }),
  OpEntry("atleast_3d", several: { s in s.inputs.map { $0.atleast3d() } }),
  OpEntry("diagonal") { s in diagonal(s) },
  OpEntry("diagonal_copy") { s in diagonal(s).clone() },
  OpEntry("linalg_diagonal") { s in
    s.input.diagonal(offset: s.int(-1, "offset") ?? 0, dim1: s.int(-1, "dim1") ?? -2, dim2: s.int(-1, "dim2") ?? -1)
  },
  OpEntry("unfold") { s in s.input.unfold(dim: s.int(0)!, size: s.int(1)!, step: s.int(2)!) },
  OpEntry("unfold_copy") { s in s.input.unfold(dim: s.int(0)!, size: s.int(1)!, step: s.int(2)!).clone() },
  OpEntry("narrow") { s in narrow(s) },
  OpEntry("narrow_copy") { s in narrow(s).clone() },
  OpEntry("select") { s in s.input.select(dim: s.int(0, "dim")!, s.int(1, "index")!) },
  OpEntry("slice") { s in
    s.input.slice(
      dim: s.int(0, "dim") ?? 0, start: s.int(1, "start"), end: s.int(2, "end"), step: s.int(3, "step") ?? 1)
  },
  OpEntry("as_strided") { s in asStrided(s) },
  OpEntry("as_strided_copy") { s in asStrided(s).clone() },
  OpEntry("as_strided_partial_views") { s in asStrided(s) }.skipping { s in
    s.has(2, "storage_offset") ? "the offset counts from the tensor's first element, not the storage's" : nil
  },
  OpEntry("split", several: { s in s.input.split(s.int(0)!, dim: s.int(1, "dim") ?? 0) }),
  OpEntry("split_list_args", several: { s in s.input.split(s.ints(0)!, dim: s.int(1, "dim") ?? 0) }),
  OpEntry("split_with_sizes", several: { s in s.input.split(s.ints(0)!, dim: s.int(1, "dim") ?? 0) }),
  OpEntry(
    "split_with_sizes_copy",
    several: { s in
      s.input.split(s.ints(0)!, dim: s.int(1, "dim") ?? 0).map { $0.clone() }
    }),
  OpEntry("unsafe_split", several: { s in s.input.split(s.int(0)!, dim: s.int(1, "dim") ?? 0) }),
  OpEntry("chunk", several: { s in s.input.chunk(s.int(0)!, dim: s.int(1, "dim") ?? 0) }),
  OpEntry("unsafe_chunk", several: { s in s.input.chunk(s.int(0)!, dim: s.int(1, "dim") ?? 0) }),
  OpEntry("unbind", several: { s in s.input.unbind(dim: s.int(0, "dim") ?? 0) }),
  OpEntry("unbind_copy", several: { s in s.input.unbind(dim: s.int(0, "dim") ?? 0).map { $0.clone() } }),
  OpEntry(
    "tensor_split",
    several: { s in
      let dim = s.int(1, "dim") ?? 0
      if let given = s.tensor(0) {
        let numbers = given.toArray(Int.self)
        return given.rank == 0 ? s.input.tensorSplit(numbers[0], dim: dim) : s.input.tensorSplit(at: numbers, dim: dim)
      }
      if case .list = s.value(0, "") { return s.input.tensorSplit(at: s.ints(0)!, dim: dim) }
      return s.input.tensorSplit(s.int(0)!, dim: dim)
    }),
  OpEntry(
    "hsplit",
    several: { s in
      if case .list = s.value(0, "") { s.input.hsplit(at: s.ints(0)!) } else { s.input.hsplit(s.int(0)!) }
    }),
  OpEntry(
    "vsplit",
    several: { s in
      if case .list = s.value(0, "") { s.input.vsplit(at: s.ints(0)!) } else { s.input.vsplit(s.int(0)!) }
    }),
  OpEntry(
    "dsplit",
    several: { s in
      if case .list = s.value(0, "") { s.input.dsplit(at: s.ints(0)!) } else { s.input.dsplit(s.int(0)!) }
    }),
  // Real numbers are their own conjugates; there is nothing to resolve.
  OpEntry("conj") { s in s.input },
  OpEntry("resolve_conj") { s in s.input },
  OpEntry("resolve_neg") { s in s.input },
  OpEntry("real") { s in s.input },
]

private func diagonal(_ s: GoldenSample) -> Tensor {
  s.input.diagonal(offset: s.int(-1, "offset") ?? 0, dim1: s.int(-1, "dim1") ?? 0, dim2: s.int(-1, "dim2") ?? 1)
}

private func narrow(_ s: GoldenSample) -> Tensor {
  let start = s.tensor(1).map { $0.toArray(Int.self)[0] } ?? s.int(1)!
  return s.input.narrow(dim: s.int(0)!, start: start, length: s.int(2)!)
}

private func asStrided(_ s: GoldenSample) -> Tensor {
  s.input.contiguous()
    .asStrided(Shape(s.ints(0)!), strides: Shape(s.ints(1)!), offset: s.int(2, "storage_offset") ?? 0)
}

extension GoldenValue {
  /// A list of whole numbers, or a single one.
  fileprivate var sizes: [Int] {
    switch self {
    case .int(let number): [number]
    case .list(let items): items.map { if case .int(let number) = $0 { number } else { -1 } }
    default: []
    }
  }
}
