/// Tensors by name, in order: the content of an archive or a checkpoint.
///
/// ```swift
/// try saveSafetensors(["weight": w, "bias": b], to: "layer.safetensors")
/// let layer = try loadSafetensors("layer.safetensors")
/// let w = layer["weight"]!
/// for (name, tensor) in layer { print(name, tensor.shape) }
/// ```
public struct NamedTensors: Sendable {
  private var entries: [(name: String, tensor: Tensor)] = []
  private var positions: [String: Int] = [:]
  /// Texts stored beside the tensors; safetensors files and PyTorch's have them.
  public var metadata: [String: String] = [:]

  /// No tensors.
  public init() {}

  /// The tensors of a dictionary, sorted by name.
  public init(_ tensors: [String: Tensor]) {
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) { self[name] = tensor }
  }

  /// Tensors in the given order; of two with the same name the later one stays.
  public init(_ tensors: some Sequence<(String, Tensor)>) {
    for (name, tensor) in tensors { self[name] = tensor }
  }

  /// All names, in order.
  public var names: [String] { entries.map(\.name) }

  /// The same tensors without an order.
  public var dictionary: [String: Tensor] { positions.mapValues { entries[$0].tensor } }

  /// The tensor of that name. Setting a new name appends it, setting nil removes it.
  public subscript(name: String) -> Tensor? {
    get { positions[name].map { entries[$0].tensor } }
    set {
      if let position = positions[name] {
        if let newValue {
          entries[position].tensor = newValue
        } else {
          entries.remove(at: position)
          positions[name] = nil
          for later in position..<entries.count { positions[entries[later].name] = later }
        }
      } else if let newValue {
        positions[name] = entries.count
        entries.append((name, newValue))
      }
    }
  }
}

extension NamedTensors: RandomAccessCollection {
  /// The position of the first tensor, 0.
  public var startIndex: Int { 0 }
  /// The position after the last tensor.
  public var endIndex: Int { entries.count }
  /// Name and tensor at a position.
  public subscript(position: Int) -> (name: String, tensor: Tensor) { entries[position] }
}

extension NamedTensors: ExpressibleByDictionaryLiteral {
  /// `["weight": w, "bias": b]`, in this order.
  public init(dictionaryLiteral elements: (String, Tensor)...) { self.init(elements) }
}

extension NamedTensors: CustomStringConvertible {
  /// A line for each tensor, with its type and shape.
  public var description: String { entries.map { "\($0.name)  \($0.tensor.summary)" }.joined(separator: "\n") }
}
