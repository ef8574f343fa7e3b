/// Something whose state can be saved and brought back exactly: an optimizer, a schedule, the position in the data.
public protocol Stateful: AnyObject {
  /// The whole state as tensors by name, in PyTorch's words where PyTorch has them. Later changes of the object do not
  /// change the tensors returned.
  func stateDict() -> NamedTensors
  /// Takes over a state that `stateDict` returned. Changes nothing where it throws.
  ///
  /// - Parameter state: The state.
  /// - Throws: `StateError` where names or shapes do not fit this object.
  func load(_ state: NamedTensors) throws
}

/// Why a state does not fit the object it was to be loaded into.
public struct StateError: Error, Sendable, CustomStringConvertible {
  /// An entry of the wrong shape, type or value.
  public struct Mismatch: Sendable, Hashable {
    /// The entry's name.
    public let name: String
    /// What the object needs, for example `[10, 784]`.
    public let expected: String
    /// What the state has.
    public let found: String

    /// An entry that does not fit.
    public init(_ name: String, expected: String, found: String) {
      self.name = name
      self.expected = expected
      self.found = found
    }
  }

  /// The object whose state it is, for example `Adam`.
  public let object: String
  /// Names that the object needs and the state lacks.
  public let missing: [String]
  /// Names in the state that the object does not know.
  public let unexpected: [String]
  /// Entries that do not fit.
  public let mismatched: [Mismatch]

  /// An error about a state.
  public init(
    _ object: String, missing: [String] = [], unexpected: [String] = [], mismatched: [Mismatch] = []
  ) {
    self.object = object
    self.missing = missing
    self.unexpected = unexpected
    self.mismatched = mismatched
  }

  /// What stands before every missing name among the unexpected ones, nil where there is no such text.
  private var prefix: String? {
    guard let first = missing.first, mismatched.isEmpty else { return nil }
    let found = Set(unexpected)
    return unexpected.lazy.filter { $0.hasSuffix(first) }.map { String($0.dropLast(first.count)) }
      .first { prefix in missing.allSatisfy { found.contains(prefix + $0) } }
  }

  /// One line for each kind of trouble.
  public var description: String {
    var lines = ["\(object): the state does not fit"]
    if !missing.isEmpty { lines.append("  missing: \(missing.joined(separator: ", "))") }
    if !unexpected.isEmpty { lines.append("  unexpected: \(unexpected.joined(separator: ", "))") }
    for entry in mismatched { lines.append("  \(entry.name): needs \(entry.expected), found \(entry.found)") }
    if let prefix { lines.append("  help:  load state.removing(prefix: \"\(prefix)\")") }
    return lines.joined(separator: "\n")
  }
}

extension NamedTensors {
  /// The same tensors with `prefix` before every name.
  package func prefixed(_ prefix: String) -> NamedTensors { NamedTensors(map { (prefix + $0.name, $0.tensor) }) }

  /// The tensors whose names begin with `prefix`, without it: `state.removing(prefix: "module.")` for what PyTorch's
  /// `DataParallel` saved.
  public func removing(prefix: String) -> NamedTensors {
    NamedTensors(lazy.filter { $0.name.hasPrefix(prefix) }.map { (String($0.name.dropFirst(prefix.count)), $0.tensor) })
  }

  /// Adds the tensors of another state under `prefix`.
  package mutating func merge(_ other: NamedTensors, prefix: String) {
    for (name, tensor) in other { self[prefix + name] = tensor }
  }

  /// Stores a number as a 0-d float64 tensor.
  package mutating func set(_ name: String, _ number: Double) { self[name] = Tensor.full([], number, dtype: .float64) }

  /// Stores an integer as a 0-d int64 tensor.
  package mutating func set(_ name: String, _ integer: Int) { self[name] = Tensor.full([], integer, dtype: .int64) }

  /// A number that `set` stored.
  package func number(_ name: String, of object: String) throws(StateError) -> Double {
    let tensor = try single(name, of: object)
    return tensor.item(as: Double.self)
  }

  /// An integer that `set` stored.
  package func integer(_ name: String, of object: String) throws(StateError) -> Int {
    let tensor = try single(name, of: object)
    guard tensor.dtype == .int64 else {
      throw StateError(object, mismatched: [.init(name, expected: "int64", found: "\(tensor.dtype)")])
    }
    return tensor.item(as: Int.self)
  }

  private func single(_ name: String, of object: String) throws(StateError) -> Tensor {
    guard let tensor = self[name] else { throw StateError(object, missing: [name]) }
    guard tensor.elementCount == 1 else {
      throw StateError(object, mismatched: [.init(name, expected: "one number", found: "\(tensor.shape)")])
    }
    return tensor
  }
}
