import FirecrestCore

/// Reads an array in NumPy's `.npy` format (`numpy.load`).
///
/// Versions 1.0, 2.0 and 3.0, either byte order. An array in Fortran order becomes a tensor with those strides, without
/// a copy. uint16 becomes int32, uint32 and uint64 become int64 (refused where a number is 2⁶³ or more). Arrays of Python
/// objects, structures, complex numbers, texts and times, and more than 8 dimensions, are refused.
///
/// - Throws: `FileError`; nothing is allocated for data that the file does not have.
public func loadNpy(_ path: String) throws(FileError) -> Tensor {
  try readNpy(SourceStream(FileSource(path)))
}

/// Reads an array from the bytes of an `.npy` file; see `loadNpy(_:)`.
public func loadNpy(bytes: [UInt8]) throws(FileError) -> Tensor {
  try readNpy(SourceStream(MemorySource(bytes)))
}

/// Writes a tensor in NumPy's `.npy` format, version 1.0 (`numpy.save`), byte for byte as NumPy would.
///
/// The old file at `path` stays until the new one is complete (see `AtomicFile`).
///
/// - Throws: `FileError` where writing fails, and for bfloat16, which NumPy does not have.
public func saveNpy(_ tensor: Tensor, to path: String) throws(FileError) {
  let header = try npyHeader(tensor, path)
  let file = try AtomicFile(path)
  try file.write(header)
  try writeElements(tensor, to: file)
  try file.commit()
}

/// The bytes of an `.npy` file with this tensor; see `saveNpy(_:to:)`.
public func npyBytes(_ tensor: Tensor) throws(FileError) -> [UInt8] {
  let sink = MemorySink()
  sink.bytesAreExpected(tensor.elementCount * tensor.dtype.size + 128)
  try sink.write(npyHeader(tensor, sink.name))
  try writeElements(tensor, to: sink)
  return sink.bytes
}

/// The bytes of an `.npy` file that come before the elements.
func npyHeader(_ tensor: Tensor, _ file: String) throws(FileError) -> [UInt8] {
  guard let code = NpyHeader.code(tensor.dtype) else {
    throw FileError(
      .unsupported, file: file, "NumPy has no \(tensor.dtype)",
      help: "save tensor.to(.float32), which loses nothing, or use saveSafetensors")
  }
  return NpyHeader.bytes(code, tensor.shape)
}

/// Calls `body` with all elements in row-major order.
func withRowMajorBytes<R>(
  _ tensor: Tensor, _ body: (UnsafeRawBufferPointer) throws(FileError) -> R
) throws(FileError) -> R {
  let source = noGrad { tensor.contiguous() }
  defer { withExtendedLifetime(source) {} }
  return try body(UnsafeRawBufferPointer(start: source.pointer, count: source.elementCount * source.dtype.size))
}

/// Writes all elements in row-major order.
func writeElements(_ tensor: Tensor, to sink: some ByteSink) throws(FileError) {
  try withRowMajorBytes(tensor) { bytes throws(FileError) in try sink.write(bytes) }
}

/// Reads an array that takes up the whole stream.
func readNpy(_ stream: some ByteStream) throws(FileError) -> Tensor {
  let prefix = try stream.bytes(8, "an .npy file's prefix")
  guard prefix.starts(with: [0x93] + Array("NUMPY".utf8)) else {
    throw stream.malformed(
      0, "this is not an .npy file: it does not start with \\x93NUMPY", help: "name a file that numpy.save wrote")
  }
  guard (1...3).contains(prefix[6]), prefix[7] == 0 else {
    throw FileError(
      .unsupported, file: stream.name, offset: 6, "version \(prefix[6]).\(prefix[7]) of the .npy format is unknown",
      help: "versions 1.0, 2.0 and 3.0 are read")
  }
  let field = try stream.bytes(prefix[6] == 1 ? 2 : 4, "the header's length")
  let length = field.reversed().reduce(0) { $0 << 8 | Int($1) }
  guard length <= NpyHeader.maximumLength else {
    throw FileError(
      .unsupported, file: stream.name, offset: 8,
      "a header of \(length) bytes is longer than any array of numbers needs",
      help: "structured types are not read; if it has none, the file is damaged")
  }
  let base = stream.position
  var parser = NpyHeaderParser(try stream.bytes(length, "the header"), at: base, of: stream)
  let header = try parser.parse()
  let element = header.element
  guard let count = element.elementCount(header.shape) else {
    throw stream.malformed(base, "the shape \(header.shape) has more elements than can be counted")
  }
  let size = count * element.size
  guard size == stream.remaining else {
    let reason = "the shape \(header.shape) needs \(size) bytes of data, but \(stream.remaining) follow the header"
    let several = "one array a file is read; save several with numpy.savez"
    throw stream.malformed(
      stream.position, reason, help: size < stream.remaining ? several : remedyForDamage)
  }
  let start = stream.position
  let shape = Shape(header.shape)
  if let error = FileError.ifTooLarge(count * element.dtype.size, stream.name, base) { throw error }
  let tensor = Tensor(empty: header.isFortran ? Shape(header.shape.reversed()) : shape, element.dtype)
  let target = UnsafeMutableRawBufferPointer(start: tensor.pointer + element.rawOffset(count), count: size)
  if size > 0 { try stream.read(into: target) }
  try stream.finish()
  if let index = element.decode(tensor.pointer, count) { throw tooLarge(stream.name, start, index) }
  return header.isFortran
    ? tensor.window(shape, strides: Shape(tensor.strides.reversed()), offset: 0) : tensor
}

/// The error for a uint64 that no int64 holds.
func tooLarge(_ file: String, _ start: Int, _ index: Int) -> FileError {
  FileError(
    .unsupported, file: file, offset: start + index * 8, "element \(index), a uint64, is 2⁶³ or more",
    help: "Firecrest has no uint64; save the array as float64 or int64")
}
