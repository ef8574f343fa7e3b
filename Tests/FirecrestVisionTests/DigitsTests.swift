import FirecrestCore
import FirecrestData
import FirecrestVision
import Testing

@Suite struct DigitsTests {
  @Test func holdsTheSplitThatItDocuments() {
    let (train, test) = (Digits(train: true), Digits(train: false))
    #expect(train.count == 1438 && test.count == 359)
    func counts(_ digits: Digits) -> [Int] {
      let labels = digits.labels.toArray(Int.self)
      return (0..<10).map { digit in labels.count { $0 == digit } }
    }
    #expect(counts(test) == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36])
    #expect(zip(counts(train), counts(test)).map { $0 + $1 } == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    #expect(Digits().count == 1438)
  }

  /// Figures that numpy gives for optdigits.tes.
  @Test func holdsTheOriginalPixels() {
    let (train, test) = (Digits(train: true), Digits(train: false))
    let pixels = cat([train.pixels, test.pixels])
    #expect(pixels.dtype == .uint8 && pixels.shape == [1797, 1, 8, 8])
    #expect(pixels.to(.int64).sum().item(as: Int.self) == 561_718)
    #expect(pixels.to(.int64).square().sum().item(as: Int.self) == 6_907_012)
    // The file's first line, a 0, is the first training image.
    let first: [Double] = [
      0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0, 8, 8, 0, 0, 5, 8,
      0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0,
    ]
    let (image, label) = train[0]
    #expect(image.shape == [1, 8, 8] && image.dtype == .float32)
    #expect(image.toArray(Double.self) == first.map { $0 / 16 })
    #expect(label.item(as: Int.self) == 0 && label.dtype == .int64)
  }

  @Test func givesImagesSamplesAndBatches() {
    let test = Digits(train: false)
    #expect(test.images.shape == [359, 1, 8, 8])
    #expect(test.images.min().item() == 0 && test.images.max().item() == 1)
    var position = 0
    for (x, y) in DataLoader(test, batchSize: 100, workers: 1) {
      for i in 0..<y.shape[0] {
        #expect(x[i].toArray(Float.self) == test[position].0.toArray(Float.self))
        #expect(y[i].item() == test[position].1.item())
        position += 1
      }
    }
    #expect(position == 359)
  }
}
