import FirecrestCore

/// A part of a network: what holds parameters, and other modules (PyTorch's `nn.Module`).
///
/// Parameters (`@Parameter`), buffers (`@Buffer`) and modules are found among the stored properties, also in arrays,
/// dictionaries and optionals; nothing has to be registered, and nothing is remembered, so that a property can be
/// replaced at any time: `net.fc = Linear(512, 10)`. Names are PyTorch's: `runningMean` is `running_mean` in the state.
///
/// A network that maps one tensor to one tensor is a `Layer`. Others conform to `Module` and declare their own forward:
///
/// ```swift
/// final class Autoencoder: Module {
///   let encoder = Linear(784, 20), decoder = Linear(20, 784)
///   func callAsFunction(_ x: Tensor) -> (code: Tensor, image: Tensor) {
///     let code = encoder(x).relu()
///     return (code, decoder(code).sigmoid())
///   }
/// }
/// ```
///
/// A module belongs to one thread at a time, like PyTorch's.
public protocol Module: AnyObject, CustomStringConvertible {
  /// What stands in the parentheses when the module is printed: `in_features=784, out_features=128, bias=True`
  /// (PyTorch's `extra_repr`). Empty unless declared.
  var extraDescription: String { get }
}

extension Module {
  /// Nothing.
  public var extraDescription: String { "" }
}

/// A module that maps one tensor to one tensor.
///
/// ```swift
/// final class Net: Layer {
///   let fc1 = Linear(784, 128), fc2 = Linear(128, 10)
///   func forward(_ x: Tensor) -> Tensor { fc2(fc1(x).relu()) }
/// }
/// let net = Net()
/// let y = net(Tensor.randn(32, 784))
/// ```
public protocol Layer: Module {
  /// The module's output. Call the module itself, `net(x)`, rather than this: that also runs forward hooks.
  ///
  /// - Parameter x: The input; which shapes fit is the module's to say. A module's own `forward(_ x: Tensor)` is all
  ///   right; one declared `consuming` may give the input's memory to the result, where the caller has no more use for
  ///   it. There `copy x` is what is used before the last time: `(copy x).relu() + x`.
  func forward(_ x: consuming Tensor) -> Tensor
}

extension Layer {
  /// Runs `forward`, then the forward hooks, of which there are usually none.
  ///
  /// - Parameter x: The input.
  /// - Returns: What `forward` returns, or what a hook puts in its place.
  @inline(__always)
  public func callAsFunction(_ x: consuming Tensor) -> Tensor {
    ForwardHooks.areIdle ? forward(x) : ForwardHooks.run(self, x)
  }
}

/// A module that behaves differently in training and in evaluation, such as `Dropout`. `train()` and `eval()` of a
/// module around it set the mode. A network of one's own conforms where its `forward` asks for the mode:
///
/// ```swift
/// final class Net: Layer, ModeDependent {
///   var training = true
///   let fc = Linear(10, 2)
///   func forward(_ x: Tensor) -> Tensor { fc(x.dropout(p: 0.2, training: training)) }
/// }
/// ```
public protocol ModeDependent: Module {
  /// True while training, which is how a module begins.
  var training: Bool { get set }
}
