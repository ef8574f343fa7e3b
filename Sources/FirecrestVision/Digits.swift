import FirecrestCPU
import FirecrestCore
import FirecrestData
import FirecrestIO

/// 1,797 handwritten digits of 8 by 8 pixels, part of the product: nothing needs to be downloaded.
///
/// ```swift
/// let train = Digits(train: true)     // 1,438 images
/// let test = Digits(train: false)     // 359 images, the fixed held-out fifth
/// ```
///
/// Every image was written by hand by one of 13 people, scanned at 32 by 32 black or white pixels and reduced to counts
/// from 0 to 16, which are scaled to 0 ... 1 here.
///
/// **The split.** Of each class, in the file's order, the images number 2, 7, 12, … (the third of every five) are the
/// test images; both parts keep the file's order. A rule by class, because the file runs through the classes in turns
/// of ten.
///
/// **Source.** E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
/// 1998, https://doi.org/10.24432/C50P49, the file `optdigits.tes`, licence CC BY 4.0. The pixels are unchanged.
public struct Digits: ImageDataset {
  /// uint8 `[count, 1, 8, 8]`, from 0 to 16.
  public let pixels: Tensor
  /// int64 `[count]`, from 0 to 9.
  public let labels: Tensor
  /// 16.
  public var largestPixel: Int { 16 }
  /// "0" to "9".
  public static let classNames = (0...9).map(String.init)

  /// The training or the test images.
  public init(train: Bool = true) {
    var chosen: [Int] = []
    var seen = [Int](repeating: 0, count: 10)
    for (i, label) in Digits.all.labels.toArray(Int.self).enumerated() {
      let isTest = seen[label] % 5 == 2
      seen[label] += 1
      if isTest != train { chosen.append(i) }
    }
    let index = Tensor(chosen)
    pixels = Digits.all.pixels.indexSelect(dim: 0, index)
    labels = Digits.all.labels.indexSelect(dim: 0, index)
  }

  /// All digits in the file's order.
  static let all: (pixels: Tensor, labels: Tensor) = {
    let count = 1797
    let columns: [UInt8]
    do throws(FileError) {
      let stream = try GzipStream(MemorySource(decodeBase64(digitsArchive)))
      columns = try stream.bytes(65 * count, "the digits")
      try stream.finish()
    } catch { fail("Digits", "the embedded digits are damaged: \(error.reason)") }
    let table = Tensor(columns, shape: [65, count]).transpose(0, 1)
    return (
      table.narrow(dim: 1, start: 0, length: 64).contiguous().view(count, 1, 8, 8),
      table.select(dim: 1, 64).to(.int64)
    )
  }()
}

/// The bytes of a Base64 text; line breaks do not count.
private func decodeBase64(_ text: StaticString) -> [UInt8] {
  var values = [UInt8](repeating: 0xFF, count: 256)
  for (value, letter) in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8.enumerated() {
    values[Int(letter)] = UInt8(value)
  }
  var result: [UInt8] = []
  result.reserveCapacity(text.utf8CodeUnitCount * 3 / 4)
  var bits: UInt32 = 0
  var held = 0
  text.withUTF8Buffer { letters in
    for letter in letters where values[Int(letter)] != 0xFF {
      bits = bits << 6 | UInt32(values[Int(letter)])
      held += 6
      if held >= 8 {
        held -= 8
        result.append(UInt8(truncatingIfNeeded: bits >> held))
      }
    }
  }
  return result
}
