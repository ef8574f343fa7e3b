import FirecrestCore

extension TorchTensors {
  /// A tensor out of the arguments `(storage, offset, sizes, strides, …)` of the function that PyTorch would call.
  mutating func tensor(
    _ name: String, _ form: TorchGlobal.Rebuild, _ arguments: [PickleValue]
  ) throws(FileError) -> Tensor {
    let least = form == .v1 ? 4 : form == .v2 ? 6 : 7
    guard arguments.count >= least, case .storage(let index) = arguments[0], case .int(let offset) = arguments[1],
      case .tuple(let sizesAt) = arguments[2], case .tuple(let stridesAt) = arguments[3],
      let (key, storage) = TorchStorage.read(file.pickle.nodes[index])
    else { throw malformed(name, "is not described as one") }
    if arguments.count > least, form != .v1, !isEmpty(arguments[least]) {
      throw unsupported(
        "the tensor \(quoted(name)) is conjugate or negative by a mark alone",
        help: "save x.resolve_conj().resolve_neg()")
    }
    var type = storage.type
    if form == .v3 {
      guard case .global(.type(let own)) = arguments[6], own.name != "untyped" else {
        throw malformed(name, "lacks a type")
      }
      type = own
    }
    guard let element = type.element else { throw type.refusal(file.source.name, nil) }
    let window = try window(name, element, sizesAt, stridesAt)
    guard window.shape.elementCount > 0 else { return Tensor(empty: window.shape, element.dtype) }

    let flat = try flat(name, key, storage, element)
    // The part of the storage, in this tensor's elements.
    let size = storage.type.element!.size
    guard let part = storage.part(file.pickle.nodes[index], file.pickle.nodes),
      part.lowerBound * size % element.size == 0, offset >= 0, let reach = window.reach
    else { throw malformed(name, "does not lie in its storage") }
    let first = part.lowerBound * size / element.size
    let count = part.count * size / element.size
    guard offset < count, reach < count - offset else {
      throw malformed(name, "reaches beyond its storage of \(count) elements")
    }
    let most = max(flat.elementCount, Zip.maximumExpansion * file.source.count / element.dtype.size)
    guard window.shape.elementCount <= most else {
      throw unsupported(
        "the tensor \(quoted(name)), of shape \(window.shape), repeats its elements too often for its file",
        help: "save x.clone(), or x before expand")
    }
    return Tensor(
      flat.storage, element.dtype, shape: window.shape, strides: window.strides, offset: first + offset)
  }

  /// Shape and strides; `reach` is how far the last element lies behind the first, nil where that cannot be.
  private func window(
    _ name: String, _ element: StoredElement, _ sizesAt: Int, _ stridesAt: Int
  ) throws(FileError) -> (shape: Shape, strides: Shape, reach: Int?) {
    let nodes = file.pickle.nodes
    let rank = nodes[sizesAt].count
    guard rank <= Shape.maximumRank else {
      throw unsupported(
        "the tensor \(quoted(name)) has more than \(Shape.maximumRank) dimensions", help: "reshape it before saving")
    }
    let (sizes, steps) = (nodes[sizesAt].compactMap(\.integer), nodes[stridesAt].prefix(rank + 1).compactMap(\.integer))
    guard sizes.count == rank, steps.count == rank, element.elementCount(sizes) != nil else {
      throw malformed(name, "has no possible shape")
    }
    let shape = Shape(sizes)
    var strides = shape.contiguousStrides
    var reach: Int? = 0
    // Where there is but one index, the stride means nothing and may be anything.
    for d in 0..<rank where sizes[d] > 1 {
      strides[d] = steps[d]
      let (far, overflow) = steps[d].multipliedReportingOverflow(by: sizes[d] - 1)
      let (sum, overflowToo) = far.addingReportingOverflow(reach ?? 0)
      reach = reach == nil || steps[d] < 0 || overflow || overflowToo ? nil : sum
    }
    return (shape, strides, reach)
  }

  /// A whole storage, read or mapped once.
  private mutating func flat(
    _ name: String, _ key: String, _ storage: TorchStorage, _ element: StoredElement
  ) throws(FileError) -> Tensor {
    if let known = storages[key] {
      guard known.element == element else {
        throw unsupported(
          "the tensor \(quoted(name)) shares memory with one of another type", help: "save x.clone()")
      }
      return known.tensor
    }
    guard let place = file.places[key] else { throw malformed(name, "lacks its storage \(quoted(key))") }
    let (bytes, overflow) = storage.count.multipliedReportingOverflow(by: storage.type.element!.size)
    guard !overflow, bytes == place.count else {
      throw malformed(name, "has a storage of \(place.count) bytes, not of \(storage.count) elements as it says")
    }
    var stored = element
    stored.isBigEndian = file.isBigEndian
    let tensor = try storedTensor(stored, [bytes / element.size], at: place.lowerBound, of: file.source, mapping)
    storages[key] = (element, tensor)
    return tensor
  }

  private func isEmpty(_ value: PickleValue) -> Bool {
    switch value {
    case .none: true
    case .dict(let index): file.pickle.nodes[index].isEmpty
    default: false
    }
  }

  private func malformed(_ name: String, _ reason: String) -> FileError {
    file.source.malformed(nil, "the tensor \(quoted(name)) \(reason)")
  }
}

extension PickleValue {
  fileprivate var integer: Int? {
    if case .int(let number) = self { number } else { nil }
  }
}
