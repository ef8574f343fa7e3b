import FirecrestCore

/// The input itself (PyTorch's `nn.Identity`): what a layer is replaced by that is to go, `net.fc = Identity()`.
public final class Identity: Layer {
  /// A layer that does nothing.
  public init() {}

  /// The input.
  public func forward(_ x: Tensor) -> Tensor { x }
}

/// Makes one dimension of several neighbouring ones; by default of all but the batch (PyTorch's `nn.Flatten`).
public final class Flatten: Layer {
  /// The first dimension.
  public let startDim: Int
  /// The last dimension; −1 is the input's last.
  public let endDim: Int

  /// - Parameters:
  ///   - startDim: The first dimension.
  ///   - endDim: The last dimension; −1 is the input's last.
  public init(startDim: Int = 1, endDim: Int = -1) {
    self.startDim = startDim
    self.endDim = endDim
  }

  /// [N, C, H, W] as [N, C·H·W] by default.
  public func forward(_ x: Tensor) -> Tensor { x.flatten(from: startDim, through: endDim) }

  /// The dimensions, as PyTorch prints them.
  public var extraDescription: String { "start_dim=\(startDim), end_dim=\(endDim)" }
}

/// Makes several dimensions of one (PyTorch's `nn.Unflatten`).
public final class Unflatten: Layer {
  /// The dimension that is divided.
  public let dim: Int
  /// What takes its place; one size may be −1 and follows from the others.
  public let sizes: Shape

  /// - Parameters:
  ///   - dim: The dimension that is divided.
  ///   - sizes: What takes its place; one size may be −1 and follows from the others.
  public init(dim: Int, _ sizes: Shape) {
    self.dim = dim
    self.sizes = sizes
  }

  /// The input with `dim` divided.
  public func forward(_ x: Tensor) -> Tensor { x.unflatten(dim: dim, sizes) }

  /// Dimension and sizes, as PyTorch prints them.
  public var extraDescription: String { "dim=\(dim), unflattened_size=\(python(sizes))" }
}

/// A shape as Python prints a tuple: `(3, 4)`, `(5,)`.
func python(_ shape: Shape) -> String {
  "(" + shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? ",)" : ")")
}

extension Identity: KnownFields {}
extension Flatten: KnownFields {}
extension Unflatten: KnownFields {}
