import CRuntime
import FirecrestCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension Digraph {
  /// A kind of picture that Graphviz draws.
  public enum Format: String, Sendable {
    /// Pixels.
    case png
    /// Lines, for browsers.
    case svg
    /// Lines, for print.
    case pdf
  }

  /// Writes the text as a file for Graphviz, replacing the file in one step.
  ///
  /// - Parameter path: The file, by custom with the ending `.gv`.
  /// - Throws: `FileError` where writing fails.
  public func save(to path: String) throws(FileError) {
    let file = try AtomicFile(path)
    try file.write(Array(source.utf8))
    try file.commit()
  }

  /// Writes the text as a file for Graphviz, and beside it the picture that Graphviz's program `dot` draws of it (the
  /// `render` of what torchviz's `make_dot` returns).
  ///
  /// ```swift
  /// try makeDot(net(x), params: net.namedParameters()).render("graph")   // graph and graph.png
  /// ```
  ///
  /// - Parameters:
  ///   - path: The file with the text. The picture's has the format's ending too.
  ///   - format: The kind of picture.
  /// - Returns: The picture's path.
  /// - Throws: `FileError` where writing fails, or `dot` is missing or fails; an older picture stays as it was then.
  @discardableResult
  public func render(_ path: String, format: Format = .png) throws(FileError) -> String {
    try save(to: path)
    let picture = "\(path).\(format.rawValue)", unfinished = "\(picture).\(getpid()).tmp"
    defer { unlink(unfinished) }
    // A path that begins with a dash would be an option.
    let source = path.hasPrefix("-") ? "./" + path : path
    let arguments = ["dot", "-T\(format.rawValue)", "-o", unfinished, source]
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    let status = fc_run(words)
    if status < 0 {
      throw FileError(
        .system(-status), file: picture, "cannot run Graphviz's program dot: \(String(cString: strerror(-status)))",
        help: "install Graphviz: apt-get install graphviz, brew install graphviz, or https://graphviz.org/download")
    }
    if status > 0 {
      throw FileError(
        .unsupported, file: picture, "Graphviz's program dot failed with status \(status)",
        help: "see what it printed; run: dot -T\(format.rawValue) \(source)")
    }
    if rename(unfinished, picture) != 0 { throw .system(picture, "write") }
    return picture
  }
}
