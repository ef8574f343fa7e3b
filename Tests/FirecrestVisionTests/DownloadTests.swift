import FirecrestIO
import Foundation
import Testing

@testable import FirecrestVision

@Suite struct DownloadTests {
  private let content = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 5) }

  /// A download that wants exactly `content`.
  private func download(_ addresses: [String], _ folder: String) -> Download {
    let content = content
    return Download(addresses: addresses, path: "\(folder)/sub/x.bin", limit: 100_000, patience: 20) {
      path throws(FileError) in
      let source = try FileSource(path)
      if try source.bytes(at: 0, count: source.count, "all") != content {
        throw FileError(.malformed, file: path, "it differs", help: "none")
      }
    }
  }

  /// Runs a download from a server and returns what the server was asked.
  private func run(
    part: [UInt8]? = nil, _ answer: @escaping @Sendable (HTTPServer.Request, Int) -> HTTPServer.Answer
  ) throws -> [HTTPServer.Request] {
    try withFolder { folder in
      let server = HTTPServer(answer)
      defer { server.stop() }
      if let part {
        try FileManager.default.createDirectory(atPath: "\(folder)/sub", withIntermediateDirectories: true)
        try write(part, to: "\(folder)/sub/x.bin.part")
      }
      let download = download(["\(server.address)/a", "\(server.address)/b"], folder)
      try download.run()
      #expect(try read(download.path) == content)
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/sub") == ["x.bin"])
      return server.requests
    }
  }

  @Test func loadsAWholeFile() throws {
    let content = content
    #expect(try run { _, _ in .file(content) } == [.init(path: "/a")])
  }

  @Test func continuesAfterACut() throws {
    let content = content
    let requests = try run { _, number in number < 3 ? .cut(content, after: 10_000) : .file(content) }
    #expect(requests == [0, 10_000, 20_000, 30_000].map { .init(path: "/a", start: $0 == 0 ? nil : $0) })
  }

  @Test func continuesWhereAnotherAddressStopped() throws {
    let content = content
    // The first gives a part, then no more.
    let requests = try run { request, number in
      if number == 0 { return .cut(content, after: 15_000) }
      return request.path == "/a" ? .custom("503 Busy", headers: ["Content-Length: 0"], body: []) : .file(content)
    }
    #expect(requests == [.init(path: "/a"), .init(path: "/a", start: 15_000), .init(path: "/b", start: 15_000)])
  }

  @Test func continuesInALaterRun() throws {
    let content = content
    #expect(try run(part: Array(content[..<1234])) { _, _ in .file(content) } == [.init(path: "/a", start: 1234)])
  }

  @Test func takesTheWholeFileFromServersWithoutRanges() throws {
    let content = content
    let requests = try run(part: [1, 2, 3]) { _, _ in .whole(content) }
    #expect(requests == [.init(path: "/a", start: 3)])
  }

  @Test func beginsAgainWhereTheOldPartIsWrong() throws {
    let content = content
    let requests = try run(part: [UInt8](repeating: 7, count: 500)) { _, _ in .file(content) }
    #expect(requests == [.init(path: "/a", start: 500), .init(path: "/a")])
    // A part as long as the file: the server has nothing more to give.
    let full = try run(part: [UInt8](repeating: 7, count: 40_000)) { _, _ in .file(content) }
    #expect(full == [.init(path: "/a", start: 40_000), .init(path: "/a")])
    #expect(try run(part: content) { _, _ in .file(content) } == [.init(path: "/a", start: 40_000)])
  }

  @Test func refusesTheWrongContentAndTakesTheNextAddress() throws {
    let content = content
    let wrong = content.map { $0 ^ 1 }
    let requests = try run { request, _ in .file(request.path == "/a" ? wrong : content) }
    #expect(requests == [.init(path: "/a"), .init(path: "/b")])
  }

  @Test func followsRedirections() throws {
    let content = content
    let requests = try run { request, _ in
      request.path == "/a"
        ? .custom("302 Found", headers: ["Location: /c", "Content-Length: 0"], body: []) : .file(content)
    }
    #expect(requests.map(\.path) == ["/a", "/c"])
  }

  /// The error where no address works, with what is left in the folder.
  private func failure(
    _ addresses: [String], _ answer: @escaping @Sendable (HTTPServer.Request, Int) -> HTTPServer.Answer,
    patience: Double = 20
  ) throws -> (error: DownloadError?, left: [String]) {
    try withFolder { folder in
      let server = HTTPServer(answer)
      var download = download(addresses.map { $0.hasPrefix("/") ? server.address + $0 : $0 }, folder)
      download.patience = patience
      let error = #expect(throws: DownloadError.self) { try download.run() }
      server.stop()
      return (error, try FileManager.default.contentsOfDirectory(atPath: "\(folder)/sub"))
    }
  }

  @Test func listsEveryAddress() throws {
    let closed = HTTPServer { _, _ in .silence }
    closed.stop()
    let wrong = content.map { $0 ^ 1 }
    let addresses = ["\(closed.address)/x", "/missing", "/wrong", "ftp://127.0.0.1/x"]
    let (error, left) = try failure(addresses) { request, _ in
      request.path == "/wrong" ? .file(wrong) : .custom("404 Not Found", headers: ["Content-Length: 0"], body: [])
    }
    #expect(left == [], "an empty part is removed")
    let attempts = try #require(error?.attempts)
    #expect(attempts.count == 4)
    #expect(attempts[0].address == "\(closed.address)/x" && !attempts[0].reason.isEmpty)
    #expect(attempts[1].reason == "status 404")
    #expect(attempts[2].reason == "what it gives is not the file: it differs")
    #expect(attempts[3].reason == "this is not an HTTP address")
    let lines = error!.description.split(separator: "\n")
    #expect(lines.count == 6 && lines[0].hasSuffix("x.bin: no address gave the file"))
    #expect(lines[1] == "  \(closed.address)/x: \(attempts[0].reason)")
    #expect(lines[5] == "  help:  check the network connection")
  }

  @Test func keepsThePartWhereAllEndEarly() throws {
    let content = content
    let (error, left) = try failure(["/a"]) { _, number in
      number == 0 ? .cut(content, after: 100) : .custom("500 Oops", headers: ["Content-Length: 0"], body: [])
    }
    #expect(error?.attempts.map(\.reason) == ["status 500"])
    #expect(left == ["x.bin.part"])
  }

  @Test func boundsTheSize() throws {
    let large = [UInt8](repeating: 0, count: 100_001)
    let (announced, _) = try failure(["/a"]) { _, _ in .file(large) }
    #expect(announced?.attempts.map(\.reason) == ["the file would have 100001 bytes, more than 100000"])
    let (secret, _) = try failure(["/a"]) { _, _ in .custom("200 OK", headers: [], body: large) }
    #expect(secret?.attempts.map(\.reason) == ["the file has more than 100000 bytes"])
  }

  @Test func refusesAnotherPartThanAskedFor() throws {
    let content = content
    let (error, _) = try failure(["/a"]) { _, number in
      if number == 0 { return .cut(content, after: 100) }
      let headers = ["Content-Length: 40000", "Content-Range: bytes 0-39999/40000"]
      return .custom("206 Partial Content", headers: headers, body: content)
    }
    #expect(error?.attempts.map(\.reason) == ["the answer is another part than the one asked for"])
  }

  @Test func givesUpOnASilentServer() throws {
    let (error, _) = try failure(["/a"], { _, _ in .silence }, patience: 1)
    #expect(error?.attempts.count == 1)
  }

  @Test func twoAtOnceLoadOnce() throws {
    try withFolder { folder throws in
      let content = content
      let server = HTTPServer { _, _ in .file(content) }
      defer { server.stop() }
      let download = download(["\(server.address)/a"], folder)
      let done = DispatchGroup()
      for _ in 0..<3 {
        done.enter()
        Thread {
          #expect(throws: Never.self) { try download.run() }
          done.leave()
        }.start()
      }
      done.wait()
      #expect(server.requests.count == 1)
      #expect(try read(download.path) == content)
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/sub") == ["x.bin"])
    }
  }
}
