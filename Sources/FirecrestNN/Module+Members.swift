import FirecrestCore

/// A module of a tree, by its place.
struct ModulePlace {
  /// The names on the way to it joined by dots; empty for the root.
  let path: String
  /// The name in the module around it.
  let localName: String
  /// The number of modules around it.
  let depth: Int
  let module: any Module
  let fields: ModuleFields

  /// The name in the state of something in this module.
  func name(_ local: String) -> String { path.isEmpty ? local : "\(path).\(local)" }
}

/// All places of a tree of modules, each before those below it. A module held by two others has two places, unless
/// `once` asks for the first only.
func places(of root: any Module, once: Bool) -> [ModulePlace] {
  var result: [ModulePlace] = []
  var seen: Set<ObjectIdentifier> = []
  func visit(_ module: any Module, _ path: String, _ localName: String, _ above: [ObjectIdentifier]) {
    let id = ObjectIdentifier(module)
    if once && !seen.insert(id).inserted { return }
    if above.contains(id) {
      stop(
        typeName(root), "the module at \(path) contains itself", [],
        help: "hold the way back in something that is not a Module, such as a closure")
    }
    let place = ModulePlace(
      path: path, localName: localName, depth: above.count, module: module, fields: ModuleFields(module))
    result.append(place)
    for child in place.fields.modules { visit(child.module, place.name(child.name), child.name, above + [id]) }
  }
  visit(root, "", "", [])
  return result
}

extension Module {
  private func slots(parameters: Bool) -> [(name: String, tensor: Tensor)] {
    var seen: Set<ObjectIdentifier> = []
    return places(of: self, once: true).flatMap { place in
      place.fields.slots.compactMap { name, slot in
        guard slot.isParameter == parameters, let tensor = slot.tensor else { return nil }
        return seen.insert(ObjectIdentifier(tensor)).inserted ? (place.name(name), tensor) : nil
      }
    }
  }

  /// All parameters, this module's before its children's, shared ones once: what an optimizer takes.
  public func parameters() -> [Tensor] { slots(parameters: true).map(\.tensor) }

  /// The parameters with their names in the state, a shared one under its first.
  public func namedParameters() -> [(name: String, tensor: Tensor)] { slots(parameters: true) }

  /// All buffers, also those that the state dict leaves out; shared ones once.
  public func buffers() -> [Tensor] { slots(parameters: false).map(\.tensor) }

  /// The buffers with their names in the state, a shared one under its first.
  public func namedBuffers() -> [(name: String, tensor: Tensor)] { slots(parameters: false) }

  /// The modules one step below, shared ones once.
  public func children() -> [any Module] { namedChildren().map(\.module) }

  /// The modules one step below with their names; those in an array `blocks` are `blocks.0`, `blocks.1`, ….
  public func namedChildren() -> [(name: String, module: any Module)] {
    var seen: Set<ObjectIdentifier> = []
    return ModuleFields(self).modules.filter { seen.insert(ObjectIdentifier($0.module)).inserted }
  }

  /// This module and all below it, shared ones once.
  public func modules() -> [any Module] { places(of: self, once: true).map(\.module) }

  /// This module, under the empty name, and all below it with the names that lead to them. Unlike PyTorch's, the list
  /// has no entries for arrays and dictionaries, which are no modules here.
  public func namedModules() -> [(name: String, module: any Module)] {
    places(of: self, once: true).map { ($0.path, $0.module) }
  }

  /// The module at a path such as `blocks.0.attention`, nil where there is none (PyTorch's `get_submodule`).
  public func submodule(_ path: String) -> (any Module)? {
    places(of: self, once: false).first { $0.path == path }?.module
  }

  /// The number of elements of all parameters, shared ones counted once.
  public var parameterCount: Int { parameters().reduce(0) { $0 + $1.elementCount } }

  /// Calls `body` with every module below, children before parents, and last with this one. The usual way to initialise
  /// a network:
  ///
  /// ```swift
  /// net.apply { if let layer = $0 as? Linear { Init.xavierUniform(layer.weight) } }
  /// ```
  @discardableResult
  public func apply(_ body: (any Module) throws -> Void) rethrows -> Self {
    var seen: Set<ObjectIdentifier> = []
    func visit(_ module: any Module) throws {
      guard seen.insert(ObjectIdentifier(module)).inserted else { return }
      for child in ModuleFields(module).modules { try visit(child.module) }
      try body(module)
    }
    try visit(self)
    return self
  }

  /// Puts this module and all below it into training mode, or into evaluation mode.
  ///
  /// - Parameter on: False for evaluation.
  @discardableResult
  public func train(_ on: Bool = true) -> Self {
    for module in modules() { (module as? any ModeDependent)?.training = on }
    return self
  }

  /// Puts this module and all below it into evaluation mode: dropout off, batch norm by running statistics.
  @discardableResult
  public func eval() -> Self { train(false) }

  /// Forgets the gradients of all parameters.
  public func zeroGrad() {
    for parameter in parameters() { parameter.grad = nil }
  }

  /// Sets whether the parameters require gradients (PyTorch's `requires_grad_`).
  @discardableResult
  public func requiresGrad(_ on: Bool) -> Self {
    for parameter in parameters() { parameter.requiresGrad = on }
    return self
  }

  /// Keeps the parameters as they are: they require no gradients, and optimizers pass over them
  /// once the gradients that are there already are cleared.
  @discardableResult
  public func freeze() -> Self { requiresGrad(false) }

  /// The opposite of `freeze()`.
  @discardableResult
  public func unfreeze() -> Self { requiresGrad(true) }

  /// Converts all floating-point parameters and buffers, with the gradients. The parameters are new tensors then: make
  /// the optimizer afterwards.
  ///
  /// - Parameter dtype: A floating-point type.
  @discardableResult
  public func to(_ dtype: DType) -> Self {
    if !dtype.isFloatingPoint {
      stop("to", "a module cannot be converted to \(dtype)", [], help: "use a floating-point type")
    }
    // A shared tensor stays shared.
    var converted: [ObjectIdentifier: Tensor] = [:]
    var kept: [Tensor] = []
    for place in places(of: self, once: true) {
      for (_, slot) in place.fields.slots {
        guard let old = slot.tensor, old.dtype.isFloatingPoint, old.dtype != dtype else { continue }
        let id = ObjectIdentifier(old)
        if converted[id] == nil {
          let new = noGrad { old.to(dtype) }
          new.requiresGrad = old.requiresGrad
          new.grad = noGrad { old.grad?.to(dtype) }
          converted[id] = new
          old.isReplaced = slot.isParameter
          kept.append(old)
        }
        slot.replace(with: converted[id]!)
      }
    }
    // Until here the old tensors live, so that no address names two of them.
    withExtendedLifetime(kept) {}
    return self
  }

  /// Moves all parameters and buffers to a device. There is one so far, where they are already.
  @discardableResult
  public func to(_ device: Device) -> Self { self }
}
