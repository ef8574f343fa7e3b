import FirecrestIO
import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// One HTTP request that appends to a partial file, asking for the part that is missing.
final class Transfer: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  // The session calls the delegate's methods one after the other, on a queue of its own; `run` reads the outcome after
  // the last call.
  /// How the request ended.
  struct Outcome {
    /// Why the file is not complete; nil where all bytes came.
    var reason: String?
    /// Whether asking the same address for the rest makes sense.
    var mayContinue = false
    /// Whether the beginning had come earlier.
    var wasContinued = false
  }

  private let part: PartialFile
  private let limit: Int
  private var outcome = Outcome()
  /// The size that the file will have; nil where the server does not say.
  private var expected: Int?
  private let done = DispatchSemaphore(value: 0)

  init(_ part: PartialFile, limit: Int) {
    self.part = part
    self.limit = limit
  }

  /// Waits for the end of the request.
  func run(_ url: URL, patience: Double) -> Outcome {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = patience
    configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
    var request = URLRequest(url: url)
    // Unpacking on the way would change sizes and checksums.
    request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    if part.count > 0 { request.setValue("bytes=\(part.count)-", forHTTPHeaderField: "Range") }
    let session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
    session.dataTask(with: request).resume()
    done.wait()
    session.invalidateAndCancel()
    return outcome
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
  ) {
    outcome.reason = reasonToRefuse(response)
    completionHandler(outcome.reason == nil ? .allow : .cancel)
  }

  private func reasonToRefuse(_ response: URLResponse) -> String? {
    guard let response = response as? HTTPURLResponse else { return "the answer is not HTTP" }
    let length = response.expectedContentLength >= 0 ? Int(response.expectedContentLength) : nil
    switch response.statusCode {
    case 200:
      // The whole file, also where a part was asked for.
      if part.count > 0 {
        do throws(FileError) { try part.clear() } catch { return error.reason }
      }
      expected = length
    case 206:
      guard let range = contentRange(response), range.start == part.count else {
        outcome.mayContinue = false
        return "the answer is another part than the one asked for"
      }
      outcome.wasContinued = true
      expected = range.total ?? length.map { $0 + part.count }
    case 416:
      // The part is at least as long as the file: all there, or from another one. The check tells.
      outcome.wasContinued = true
      isComplete = true
      return "the part asked for does not exist"
    default: return "status \(response.statusCode)"
    }
    if let expected, expected > limit { return "the file would have \(expected) bytes, more than \(limit)" }
    return nil
  }

  private var isComplete = false

  /// `bytes 100-199/200`, as numbers.
  private func contentRange(_ response: HTTPURLResponse) -> (start: Int, total: Int?)? {
    guard let text = response.value(forHTTPHeaderField: "Content-Range"), text.hasPrefix("bytes ") else { return nil }
    let fields = text.dropFirst(6).split(whereSeparator: { $0 == "-" || $0 == "/" })
    guard fields.count == 3, let start = Int(fields[0]) else { return nil }
    return (start, Int(fields[2]))
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    if outcome.reason != nil { return }
    if part.count + data.count > limit {
      outcome.reason = "the file has more than \(limit) bytes"
    } else if let expected, part.count + data.count > expected {
      outcome.reason = "more bytes came than the \(expected) announced"
    } else if !part.append(data) {
      outcome.reason = "the disk refused"
    }
    if outcome.reason != nil { dataTask.cancel() }
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    if isComplete {
      outcome.reason = nil
    } else if outcome.reason == nil {
      if let error {
        outcome.reason = error.localizedDescription
        outcome.mayContinue = true
      } else if let expected, part.count < expected {
        outcome.reason = "the transfer ended after \(part.count) of \(expected) bytes"
        outcome.mayContinue = true
      }
    }
    done.signal()
  }
}
