import FirecrestCore
import FirecrestIO
import FirecrestVision
import TestSupport
import Testing

/// The picture that make_images.py writes: pixel (x, y) of channel c is (7 x + 13 y + 50 c) % 256.
private func ramp(_ channels: Int) -> Tensor {
  let values = (0..<channels).flatMap { c in
    (0..<5).flatMap { y in (0..<9).map { x in (7 * x + 13 * y + 50 * c) % 256 } }
  }
  return Tensor(values, shape: [channels, 5, 9], dtype: .uint8)
}

@Suite struct ImageTests {
  @Test(arguments: [
    ("gray.png", 1), ("gray_alpha.png", 2), ("rgb.png", 3), ("rgba.png", 4), ("gray16.png", 1), ("gamma.png", 3),
    ("interlaced.png", 3), ("gray.pgm", 1), ("rgb.ppm", 3),
  ])
  func readsWhatOthersWrote(_ name: String, _ channels: Int) throws {
    #expect(difference(try loadImage(fixture(name)), ramp(channels)) == nil)
  }

  @Test func readsPalettesAndBits() throws {
    let bits = try loadImage(fixture("bits.png"))
    #expect(bits.shape == [1, 5, 9])
    #expect(bits.toArray(Int.self) == (0..<45).map { 255 * (($0 % 9 + $0 / 9) % 2) })
    let palette = try loadImage(fixture("palette.png"))
    #expect(palette.shape == [3, 5, 9])
    #expect(palette.toArray(Int.self) == (0..<135).map { 50 * ($0 / 45) + ($0 % 9 + $0 % 45 / 9) % 20 })
  }

  @Test func changesChannels() throws {
    let gray = try loadImage(fixture("rgb.png"), mode: .gray)
    #expect(difference(gray, try loadImage(fixture("rgb_as_gray.png"))) == nil)
    #expect(difference(try loadImage(fixture("rgba.png"), mode: .rgb), ramp(3)) == nil)
    #expect(difference(try loadImage(fixture("rgba.png"), mode: .rgba), ramp(4)) == nil)
    #expect(difference(try loadImage(fixture("gray_alpha.png"), mode: .gray), ramp(1)) == nil)
    let plane = ramp(1)
    #expect(difference(try loadImage(fixture("gray.pgm"), mode: .rgb), cat([plane, plane, plane])) == nil)
    let alpha = ramp(2).narrow(dim: 0, start: 1, length: 1)
    let full = try loadImage(fixture("gray_alpha.png"), mode: .rgba)
    #expect(difference(full, cat([plane, plane, plane, alpha])) == nil)
    let opaque = Tensor.full([1, 5, 9], 255, dtype: .uint8)
    #expect(difference(try loadImage(fixture("rgb.ppm"), mode: .rgba), cat([ramp(3), opaque])) == nil)
  }

  @Test func writesWhatItReads() throws {
    try withFolder { folder in
      for channels in 1...4 {
        try savePNG(ramp(channels), to: "\(folder)/x.png")
        #expect(difference(try loadImage("\(folder)/x.png"), ramp(channels)) == nil)
      }
    }
    #expect(difference(try loadImage(bytes: pngBytes(ramp(1)[0])), ramp(1)) == nil)
    let wide = Tensor.randint(high: 256, [3, 40, 1000], dtype: .uint8)
    #expect(difference(try loadImage(bytes: pngBytes(wide)), wide) == nil)
    // Rounded, and kept within 0 to 255.
    let numbers = Tensor([[-1, 0, 0.5, 0.999, 1, 2]], dtype: .float32)
    #expect(try loadImage(bytes: pngBytes(numbers)).toArray(Int.self) == [0, 0, 128, 255, 255, 255])
  }

  @Test func readsTextAndOtherMaxima() throws {
    func picture(_ text: String, _ rest: [UInt8] = []) throws -> Tensor {
      try loadImage(bytes: Array(text.utf8) + rest)
    }
    #expect(try picture("P2 # a comment\n2 1\n# more\n15\n0 15\n").toArray(Int.self) == [0, 255])
    let color = try picture("P3\n1 2 255\n1 2 3\n4 5 6")
    #expect(color.shape == [3, 2, 1] && color.toArray(Int.self) == [1, 4, 2, 5, 3, 6])
    #expect(try picture("P5 2 1 65535\n", [0xFF, 0xFF, 0x01, 0x01]).toArray(Int.self) == [255, 1])
    #expect(try picture("P5 3 1 1\n", [0, 1, 0]).toArray(Int.self) == [0, 255, 0])
    // The byte after the largest value is the blank; a pixel may look like one.
    #expect(try picture("P5 1 1 255\n", [0x20]).toArray(Int.self) == [32])
  }

  @Test(arguments: [
    "P5", "P5 2", "P5 2 2 255", "P5 2 2 255\nabc", "P5 2 2 255\nabcde", "P5 0 2 255\n", "P5 2 -1 255\n",
    "P5 2 2 0\nabcd",
    "P5 2 2 65536\nabcd", "P5 99999999 99999999 255\nabcd", "P5 2 2 100\n\u{7F}bcd", "P2 2 1 9\n1", "P2 2 1 9\n1 10",
    "P2 2 1 9\n1 2 3", "P2 2 1 9\n1 x", "P52 2 255\nabcd", "P6 1 1 255\nab", "P4 1 1\na", "P", "", "GIF89a",
    "P5 99999999999999999999999 1 255\na",
  ])
  func refusesLies(_ text: String) {
    let error = fileError { () throws(FileError) in _ = try loadImage(bytes: Array(text.utf8)) }
    #expect(error?.reason.isEmpty == false && error?.help.isEmpty == false)
  }

  @Test func refusesDamagedPNG() throws {
    let bytes = try fixtureBytes("rgb.png")
    func refusal(_ bytes: [UInt8]) -> FileError? {
      fileError { () throws(FileError) in _ = try loadImage(bytes: bytes) }
    }
    for length in 0..<bytes.count { #expect(refusal(Array(bytes[..<length])) != nil, "\(length)") }
    // Another content under the old checksum.
    var other = bytes
    other[45] ^= 0x10
    #expect(refusal(other)?.reason.contains("damaged") == true)
    // 10,000 by 10,000 pixels in 30 bytes.
    var large = bytes
    large.replaceSubrange(16..<24, with: [0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10])
    #expect(refusal(large)?.reason.hasPrefix("10000 by 10000 pixels cannot be in") == true)
    large.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])
    #expect(refusal(large)?.kind == .unsupported)
    var interlaced = try fixtureBytes("gray16.png")
    interlaced[28] = 1
    #expect(refusal(interlaced)?.reason == "an interlaced picture of 16 bits is not read")
  }

  @Test func survivesMutation() async {
    await #expect(processExitsWith: .success) {
      let names = ["gray.png", "rgba.png", "palette.png", "bits.png", "gray16.png", "interlaced.png", "gamma.png"]
      // A bit becomes a byte of at most 4 channels.
      mutate(try names.map(fixtureBytes), share: 0.3, seed: 2, expansion: 1032 * 32) { bytes throws(FileError) in
        [try loadImage(bytes: bytes)]
      }
    }
    await #expect(processExitsWith: .success) {
      let text = Array("P3 # text\n2 2\n15\n0 1 2 3 4 5 6 7 8 9 10 15\n".utf8)
      let files = try [fixtureBytes("gray.pgm"), fixtureBytes("rgb.ppm"), text]
      mutate(files, share: 0.2, seed: 3, expansion: 4) { bytes throws(FileError) in [try loadImage(bytes: bytes)] }
    }
  }
}
