import FirecrestCore

/// Reads all arrays of an `.npz` archive (`numpy.load`), in the archive's order, under their names without `.npy`.
///
/// Members may be stored or deflated; archives beyond 4 GiB are read too. Checksums are verified. See `loadNpy(_:)` for the types.
///
/// - Throws: `FileError`. A member that claims more than its packed bytes could unfold to is refused before anything is
///   allocated for it, and so are members that share bytes.
public func loadNpz(_ path: String) throws(FileError) -> NamedTensors {
  try readNpz(FileSource(path))
}

/// Reads all arrays from the bytes of an `.npz` archive; see `loadNpz(_:)`.
public func loadNpz(bytes: [UInt8]) throws(FileError) -> NamedTensors {
  try readNpz(MemorySource(bytes))
}

/// Writes tensors as an `.npz` archive (`numpy.savez`, `numpy.savez_compressed`), in the given order.
///
/// The bytes depend on nothing but the tensors and their names. The old file at `path` stays until the new one is
/// complete (see `AtomicFile`).
///
/// - Parameter compressed: whether members are deflated.
/// - Parameter tensors: The tensors by name.
/// - Parameter path: The file.
/// - Throws: `FileError` where writing fails, and for bfloat16, which NumPy does not have.
public func saveNpz(_ tensors: NamedTensors, to path: String, compressed: Bool = false) throws(FileError) {
  let file = try AtomicFile(path)
  try writeNpz(tensors, to: file, compressed)
  try file.commit()
}

/// The bytes of an `.npz` archive with these tensors; see `saveNpz(_:to:compressed:)`.
public func npzBytes(_ tensors: NamedTensors, compressed: Bool = false) throws(FileError) -> [UInt8] {
  let sink = MemorySink()
  try writeNpz(tensors, to: sink, compressed)
  return sink.bytes
}

/// Writes an archive; `limit32` is smaller only in tests.
package func npzBytes(
  _ tensors: NamedTensors, compressed: Bool, limit32: Int
) throws(FileError) -> [UInt8] {
  let sink = MemorySink()
  try writeNpz(tensors, to: sink, compressed, limit32: limit32)
  return sink.bytes
}

private func writeNpz(
  _ tensors: NamedTensors, to sink: some ByteSink, _ compressed: Bool, limit32: Int = Zip.saturated32
) throws(FileError) {
  let archive = ZipWriter(sink, limit32: limit32)
  for (name, tensor) in tensors {
    let header = try npyHeader(tensor, "\(sink.name)(\(name).npy)")
    let size = header.count + tensor.elementCount * tensor.dtype.size
    try archive.add("\(name).npy", size: size, deflated: compressed) { add throws(FileError) in
      let outcome = header.withUnsafeBytes { bytes in Result { () throws(FileError) in try add(bytes) } }
      try outcome.get()
      try withRowMajorBytes(tensor) { bytes throws(FileError) in try add(bytes) }
    }
  }
  try archive.finish()
}

private func readNpz(_ source: some ByteSource) throws(FileError) -> NamedTensors {
  let archive = try ZipArchive(source)
  // Archives made by others may have entries for folders.
  let members = archive.members.filter { !($0.name.hasSuffix("/") && $0.size == 0) }
  for member in members where !member.name.hasSuffix(".npy") {
    throw FileError(
      .unsupported, file: source.name, "the member \(quoted(member.name)) is not an .npy file",
      help: "an .npz archive holds only arrays; unpack this one with unzip")
  }
  var result = NamedTensors()
  for member in members {
    result[String(member.name.dropLast(4))] = try readNpy(archive.open(member))
  }
  return result
}
