import FirecrestCore
import FirecrestData
import FirecrestIO
import Foundation
import Testing

@testable import FirecrestVision

/// A plain IDX file with bytes.
private func idx(_ sizes: [Int], _ content: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(sizes.count)] + sizes.flatMap { n in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: n >> $0) } }
    + content
}

@Suite struct MNISTTests {
  /// Three images of noise and their labels.
  private let images = idx([3, 28, 28], (0..<3 * 784).map { UInt8(truncatingIfNeeded: $0 &* 31) })
  private let labels = idx([3], [7, 0, 9])

  @Test(arguments: ["", "/mnist", "/MNIST/raw"])
  func findsItsFiles(_ below: String) throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + below, withIntermediateDirectories: true)
      try write(images, to: "\(folder)\(below)/t10k-images-idx3-ubyte")
      try write(labels, to: "\(folder)\(below)/t10k-labels-idx1-ubyte.gz")
      let test = try MNIST(folder, train: false)
      #expect(test.count == 3 && test.pixels.shape == [3, 1, 28, 28] && test.images.dtype == .float32)
      #expect(test.labels.toArray(Int.self) == [7, 0, 9] && test.labels.dtype == .int64)
      let (x, y) = test[1]
      #expect(x.shape == [1, 28, 28] && y.item() == 0)
      #expect(x.toArray(Float.self)[1] == Float(UInt8(truncatingIfNeeded: 785 * 31)) / 255)
      let error = #expect(throws: FileError.self) { try MNIST(folder, train: true) }
      #expect(error?.reason.hasPrefix("train-images-idx3-ubyte, plain or .gz, is in none of \(folder), ") == true)
      #expect(error?.kind == .system(2))
    }
  }

  @Test func refusesFilesThatDoNotBelongTogether() throws {
    func refusal(_ images: [UInt8], _ labels: [UInt8]) throws -> String? {
      try withFolder { folder in
        try write(images, to: "\(folder)/t10k-images-idx3-ubyte")
        try write(labels, to: "\(folder)/t10k-labels-idx1-ubyte")
        return #expect(throws: FileError.self) { try FashionMNIST(folder, train: false) }?.reason
      }
    }
    #expect(try refusal(images, idx([2], [1, 2])) == "this holds uint8[2], not uint8[3], a label for each image")
    #expect(try refusal(images, idx([3], [1, 10, 2])) == "label 1 is not a class from 0 to 9")
    #expect(try refusal(labels, labels) == "this holds uint8[3], not uint8[n, 28, 28]")
    #expect(try refusal(idx([0, 28, 28], []), idx([0], [])) == "this holds uint8[0, 28, 28], not uint8[n, 28, 28]")
    #expect(try refusal([0x1F, 0x8B, 1], labels) != nil)
  }

  @Test func downloadsWhatIsMissing() throws {
    let images = idx([10_000, 28, 28], [UInt8](repeating: 3, count: 7_840_000))
    let labels = idx([10_000], (0..<10_000).map { UInt8($0 % 10) })
    let server = HTTPServer { request, _ in
      .file(!request.path.hasPrefix("/good") ? Array("<html>".utf8) : request.path.contains("images") ? images : labels)
    }
    defer { server.stop() }
    try withFolder { folder in
      let mirrors = ["\(server.address)/page", "\(server.address)/good"]
      var files = IDXPair(name: "MNIST", folder: "mnist", mirrors: mirrors, checksums: [:])
      let (x, y) = try files.load(train: false, from: folder, download: true)
      #expect(x.shape == [10_000, 1, 28, 28] && y[12].item() == 2)
      #expect(server.requests.count == 4)
      _ = try files.load(train: false, from: folder, download: true)
      #expect(server.requests.count == 4, "what is there is not loaded again")

      // The same files under checksums of others.
      files.checksums = MNIST.files.checksums
      try FileManager.default.removeItem(atPath: "\(folder)/t10k-labels-idx1-ubyte.gz")
      let error = #expect(throws: DownloadError.self) { try files.load(train: false, from: folder, download: true) }
      #expect(error?.attempts.last?.reason.contains("the SHA-256 of the content is ") == true)
      files.checksums = ["t10k-labels-idx1-ubyte": .sha256(String(repeating: "0", count: 64))]
      let other = #expect(throws: DownloadError.self) { try files.load(train: false, from: folder, download: true) }
      #expect(other?.attempts.last?.reason.contains("the SHA-256 is ") == true)
      #expect(other?.attempts.first?.reason.contains("not an IDX file") == true)
      // That of these labels, as sha256sum gives it.
      files.checksums = [
        "t10k-labels-idx1-ubyte": .sha256("2a4fb3eec0877aa3d4ab80d8f59374733af9b2b2966e8be0e50efe715f443a4d")
      ]
      _ = try files.load(train: false, from: folder, download: true)
    }
  }

  @Test(.enabled(if: mnistFolder != nil, Comment(rawValue: needsMNIST)))
  func readsTheRealFiles() throws {
    let test = try MNIST(mnistFolder!, train: false)
    #expect(test.count == 10_000)
    #expect(test.labels[..<10].toArray(Int.self) == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])
    let train = try MNIST(mnistFolder!)
    #expect(train.count == 60_000)
    #expect(train.labels[..<10].toArray(Int.self) == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    // The mean that everybody normalises with.
    #expect(abs(train.pixels.to(.float32).mean().item() / 255 - 0.1307) < 1e-4)
  }

  @Test(.enabled(if: mnistFolder != nil, Comment(rawValue: needsMNIST)))
  func theRealFilesHaveTheChecksums() throws {
    // 47 MB take a debug build's checksum some 10 seconds.
    let isSlow = ProcessInfo.processInfo.environment["FIRECREST_SLOW_TESTS"] == "1"
    for (name, checksum) in MNIST.files.checksums where isSlow || name != "train-images-idx3-ubyte" {
      try checksum.check("\(mnistFolder!)/\(name).gz")
    }
  }
}
