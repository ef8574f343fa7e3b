import FirecrestCore

/// Reads a safetensors file (`safetensors.torch.load_file`), in the order of the data, with its metadata.
///
/// The file is mapped, not copied: loading takes the same short time for any size, and pages come in when they are first
/// used. Changing a tensor in place changes memory only, never the file. The mapping lives as long as one of the tensors.
/// Whoever replaces the file must do it by renaming a new one into place, as `saveSafetensors` does; a program that
/// shortens the very file in place stops those that have it mapped.
///
/// A tensor is copied where its data is not aligned to its element size, where it is unsigned with 16, 32 or 64 bits
/// (it becomes int32 or int64), and where the file system cannot map.
///
/// - Throws: `FileError`; nothing is allocated for data that the file does not have. Holes, overlaps, names that stand
///   twice, types that Firecrest does not have and more than 8 dimensions are refused.
public func loadSafetensors(_ path: String) throws(FileError) -> NamedTensors {
  let source = try FileSource(path)
  return try readSafetensors(source, source.map())
}

/// Reads tensors from the bytes of a safetensors file, copying them; see `loadSafetensors(_:)`.
public func loadSafetensors(bytes: [UInt8]) throws(FileError) -> NamedTensors {
  try readSafetensors(MemorySource(bytes), nil)
}

/// Writes tensors as a safetensors file (`safetensors.torch.save_file`), byte for byte as the reference implementation.
///
/// Their order is the format's: larger element types first, so that all data is aligned, then by name. Tensors that share
/// memory are written in full each. The old file at `path` stays until the new one is complete (see `AtomicFile`).
///
/// - Parameter metadata: texts stored beside the tensors; without it, those of `tensors`.
/// - Parameter path: The file.
/// - Parameter tensors: The tensors by name.
/// - Throws: `FileError` where writing fails, and for a tensor named `__metadata__`.
public func saveSafetensors(
  _ tensors: NamedTensors, to path: String, metadata: [String: String]? = nil
) throws(FileError) {
  let file = try AtomicFile(path)
  try writeSafetensors(tensors, metadata ?? tensors.metadata, to: file)
  try file.commit()
}

/// The bytes of a safetensors file with these tensors; see `saveSafetensors(_:to:metadata:)`.
public func safetensorsBytes(
  _ tensors: NamedTensors, metadata: [String: String]? = nil
) throws(FileError) -> [UInt8] {
  let sink = MemorySink()
  try writeSafetensors(tensors, metadata ?? tensors.metadata, to: sink)
  return sink.bytes
}

private func readSafetensors(_ source: some ByteSource, _ mapping: Mapping?) throws(FileError) -> NamedTensors {
  let header = try SafetensorsHeader(source)
  var result = NamedTensors()
  result.metadata = header.metadata
  for entry in header.entries {
    result[entry.name] = try storedTensor(entry.element, entry.shape, at: entry.begin, of: source, mapping)
  }
  return result
}

private func writeSafetensors(
  _ tensors: NamedTensors, _ metadata: [String: String], to sink: some ByteSink
) throws(FileError) {
  if tensors[SafetensorsHeader.metadataKey] != nil {
    throw FileError(
      .unsupported, file: sink.name, "the format reserves the name '\(SafetensorsHeader.metadataKey)'",
      help: "rename the tensor")
  }
  let sorted = tensors.sorted { a, b in
    let (left, right) = (writingRank(a.tensor.dtype), writingRank(b.tensor.dtype))
    return left != right ? left > right : a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
  }
  var parts: [String] = []
  if !metadata.isEmpty {
    let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    let pairs = texts.map { jsonString($0.key) + ":" + jsonString($0.value) }
    parts.append("\"\(SafetensorsHeader.metadataKey)\":{\(pairs.joined(separator: ","))}")
  }
  var place = 0
  for (name, tensor) in sorted {
    let end = place + tensor.elementCount * tensor.dtype.size
    let sizes = tensor.shape.map(String.init).joined(separator: ",")
    let code = SafetensorsHeader.code(tensor.dtype)
    parts.append("\(jsonString(name)):{\"dtype\":\"\(code)\",\"shape\":[\(sizes)],\"data_offsets\":[\(place),\(end)]}")
    place = end
  }
  var header = Array("{\(parts.joined(separator: ","))}".utf8)
  header += [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8)
  if header.count > SafetensorsHeader.maximumLength {
    throw FileError(
      .unsupported, file: sink.name, "the header would have \(header.count) bytes; the format allows 100,000,000",
      help: "shorten the metadata, or write several files")
  }
  var length: [UInt8] = []
  length.append(littleEndian: header.count, size: 8)
  try sink.write(length + header)
  for (_, tensor) in sorted { try writeElements(tensor, to: sink) }
}

/// The reference implementation's order of types; those with larger elements have larger ranks.
private func writingRank(_ dtype: DType) -> Int {
  switch dtype {
  case .bool: 0
  case .uint8: 1
  case .int8: 2
  case .int16: 3
  case .float16: 4
  case .bfloat16: 5
  case .int32: 6
  case .float32: 7
  case .float64: 8
  case .int64: 9
  }
}
