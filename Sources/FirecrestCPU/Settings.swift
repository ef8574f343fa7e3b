import CRuntime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Every environment variable that Firecrest reads, in one place. They are read once, at first use.
///
/// | variable | meaning | default |
/// | --- | --- | --- |
/// | `FIRECREST_NUM_THREADS` | threads that operations may use | the number of CPUs this process may run on |
/// | `FIRECREST_ISA` | kernel set: `avx512`, `avx2` or `baseline` | the widest that the CPU has |
/// | `FIRECREST_SEED` | seed of the default random generator | 0 |
/// | `FIRECREST_DATA` | folder in which data sets are looked for | none |
/// | `FIRECREST_CACHE` | folder for downloaded data sets and weights | `firecrest` in `XDG_CACHE_HOME` or `~/.cache` |
/// | `FIRECREST_ORACLE` | a Python with PyTorch, for `make bench` | none |
public enum Settings {
  /// `FIRECREST_NUM_THREADS`: a whole number from 1 to 1024.
  public static let numThreads: Int = {
    guard let text = environment("FIRECREST_NUM_THREADS") else { return Int(fc_available_processors()) }
    guard let count = threads(text) else { Invalid.threads(text).refuse() }
    return count
  }()

  /// `FIRECREST_ISA`, as written; `nil` where it is not set.
  public static let instructionSet: String? = environment("FIRECREST_ISA")

  /// `FIRECREST_SEED`.
  public static let seed: UInt64 = {
    guard let text = environment("FIRECREST_SEED") else { return 0 }
    guard let seed = UInt64(text) else { Invalid.seed(text).refuse() }
    return seed
  }()

  /// `FIRECREST_DATA`: the folder with data sets, if one is named.
  public static let dataFolder: String? = environment("FIRECREST_DATA")

  /// `FIRECREST_CACHE`: the folder for downloads; otherwise `firecrest` in the user's cache folder.
  public static let cacheFolder: String = {
    if let folder = environment("FIRECREST_CACHE") { return folder }
    if let folder = environment("XDG_CACHE_HOME"), folder.hasPrefix("/") { return folder + "/firecrest" }
    return (environment("HOME") ?? ".") + "/.cache/firecrest"
  }()

  /// `FIRECREST_ORACLE`: a Python interpreter that has PyTorch, if one is named.
  public static let oracle: String? = environment("FIRECREST_ORACLE")

  private static func threads(_ text: String) -> Int? { Int(text).flatMap { (1...1024).contains($0) ? $0 : nil } }

  /// A value that a variable cannot have. Programs stop where it is first needed; a command can ask before.
  package struct Invalid {
    package let variable: String, reason: String, help: String

    static func threads(_ text: String) -> Invalid {
      Invalid(
        variable: "FIRECREST_NUM_THREADS", reason: "'\(text)' is not a number of threads",
        help: "use a whole number from 1 to 1024")
    }
    static func seed(_ text: String) -> Invalid {
      Invalid(
        variable: "FIRECREST_SEED", reason: "'\(text)' is not a seed", help: "use a whole number from 0 to 2⁶⁴ − 1")
    }
    static func instructionSet(_ text: String, of names: [String]) -> Invalid {
      Invalid(
        variable: "FIRECREST_ISA", reason: "'\(text)' is not a kernel set of this CPU",
        help: "use one of: " + names.joined(separator: ", "))
    }
    func refuse() -> Never { fail(variable, reason, help: help) }
  }

  /// The first variable with a value that it cannot have.
  package static var invalid: Invalid? {
    if let text = environment("FIRECREST_NUM_THREADS"), threads(text) == nil { return .threads(text) }
    if let text = environment("FIRECREST_SEED"), UInt64(text) == nil { return .seed(text) }
    let names = availableKernels().map(\.name)
    if let text = instructionSet, !names.contains(text) { return .instructionSet(text, of: names) }
    return nil
  }

  /// An environment variable, `nil` where it is missing or empty.
  private static func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }
}
