import CRuntime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Stops the program with one message on standard error, in debug and release builds alike. This is what misuse of
/// the library ends in; files, downloads and user data throw typed errors instead.
package func fail(_ operation: String, _ reason: String, values: [String] = [], help: String? = nil) -> Never {
  var text = "Firecrest: \(operation): \(reason)\n"
  for value in values { text += "  \(value)\n" }
  if let help { text += "  help:  \(help)\n" }
  // What was printed so far would be lost where it goes to a file or a pipe.
  fc_flush_standard_output()
  writeToStandardError(text)
  // Not abort(), out of which Swift's backtrace finds no way: so that in a debug build it names the caller's line.
  fc_trap()
}

private let warned = Guarded<Set<String>>([])

/// Writes a message like `fail`'s, the first time that it is this one, and goes on.
package func warnOnce(_ operation: String, _ reason: String, help: String? = nil) {
  let text = "Firecrest: \(operation): warning: \(reason)\n" + (help.map { "  help:  \($0)\n" } ?? "")
  if warned.withLock({ $0.insert(text).inserted }) { writeToStandardError(text) }
}

/// Writes all of `text` to file descriptor 2, unbuffered.
package func writeToStandardError(_ text: String) {
  var text = text
  text.withUTF8 { bytes in
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = write(2, UnsafeRawPointer(rest.baseAddress!), rest.count)
      if written <= 0 { return }
      rest = rest.dropFirst(written)
    }
  }
}

extension Slice where Base == UnsafeBufferPointer<UInt8> {
  fileprivate var baseAddress: UnsafePointer<UInt8>? { base.baseAddress.map { $0 + startIndex } }
}
