/// A block of numbers that tensors look into, as the pickle describes it.
struct TorchStorage: Equatable {
  let type: TorchType
  /// How many numbers it has.
  let count: Int

  /// Key and description out of the tuple `("storage", type, key, location, count)`; nil where it is none. Where the
  /// memory was, on a GPU perhaps, does not matter.
  static func read(_ tuple: [PickleValue]) -> (key: String, storage: TorchStorage)? {
    guard tuple.count == 5 || tuple.count == 6, case .text("storage") = tuple[0],
      case .global(.type(let type)) = tuple[1], case .text(let key) = tuple[2], case .int(let count) = tuple[4],
      count >= 0
    else { return nil }
    return (key, TorchStorage(type: type, count: count))
  }

  /// The part of it that the tuple means: all, or in files of PyTorch 0.3 and before what `(key, first, count)` behind
  /// it says. Nil where that is beyond it.
  func part(_ tuple: [PickleValue], _ nodes: [[PickleValue]]) -> Range<Int>? {
    guard tuple.count == 6, case .tuple(let index) = tuple[5] else { return 0..<count }
    let view = nodes[index]
    guard view.count == 3, case .int(let first) = view[1], case .int(let length) = view[2], first >= 0, length >= 0,
      first <= count, length <= count - first
    else { return nil }
    return first..<first + length
  }
}
