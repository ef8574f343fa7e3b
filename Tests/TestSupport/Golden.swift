import FirecrestCore
import FirecrestIO
import Foundation

/// The golden samples of one PyTorch operation; see Tests/Fixtures/README.md for the format.
public struct GoldenFile {
  /// All samples, in the file's order.
  public let samples: [GoldenSample]

  /// Reads `Tests/Fixtures/Goldens/<name>.safetensors`.
  public init(_ name: String) throws {
    let file = try loadSafetensors(fixtures.appendingPathComponent("Goldens/\(name).safetensors").path)
    let flats = file.dictionary
    let text = file.metadata["firecrest"]!
    let json = try JSONSerialization.jsonObject(with: Data(text.utf8)) as! [String: Any]
    samples = (json["samples"] as! [[String: Any]]).enumerated().map { GoldenSample($1, index: $0, flats) }
  }
}

/// `Tests/Fixtures`, found from this file's own place.
public let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Fixtures")

extension DType {
  /// The type of PyTorch's name.
  public init(named name: String) {
    guard let dtype = DType.allCases.first(where: { $0.description == name }) else { fatalError("dtype \(name)") }
    self = dtype
  }
}

/// An argument of a sample as it stands in the golden file.
public indirect enum GoldenValue {
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case tensor(Tensor)
  case list([GoldenValue])
  case dtype(DType)
  case slice(Int?, Int?, Int?)
  case ellipsis
  case other

  init(_ json: Any?, _ flats: [String: Tensor]) {
    switch json {
    case let list as [Any]: self = .list(list.map { GoldenValue($0, flats) })
    case let object as [String: Any]: self.init(object: object, flats)
    case let text as String: self = .string(text)
    case let number as NSNumber:
      self = CFGetTypeIDIsBool(number) ? .bool(number.boolValue) : .int(number.intValue)
    default: self = .none
    }
  }

  private init(object: [String: Any], _ flats: [String: Tensor]) {
    if let name = object["t"] as? String {
      let shape = Shape(object["shape"] as! [Int])
      // A type of which all tensors are empty has no flat tensor.
      let flat = flats[name] ?? Tensor(empty: [0], DType(named: name))
      let view = flat.window(shape, strides: shape.contiguousStrides, offset: object["at"] as! Int)
      self = .tensor(view)
    } else if let number = object["f"] {
      switch number {
      case let text as String: self = .double(text == "nan" ? .nan : text == "inf" ? .infinity : -.infinity)
      default: self = .double((number as! NSNumber).doubleValue)
      }
    } else if let name = object["dtype"] as? String {
      self = DType.allCases.first { $0.description == name }.map { .dtype($0) } ?? .other
    } else if let parts = object["slice"] as? [Any] {
      func whole(_ i: Int) -> Int? { (parts[i] as? NSNumber)?.intValue }
      self = .slice(whole(0), whole(1), whole(2))
    } else if object["ellipsis"] != nil {
      self = .ellipsis
    } else {
      self = .other
    }
  }
}

/// JSON's true and false arrive as numbers; this tells them apart.
private func CFGetTypeIDIsBool(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

/// One call of an operation: its arguments, PyTorch's results and gradients. A catalog entry asks it for arguments by
/// position and keyword; the harness decides in which form (type, layout, with gradient) tensors are handed out.
public final class GoldenSample {
  /// Its position in the file.
  public let index: Int
  /// The type that the sample was made for.
  public let dtype: DType
  /// `sample`, `kinks` or `extremal`.
  public let kind: String
  /// PyTorch's results.
  public let outputs: [GoldenValue]
  /// The gradients given to the results, nil where there is no backward.
  public let gradOutputs: [Tensor?]?
  /// Gradients by the path of the argument: `input`, `input.1`, `args.0`, `kwargs.weight`; nil means zero.
  public let gradInputs: [String: Tensor?]
  private let inputValue: GoldenValue
  /// Positional arguments after the first.
  public let args: [GoldenValue]
  /// Keyword arguments.
  public let kwargs: [String: GoldenValue]
  /// Makes the tensor that the operation gets from the stored one.
  public var prepare: (Tensor, String) -> Tensor = { tensor, _ in tensor }
  /// What `prepare` made, by path.
  public private(set) var handedOut: [String: Tensor] = [:]

  init(_ json: [String: Any], index: Int, _ flats: [String: Tensor]) {
    self.index = index
    dtype = DType(named: json["dtype"] as! String)
    kind = json["kind"] as? String ?? "sample"
    inputValue = GoldenValue(json["input"], flats)
    args = (json["args"] as? [Any] ?? []).map { GoldenValue($0, flats) }
    kwargs = (json["kwargs"] as? [String: Any] ?? [:]).mapValues { GoldenValue($0, flats) }
    outputs = (json["outputs"] as! [Any]).map { GoldenValue($0, flats) }
    func tensor(_ json: Any?) -> Tensor? {
      if case .tensor(let t) = GoldenValue(json, flats) { t } else { nil }
    }
    gradOutputs = (json["gradOutputs"] as? [Any])?.map(tensor)
    gradInputs = (json["gradInputs"] as? [String: Any] ?? [:]).mapValues(tensor)
  }

  /// Starts anew with tensors handed out as `prepare` makes them.
  public func reset(_ prepare: @escaping (Tensor, String) -> Tensor) {
    self.prepare = prepare
    handedOut = [:]
  }

  private func hand(_ tensor: Tensor, _ path: String) -> Tensor {
    if let known = handedOut[path] { return known }
    let made = prepare(tensor, path)
    handedOut[path] = made
    return made
  }

  private func tensors(_ value: GoldenValue, _ path: String) -> [Tensor]? {
    guard case .list(let items) = value else { return nil }
    var result: [Tensor] = []
    for (i, item) in items.enumerated() {
      guard case .tensor(let tensor) = item else { return nil }
      result.append(hand(tensor, "\(path).\(i)"))
    }
    return result
  }

  /// The first argument.
  public var input: Tensor {
    guard case .tensor(let tensor) = inputValue else { fatalError("sample \(index): the input is no tensor") }
    return hand(tensor, "input")
  }
  /// The first argument where it is a list of tensors.
  public var inputs: [Tensor] { tensors(inputValue, "input") ?? [input] }
  /// The first argument as it stands.
  public var rawInput: GoldenValue { inputValue }

  /// The argument at a position or under a keyword, `.none` where it is left out. Position −1: keyword only.
  public func value(_ position: Int, _ keyword: String) -> GoldenValue {
    if position >= 0 && position < args.count { return args[position] }
    return kwargs[keyword] ?? .none
  }
  /// Whether the argument is given and not None.
  public func has(_ position: Int, _ keyword: String) -> Bool {
    if case .none = value(position, keyword) { false } else { true }
  }
  private func path(_ position: Int, _ keyword: String) -> String {
    position >= 0 && position < args.count ? "args.\(position)" : "kwargs.\(keyword)"
  }
  /// A tensor argument, nil where it is left out or no tensor.
  public func tensor(_ position: Int, _ keyword: String = "") -> Tensor? {
    guard case .tensor(let tensor) = value(position, keyword) else { return nil }
    return hand(tensor, path(position, keyword))
  }
  /// A list of tensors.
  public func tensors(_ position: Int, _ keyword: String = "") -> [Tensor]? {
    tensors(value(position, keyword), path(position, keyword))
  }
  /// A whole number, nil where it is left out.
  public func int(_ position: Int, _ keyword: String = "") -> Int? {
    switch value(position, keyword) {
    case .int(let number): number
    case .bool(let bit): bit ? 1 : 0
    case .double(let number): Int(number)
    case .list(let items) where items.count == 1: if case .int(let number) = items[0] { number } else { nil }
    default: nil
    }
  }
  /// A list of whole numbers; a single one counts as a list of one.
  public func ints(_ position: Int, _ keyword: String = "") -> [Int]? {
    switch value(position, keyword) {
    case .int(let number): return [number]
    case .list(let items):
      return items.map { if case .int(let number) = $0 { number } else { fatalError("not a list of integers") } }
    default: return nil
    }
  }
  /// All further positional arguments as whole numbers, as in `x.expand(2, 3)`, or the one list given.
  public func restInts(_ keyword: String = "") -> [Int] {
    if let list = ints(0, keyword), args.count <= 1 { return list }
    return args.indices.map { int($0)! }
  }
  /// A truth value, `otherwise` where it is left out.
  public func bool(_ position: Int, _ keyword: String = "", _ otherwise: Bool = false) -> Bool {
    if case .bool(let bit) = value(position, keyword) { bit } else { otherwise }
  }
  /// A number as Double.
  public func double(_ position: Int, _ keyword: String = "") -> Double? { scalar(position, keyword)?.doubleValue }
  /// A number with its category, as PyTorch promotes it.
  public func scalar(_ position: Int, _ keyword: String = "") -> Scalar? {
    switch value(position, keyword) {
    case .bool(let bit): .bool(bit)
    case .int(let number): .int(number)
    case .double(let number): .double(number)
    default: nil
    }
  }
  /// A text.
  public func string(_ position: Int, _ keyword: String = "") -> String? {
    if case .string(let text) = value(position, keyword) { text } else { nil }
  }
  /// A type of elements.
  public func dtype(_ position: Int, _ keyword: String = "dtype") -> DType? {
    if case .dtype(let dtype) = value(position, keyword) { dtype } else { nil }
  }
}
