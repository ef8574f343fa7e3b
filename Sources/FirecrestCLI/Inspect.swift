import ArgumentParser
import Firecrest
import FirecrestTrain

/// `firecrest inspect FILE|RUN`.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists what is in a checkpoint, a safetensors, PyTorch, npy or npz file, or a run.")

  @Argument(help: "A file, or a run's folder.") var path: String

  func run() throws {
    if isFolder(path) { return try run(RunFolder(path)) }
    switch try TensorFormat(path) {
    case .npy: list(["": try loadNpy(path)])
    case .npz: list(try loadNpz(path))
    case .torch:
      let file = try loadTorch(path)
      texts(file.metadata)
      list(file)
    case .safetensors:
      let file = try loadSafetensors(path)
      if file.metadata["format"]?.hasPrefix("firecrest-checkpoint") == true {
        try checkpoint(SavedCheckpoint(path))
      } else {
        texts(file.metadata)
        list(file)
      }
    }
  }

  private func run(_ folder: RunFolder) throws {
    guard folder.exists else { throw UserError("\(path): this is not a run of firecrest train") }
    if fileExists(folder.summary) {
      print("summary.json")
      print(String(decoding: try fileBytes(folder.summary), as: UTF8.self), terminator: "")
    }
    if fileExists(folder.metrics) {
      let table = try CSVTable(folder.metrics)
      print("metrics.csv: \(table.rows.count) epochs of \(table.columns.joined(separator: ", "))")
    }
    for step in try folder.checkpoints.steps() {
      let saved = try SavedCheckpoint(folder.checkpoints.file(step))
      print("\(folder.checkpoints.file(step)): \(saved.partNames.joined(separator: ", ")); \(numbers(saved))")
    }
    if fileExists(folder.checkpoints.best) {
      print("\(folder.checkpoints.best): \(numbers(try SavedCheckpoint(folder.checkpoints.best)))")
    }
    if fileExists(folder.model) {
      let model = try loadSafetensors(folder.model)
      print("model.safetensors")
      texts(model.metadata)
      list(model)
    }
  }

  private func checkpoint(_ saved: SavedCheckpoint) {
    texts(saved.texts)
    print("  numbers: \(numbers(saved))")
    print("  random: seed \(saved.random.seed), offset \(saved.random.offset)")
    list(saved.tensors)
  }

  private func numbers(_ saved: SavedCheckpoint) -> String {
    saved.numbers.sorted { $0.key < $1.key }.map { "\($0.key) \(format("%.6g", $0.value))" }.joined(separator: ", ")
  }

  private func texts(_ texts: [String: String]) {
    for (key, text) in texts.sorted(by: { $0.key < $1.key }) { print("  \(key): \(visible(text))") }
  }

  /// Names, types, shapes, and the total.
  private func list(_ tensors: NamedTensors) {
    let names = tensors.names.map(visible)
    let width = min(48, names.map(\.count).max() ?? 0)
    for (name, (_, tensor)) in zip(names, tensors) {
      let gap = String(repeating: " ", count: max(0, width - name.count))
      print("  \(name)\(gap)  \(tensor.dtype)\(tensor.shape)")
    }
    let elements = tensors.reduce(0) { $0 + $1.tensor.elementCount }
    let bytes = tensors.reduce(0) { $0 + $1.tensor.elementCount * $1.tensor.dtype.size }
    print("  \(tensors.count) tensors, \(elements) elements, \(bytes) bytes")
  }

  /// Text out of a file, without characters that would change the terminal.
  private func visible(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      result.unicodeScalars.append(scalar.properties.generalCategory == .control ? "?" : scalar)
    }
    return result
  }
}
