import FirecrestCore
import FirecrestIO

/// Which channels an image that is read has (torchvision's `ImageReadMode`).
public enum ImageMode: Sendable, Hashable, CaseIterable {
  /// Those of the file: 1 (grey), 2 (grey and alpha), 3 (red, green, blue) or 4 (with alpha). A palette counts as the
  /// colours it stands for.
  case unchanged
  /// 1 channel: colours become 0.299 red + 0.587 green + 0.114 blue, transparency is left out.
  case gray
  /// 3 channels; transparency is left out.
  case rgb
  /// 4 channels; opaque where the file has no transparency.
  case rgba
}

/// Reads a PNG, PGM or PPM picture: uint8 `[channels, height, width]` (torchvision's `read_image`).
///
/// What the file holds decides, not its name. 16-bit samples are reduced to 8. A PNG's colour profile and gamma are not
/// applied.
///
/// - Parameters:
///   - path: The file.
///   - mode: The channels wanted.
/// - Throws: `FileError`; the size that a header claims is checked against the file before memory is taken.
public func loadImage(_ path: String, mode: ImageMode = .unchanged) throws(FileError) -> Tensor {
  let source = try FileSource(path)
  return try decodeImage(source.bytes(at: 0, count: source.count, "the content"), source, mode)
}

/// Reads a picture from the bytes of a PNG, PGM or PPM file; see `loadImage(_:mode:)`.
public func loadImage(bytes: [UInt8], mode: ImageMode = .unchanged) throws(FileError) -> Tensor {
  try decodeImage(bytes, MemorySource(bytes), mode)
}

/// The most pixels of an image that is read: 2²⁷, some 11,000 by 11,000.
let largestImage = 1 << 27

private func decodeImage(
  _ bytes: [UInt8], _ source: some ByteSource, _ mode: ImageMode
) throws(FileError) -> Tensor {
  let pixels: Tensor
  if isPNG(bytes) {
    pixels = try decodePNG(bytes, source)
  } else if bytes.count >= 2 && bytes[0] == UInt8(ascii: "P") {
    pixels = try decodePNM(bytes, source)
  } else {
    throw FileError(
      .unsupported, file: source.name, offset: 0, "this is neither PNG nor PGM nor PPM",
      help: "convert the picture to PNG")
  }
  // From here on [height, width, channels].
  return noGrad { convert(pixels, mode).permute(2, 0, 1).contiguous() }
}

/// Other channels for `[height, width, channels]`.
private func convert(_ x: Tensor, _ mode: ImageMode) -> Tensor {
  let channels = x.shape[2]
  func part(_ start: Int, _ length: Int) -> Tensor { x.narrow(dim: 2, start: start, length: length) }
  let isGray = channels <= 2
  switch mode {
  case .unchanged: return x
  case .gray:
    if isGray { return part(0, 1) }
    // Rounded, with the weights in 65536ths, so that white stays white.
    let colors = part(0, 3).contiguous()
    let gray = Tensor(empty: [x.shape[0], x.shape[1], 1], .uint8)
    colors.withElements(UInt8.self) { source in
      gray.withElements(UInt8.self) { target in
        for i in target.indices {
          let sum = Int(source[3 * i]) * 19595 + Int(source[3 * i + 1]) * 38470 + Int(source[3 * i + 2]) * 7471
          target[i] = UInt8((sum + 32768) >> 16)
        }
      }
    }
    return gray
  case .rgb: return isGray ? cat([part(0, 1), part(0, 1), part(0, 1)], dim: 2) : part(0, 3)
  case .rgba:
    let opaque = Tensor.full([x.shape[0], x.shape[1], 1], 255, dtype: .uint8)
    let alpha = channels == 2 ? part(1, 1) : channels == 4 ? part(3, 1) : opaque
    return isGray ? cat([part(0, 1), part(0, 1), part(0, 1), alpha], dim: 2) : cat([part(0, 3), alpha], dim: 2)
  }
}
