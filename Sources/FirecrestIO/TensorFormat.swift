import FirecrestCore

/// The formats of files that hold tensors, told by content.
package enum TensorFormat {
  case npy, npz, torch, safetensors

  /// The format of a file. What is none of the others counts as safetensors, which has no mark of its own.
  package init(_ path: String) throws(FileError) {
    let source = try FileSource(path)
    let start = try source.bytes(at: 0, count: min(source.count, TorchFile.prefixLength), "the start")
    if start.first == 0x93 {
      self = .npy
    } else if start.starts(with: "PK".utf8) {
      self = TorchFile.isTorch(try ZipArchive(source)) ? .torch : .npz
    } else {
      self = TorchFile.legacyPrefix(start) == nil ? .safetensors : .torch
    }
  }
}

/// Reads a file of tensors with names, of whichever format.
package func loadTensors(_ path: String) throws(FileError) -> NamedTensors {
  switch try TensorFormat(path) {
  case .npy:
    throw FileError(
      .unsupported, file: path, "an .npy file holds one array, which has no name", help: "read it with loadNpy")
  case .safetensors: return try loadSafetensors(path)
  case .npz: return try loadNpz(path)
  case .torch: return try loadTorch(path)
  }
}
