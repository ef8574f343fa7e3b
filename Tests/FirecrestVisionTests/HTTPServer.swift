import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A web server on this machine that answers as a test wants, one request after the other.
final class HTTPServer: Sendable {
  /// A request: its path, and from which byte on the file is wanted.
  struct Request: Equatable, Sendable {
    var path: String
    var start: Int?
  }

  /// An answer.
  enum Answer: Sendable {
    /// A file, or the part that is asked for.
    case file([UInt8])
    /// The whole file, whatever is asked for.
    case whole([UInt8])
    /// A file, of which only so many bytes are sent before the connection ends.
    case cut([UInt8], after: Int)
    /// Any status, headers and body.
    case custom(String, headers: [String], body: [UInt8])
    /// Nothing until the other side gives up.
    case silence
  }

  let port: UInt16
  private let listener: Int32
  private let received = Mutex<[Request]>([])
  private let ended = DispatchSemaphore(value: 0)

  /// All requests so far.
  var requests: [Request] { received.withLock { $0 } }
  /// `http://127.0.0.1:port`.
  var address: String { "http://127.0.0.1:\(port)" }

  /// Starts to answer; `answer` also learns the request's number, from 0.
  init(_ answer: @escaping @Sendable (Request, Int) -> Answer) {
    #if canImport(Glibc)
      let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let listener = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
        guard bind(listener, place, size) == 0, listen(listener, 8) == 0, getsockname(listener, place, &size) == 0
        else {
          fatalError("no server: errno \(errno)")
        }
      }
    }
    self.listener = listener
    port = UInt16(bigEndian: place.sin_port)
    let thread = Thread { [self] in
      while true {
        let connection = accept(listener, nil, nil)
        if connection < 0 { break }
        serve(connection, answer)
        close(connection)
      }
      ended.signal()
    }
    thread.start()
  }

  /// Ends the server and its thread; from here on the port refuses connections.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    ended.wait()
    close(listener)
  }

  private func serve(_ connection: Int32, _ answer: (Request, Int) -> Answer) {
    guard let request = readRequest(connection) else { return }
    let number = received.withLock { all in
      all.append(request)
      return all.count - 1
    }
    switch answer(request, number) {
    case .file(let content): send(connection, content, from: request.start, cut: nil)
    case .whole(let content): send(connection, content, from: nil, cut: nil)
    case .cut(let content, let after): send(connection, content, from: request.start, cut: after)
    case .custom(let status, let headers, let body): write(connection, status, headers, body)
    case .silence:
      var byte: UInt8 = 0
      _ = recv(connection, &byte, 1, 0)
    }
  }

  private func readRequest(_ connection: Int32) -> Request? {
    var text: [UInt8] = []
    var byte: UInt8 = 0
    while !text.suffix(4).elementsEqual([13, 10, 13, 10]) {
      guard recv(connection, &byte, 1, 0) == 1 else { return nil }
      text.append(byte)
    }
    let lines = String(decoding: text, as: UTF8.self).components(separatedBy: "\r\n")
    let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
    return Request(
      path: lines[0].components(separatedBy: " ")[1], start: range.flatMap { Int($0.dropFirst(13).dropLast()) })
  }

  private func send(_ connection: Int32, _ content: [UInt8], from start: Int?, cut: Int?) {
    guard let start else {
      return write(
        connection, "200 OK", ["Content-Length: \(content.count)"], Array(content.prefix(cut ?? content.count)))
    }
    guard start < content.count else {
      return write(connection, "416 Range Not Satisfiable", ["Content-Range: bytes */\(content.count)"], [])
    }
    let headers = [
      "Content-Length: \(content.count - start)",
      "Content-Range: bytes \(start)-\(content.count - 1)/\(content.count)",
    ]
    write(connection, "206 Partial Content", headers, Array(content[start...].prefix(cut ?? content.count)))
  }

  private func write(_ connection: Int32, _ status: String, _ headers: [String], _ body: [UInt8]) {
    let head = (["HTTP/1.1 \(status)", "Connection: close"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
    let bytes = Array(head.utf8) + body
    var done = 0
    while done < bytes.count {
      let sent = bytes.withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
      }
      if sent <= 0 { return }
      done += sent
    }
  }
}
