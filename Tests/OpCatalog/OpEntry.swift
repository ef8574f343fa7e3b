import FirecrestCore
import TestSupport

/// How the harness calls one operation, and how exactly it compares.
///
/// `golden` names the file under Tests/Fixtures/Goldens with PyTorch's samples, results and gradients; `call` maps such
/// a sample to Firecrest.
public struct OpEntry: Sendable {
  /// The golden file's name, which is PyTorch's `op_db` name.
  public let golden: String
  /// Relative and absolute tolerance against PyTorch in float64.
  public var tolerance: (relative: Double, absolute: Double) = (1e-9, 1e-9)
  /// Relative and absolute tolerance of the float32 run against the float64 result; nil leaves it out.
  public var float32Tolerance: (relative: Double, absolute: Double)? = (2e-4, 2e-5)
  /// Why samples are left out; nil keeps a sample. Every reason shows in the summary.
  public var skip: @Sendable (GoldenSample) -> String? = { _ in nil }
  /// Why one result ("result 0") or gradient ("gradient of input") of a sample is not compared, because PyTorch's is
  /// known to be wrong there; nil compares it.
  public var exempt: @Sendable (GoldenSample, String) -> String? = { _, _ in nil }
  /// False where finite differences cannot judge: results jump, or the derivative is defined otherwise.
  public var finiteDifferences = true
  /// Makes an argument such as the operation takes for granted, a symmetric matrix for example, of one that finite
  /// differences have moved elsewhere; they go through this function. `String` is the argument's path.
  public var domain: @Sendable (GoldenSample, Tensor, String) -> Tensor = { _, tensor, _ in tensor }
  /// Firecrest's results for a sample.
  public let call: @Sendable (GoldenSample) -> [Tensor]

  /// An operation with one result.
  public init(_ golden: String, _ call: @escaping @Sendable (GoldenSample) -> Tensor) {
    self.golden = golden
    self.call = { [call($0)] }
  }

  /// An operation with several results.
  public init(_ golden: String, several call: @escaping @Sendable (GoldenSample) -> [Tensor]) {
    self.golden = golden
    self.call = call
  }

  /// This entry with another tolerance.
  public func tolerance(_ relative: Double, _ absolute: Double) -> OpEntry {
    var copy = self
    copy.tolerance = (relative, absolute)
    return copy
  }

  /// This entry with another tolerance for float32, or without that run.
  public func float32(_ relative: Double?, _ absolute: Double = 1e-5) -> OpEntry {
    var copy = self
    copy.float32Tolerance = relative.map { ($0, absolute) }
    return copy
  }

  /// This entry without the samples for which `reason` gives one.
  public func skipping(_ reason: @escaping @Sendable (GoldenSample) -> String?) -> OpEntry {
    var copy = self
    copy.skip = reason
    return copy
  }

  /// This entry without the results and gradients for which `reason` says what is wrong with PyTorch's.
  public func exempting(_ reason: @escaping @Sendable (GoldenSample, String) -> String?) -> OpEntry {
    var copy = self
    copy.exempt = reason
    return copy
  }

  /// This entry without finite differences.
  public func withoutFiniteDifferences() -> OpEntry {
    var copy = self
    copy.finiteDifferences = false
    return copy
  }

  /// This entry with finite differences that stay where the operation is defined.
  public func within(_ domain: @escaping @Sendable (GoldenSample, Tensor, String) -> Tensor) -> OpEntry {
    var copy = self
    copy.domain = domain
    return copy
  }
}
