import ArgumentParser
import Firecrest

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Input that cannot be worked with; ends the command with status 2.
struct UserError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Ends the process as an error asks for: one line on standard error and status 2 for bad input, 1 where the machine
/// failed; 0 for help that was asked for.
func leave(with error: any Error) -> Never {
  if FirecrestCommand.exitCode(for: error) == .success { FirecrestCommand.exit(withError: error) }
  if let code = error as? ExitCode { exit(code.rawValue) }
  let isArgument = FirecrestCommand.exitCode(for: error) == .validationFailure
  let text = isArgument ? FirecrestCommand.message(for: error) : "\(error)"
  printError("firecrest: " + oneLine(text) + (isArgument ? " (see firecrest --help)" : ""))
  exit(isMachines(error) ? 1 : 2)
}

/// A line on standard error.
func printError(_ line: String) {
  fflush(nil)
  let bytes = Array((line + "\n").utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
}

/// An error's lines as one, its remedy in parentheses.
private func oneLine(_ text: String) -> String {
  var lines = text.split(whereSeparator: \.isNewline).map { String($0.drop { $0 == " " }) }
  guard lines.count > 1, let last = lines.last, last.hasPrefix("help:") else { return lines.joined(separator: "; ") }
  lines.removeLast()
  return lines.joined(separator: "; ") + " (" + last.dropFirst(5).drop { $0 == " " } + ")"
}

/// Whether the system is at fault, not what it was asked to read.
private func isMachines(_ error: any Error) -> Bool {
  guard let error = error as? FileError, case .system(let code) = error.kind else { return false }
  return [ENOSPC, EDQUOT, EIO, ENOMEM, EMFILE, ENFILE].contains(code)
}
