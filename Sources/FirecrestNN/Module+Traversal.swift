import FirecrestCore

/// What one module holds itself, as its stored properties tell: tensors, and modules one step below.
///
/// Everything that walks modules starts here, each time anew, so that a replaced property is seen.
struct ModuleFields {
  /// A module, or modules under one name.
  enum Child {
    case module(any Module)
    /// An array, which prints as PyTorch's ModuleList.
    case list([(name: String, child: Child)])
    /// A dictionary, by sorted keys, which prints as PyTorch's ModuleDict.
    case dictionary([(name: String, child: Child)])
  }

  /// Parameters and buffers, in the order of the properties.
  var slots: [(name: String, slot: any TensorSlot)] = []
  /// Modules, in the order of the properties; a superclass's first.
  var children: [(name: String, child: Child)] = []

  init(_ module: any Module) {
    if let container = module as? any ModuleContainer {
      self.init()
      children = container.namedLayers.map { ($0.name, .module($0.layer)) }
    } else if let known = module as? any KnownFields {
      self.init()
      slots = known.knownSlots
    } else {
      self.init(reflecting: module)
    }
  }

  private init() {}

  /// What the properties hold.
  init(reflecting module: any Module) {
    var mirrors = [Mirror(reflecting: module)]
    while let superclass = mirrors[mirrors.count - 1].superclassMirror { mirrors.append(superclass) }
    for mirror in mirrors.reversed() {
      for (label, value) in mirror.children { add(value, FieldReader(module, label ?? "")) }
    }
  }

  private mutating func add(_ value: Any, _ reader: FieldReader) {
    if isPlain(value) { return }
    if isObject(value), let slot = value as? any TensorSlot {
      slots.append((uniqueName(reader), slot))
    } else if let child = reader.child(value) {
      children.append((uniqueName(reader), child))
    }
  }

  private func uniqueName(_ reader: FieldReader) -> String {
    let name = reader.name
    if slots.contains(where: { $0.name == name }) || children.contains(where: { $0.name == name }) {
      stop(
        reader.owner, "two properties have the name \(name) in the state", [],
        help: "`\(reader.property)` and another property become \(name) there; rename one of them")
    }
    return name
  }

  /// The modules one step below, those in arrays and dictionaries under names such as `blocks.0`.
  var modules: [(name: String, module: any Module)] {
    func flat(_ name: String, _ child: Child) -> [(name: String, module: any Module)] {
      switch child {
      case .module(let module): [(name, module)]
      case .list(let entries), .dictionary(let entries): entries.flatMap { flat("\(name).\($0.name)", $0.child) }
      }
    }
    return children.flatMap { flat($0.name, $0.child) }
  }
}

/// A module whose children are not its stored properties.
package protocol ModuleContainer: Module {
  /// The children with their names, in order.
  var namedLayers: [(name: String, layer: any Layer)] { get }
}

/// A layer that says itself what it holds. Looking at its properties would find the same, but takes some thirty
/// microseconds: of what a small network's training step takes, that is a good part.
protocol KnownFields: Module {
  /// Parameters and buffers, in the order of the properties, with their names in the state.
  var knownSlots: [(name: String, slot: any TensorSlot)] { get }
}

extension KnownFields {
  /// None.
  var knownSlots: [(name: String, slot: any TensorSlot)] { [] }
}

/// Reads one stored property of a module, or stops where its content would be lost.
private struct FieldReader {
  private let module: any Module
  private let label: String

  init(_ module: any Module, _ label: String) {
    self.module = module
    self.label = label
  }

  /// The module's type.
  var owner: String { typeName(module) }

  /// The property's name in Swift.
  var property: String {
    let lazyPrefix = "$__lazy_storage_$_"
    let name = label.hasPrefix(lazyPrefix) ? label.dropFirst(lazyPrefix.utf8.count) : label[...]
    return String(name.hasPrefix("_") ? name.dropFirst() : name)
  }

  /// Its name in the state.
  var name: String { snakeCase(property) }

  /// The modules in a value, nil where there are none.
  func child(_ value: Any) -> ModuleFields.Child? {
    if isPlain(value) { return nil }
    if isObject(value), let module = value as? any Module { return .module(module) }
    if value is any ModuleTensor { refuseTensor(value) }
    if value is any TensorCollection || isObject(value) && value is any TensorSlot { refuseCollection() }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional: return mirror.children.first.flatMap { child($0.value) }
    case .collection:
      let entries = mirror.children.enumerated().map { (name: String($0), child: child($1.value)) }
      return group(entries, value) { .list($0) }
    case .dictionary: return dictionary(value, mirror)
    default:
      if let found = hidden(mirror) {
        let kind =
          switch mirror.displayStyle {
          case .tuple: "a tuple"
          case .enum: "an enum"
          case .set: "a set"
          default: "a struct"
          }
        stop(
          owner, "the property `\(property)` is \(kind) that holds \(found)", [],
          help: "make it a property of its own, or a class that is a Module")
      }
      return nil
    }
  }

  private func dictionary(_ value: Any, _ mirror: Mirror) -> ModuleFields.Child? {
    var entries: [(name: String, child: ModuleFields.Child?)] = []
    for (_, pair) in mirror.children {
      let parts = Array(Mirror(reflecting: pair).children)
      if parts.count == 2 { entries.append(("\(parts[0].value)", child(parts[1].value))) }
    }
    entries.sort { $0.name < $1.name }
    if let dotted = entries.first(where: { $0.child != nil && ($0.name.contains(".") || $0.name.isEmpty) }) {
      stop(
        owner, "the dictionary `\(property)` has a module under the key \"\(dotted.name)\"", [],
        help: "names in a state are joined by dots; use a key without one")
    }
    return group(entries, value) { .dictionary($0) }
  }

  /// The modules of a collection, which must hold nothing else then. An empty one is a list if it could hold modules.
  private func group(
    _ entries: [(name: String, child: ModuleFields.Child?)], _ value: Any,
    _ make: ([(name: String, child: ModuleFields.Child)]) -> ModuleFields.Child
  ) -> ModuleFields.Child? {
    let modules = entries.compactMap { entry in entry.child.map { (name: entry.name, child: $0) } }
    if !modules.isEmpty { return make(modules) }
    return entries.isEmpty && couldHoldModules(value) ? make([]) : nil
  }

  private func refuseTensor(_ value: Any) -> Never {
    let tensor = (value as? any ModuleTensor)?.moduleTensor
    stop(
      owner, "the property `\(property)` is a tensor that is neither parameter nor buffer", tensor.map { [$0] } ?? [],
      help: "@Parameter var \(property) to train it, @Buffer var \(property) to save it with the state, "
        + "@Buffer(persistent: false) var \(property) for neither")
  }

  private func refuseCollection() -> Never {
    stop(
      owner, "the property `\(property)` holds tensors in a collection", [],
      help: "ParameterList or ParameterDict trains them; others: one property with @Buffer for each")
  }

  /// What state there is in a value that is not followed; objects other than modules are their own business.
  private func hidden(_ mirror: Mirror) -> String? {
    switch mirror.displayStyle {
    case .tuple, .struct, .enum, .optional, .collection, .dictionary, .set: break
    default: return nil
    }
    for (_, value) in mirror.children {
      if isPlain(value) { continue }
      if isObject(value) && value is any Module { return "a module" }
      if isObject(value) && value is any TensorSlot { return "a parameter or buffer" }
      if value is any ModuleTensor { return "a tensor" }
      if let found = hidden(Mirror(reflecting: value)) { return found }
    }
    return nil
  }
}

/// Data that can be neither module nor tensor, so that long arrays need not be looked through.
private protocol PlainData {}
extension Int: PlainData {}
extension Int8: PlainData {}
extension Int16: PlainData {}
extension Int32: PlainData {}
extension Int64: PlainData {}
extension UInt: PlainData {}
extension UInt8: PlainData {}
extension UInt16: PlainData {}
extension UInt32: PlainData {}
extension UInt64: PlainData {}
extension Double: PlainData {}
extension Float: PlainData {}
extension Bool: PlainData {}
extension Character: PlainData {}
extension String: PlainData {}
extension Shape: PlainData {}
extension DType: PlainData {}
extension Optional: PlainData where Wrapped: PlainData {}
extension Array: PlainData where Element: PlainData {}
extension Set: PlainData where Element: PlainData {}
extension Dictionary: PlainData where Value: PlainData {}

/// Asks the type: casting a value would copy a long array into an Objective-C one first, in search of an object.
private func isPlain(_ value: Any) -> Bool { type(of: value) is any PlainData.Type }

/// Whether a cast to a class can succeed; where it cannot, trying takes as long as above.
private func isObject(_ value: Any) -> Bool {
  type(of: value) is AnyClass || Mirror(reflecting: value).displayStyle == .optional
}

/// Collections of tensors, also empty ones.
private protocol TensorCollection {}
extension Array: TensorCollection where Element: ModuleTensor {}
extension Dictionary: TensorCollection where Value: ModuleTensor {}

/// Collections of one kind of module; see also `couldHoldModules`.
private protocol ModuleCollection {}
extension Array: ModuleCollection where Element: Module {}
extension Dictionary: ModuleCollection where Value: Module {}

/// Tells empty collections of modules from other empty ones.
private func couldHoldModules(_ value: Any) -> Bool {
  let type = type(of: value)
  return value is any ModuleCollection || type == [any Module].self || type == [any Layer].self
    || type == [String: any Module].self || type == [String: any Layer].self
}

/// PyTorch's spelling of a Swift name: `runningMean` is `running_mean`; `fc1`, `W_q` and `Wq` stay as they are.
func snakeCase(_ name: String) -> String {
  // Most names are one word; every walk through a module reads them.
  if name.utf8.allSatisfy({ $0 < 128 && !(65...90).contains($0) }) || name.contains("_") { return name }
  var result = ""
  var previous: Character?
  var capitals = ""
  // A run of capitals is one word: `attnQKV` is `attn_qkv`, `inQKVProj` is `in_qkv_proj`.
  func flush(before next: Character?) {
    guard !capitals.isEmpty else { return }
    if previous == nil {
      result += capitals
    } else if capitals.count > 1, let next, next.isLowercase {
      result += "_\(capitals.dropLast().lowercased())_\(capitals.suffix(1).lowercased())"
    } else {
      result += "_\(capitals.lowercased())"
    }
    previous = capitals.last
    capitals = ""
  }
  for character in name {
    if character.isUppercase {
      capitals.append(character)
    } else {
      flush(before: character)
      result.append(character)
      previous = character
    }
  }
  flush(before: nil)
  return result
}

/// A module's type as it prints, without the module or function that it is declared in.
func typeName(_ module: any Module) -> String { String(describing: type(of: module)) }
