import FirecrestCore
import FirecrestIO

/// Reads an array in the IDX format of MNIST, plain or packed with gzip.
///
/// The types are uint8, int8, int16, int32, float32 and float64; the shape has at most 8 dimensions.
///
/// - Throws: `FileError`; the sizes are checked against the file before memory is taken, and no more is unpacked than
///   they say.
public func loadIDX(_ path: String) throws(FileError) -> Tensor { try readIDX(FileSource(path)) }

/// Reads an array from the bytes of an IDX file; see `loadIDX(_:)`.
public func loadIDX(bytes: [UInt8]) throws(FileError) -> Tensor { try readIDX(MemorySource(bytes)) }

private func readIDX(_ source: some ByteSource) throws(FileError) -> Tensor {
  if try GzipStream.isGzip(source) { return try readIDX(GzipStream(source)) }
  return try readIDX(SourceStream(source))
}

private let typeCodes: [UInt8: DType] = [
  0x08: .uint8, 0x09: .int8, 0x0B: .int16, 0x0C: .int32, 0x0D: .float32, 0x0E: .float64,
]

private func readIDX(_ stream: some ByteStream) throws(FileError) -> Tensor {
  let prefix = try stream.bytes(4, "the prefix of an IDX file")
  guard prefix[0] == 0, prefix[1] == 0, let dtype = typeCodes[prefix[2]] else {
    let start = prefix.map { String($0, radix: 16) }.joined(separator: " ")
    throw stream.malformed(
      0, "this is not an IDX file: it starts with the bytes \(start)",
      help: "name a file such as t10k-images-idx3-ubyte")
  }
  let rank = Int(prefix[3])
  if rank > Shape.maximumRank {
    throw FileError(
      .unsupported, file: stream.name, offset: 3, "the array has \(rank) dimensions",
      help: "at most \(Shape.maximumRank) are read")
  }
  let fields = try stream.bytes(4 * rank, "the sizes of \(rank) dimensions")
  let sizes = (0..<rank).map { i in fields[4 * i..<4 * i + 4].reduce(0) { $0 << 8 | Int($1) } }
  var element = StoredElement(dtype)
  element.isBigEndian = true
  guard let count = element.elementCount(sizes) else {
    throw stream.malformed(4, "the shape \(sizes) has more elements than can be counted")
  }
  let size = count * element.size
  if size > stream.remaining {
    throw stream.malformed(
      stream.position, "the shape \(sizes) needs \(size) bytes, but at most \(stream.remaining) follow")
  }
  let tensor = Tensor(empty: Shape(sizes), dtype)
  if size > 0 { try stream.read(into: UnsafeMutableRawBufferPointer(start: tensor.pointer, count: size)) }
  try stream.finish()
  if stream.remaining > 0 {
    throw stream.malformed(
      stream.position, "\(stream.remaining) bytes follow the \(size) that the shape \(sizes) needs")
  }
  _ = element.decode(tensor.pointer, count)
  return tensor
}

/// The bytes before the elements of a plain IDX file with this uint8 array.
func idxHeader(_ bytes: Tensor) -> [UInt8] {
  var header: [UInt8] = [0, 0, 8, UInt8(bytes.rank)]
  for size in bytes.shape { for shift in [24, 16, 8, 0] { header.append(UInt8(truncatingIfNeeded: size >> shift)) } }
  return header
}
