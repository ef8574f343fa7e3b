import FirecrestCore

extension Digraph {
  /// Writes the text as a file for Graphviz, replacing the file in one step.
  ///
  /// - Parameter path: The file, by custom with the ending `.gv`.
  /// - Throws: `FileError` where writing fails.
  public func save(to path: String) throws(FileError) {
    let file = try AtomicFile(path)
    try file.write(Array(source.utf8))
    try file.commit()
  }
}
