import FirecrestCore
import TestSupport

let indexingEntries: [OpEntry] =
  [
    OpEntry("__getitem__") { s in s.selecting(s.input) },
    OpEntry("index_put") { s in
      s.input.indexPut(s.indices(0), s.tensor(1, "values")!, accumulate: s.bool(2, "accumulate"))
    },
    OpEntry("gather") { s in s.input.gather(dim: s.int(0, "dim")!, s.tensor(1, "index")!) },
    OpEntry("take_along_dim") { s in s.input.takeAlongDim(s.tensor(0, "indices")!, dim: s.int(1, "dim")) },
    OpEntry("scatter") { s in
      let (dim, index) = (s.int(0, "dim")!, s.tensor(1, "index")!)
      if let value = s.scalar(2, "value") { return s.input.scatter(dim: dim, index, value) }
      let source = s.tensor(2, "src")!
      switch s.string(3, "reduce") {
      case "add": return s.input.scatterAdd(dim: dim, index, source)
      case "multiply": return s.input.scatterReduce(dim: dim, index, source, reduce: .prod)
      default: return s.input.scatter(dim: dim, index, source)
      }
    },
    OpEntry("scatter_add") { s in
      s.input.scatterAdd(dim: s.int(0, "dim")!, s.tensor(1, "index")!, s.tensor(2, "src")!)
    },
    OpEntry("index_select") { s in s.input.indexSelect(dim: s.int(0, "dim")!, s.tensor(1, "index")!) },
    OpEntry("index_add") { s in
      s.input.indexAdd(
        dim: s.int(0, "dim")!, s.tensor(1, "index")!, s.tensor(2, "source")!, alpha: s.scalar(3, "alpha") ?? .int(1))
    },
    OpEntry("index_copy") { s in
      s.input.indexCopy(dim: s.int(0, "dim")!, s.tensor(1, "index")!, s.tensor(2, "source")!)
    },
    OpEntry("index_fill") { s in
      let (dim, index) = (s.int(0, "dim")!, s.tensor(1, "index")!)
      if let value = s.tensor(2, "value") { return s.input.indexFill(dim: dim, index, value) }
      return s.input.indexFill(dim: dim, index, s.scalar(2, "value")!)
    },
    OpEntry("take") { s in s.input.take(s.tensor(0, "index")!) },
    OpEntry("put") { s in
      s.input.put(s.tensor(0, "index")!, s.tensor(1, "source")!, accumulate: s.bool(2, "accumulate"))
    },
    OpEntry("masked_fill") { s in
      let mask = s.tensor(0, "mask")!
      if let value = s.tensor(1, "value") { return s.input.maskedFill(mask, value) }
      return s.input.maskedFill(mask, s.scalar(1, "value")!)
    },
    OpEntry("masked_select") { s in s.input.maskedSelect(s.tensor(0, "mask")!) },
    OpEntry("masked_scatter") { s in s.input.maskedScatter(s.tensor(0, "mask")!, s.tensor(1, "source")!) },
    OpEntry("nonzero", several: { s in s.bool(-1, "as_tuple") ? s.input.nonzeroIndices() : [s.input.nonzero()] }),
    OpEntry("argwhere") { s in s.input.nonzero() },
    OpEntry("nonzero_static") { s in
      s.input.nonzeroStatic(size: s.int(-1, "size")!, fillValue: s.int(-1, "fill_value") ?? -1)
    },
    OpEntry("unravel_index", several: { s in s.input.unravelIndex(Shape(s.ints(0, "shape")!)) }),
    OpEntry("nn_functional_embedding") { s in
      embedding(
        s.tensor(0, "input")!, s.input, paddingIndex: s.int(1, "padding_idx"),
        scaleGradByFrequency: s.bool(4, "scale_grad_by_freq"))
    },
    OpEntry("nn_functional_embedding_bag") { s in
      embeddingBag(
        s.tensor(0, "input")!, s.input, offsets: s.tensor(1, "offsets"),
        mode: EmbeddingBagMode(rawValue: s.string(5, "mode") ?? "mean")!,
        perSampleWeights: s.tensor(7, "per_sample_weights"), includeLastOffset: s.bool(8, "include_last_offset"),
        paddingIndex: s.int(9, "padding_idx"))
    },
    OpEntry("nn_functional_one_hot") { s in
      s.input.oneHot(s.int(0, "num_classes").flatMap { $0 < 0 ? nil : $0 })
    },
  ]
  + ["sum", "prod", "mean", "amax", "amin"].flatMap { name -> [OpEntry] in
    let reduction = ScatterReduction(rawValue: name)!
    let scatter = OpEntry("scatter_reduce_\(name)") { s in
      s.input.scatterReduce(
        dim: s.int(0, "dim")!, s.tensor(1, "index")!, s.tensor(2, "src")!, reduce: reduction,
        includeSelf: s.bool(4, "include_self", true))
    }
    let index = OpEntry("index_reduce_\(name)") { s in
      s.input.indexReduce(
        dim: s.int(0, "dim")!, s.tensor(1, "index")!, s.tensor(2, "source")!, reduce: reduction,
        includeSelf: s.bool(4, "include_self", true))
    }
    // PyTorch has no index_reduce that sums; index_add does.
    return name == "sum" ? [scatter] : [scatter, index]
  }

let searchingEntries: [OpEntry] = [
  OpEntry("searchsorted") { s in
    let values = s.tensor(0, "input") ?? Tensor.full([], s.scalar(0, "input")!, dtype: s.input.dtype)
    return s.input.searchsorted(
      values, right: s.bool(-1, "right") || s.string(-1, "side") == "right", sorter: s.tensor(-1, "sorter"),
      outInt32: s.bool(-1, "out_int32"))
  },
  OpEntry("bucketize") { s in
    s.input.bucketize(s.tensor(0, "boundaries")!, right: s.bool(-1, "right"), outInt32: s.bool(-1, "out_int32"))
  },
  OpEntry("bincount") { s in
    s.input.bincount(weights: s.tensor(-1, "weights"), minLength: s.int(-1, "minlength") ?? 0)
  },
  OpEntry("histc") { s in
    s.input.histc(bins: s.int(0, "bins") ?? 100, min: s.double(1, "min") ?? 0, max: s.double(2, "max") ?? 0)
  },
  OpEntry(
    "histogram",
    several: { s in
      let bins = s.tensor(0, "bins").map { HistogramBins.edges($0) } ?? .count(s.int(0, "bins")!)
      let (y, edges) = s.input.histogram(bins, weights: s.tensor(-1, "weight"), density: s.bool(-1, "density"))
      return [y, edges]
    }),
  OpEntry(
    "histogramdd",
    several: { s in
      let bins = s.tensors(0, "bins")?.map { HistogramBins.edges($0) } ?? s.ints(0, "bins")!.map { .count($0) }
      let (y, edges) = s.input.histogramDD(bins, weights: s.tensor(-1, "weight"), density: s.bool(-1, "density"))
      return [y] + edges
    }),
  OpEntry("unique", several: { s in s.uniqueResults(s.input.unique(dim: s.int(-1, "dim"))) }),
  OpEntry("unique_consecutive", several: { s in s.uniqueResults(s.input.uniqueConsecutive(dim: s.int(-1, "dim"))) }),
  OpEntry("isin") { s in s.input.isIn(s.tensor(0, "test_elements")!, invert: s.bool(-1, "invert")) },
]

extension GoldenSample {
  /// Those of unique's results that the sample asks for.
  fileprivate func uniqueResults(_ all: (values: Tensor, inverse: Tensor, counts: Tensor)) -> [Tensor] {
    var results = [all.values]
    if bool(-1, "return_inverse") { results.append(all.inverse) }
    if bool(-1, "return_counts") { results.append(all.counts) }
    return results
  }

  /// An argument that is an index or a tuple of them, in Firecrest's words.
  fileprivate func indices(_ position: Int) -> [any TensorIndex] {
    switch args[position] {
    case .list(let items):
      items.enumerated().map { i, item in
        if let list = tensors(position), i < list.count { return list[i] }
        return index(item)
      }
    case .tensor: [tensor(position)!]
    case let single: [index(single)]
    }
  }

  private func index(_ value: GoldenValue) -> any TensorIndex {
    switch value {
    case .int(let number): number
    case .bool(let bit): bit
    case .slice(let start, let stop, let step): TensorSlice.slice(start, stop, by: step ?? 1)
    case .ellipsis: TensorSlice.ellipsis
    case .none: TensorSlice.newAxis
    case .tensor(let tensor): tensor
    default: fatalError("not an index")
    }
  }

  /// `x[…]` with the first argument between the brackets, spelled with as many arguments as there are.
  fileprivate func selecting(_ x: Tensor) -> Tensor {
    let all = indices(0)
    switch all.count {
    case 1: return x[all[0]]
    case 2: return x[all[0], all[1]]
    case 3: return x[all[0], all[1], all[2]]
    default: return x[all[0], all[1], all[2], all[3]]
    }
  }
}
