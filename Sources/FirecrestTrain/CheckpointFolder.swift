import FirecrestCore
import FirecrestIO

/// A folder of checkpoints: the latest few by step, and the best one.
///
/// ```swift
/// let folder = CheckpointFolder("run/checkpoint")
/// try folder.save(checkpoint, step: 1200, numbers: ["epoch": 3], isBest: loss < best)
/// …
/// if let last = try folder.last() { try checkpoint.load(from: last) }
/// ```
/// Files are named `step-000001200.safetensors` and `best.safetensors`.
public struct CheckpointFolder: Sendable {
  /// The folder.
  public let path: String
  /// How many of the latest checkpoints stay.
  public let keep: Int

  /// A folder, made with the first checkpoint.
  ///
  /// - Parameters:
  ///   - path: The folder.
  ///   - keep: How many of the latest checkpoints stay, at least 1.
  public init(_ path: String, keep: Int = 2) {
    if keep < 1 { stop("CheckpointFolder", "at least one checkpoint must stay, not \(keep)", []) }
    self.path = path
    self.keep = keep
  }

  /// The file of the best checkpoint, if there is one.
  public var best: String { path + "/best.safetensors" }

  /// The steps of the latest checkpoints, ascending.
  public func steps() throws(FileError) -> [Int] {
    if !isFolder(path) { return [] }
    return try namesInFolder(path).compactMap { name in
      guard name.hasPrefix("step-"), name.hasSuffix(".safetensors") else { return nil }
      return Int(name.dropFirst(5).dropLast(12))
    }.sorted()
  }

  /// The file of a step's checkpoint.
  public func file(_ step: Int) -> String {
    let digits = String(step)
    return path + "/step-" + String(repeating: "0", count: max(0, 9 - digits.count)) + digits + ".safetensors"
  }

  /// The latest checkpoint's file, nil where there is none.
  public func last() throws(FileError) -> String? { try steps().last.map(file) }

  /// Adds a checkpoint, then removes those beyond the latest `keep`.
  ///
  /// - Parameters:
  ///   - checkpoint: What to save.
  ///   - step: How far the run is; later checkpoints have greater steps.
  ///   - numbers: What else to remember.
  ///   - texts: Texts to remember.
  ///   - isBest: Whether to keep it as the best as well.
  /// - Throws: `FileError` where writing fails; older checkpoints stay.
  public func save(
    _ checkpoint: Checkpoint, step: Int, numbers: [String: Double] = [:], texts: [String: String] = [:],
    isBest: Bool = false
  ) throws(FileError) {
    try makeFolder(path)
    // The best comes first: killed in between, the run goes on from before and makes it again.
    if isBest { try checkpoint.save(to: best, numbers: numbers, texts: texts) }
    try checkpoint.save(to: file(step), numbers: numbers, texts: texts)
    let old = try steps().filter { $0 <= step }.dropLast(keep)
    for step in old { try removeFile(file(step)) }
  }
}
