import FirecrestCore

/// The formats of files that hold tensors, told by content.
package enum TensorFormat {
  case npy, npz, torch, safetensors

  /// The format of a file. Safetensors begins with a length and JSON.
  package init(_ path: String) throws(FileError) {
    let source = try FileSource(path)
    let start = try source.bytes(at: 0, count: min(source.count, TorchFile.prefixLength), "the start")
    if start.first == 0x93 {
      self = .npy
    } else if start.starts(with: "PK".utf8) {
      self = TorchFile.isTorch(try ZipArchive(source)) ? .torch : .npz
    } else if TorchFile.legacyPrefix(start) != nil {
      self = .torch
    } else if start.count > 8, start[8] == UInt8(ascii: "{") {
      self = .safetensors
    } else {
      throw FileError(
        .malformed, file: path, offset: 0, "this is no file of tensors: neither safetensors, npy, npz nor torch.save's",
        help: Self.remedy(start))
    }
  }

  /// What to do about a file that begins like this.
  private static func remedy(_ start: [UInt8]) -> String {
    if start.isEmpty { return "the file is empty; get it again" }
    if start.starts(with: "<".utf8) { return "it looks like a web page; get the file itself" }
    if start.starts(with: "version https".utf8) { return "it is a pointer of Git LFS; run git lfs pull" }
    if start[0] == 0x80 { return "it looks like a plain pickle; save the tensors with torch.save" }
    return "check the path"
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
