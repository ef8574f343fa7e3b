import FirecrestCore

/// Reads what `torch.save` wrote: a network's weights, a training checkpoint, tensors (`torch.load(path,
/// weights_only=True)`).
///
/// ```swift
/// // torch.save(net.state_dict(), "resnet18.pth")
/// let weights = try loadTorch("resnet18.pth")
/// // torch.save({"epoch": 3, "model_state_dict": net.state_dict()}, "checkpoint.pth")
/// let model = try loadTorch("checkpoint.pth", key: "model_state_dict")
/// ```
///
/// Names are the keys on the way to a tensor, joined by dots; items of lists are counted from 0. A state dict has its
/// own names so, and a checkpoint `model_state_dict.fc.weight`, `optimizer_state_dict.state.0.exp_avg`. A value that is
/// nothing but a tensor has the name "". Numbers, truth values and texts that stand in dictionaries become texts in
/// `metadata`, under their names (`metadata["epoch"]`, "3"); everything else that is plain is passed over.
///
/// Both formats are read, the zip archives of PyTorch 1.6 and later and the older one. Tensors that shared memory share
/// it again; none requires a gradient, parameters neither, and all are on the CPU. uint16 becomes int32, uint32 and
/// uint64 become int64. A zip archive is mapped, as `loadSafetensors` does it: pages come in when they are first used,
/// changes stay in memory, and checksums are not verified. What is not aligned, which is common in the older format, is
/// copied.
///
/// Nothing in the file is executed: a file that needs any other name out of Python than those of tensors and
/// dictionaries is refused, by that name. So are sparse, quantized, complex and 8-bit floating-point tensors.
///
/// - Parameters:
///   - path: The file.
///   - key: Where to look: only tensors whose names begin with `key` and a dot are read, and named without it. Dots in it
///     lead deeper: `state_dict.module`.
/// - Throws: `FileError`; nothing is allocated for data that the file does not have. So where there is nothing under
///   `key`, where two tensors would have the same name, and where there are more than 8 dimensions.
public func loadTorch(_ path: String, key: String? = nil) throws(FileError) -> NamedTensors {
  let source = try FileSource(path)
  return try TorchTensors.read(source, source.map(), key)
}

/// Reads what `torch.save` wrote from bytes in memory, copying the numbers; see `loadTorch(_:key:)`.
public func loadTorch(bytes: [UInt8], key: String? = nil) throws(FileError) -> NamedTensors {
  try TorchTensors.read(MemorySource(bytes), nil, key)
}
