/// Bytes read front to back. Their number is what a header claims, checked for plausibility against the file.
package protocol ByteStream: AnyObject {
  /// The path and, in an archive, the member; for messages.
  var name: String { get }
  /// How many bytes were read.
  var position: Int { get }
  /// How many bytes are left; where the format does not say, the most that can be.
  var remaining: Int { get }
  /// Reads the next bytes; the caller has checked `remaining`.
  func read(into target: UnsafeMutableRawBufferPointer) throws(FileError)
  /// Called when all is read: checks what can only be checked then.
  func finish() throws(FileError)
}

extension ByteStream {
  /// An error about the content.
  package func malformed(_ offset: Int?, _ reason: String, help: String = remedyForDamage) -> FileError {
    FileError(.malformed, file: name, offset: offset, reason, help: help)
  }

  /// The next bytes as an array. `what` names them in the message.
  package func bytes(_ count: Int, _ what: String) throws(FileError) -> [UInt8] {
    guard count <= remaining else {
      throw malformed(position, "\(what) needs \(count) bytes, but only \(remaining) follow")
    }
    var result = [UInt8](repeating: 0, count: count)
    let outcome = result.withUnsafeMutableBytes { target in
      Result { () throws(FileError) in try read(into: target) }
    }
    try outcome.get()
    return result
  }
}

/// A whole source as a stream.
package final class SourceStream: ByteStream {
  private let source: any ByteSource
  package private(set) var position = 0
  package var name: String { source.name }
  package var remaining: Int { source.count - position }

  package init(_ source: any ByteSource) { self.source = source }

  package func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) {
    try source.read(at: position, into: target)
    position += target.count
  }

  package func finish() {}
}
