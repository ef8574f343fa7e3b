#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How the numbers of one tensor are written: all in one form, padded to one width, as PyTorch chooses them.
struct NumberFormat {
  private enum Form { case whole, fixed, scientific }
  private var form = Form.whole
  private let precision: Int
  /// The width to which numbers are padded.
  private(set) var width = 1

  /// The form for elements of which `values` are shown; NaN, infinities and zeros have no say.
  init(_ values: [Double], _ options: PrintOptions) {
    precision = options.precision
    var smallest = Double.infinity
    var largest = 0.0
    var isWhole = true
    for value in values where value.isFinite && value != 0 {
      smallest = min(smallest, abs(value))
      largest = max(largest, abs(value))
      if value != value.rounded(.up) { isWhole = false }
    }
    if largest == 0 { return }
    if options.sciMode ?? (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4) {
      form = .scientific
    } else if !isWhole {
      form = .fixed
    }
    for value in values where value.isFinite && value != 0 { width = max(width, text(value).utf8.count) }
  }

  /// The format of integers.
  init(_ values: [Int], _ options: PrintOptions) {
    precision = options.precision
    for value in values { width = max(width, String(value).utf8.count) }
  }

  /// The format of truth values.
  init(_ values: [Bool], _ options: PrintOptions) {
    precision = options.precision
    width = values.contains(false) ? 5 : 4
  }

  /// A number in the tensor's form, not padded.
  func text(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    return switch form {
    case .whole: cFormat("%.*f", 0, value) + "."
    case .fixed: cFormat("%.*f", precision, value)
    case .scientific: cFormat("%.*e", precision, value)
    }
  }

  /// `text` behind as many spaces as the width asks for.
  func padded(_ text: String) -> String {
    String(repeating: " ", count: max(0, width - text.utf8.count)) + text
  }
}

/// C's formatting, which rounds a decimal correctly from all of the binary digits, as Python's does.
private func cFormat(_ format: String, _ precision: Int, _ value: Double) -> String {
  withVaList([CInt(clamping: precision), value]) { arguments in
    // Room for nearly all numbers; only the largest in fixed form need more.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400 + max(0, precision)) { buffer in
      let count = Int(vsnprintf(buffer.baseAddress!, buffer.count, format, arguments))
      return String(decoding: buffer[..<min(count, buffer.count - 1)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}
