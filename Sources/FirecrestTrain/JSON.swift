import FirecrestIO

/// A JSON text in the making, with keys in the order given.
package indirect enum JSON {
  case null
  case bool(Bool)
  case integer(Int)
  /// Null where the number is not finite, for which JSON has no spelling.
  case number(Double)
  case text(String)
  /// JSON as it stands, a number too large for Int say.
  case raw(String)
  case list([JSON])
  case object(KeyValuePairs<String, JSON>)

  /// On one line.
  package var line: String {
    switch self {
    case .null: "null"
    case .bool(let bit): bit ? "true" : "false"
    case .integer(let number): "\(number)"
    case .number(let number): number.isFinite ? "\(number)" : "null"
    case .text(let text): jsonString(text)
    case .raw(let text): text
    case .list(let items): "[" + items.map(\.line).joined(separator: ", ") + "]"
    case .object(let entries):
      "{" + entries.map { "\(jsonString($0.key)): \($0.value.line)" }.joined(separator: ", ") + "}"
    }
  }

  /// An object with an entry a line, ending in a line break.
  package var lines: String {
    guard case .object(let entries) = self else { return line + "\n" }
    let parts = entries.map { "  \(jsonString($0.key)): \($0.value.line)" }
    return "{\n\(parts.joined(separator: ",\n"))\n}\n"
  }
}
