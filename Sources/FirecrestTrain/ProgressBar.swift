#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Shows how far a loop is, on standard error: a bar that is redrawn on a terminal, plain lines elsewhere.
///
/// ```swift
/// let bar = ProgressBar("epoch 1/3", total: loader.count)
/// for (x, y) in loader {
///   …
///   bar["loss"] = loss.item()
///   bar.advance()
/// }
/// bar.finish()
/// ```
/// `progress(loader, "epoch 1/3")` does the same around a loop. What cannot be written is dropped; a bar never throws.
public final class ProgressBar {
  /// Where and how often progress appears.
  public enum Style: Sendable, Hashable {
    /// A bar where standard error is a terminal, else a line every ten seconds.
    case automatic
    /// A bar, ten times a second at most.
    case bar
    /// A line at most every so many seconds, and one at the end.
    case lines(every: Double)
    /// Nothing.
    case quiet
  }

  /// What stands before the bar.
  public let label: String
  /// How many steps there will be, nil where that is unknown.
  public var total: Int?
  /// How many steps are done.
  public private(set) var done = 0
  /// What a step is called, for example `img` in `1200 img/s`.
  public let unit: String

  private let style: Style
  private let terminal: Terminal
  private let start: Double
  private var first = 0
  private var drawn: Double
  private var values: [(name: String, value: Double)] = []
  private var isFinished = false

  /// A bar at its beginning; the clock starts now.
  ///
  /// - Parameters:
  ///   - label: What stands before the bar.
  ///   - total: How many steps there will be.
  ///   - unit: What a step is called.
  ///   - style: Where and how often progress appears.
  public convenience init(_ label: String, total: Int? = nil, unit: String = "it", style: Style = .automatic) {
    self.init(label, total: total, unit: unit, style: style, terminal: .standardError)
  }

  package init(_ label: String, total: Int?, unit: String, style: Style, terminal: Terminal) {
    self.label = label
    self.total = total
    self.unit = unit
    self.style = style == .automatic ? (terminal.isInteractive ? .bar : .lines(every: 10)) : style
    self.terminal = terminal
    start = terminal.now()
    drawn = -.infinity
    if case .lines = self.style { drawn = start }
  }

  /// A running value beside the bar, such as `bar["loss"] = loss.item()`; nil removes it.
  public subscript(name: String) -> Double? {
    get { values.first { $0.name == name }?.value }
    set {
      let index = values.firstIndex { $0.name == name }
      switch (index, newValue) {
      case (let index?, let value?): values[index].value = value
      case (let index?, nil): values.remove(at: index)
      case (nil, let value?): values.append((name, value))
      case (nil, nil): break
      }
    }
  }

  /// Says that `count` steps were done before the clock started, by an earlier process say; they do not enter the rate.
  public func skip(_ count: Int) {
    first += count
    done += count
  }

  /// Moves on by `count` steps and redraws where it is time to.
  public func advance(_ count: Int = 1) {
    done += count
    let now = terminal.now()
    switch style {
    case .bar where now - drawn >= 0.1:
      drawn = now
      terminal.write("\r" + barLine(now) + "\u{1B}[K")
    case .lines(let interval) where now - drawn >= interval:
      drawn = now
      terminal.write(plainLine(now) + "\n")
    default: break
    }
  }

  /// Shows the final state. Further calls do nothing.
  public func finish() {
    if isFinished { return }
    isFinished = true
    let now = terminal.now()
    switch style {
    case .bar: terminal.write("\r" + barLine(now) + "\u{1B}[K\n")
    case .lines: terminal.write(plainLine(now) + "\n")
    default: break
    }
  }

  private var share: Double? { total.map { $0 > 0 ? min(1, Double(max(0, done)) / Double($0)) : 1 } }

  private func plainLine(_ now: Double) -> String {
    ([label] + (share.map { [format("%.0f%%", 100 * $0)] } ?? []) + [details(now)]).joined(separator: "  ")
  }

  private func barLine(_ now: Double) -> String {
    // The last column stays free: some terminals wrap a line that fills it.
    let columns = max(10, terminal.columns() - 1)
    guard let share else { return String(plainLine(now).prefix(columns)) }
    let rest = "  " + details(now)
    let head = label + format(" %3.0f%% ", 100 * share)
    let width = min(30, columns - head.count - rest.count)
    if width < 5 { return String((head + rest).prefix(columns)) }
    let filled = Int(share * Double(width))
    return head + String(repeating: "━", count: filled) + String(repeating: "╌", count: width - filled) + rest
  }

  /// Count, rate, time and the running values.
  private func details(_ now: Double) -> String {
    let elapsed = now - start
    var parts = [total.map { "\(done)/\($0)" } ?? "\(done) \(unit)"]
    let steps = Double(done - first)
    if steps > 0 && elapsed > 0 { parts.append(rate(steps / elapsed)) }
    if isFinished {
      parts.append("in " + duration(elapsed))
    } else if let total, steps > 0 {
      parts.append(duration(elapsed / steps * Double(max(0, total - done))) + " left")
    }
    return (parts + values.map { "\($0.name) \(format("%.4g", $0.value))" }).joined(separator: "  ")
  }

  private func rate(_ perSecond: Double) -> String {
    if perSecond < 1 { return format("%.1f", 1 / perSecond) + " s/\(unit)" }
    return format(perSecond < 100 ? "%.1f" : "%.0f", perSecond) + " \(unit)/s"
  }

  private func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let whole = Int(seconds.rounded())
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    let tail = (whole % 60 < 10 ? "0" : "") + "\(whole % 60)"
    return hours > 0 ? "\(hours):\(minutes < 10 ? "0" : "")\(minutes):\(tail)" : "\(minutes):\(tail)"
  }
}

/// Where a bar writes to and what time it is; tests put their own in its place.
package struct Terminal {
  package var isInteractive: Bool
  package var columns: () -> Int
  package var now: () -> Double
  package var write: (String) -> Void

  package init(
    isInteractive: Bool, columns: @escaping () -> Int, now: @escaping () -> Double, write: @escaping (String) -> Void
  ) {
    self.isInteractive = isInteractive
    self.columns = columns
    self.now = now
    self.write = write
  }

  /// Standard error, with the window's width as it is at each call.
  package static var standardError: Terminal {
    Terminal(
      isInteractive: isatty(STDERR_FILENO) == 1,
      columns: {
        var size = winsize()
        let known = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return known ? Int(size.ws_col) : 80
      },
      now: monotonicSeconds,
      write: { text in
        var text = text
        text.withUTF8 { bytes in _ = put(STDERR_FILENO, bytes.baseAddress, bytes.count) }
      })
  }
}

/// Seconds on a clock that never goes back.
package func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// The system's `write`, which a member of that name hides inside `Terminal`.
private func put(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
