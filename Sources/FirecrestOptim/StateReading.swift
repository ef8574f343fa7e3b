import FirecrestCore

/// Reads a state and collects all that does not fit, so that one error names everything.
struct StateReading {
  private let state: NamedTensors
  private let object: String
  private var known: Set<String> = []
  private var missing: [String] = []
  private var mismatched: [StateError.Mismatch] = []

  /// - Parameter object: Whose state it is, for the error.
  init(_ state: NamedTensors, of object: String) {
    self.state = state
    self.object = object
  }

  /// A tensor, nil where there is none.
  mutating func tensor(_ name: String) -> Tensor? {
    known.insert(name)
    return state[name]
  }

  /// A number that `NamedTensors.set` stored.
  mutating func number(_ name: String, required: Bool = true) -> Double? {
    guard let values = entry(name, .float64, shape: [], required) else { return nil }
    return values.item()
  }

  /// An integer that `NamedTensors.set` stored.
  mutating func integer(_ name: String, required: Bool = true) -> Int? {
    guard let values = entry(name, .int64, shape: [], required) else { return nil }
    return values.item(as: Int.self)
  }

  /// A list of rates, one for each of the optimizer's groups, or only for those that were there at the time.
  mutating func rates(_ name: String, groups: Int) -> [Double]? {
    let count = state[name].map { $0.rank == 1 ? $0.elementCount : groups } ?? groups
    return entry(name, .float64, shape: [(1...groups).contains(count) ? count : groups], true)?.toArray()
  }

  /// Checks for the integers `first ..< first + count`.
  mutating func expectIndices(_ name: String, from first: Int, count: Int) {
    guard let found: [Int] = entry(name, .int64, shape: [count], true)?.toArray() else { return }
    if found != Array(first..<first + count) { mismatch(name, "\(first)..<\(first + count)", "\(found)") }
  }

  private mutating func entry(_ name: String, _ dtype: DType, shape: Shape, _ required: Bool) -> Tensor? {
    guard let tensor = tensor(name) else {
      if required { missing.append(name) }
      return nil
    }
    if tensor.dtype == dtype && tensor.shape == shape { return tensor }
    mismatch(name, "\(dtype)\(shape)", "\(tensor.dtype)\(tensor.shape)")
    return nil
  }

  mutating func mismatch(_ name: String, _ expected: String, _ found: String) {
    mismatched.append(.init(name, expected: expected, found: found))
  }

  mutating func lacks(_ name: String) { missing.append(name) }

  /// Throws where anything did not fit or was not asked for.
  func finish() throws(StateError) {
    let unexpected = state.names.filter { !known.contains($0) }
    if missing.isEmpty && unexpected.isEmpty && mismatched.isEmpty { return }
    throw StateError(object, missing: missing, unexpected: unexpected, mismatched: mismatched)
  }
}
