import FirecrestCore

/// The tensor whose numbers lie, row-major, at byte `begin` of `source`: a window into the mapped file where it is
/// mapped and the numbers lie as in memory, a copy elsewhere. The caller has checked that the file has so many.
func storedTensor(
  _ element: StoredElement, _ sizes: [Int], at begin: Int, of source: any ByteSource, _ mapping: Mapping?
) throws(FileError) -> Tensor {
  let shape = Shape(sizes)
  let count = shape.elementCount
  if let mapping, count > 0, begin % element.size == 0, !element.isWidened, !element.isBigEndian {
    return mappedTensor(element.dtype, shape, mapping, begin)
  }
  if let error = FileError.ifTooLarge(count * element.dtype.size, source.name, begin) { throw error }
  let tensor = Tensor(empty: shape, element.dtype)
  if count == 0 { return tensor }
  let start = tensor.pointer + element.rawOffset(count)
  try source.read(at: begin, into: UnsafeMutableRawBufferPointer(start: start, count: count * element.size))
  if let index = element.decode(tensor.pointer, count) { throw tooLarge(source.name, begin, index) }
  return tensor
}

/// A window into the mapped file, which the tensor's storage keeps alive.
private func mappedTensor(_ dtype: DType, _ shape: Shape, _ mapping: Mapping, _ begin: Int) -> Tensor {
  let size = shape.elementCount * dtype.size
  if dtype == .bool { normalizeTruth(mapping.pointer + begin, size) }
  let storage = Storage(pointer: mapping.pointer + begin, byteCount: size) { withExtendedLifetime(mapping) {} }
  return Tensor(storage, dtype, shape: shape, strides: shape.contiguousStrides, offset: 0)
}
