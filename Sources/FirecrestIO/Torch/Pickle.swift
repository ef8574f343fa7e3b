/// A value out of a pickle. Containers are numbers of `Pickle.nodes`, so that no chain of them, however long, is freed
/// by recursion, and none keeps itself alive.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case text(String)
  case global(TorchGlobal)
  case tuple(Int)
  case list(Int)
  /// Keys and values in turn.
  case dict(Int)
  /// A dictionary made of a list of pairs, as Python 2 wrote an `OrderedDict`.
  case pairs(Int)
  /// A storage; the tuple describes it.
  case storage(Int)
  /// A tensor; the tuple holds the arguments of the function that PyTorch would call.
  case tensor(TorchGlobal.Rebuild, Int)
  /// Something without use here: bytes, a device, a number beyond 64 bits.
  case other
}

/// What a pickle holds. Nothing in it was executed.
struct Pickle {
  /// The content of each container.
  var nodes: [[PickleValue]] = []
  /// The value itself.
  var root = PickleValue.none
  /// The storages that are spoken of, by key.
  var storages: [String: TorchStorage] = [:]
  /// Its length in bytes.
  var length = 0
}
