import FirecrestCore

/// Parameters in an order, for a module that has a number of them (PyTorch's `nn.ParameterList`).
///
/// ```swift
/// final class Mixture: Layer {
///   let weights = ParameterList((0..<3).map { _ in Tensor.randn(4, 4) })
///   func forward(_ x: Tensor) -> Tensor { weights.reduce(x) { $0.matmul($1).tanh() } }
/// }
/// ```
///
/// In the state they are called by their positions: `weights.0`, `weights.1`.
public final class ParameterList: Module, KnownFields, ExpressibleByArrayLiteral {
  private var parameters: [Parameter<Tensor>] = []

  /// A list of these tensors, each as by `@Parameter`.
  public init(_ tensors: some Sequence<Tensor> = [Tensor]()) { for tensor in tensors { append(tensor) } }

  /// `let weights: ParameterList = [Tensor.ones(2), Tensor.ones(3)]`.
  public convenience init(arrayLiteral tensors: Tensor...) { self.init(tensors) }

  /// Adds a parameter at the end.
  public func append(_ tensor: Tensor) { parameters.append(Parameter(wrappedValue: tensor)) }

  /// The parameter at a position; negative ones count from the end. Setting it is as for `@Parameter`.
  public subscript(position: Int) -> Tensor {
    get { parameters[resolve(position)].wrappedValue }
    set { parameters[resolve(position)].wrappedValue = newValue }
  }

  private func resolve(_ position: Int) -> Int {
    let index = position < 0 ? position + count : position
    if index < 0 || index >= count { stop("ParameterList", "there is no parameter \(position) among \(count)", []) }
    return index
  }

  var knownSlots: [(name: String, slot: any TensorSlot)] { parameters.enumerated().map { (String($0), $1) } }

  /// Each parameter's type and shape.
  public var extraDescription: String {
    listing(knownSlots) { tensor in "torch.\(tensor.dtype)" }
  }
}

extension ParameterList: Sequence {
  /// The number of parameters.
  public var count: Int { parameters.count }

  /// True where there are no parameters.
  public var isEmpty: Bool { parameters.isEmpty }

  /// The parameters in their order.
  public func makeIterator() -> IndexingIterator<[Tensor]> { parameters.map(\.wrappedValue).makeIterator() }
}

/// Parameters by names, for a module that has a number of them (PyTorch's `nn.ParameterDict`).
///
/// ```swift
/// let choices = ParameterDict(["left": Tensor.randn(4), "right": Tensor.randn(4)])
/// let y = x * choices["left"]!
/// ```
///
/// In the state they are called by their names: `choices.left`. Names given in a dictionary are sorted; those that are
/// added later follow.
public final class ParameterDict: Module, KnownFields, ExpressibleByDictionaryLiteral {
  private var entries: [(name: String, parameter: Parameter<Tensor>)] = []

  /// The tensors of a dictionary, each as by `@Parameter`.
  public init(_ tensors: [String: Tensor] = [:]) {
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) { self[name] = tensor }
  }

  /// `let choices: ParameterDict = ["left": Tensor.ones(2), "right": Tensor.ones(2)]`, in this order.
  public init(dictionaryLiteral tensors: (String, Tensor)...) { for (name, tensor) in tensors { self[name] = tensor } }

  /// The names, in order.
  public var keys: [String] { entries.map(\.name) }

  /// The number of parameters.
  public var count: Int { entries.count }

  /// The parameter of that name. Setting a new name appends it, setting nil removes it.
  public subscript(name: String) -> Tensor? {
    get { entries.first { $0.name == name }?.parameter.wrappedValue }
    set {
      if name.isEmpty || name.contains(".") {
        stop(
          "ParameterDict", "\"\(name)\" cannot be a parameter's name", [],
          help: "names in a state are joined by dots; use a name without one")
      }
      let position = entries.firstIndex { $0.name == name }
      switch (position, newValue) {
      case (let position?, let tensor?): entries[position].parameter.wrappedValue = tensor
      case (let position?, nil): entries.remove(at: position)
      case (nil, let tensor?): entries.append((name, Parameter(wrappedValue: tensor)))
      case (nil, nil): break
      }
    }
  }

  var knownSlots: [(name: String, slot: any TensorSlot)] { entries.map { ($0.name, $0.parameter) } }

  /// Each parameter's type and shape.
  public var extraDescription: String {
    listing(knownSlots) { tensor in
      let names: [DType: String] = [
        .float32: "Float", .float64: "Double", .float16: "Half", .bfloat16: "BFloat16",
      ]
      return "torch.\(names[tensor.dtype] ?? "\(tensor.dtype)")Tensor"
    }
  }
}

/// Parameters as PyTorch's two collections print them.
private func listing(_ slots: [(name: String, slot: any TensorSlot)], _ type: (Tensor) -> String) -> String {
  slots.compactMap { name, slot in
    slot.tensor.map { tensor in
      "  (\(name)): Parameter containing: [\(type(tensor)) of size \(tensor.shape.map(String.init).joined(separator: "x"))]"
    }
  }.joined(separator: "\n")
}
