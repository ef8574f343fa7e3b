import FirecrestCore
import Foundation
import OpCatalog
import TestSupport
import Testing

/// Runs every catalog entry on PyTorch's samples in all the ways an operation may be called.
@Suite struct OpCatalogTests {
  /// `FIRECREST_TEST_OPS=sum,add` checks only these operations.
  static let wanted = ProcessInfo.processInfo.environment["FIRECREST_TEST_OPS"].map {
    Set($0.split(separator: ",").map(String.init))
  }
  static var chosen: [String] { catalog.map(\.golden).filter { wanted?.contains($0) ?? true } }

  @Test("operation", arguments: chosen)
  func operation(_ name: String) throws {
    let entry = catalog.first { $0.golden == name }!
    let file = try GoldenFile(name)
    var used = 0
    // How many large and small samples are left for second derivatives.
    var twice = [false: 3, true: 2]
    for sample in file.samples {
      if entry.skip(sample) != nil { continue }
      used += 1
      check(entry, sample, "kernels") { tensor, _ in tensor }
      if sample.kind == "sample" {
        check(entry, sample, "not contiguous") { tensor, _ in noncontiguous(tensor) }
      }
      Decomposition.preferred { check(entry, sample, "decomposition") { tensor, _ in tensor } }
      checkFiniteDifferences(entry, sample, &twice)
      checkFloat32(entry, sample)
    }
    #expect(used > 0, "\(name): no sample is left to check")
  }

  @Test func chosenNamesAreKnown() {
    for name in (Self.wanted ?? []).subtracting(Self.chosen).sorted() {
      Issue.record("FIRECREST_TEST_OPS: the catalog has no \(name)")
    }
  }

  @Test func namesAreUnique() {
    var seen: Set<String> = []
    for entry in catalog { #expect(seen.insert(entry.golden).inserted, "\(entry.golden) stands twice") }
  }

  /// Results and gradients against PyTorch's.
  private func check(
    _ entry: OpEntry, _ sample: GoldenSample, _ how: String, _ prepare: @escaping (Tensor, String) -> Tensor
  ) {
    sample.reset { tensor, path in
      let made = prepare(tensor, path).detach()
      if sample.gradInputs.keys.contains(path) { made.requiresGrad = true }
      return made
    }
    let outputs = entry.call(sample)
    let place = "\(entry.golden) sample \(sample.index) \(sample.kind) \(sample.dtype), \(how)"
    guard outputs.count == sample.outputs.count else {
      Issue.record("\(place): \(outputs.count) results, expected \(sample.outputs.count)")
      return
    }
    for (i, expected) in sample.outputs.enumerated() {
      guard let expected = expected.asTensor else { continue }
      let (relative, absolute) = tolerance(entry, expected.dtype)
      if entry.exempt(sample, "result \(i)") != nil { continue }
      if let text = difference(outputs[i], expected, relative: relative, absolute: absolute) {
        Issue.record("\(place), result \(i): \(text)")
      }
    }
    guard let gradOutputs = sample.gradOutputs else { return }
    var roots: [(Tensor, Tensor)] = []
    for (i, g) in gradOutputs.enumerated() {
      guard let g else { continue }
      if outputs[i].requiresGrad {
        roots.append((outputs[i], g))
      } else if how != "decomposition" {
        // Only a decomposition may be a constant where the derivative is 0.
        Issue.record("\(place), result \(i) requires no gradient")
      }
    }
    Engine(createGraph: false, retainGraph: false).backward(roots)
    for (path, expected) in sample.gradInputs {
      guard let input = sample.handedOut[path] else { continue }
      let actual = input.grad ?? Tensor.zeros(input.shape, dtype: input.dtype)
      let wanted = expected ?? Tensor.zeros(input.shape, dtype: input.dtype)
      let (relative, absolute) = tolerance(entry, wanted.dtype)
      if entry.exempt(sample, "gradient of \(path)") != nil { continue }
      if let text = difference(actual, wanted, relative: relative, absolute: absolute) {
        Issue.record("\(place), gradient of \(path): \(text)")
      }
    }
  }

  /// The entry's tolerance, or what the type of PyTorch's result can hold where that is less exact: samples of integers
  /// and truth values give float32, which two correct implementations round differently.
  private func tolerance(_ entry: OpEntry, _ dtype: DType) -> (relative: Double, absolute: Double) {
    let floor: (relative: Double, absolute: Double) =
      switch dtype {
      case .float32: (2e-6, 1e-6)
      case .float16: (2e-3, 1e-3)
      case .bfloat16: (1.6e-2, 1e-2)
      default: (0, 0)
      }
    return (max(entry.tolerance.relative, floor.relative), max(entry.tolerance.absolute, floor.absolute))
  }

  /// The same call in float32, against PyTorch's float64 results.
  private func checkFloat32(_ entry: OpEntry, _ sample: GoldenSample) {
    guard let (relative, absolute) = entry.float32Tolerance, sample.dtype == .float64, sample.kind == "sample",
      sample.kwargs["dtype"] == nil
    else { return }
    sample.reset { tensor, _ in tensor.dtype == .float64 ? tensor.to(.float32) : tensor }
    let outputs = entry.call(sample)
    for (i, expected) in sample.outputs.enumerated() {
      guard let expected = expected.asTensor, i < outputs.count else { continue }
      if let text = difference(outputs[i], expected, relative: relative, absolute: absolute, checkDType: false) {
        Issue.record("\(entry.golden) sample \(sample.index), float32, result \(i): \(text)")
      }
      if expected.dtype == .float64 && outputs[i].dtype != .float32 {
        Issue.record("\(entry.golden) sample \(sample.index): float32 gives \(outputs[i].dtype)")
      }
    }
  }

  /// Backward against differences of forward along a random direction; on the first few small and large samples the
  /// derivative's own derivative likewise, which takes longer.
  private func checkFiniteDifferences(_ entry: OpEntry, _ sample: GoldenSample, _ twice: inout [Bool: Int]) {
    guard entry.finiteDifferences, sample.kind == "sample", sample.dtype == .float64, !sample.gradInputs.isEmpty else {
      return
    }
    // Where PyTorch has no gradient at all, as for the labels of a loss, the operation is not smooth either.
    let paths = sample.gradInputs.filter { $1 != nil && sample.handedOut[$0]?.dtype == .float64 }.keys.sorted()
    let inputs = paths.map { sample.handedOut[$0]!.detach() }
    if inputs.allSatisfy({ $0.elementCount == 0 }) { return }
    let isSmall = inputs.allSatisfy { $0.elementCount <= 24 }
    func call(_ given: [Tensor]) -> [Tensor] {
      sample.reset { tensor, path in paths.firstIndex(of: path).map { entry.domain(sample, given[$0], path) } ?? tensor
      }
      return entry.call(sample).filter { $0.dtype == .float64 }
    }
    twice[isSmall]! -= 1
    if let failure = directionFailure(call, inputs, twice: twice[isSmall]! >= 0) {
      // Where it is cheap, says which element is wrong.
      let element = isSmall ? gradcheckFailure(call, inputs) : nil
      Issue.record("\(entry.golden) sample \(sample.index), finite differences: \(element ?? failure)")
    }
  }
}

extension GoldenValue {
  /// The tensor this is, or makes as a number.
  fileprivate var asTensor: Tensor? {
    switch self {
    case .tensor(let tensor): tensor
    case .bool(let bit): Tensor.full([], bit)
    case .int(let number): Tensor.full([], number)
    case .double(let number): Tensor.full([], number, dtype: .float64)
    default: nil
    }
  }
}
