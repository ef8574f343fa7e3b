import CPng
import FirecrestCore
import FirecrestIO

/// Whether the bytes begin as a PNG does.
func isPNG(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) }

/// A PNG picture: uint8 `[height, width, channels]`, the channels as `ImageMode.unchanged` says.
func decodePNG(_ bytes: [UInt8], _ source: some ByteSource) throws(FileError) -> Tensor {
  // libpng's functions of one call report errors by their result; those of many steps would jump over Swift's frames.
  let essential = try essentialChunks(bytes, source)
  var image = png_image()
  image.version = UInt32(PNG_IMAGE_VERSION)
  defer { png_image_free(&image) }
  return try withUnsafeTemporaryPointer(to: essential) { bytes throws(FileError) in
    guard png_image_begin_read_from_memory(&image, bytes.baseAddress!, bytes.count) != 0 else {
      throw source.malformed(nil, "this is not a PNG picture that can be read: \(message(image))")
    }
    // Grey or colour, with or without alpha, 8 bits; 16-bit samples are reduced, not taken as linear light.
    image.format &= UInt32(PNG_FORMAT_FLAG_COLOR) | UInt32(PNG_FORMAT_FLAG_ALPHA)
    image.flags |= UInt32(PNG_IMAGE_FLAG_16BIT_sRGB)
    let channels = Int(image.format & 1) + (image.format & 2 != 0 ? 3 : 1)
    let (width, height) = (Int(image.width), Int(image.height))
    let tensor = Tensor(empty: Shape([height, width, channels]), .uint8)
    guard png_image_finish_read(&image, nil, tensor.pointer, png_int_32(width * channels), nil) != 0 else {
      throw source.malformed(nil, "the picture's data is damaged: \(message(image))")
    }
    return tensor
  }
}

/// The chunks that make up the picture. Others (texts, profiles, gamma) would cost time and memory, and change colours.
private func essentialChunks(_ bytes: [UInt8], _ source: some ByteSource) throws(FileError) -> [UInt8] {
  func number(_ place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
  var result = Array(bytes[..<8])
  var position = 8
  var packed = 0
  while true {
    guard bytes.count - position >= 12 else { throw source.malformed(position, "the file ends within a chunk") }
    let length = number(position)
    guard length <= bytes.count - position - 12 else {
      throw source.malformed(position, "a chunk of \(length) bytes lies beyond the end of the file")
    }
    let kind = String(decoding: bytes[position + 4..<position + 8], as: UTF8.self)
    if position == 8 && (kind != "IHDR" || length != 13) {
      throw source.malformed(position, "the file does not begin with a picture's header")
    }
    // An upper-case first letter marks a chunk that a reader must know.
    let isCritical = bytes[position + 4] & 0x20 == 0
    if isCritical || kind == "tRNS" { result += bytes[position..<position + 12 + length] }
    if kind == "IDAT" { packed += length }
    position += 12 + length
    if kind == "IEND" { break }
  }
  let (width, height, depth) = (number(16), number(20), Int(bytes[24]))
  guard width > 0, height > 0, width <= largestImage / height else {
    throw FileError(
      .unsupported, file: source.name, offset: 16, "\(width) by \(height) pixels are none or too many",
      help: "at most \(largestImage) pixels are read")
  }
  // libpng 1.6.51 and its like give wrong pixels in one call, older ones write past their end (CVE-2025-65018).
  if depth == 16 && bytes[28] != 0 {
    throw FileError(
      .unsupported, file: source.name, offset: 28, "an interlaced picture of 16 bits is not read",
      help: "save it without interlacing, or with 8 bits")
  }
  // Deflate packs 1032 bytes into one at best.
  let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][bytes[25], default: 1]
  if width * height * depth * samples / 8 > (packed + 64) * 1032 {
    throw source.malformed(16, "\(width) by \(height) pixels cannot be in \(packed) bytes of data")
  }
  return result
}

private func withUnsafeTemporaryPointer<R>(
  to bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(FileError) -> R
) throws(FileError) -> R {
  let outcome = bytes.withUnsafeBytes { bytes in Result { () throws(FileError) in try body(bytes) } }
  return try outcome.get()
}

private func message(_ image: png_image) -> String {
  withUnsafeBytes(of: image.message) { text in
    String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// Writes a picture as PNG (torchvision's `write_png`).
///
/// - Parameters:
///   - image: `[channels, height, width]` with 1 to 4 channels (grey, grey and alpha, RGB, RGBA), or `[height, width]`.
///     uint8 as it is; floating-point numbers from 0 to 1 are scaled to 255 and rounded.
///   - path: The file, replaced only when it is complete.
/// - Throws: `FileError` where the file cannot be written.
public func savePNG(_ image: Tensor, to path: String) throws(FileError) {
  let bytes = pngBytes(image)
  let file = try AtomicFile(path)
  try file.write(bytes)
  try file.commit()
}

/// The bytes of a PNG file with this picture; see `savePNG(_:to:)`.
public func pngBytes(_ image: Tensor) -> [UInt8] {
  let planes = image.rank == 2 ? image.unsqueeze(dim: 0) : image
  guard planes.rank == 3, (1...4).contains(planes.shape[0]), planes.elementCount > 0 else {
    stop("savePNG", "needs [channels, height, width] with 1 to 4 channels", [image])
  }
  guard image.dtype == .uint8 || image.dtype.isFloatingPoint else {
    stop("savePNG", "needs uint8, or floating-point numbers from 0 to 1", [image])
  }
  let (channels, height, width) = (planes.shape[0], planes.shape[1], planes.shape[2])
  let pixels = noGrad {
    let bytes = image.dtype == .uint8 ? planes : (planes.to(.float32) * 255 + 0.5).clamp(min: 0, max: 255).to(.uint8)
    return bytes.permute(1, 2, 0).contiguous()
  }
  var header = png_image()
  header.version = UInt32(PNG_IMAGE_VERSION)
  header.width = UInt32(width)
  header.height = UInt32(height)
  header.format = [0, 1, 2, 3][channels - 1]
  // Stored blocks, filters and chunk frames at worst.
  var size = png_alloc_size_t(height * (width * channels + 1) * 2 + 4096)
  var bytes = [UInt8](repeating: 0, count: Int(size))
  let stride = png_int_32(width * channels)
  let isWritten = png_image_write_to_memory(&header, &bytes, &size, 0, pixels.pointer, stride, nil)
  withExtendedLifetime(pixels) {}
  if isWritten == 0 { stop("savePNG", "libpng refuses: \(message(header))", [image]) }
  return Array(bytes.prefix(Int(size)))
}
