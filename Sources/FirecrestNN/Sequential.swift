import FirecrestCore

/// Layers one after the other (PyTorch's `nn.Sequential`).
///
/// ```swift
/// let net = Sequential(Linear(784, 128), ReLU(), Linear(128, 10))
/// let same = Sequential {
///   Linear(784, 128)
///   ReLU()
///   if dropout > 0 { Dropout(p: dropout) }
///   Linear(128, 10)
/// }
/// let named = Sequential([("hidden", Linear(784, 128)), ("relu", ReLU()), ("out", Linear(128, 10))])
/// net[2] = Linear(128, 100)
/// ```
///
/// Layers without a name are called by their position, as in PyTorch: `0.weight`, `2.bias`.
public final class Sequential: Layer, ModuleContainer, ExpressibleByArrayLiteral {
  package var namedLayers: [(name: String, layer: any Layer)] = []

  /// Layers in their order: `Sequential(Linear(4, 8), ReLU())`.
  public convenience init(_ layers: any Layer...) { self.init(layers) }

  /// The layers of an array.
  public init(_ layers: [any Layer]) { for layer in layers { append(layer) } }

  /// The layers that a block lists.
  ///
  /// - Parameter layers: One layer a line; `if`, `switch` and `for` work.
  public convenience init(@LayerBuilder _ layers: () -> [any Layer]) { self.init(layers()) }

  /// Layers with names, which the state and `net["name"]` use.
  public init(_ layers: [(String, any Layer)]) { for (name, layer) in layers { append(layer, name: name) } }

  /// `let net: Sequential = [Linear(4, 8), ReLU()]`.
  public convenience init(arrayLiteral layers: any Layer...) { self.init(layers) }

  /// The output of the last layer; the input itself where there are none.
  public func forward(_ x: consuming Tensor) -> Tensor {
    // Each layer is given the only reference to what the one before computed.
    for i in namedLayers.indices { x = namedLayers[i].layer(consume x) }
    return x
  }
}

extension Sequential: Sequence {
  /// The number of layers.
  public var count: Int { namedLayers.count }

  /// True where there are no layers.
  public var isEmpty: Bool { namedLayers.isEmpty }

  /// The layers in their order.
  public func makeIterator() -> IndexingIterator<[any Layer]> { namedLayers.map(\.layer).makeIterator() }

  private func resolve(_ position: Int) -> Int {
    let index = position < 0 ? position + count : position
    if index < 0 || index >= count { stop("Sequential", "there is no layer \(position) among \(count)", []) }
    return index
  }

  private func resolve(_ name: String) -> Int {
    if let index = namedLayers.firstIndex(where: { $0.name == name }) { return index }
    stop(
      "Sequential", "there is no layer named \"\(name)\"", [],
      help: "its layers are \(namedLayers.map(\.name).joined(separator: ", "))")
  }

  /// The layer at a position; a negative one counts from the end.
  public subscript(position: Int) -> any Layer {
    get { namedLayers[resolve(position)].layer }
    set { namedLayers[resolve(position)].layer = newValue }
  }

  /// The layer of that name.
  public subscript(name: String) -> any Layer {
    get { namedLayers[resolve(name)].layer }
    set { namedLayers[resolve(name)].layer = newValue }
  }

  /// A new sequence that shares the layers at these positions, with their names: `net[0..<3]`.
  public subscript(range: some RangeExpression<Int>) -> Sequential {
    let range = range.relative(to: namedLayers.indices)
    if range.lowerBound < 0 || range.upperBound > count {
      stop("Sequential", "there are no layers \(range) among \(count)", [])
    }
    // As in PyTorch, layers called by their position keep the position that they had.
    return Sequential(namedLayers[range].map { ($0.name, $0.layer) })
  }

  /// Adds a layer at the end.
  ///
  /// - Parameters:
  ///   - layer: The layer.
  ///   - name: Its name; by default its position.
  public func append(_ layer: any Layer, name: String? = nil) {
    let name = name ?? String(count)
    if name.isEmpty || name.contains(".") || namedLayers.contains(where: { $0.name == name }) {
      stop(
        "Sequential", "the name \"\(name)\" cannot be used", [],
        help: "a name is not empty, has no dot and occurs once")
    }
    namedLayers.append((name, layer))
  }
}

/// Collects the layers that a block lists; see `Sequential`.
@resultBuilder
public enum LayerBuilder {
  /// One layer.
  public static func buildExpression(_ layer: any Layer) -> [any Layer] { [layer] }
  /// The layers of an array.
  public static func buildExpression(_ layers: [any Layer]) -> [any Layer] { layers }
  /// All statements, one after the other.
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  /// `if` without `else`.
  public static func buildOptional(_ part: [any Layer]?) -> [any Layer] { part ?? [] }
  /// `if` with `else`, the first branch.
  public static func buildEither(first part: [any Layer]) -> [any Layer] { part }
  /// `if` with `else`, the second branch.
  public static func buildEither(second part: [any Layer]) -> [any Layer] { part }
  /// `for`.
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
}
