import FirecrestCore
import FirecrestIO

/// The SHA-256 of a state, in 64 hexadecimal digits: over each tensor's name, type, shape and elements, in order.
///
/// Two states have the same digest only if they agree in every bit. Everything is preceded by its length or count (8
/// bytes, little-endian), so that no two different states run together to the same bytes.
public func stateDigest(_ state: NamedTensors) -> String {
  let hash = SHA256()
  func add(_ number: Int) { withUnsafeBytes(of: UInt64(number).littleEndian) { hash.update($0) } }
  func add(_ text: String) {
    add(text.utf8.count)
    hash.update(text.utf8)
  }
  add(state.count)
  for (name, tensor) in state {
    add(name)
    add(tensor.dtype.description)
    add(tensor.rank)
    for size in tensor.shape { add(size) }
    let elements = noGrad { tensor.contiguous() }
    withExtendedLifetime(elements.storage) {
      hash.update(
        UnsafeRawBufferPointer(start: elements.pointer, count: elements.elementCount * elements.dtype.size))
    }
  }
  return hash.hexadecimal()
}
