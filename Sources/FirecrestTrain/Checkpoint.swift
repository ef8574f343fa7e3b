import FirecrestCore
import FirecrestIO

/// All that a run needs to go on exactly where it was, in one safetensors file: model, optimizer, schedule, position in
/// the data, random numbers, and numbers of the user's.
///
/// ```swift
/// let checkpoint = Checkpoint(model: net, optimizer: optimizer, scheduler: scheduler, data: loader)
/// try checkpoint.save(to: "last.safetensors", numbers: ["epoch": 3, "best": 0.98])
/// …
/// let saved = try checkpoint.load(from: "last.safetensors")
/// for epoch in Int(saved.numbers["epoch"]!)...10 { … }
/// ```
///
/// The file is replaced in one step (see `AtomicFile`), so that at any moment it is a whole checkpoint, the old one or
/// the new. A checksum over its content finds damage that the format's own rules do not. Tensors are named by part:
/// `model.fc1.weight`, `optimizer.…`, `random.seed`, `numbers.epoch`.
public struct Checkpoint {
  /// The parts with their names, in the order in which they are saved and loaded.
  public private(set) var parts: [(name: String, part: any Stateful)] = []

  /// A checkpoint of any objects; names must differ, be without points, and be neither `random` nor `numbers`.
  public init(_ parts: KeyValuePairs<String, any Stateful>) {
    for (name, part) in parts { add(name, part) }
  }

  /// One more part.
  public mutating func add(_ name: String, _ part: any Stateful) {
    if name.isEmpty || name.contains(".") || reserved.contains(name) || parts.contains(where: { $0.name == name }) {
      stop("Checkpoint", "a part cannot have the name '\(name)'", [], help: "names differ and have no points")
    }
    parts.append((name, part))
  }

  /// Writes the state of all parts and of the shared random generator.
  ///
  /// - Parameters:
  ///   - path: The file, replaced in one step.
  ///   - numbers: What else to remember, such as the epoch or the best loss.
  ///   - texts: Texts to remember, such as the settings of the run; `format` and `sha256` are taken.
  /// - Throws: `FileError` where writing fails; the old file is untouched then.
  public func save(
    to path: String, numbers: [String: Double] = [:], texts: [String: String] = [:]
  ) throws(FileError) {
    if let taken = SavedCheckpoint.ownTexts.first(where: { texts[$0] != nil }) {
      stop("Checkpoint", "a text cannot have the name '\(taken)': the file's own has it", [], help: "choose another")
    }
    try SavedCheckpoint(state(), numbers: numbers, texts: texts).write(to: path)
  }

  /// Brings all parts and the shared random generator back to a saved state.
  ///
  /// - Parameters:
  ///   - path: A file that `save` wrote, of the same parts.
  ///   - restoresRandom: Whether the shared generator goes on from the saved state too.
  /// - Returns: The numbers and texts saved with it.
  /// - Throws: `FileError` where the file is missing, damaged or of other parts, with what does not fit; nothing is
  ///   changed then.
  @discardableResult
  public func load(from path: String, restoresRandom: Bool = true) throws(FileError) -> SavedCheckpoint {
    let saved = try SavedCheckpoint(path)
    let known = Set(parts.map(\.name)).union(reserved)
    let strangers = Set(saved.partNames).subtracting(known).sorted()
    if !strangers.isEmpty {
      throw misfit(path, "it has \(strangers.joined(separator: ", ")) too")
    }
    let before = parts.map { $0.part.stateDict() }
    for (index, (name, part)) in parts.enumerated() {
      do { try part.load(saved.state(of: name)) } catch {
        for (done, state) in zip(parts[..<index], before) { try? done.part.load(state) }
        throw misfit(path, "\(name): " + "\(error)".split(separator: "\n").joined(separator: ";"))
      }
    }
    if restoresRandom { Generator.shared.state = saved.random }
    return saved
  }

  private func misfit(_ path: String, _ reason: String) -> FileError {
    FileError(
      .unsupported, file: path, "the checkpoint does not fit: \(reason)",
      help: "build the model, optimizer and data as the run did that wrote it")
  }

  private func state() -> NamedTensors {
    var state = NamedTensors()
    for (name, part) in parts { state.merge(part.stateDict(), prefix: name + ".") }
    let random = Generator.shared.state
    state.set("random.seed", Int(bitPattern: UInt(random.seed)))
    state.set("random.offset", Int(bitPattern: UInt(random.offset)))
    return state
  }
}

private let reserved: Set<String> = ["random", "numbers"]

/// The content of a checkpoint file.
public struct SavedCheckpoint: Sendable {
  /// All tensors of all parts, by full name.
  public let tensors: NamedTensors
  /// The numbers that were saved with it.
  public let numbers: [String: Double]
  /// The texts that were saved with it.
  public let texts: [String: String]
  /// Where the shared random generator was.
  public let random: Generator.State

  /// Marks checkpoints among safetensors files, and their version.
  static let format = "firecrest-checkpoint-1"
  /// The texts that every file has.
  static let ownTexts = ["format", "sha256"]

  init(_ tensors: NamedTensors, numbers: [String: Double], texts: [String: String]) {
    self.tensors = tensors
    self.numbers = numbers
    self.texts = texts
    random = Generator.shared.state
  }

  /// Reads a checkpoint without loading it into anything.
  ///
  /// - Throws: `FileError` where the file is missing, damaged, or no checkpoint.
  public init(_ path: String) throws(FileError) {
    let file = try loadSafetensors(path)
    let metadata = file.metadata
    let texts = metadata.filter { !Self.ownTexts.contains($0.key) }
    guard metadata["format"] == Self.format else {
      throw FileError(
        .unsupported, file: path, "this is not a checkpoint, or one of another version",
        help: "a file of weights alone is read with load(from:) of the module")
    }
    if metadata["sha256"] != Self.checksum(file, texts) {
      throw FileError(
        .malformed, file: path, "the content does not have the checksum that was saved with it",
        help: "the file is damaged; use an older checkpoint, or train anew")
    }
    var tensors = NamedTensors()
    var numbers: [String: Double] = [:]
    do throws(StateError) {
      for (name, tensor) in file {
        if name.hasPrefix("numbers.") {
          numbers[String(name.dropFirst(8))] = try file.number(name, of: "checkpoint")
        } else {
          tensors[name] = tensor
        }
      }
      random = Generator.State(
        seed: UInt64(bitPattern: Int64(try file.integer("random.seed", of: "checkpoint"))),
        offset: UInt64(bitPattern: Int64(try file.integer("random.offset", of: "checkpoint"))))
    } catch {
      throw FileError(.malformed, file: path, "\(error)", help: "use an older checkpoint, or train anew")
    }
    self.tensors = tensors
    self.numbers = numbers
    self.texts = texts
  }

  func write(to path: String) throws(FileError) {
    var file = tensors
    for (name, number) in numbers.sorted(by: { $0.key < $1.key }) { file.set("numbers." + name, number) }
    var metadata = texts
    metadata["format"] = Self.format
    metadata["sha256"] = Self.checksum(file, texts)
    try saveSafetensors(file, to: path, metadata: metadata)
  }

  /// Independent of the order, which the file format decides. Texts enter as tensors of their bytes.
  private static func checksum(_ tensors: NamedTensors, _ texts: [String: String]) -> String {
    var all = tensors.dictionary
    for (key, text) in texts { all["texts." + key] = Tensor(Array(text.utf8), shape: [text.utf8.count]) }
    return stateDigest(NamedTensors(all))
  }

  /// The names of the parts that have tensors.
  public var partNames: [String] {
    var names: [String] = []
    for name in tensors.names {
      let part = String(name.prefix { $0 != "." })
      if part != "random" && !names.contains(part) { names.append(part) }
    }
    return names
  }

  /// The state of one part, for example `model`; empty where there is no such part.
  public func state(of part: String) -> NamedTensors { tensors.removing(prefix: part + ".") }
}
