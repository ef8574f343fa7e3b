import FirecrestCore
import FirecrestIO
import FirecrestNN

extension Module {
  /// Writes all parameters and persistent buffers as a safetensors file, by PyTorch's names (PyTorch's
  /// `torch.save(net.state_dict(), path)`). The old file stays until the new one is complete.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - metadata: Texts stored beside the weights.
  /// - Throws: `FileError` where writing fails.
  public func save(to path: String, metadata: [String: String] = [:]) throws(FileError) {
    try saveSafetensors(stateDict(), to: path, metadata: metadata)
  }

  /// Takes over the weights of a file (PyTorch's `net.load_state_dict(torch.load(path))`).
  ///
  /// The content tells the format: safetensors, what `torch.save(net.state_dict(), path)` wrote, or an `.npz` archive.
  /// Of a checkpoint that holds more than the weights, `try net.load(loadTorch(path, key: "model_state_dict"))` takes a
  /// part.
  ///
  /// - Parameters:
  ///   - path: The file, Firecrest's or PyTorch's.
  ///   - strict: With false, what fits is loaded and the rest only reported.
  /// - Returns: What was loaded, and what did not fit.
  /// - Throws: `FileError` where the file cannot be read, `StateError` where `strict` and it is another model's; nothing
  ///   is changed then.
  @discardableResult
  public func load(from path: String, strict: Bool = true) throws -> LoadReport {
    try load(loadTensors(path), strict: strict)
  }
}

extension Checkpoint {
  /// A checkpoint of a training run.
  ///
  /// - Parameters:
  ///   - model: The module that is trained.
  ///   - optimizer: Its optimizer.
  ///   - scheduler: The learning rate's schedule.
  ///   - data: The position in the data, a `DataLoader` for example.
  ///   - others: Whatever else has a state, such as early stopping or running metrics, by name.
  public init(
    model: any Module, optimizer: (any Stateful)? = nil, scheduler: (any Stateful)? = nil,
    data: (any Stateful)? = nil, others: KeyValuePairs<String, any Stateful> = [:]
  ) {
    self.init([:])
    add("model", ModuleState(model))
    if let optimizer { add("optimizer", optimizer) }
    if let scheduler { add("scheduler", scheduler) }
    if let data { add("data", data) }
    for (name, part) in others { add(name, part) }
  }

  /// One more module.
  public mutating func add(_ name: String, _ module: any Module) { add(name, ModuleState(module)) }
}

/// A module among the parts of a checkpoint; always loaded strictly.
private final class ModuleState: Stateful {
  let module: any Module
  init(_ module: any Module) { self.module = module }
  func stateDict() -> NamedTensors { module.stateDict() }
  func load(_ state: NamedTensors) throws { try module.load(state, strict: true) }
}
