extension Unpickler {
  /// A name out of Python.
  mutating func global(_ module: String, _ name: String) throws(FileError) {
    guard let global = TorchGlobal(module, name) else {
      let isTensor = module == "torch._utils"
      throw unsupported(
        "the file needs \(quoted("\(module).\(name)")), neither a dense tensor nor a plain value",
        help: isTensor ? "save dense tensors of plain numbers: x.to_dense(), x.dequantize()" : Self.remedy)
    }
    stack.append(.global(global))
  }

  /// The value that PyTorch would get from calling a function.
  mutating func call(_ function: PickleValue, _ arguments: PickleValue) throws(FileError) -> PickleValue {
    guard case .global(let function) = function, case .tuple(let index) = arguments else {
      throw malformed("what is called is no function")
    }
    let values = pickle.nodes[index]
    switch function {
    case .dictionary:
      switch values.first {
      case nil: return .dict(node([]))
      case .dict(let content)?: return .dict(content)
      case .list(let content)?: return .pairs(content)
      default: throw malformed("a dictionary is made of neither pairs nor a dictionary")
      }
    case .set:
      guard case .list(let content)? = values.first else { throw malformed("a set is not made of a list") }
      return .list(content)
    case .size:
      guard case .tuple(let content)? = values.first else { throw malformed("a size is not made of a tuple") }
      return .tuple(content)
    case .tensor(let form): return .tensor(form, index)
    case .wrapper:
      guard case .tensor? = values.first else { throw malformed("a parameter is not made of a tensor") }
      return values[0]
    case .attributed:
      guard values.count == 4, case .global(.tensorClass) = values[1], case .global(let inner) = values[0] else {
        throw malformed("a tensor with attributes is not made of a tensor")
      }
      switch inner {
      case .tensor, .wrapper: return try call(values[0], values[2])
      default: throw malformed("a tensor with attributes is not made of a tensor")
      }
    case .ignored: return .other
    case .tensorClass, .type: throw malformed("a type is called")
    }
  }

  /// Attributes of a dictionary, such as the `_metadata` of a state, are passed over.
  mutating func build() throws(FileError) {
    _ = try pop()
    switch try top() {
    case .dict, .pairs: break
    default: throw unsupported("the file holds Python objects, which are never loaded", help: Self.remedy)
    }
  }

  /// What lies outside the pickle: a storage.
  mutating func persistent(_ value: PickleValue) throws(FileError) -> PickleValue {
    guard case .tuple(let index) = value, let (key, storage) = TorchStorage.read(pickle.nodes[index]) else {
      throw malformed("what lies outside the pickle is not described as a storage")
    }
    guard storage.type.element != nil else { throw storage.type.refusal(input.source.name, place) }
    if let known = pickle.storages[key], known != storage {
      throw unsupported(
        "the storage \(quoted(key)) is described in two ways",
        help: "save tensors of each type from memory of their own")
    }
    pickle.storages[key] = storage
    return .storage(index)
  }
}
