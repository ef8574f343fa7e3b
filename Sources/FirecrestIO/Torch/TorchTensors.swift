import FirecrestCore

/// Names what a file of `torch.save` holds, and makes tensors of it.
struct TorchTensors {
  let file: TorchFile
  let mapping: Mapping?
  private let key: String?
  private var result = NamedTensors()
  /// The storages that were read, as flat tensors; several tensors may look into one.
  var storages: [String: (element: StoredElement, tensor: Tensor)] = [:]
  private var visits: Int
  private var nameBytes: Int

  /// Values nest no deeper than this.
  private static let maximumDepth = 64

  /// All tensors of a file; with a key, those under it.
  static func read(_ source: any ByteSource, _ mapping: Mapping?, _ key: String?) throws(FileError) -> NamedTensors {
    var tensors = TorchTensors(try TorchFile(source), mapping, key)
    try tensors.visit(tensors.file.pickle.root, [], isText: true)
    if let key, tensors.result.isEmpty { throw tensors.nothing(under: key) }
    return tensors.result
  }

  private init(_ file: TorchFile, _ mapping: Mapping?, _ key: String?) {
    self.file = file
    self.mapping = mapping
    self.key = key
    // What stands once takes a byte at least. A file whose parts stand in each other again and again, for names without
    // end, is refused.
    visits = file.pickle.length + 1024
    nameBytes = 16 * file.pickle.length + 65_536
  }

  // MARK: Names

  /// Finds the tensors in a value whose path is `path`; nil in it stands for a key that cannot be part of a name.
  /// `isText` says whether plain values there are worth a text.
  private mutating func visit(_ value: PickleValue, _ path: [String?], isText: Bool) throws(FileError) {
    let nodes = file.pickle.nodes
    visits -= 1
    guard visits >= 0, path.count <= Self.maximumDepth else {
      throw unsupported("values nest too deep, or in themselves", help: "save a dictionary of tensors")
    }
    switch value {
    case .tensor(let form, let index):
      let name = try joined(path)
      guard let name = selected(name) else { return }
      if result[name] != nil {
        throw unsupported("two tensors have the name \(quoted(name))", help: "rename the keys that lead to them")
      }
      result[name] = try tensor(name, form, nodes[index])
    case .dict(let index):
      let content = nodes[index]
      for i in stride(from: 0, to: content.count, by: 2) {
        try visit(content[i + 1], path + [part(content[i])], isText: isText)
      }
    case .pairs(let index):
      for pair in nodes[index] {
        guard let (key, value) = self.pair(pair) else {
          throw file.source.malformed(nil, "a dictionary is made of what are no pairs")
        }
        try visit(value, path + [part(key)], isText: isText)
      }
    case .list(let index), .tuple(let index):
      for (i, value) in nodes[index].enumerated() { try visit(value, path + [String(i)], isText: false) }
    case .bool(let value): try note("\(value)", path, isText)
    case .int(let value): try note("\(value)", path, isText)
    case .float(let value): try note("\(value)", path, isText)
    case .text(let value): try note(value, path, isText)
    case .none, .global, .storage, .other: break
    }
  }

  /// Puts a plain value among the texts beside the tensors.
  private mutating func note(_ text: String, _ path: [String?], _ isText: Bool) throws(FileError) {
    guard isText, !path.isEmpty, !path.contains(nil), let name = selected(try joined(path)) else { return }
    result.metadata[name] = text
  }

  private func pair(_ value: PickleValue) -> (PickleValue, PickleValue)? {
    switch value {
    case .list(let index), .tuple(let index):
      let content = file.pickle.nodes[index]
      return content.count == 2 ? (content[0], content[1]) : nil
    default: return nil
    }
  }

  private func part(_ key: PickleValue) -> String? {
    switch key {
    case .text(let text): text
    case .int(let number): String(number)
    case .bool(let truth): String(truth)
    case .float(let number): String(number)
    default: nil
    }
  }

  private mutating func joined(_ path: [String?]) throws(FileError) -> String {
    var parts: [String] = []
    for part in path {
      guard let part else {
        throw unsupported("a tensor's key is neither a text nor a number", help: "save a dictionary with texts as keys")
      }
      parts.append(part)
      nameBytes -= part.utf8.count + 1
    }
    guard nameBytes >= 0 else {
      throw unsupported("the names of the tensors are too long together", help: "save a dictionary of tensors")
    }
    return parts.joined(separator: ".")
  }

  /// The name below the key that was asked for; nil elsewhere.
  private func selected(_ name: String) -> String? {
    guard let key, name != key else { return key == nil ? name : "" }
    return name.hasPrefix(key + ".") ? String(name.dropFirst(key.count + 1)) : nil
  }

  private func nothing(under key: String) -> FileError {
    var keys: [String] = []
    if case .dict(let index) = file.pickle.root {
      let content = file.pickle.nodes[index]
      keys = stride(from: 0, to: min(content.count, 32), by: 2).compactMap { part(content[$0]).map(quoted) }
    }
    return unsupported(
      "there are no tensors under the key \(quoted(key))",
      help: keys.isEmpty ? "the file has no keys" : "the file starts with the keys \(keys.joined(separator: ", "))")
  }

  func unsupported(_ reason: String, help: String) -> FileError {
    FileError(.unsupported, file: file.source.name, reason, help: help)
  }
}
