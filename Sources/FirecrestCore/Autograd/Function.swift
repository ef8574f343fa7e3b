import FirecrestCPU

/// An operation with a derivative of its own (PyTorch's `torch.autograd.Function`).
///
///     enum Exp: Function {
///       static func forward(_ context: FunctionContext, _ inputs: [Tensor]) -> [Tensor] {
///         let y = inputs[0].exp()
///         context.save(y)
///         return [y]
///       }
///       static func backward(_ context: FunctionContext, _ gradients: [Tensor?]) -> [Tensor?] {
///         [gradients[0]! * context.saved[0]]
///       }
///     }
///     let y = Exp.apply(x)
///
/// A `backward` made of tensor operations can be differentiated again.
public protocol Function {
  /// Computes the results. Nothing in here is recorded. A result that shares memory with an input or with another
  /// result is copied.
  static func forward(_ context: FunctionContext, _ inputs: [Tensor]) -> [Tensor]

  /// Computes one gradient for each input, nil where there is none, from those of the results; nil there means that
  /// nothing arrived, a gradient of zeros. A gradient has its input's shape, or one that broadcasting gives it, over
  /// which it is summed.
  static func backward(_ context: FunctionContext, _ gradients: [Tensor?]) -> [Tensor?]
}

/// What one call of a `Function` keeps between `forward` and `backward`.
public final class FunctionContext {
  /// Whether the gradient of each input is wanted; others may be nil (PyTorch's `needs_input_grad`).
  public let needsInputGradient: [Bool]
  /// What the caller passed beside the tensors, or whatever `forward` leaves here for `backward`. Tensors belong into
  /// `save`, which notices changes.
  public var options: Any?
  fileprivate var forwardSaved: [Tensor] = []
  fileprivate var constants: [Tensor] = []
  fileprivate weak var node: FunctionNode?
  private var isFinished = false

  fileprivate init(_ needsInputGradient: [Bool], _ options: Any?) {
    self.needsInputGradient = needsInputGradient
    self.options = options
  }

  /// Keeps inputs, results or other tensors for `backward` (PyTorch's `save_for_backward`). They must not be changed in
  /// place until then.
  public func save(_ tensors: Tensor...) {
    if isFinished { fail("save", "tensors are saved in forward, not in backward") }
    forwardSaved += tensors
  }

  /// Says that no gradient flows through these results (PyTorch's `mark_non_differentiable`).
  public func markNonDifferentiable(_ results: Tensor...) { constants += results }

  /// The saved tensors, in the order in which they were saved. Stops where one was changed in place, or where an
  /// earlier backward pass has released them.
  public var saved: [Tensor] { isFinished ? node?.savedTensors ?? [] : forwardSaved }

  fileprivate func finish(_ node: FunctionNode?) {
    self.node = node
    isFinished = true
    forwardSaved = []
    constants = []
  }
}

extension Function {
  /// Runs `forward`, and records `backward` where an input requires a gradient.
  public static func apply(_ inputs: [Tensor], options: Any? = nil) -> [Tensor] {
    let records = GradMode.isEnabled && inputs.contains(where: \.requiresGrad)
    let context = FunctionContext(inputs.map { records && $0.requiresGrad }, options)
    let results = noGrad { forward(context, inputs) }
    // The caller gets tensors of its own, so that what `forward` returned, perhaps a parameter, keeps its place in
    // the graph.
    var storages = inputs.map { ObjectIdentifier($0.storage) }
    let outputs = results.map { result in
      let isShared = storages.contains(ObjectIdentifier(result.storage))
      storages.append(ObjectIdentifier(result.storage))
      let own = isShared ? noGrad { result.clone() } : result
      return own.window(own.shape, strides: own.strides, offset: own.offset)
    }
    guard records else {
      context.finish(nil)
      return outputs
    }
    let node = FunctionNode(
      name: "\(Self.self)", context, inputs, results, outputs, backward: { backward($0, $1) })
    for (index, result) in results.enumerated() where result.dtype.isFloatingPoint {
      if context.constants.contains(where: { $0 === result }) { continue }
      outputs[index].node = node
      outputs[index].outputIndex = index
    }
    context.finish(node)
    return outputs
  }

  /// Runs a function that has one result.
  public static func apply(_ inputs: Tensor..., options: Any? = nil) -> Tensor {
    let outputs: [Tensor] = apply(inputs, options: options)
    if outputs.count != 1 {
      fail(
        "\(Self.self)", "forward returned \(outputs.count) results", help: "call apply with an array for other than one"
      )
    }
    return outputs[0]
  }
}

/// One call of a `Function`.
private final class FunctionNode: Node {
  private let title: String
  private var context: FunctionContext!
  private let specs: [TensorSpec]
  private let outputCount: Int
  /// For each saved tensor, which result it is.
  private var savedResults: [Int?] = []
  private let backward: (FunctionContext, [Tensor?]) -> [Tensor?]

  init(
    name: String, _ context: FunctionContext, _ inputs: [Tensor], _ results: [Tensor], _ outputs: [Tensor],
    backward: @escaping (FunctionContext, [Tensor?]) -> [Tensor?]
  ) {
    title = name
    self.context = context
    specs = inputs.map(\.spec)
    outputCount = results.count
    self.backward = backward
    let all = inputs.map(\.edge)
    super.init()
    moreEdges = all
    for tensor in context.forwardSaved {
      let isInput = inputs.contains { $0 === tensor }
      let result = isInput ? nil : results.firstIndex { $0 === tensor }
      savedResults.append(result)
      // A result is saved without its place in the graph, which would keep this node alive for ever.
      saveMore(
        result.map { outputs[$0].window(outputs[$0].shape, strides: outputs[$0].strides, offset: outputs[$0].offset) }
          ?? tensor)
    }
  }

  deinit {
    // What the context holds may hold the function before, and so on.
    var queue: [AnyObject] = [context]
    context = nil
    ReleaseQueue.drain(&queue)
  }

  override var name: String { title }
  override var backwardName: String { title + "Backward" }
  override var edges: [Edge] { moreEdges }

  /// The saved tensors, checked, results with their place in the graph.
  var savedTensors: [Tensor] {
    if isReleased && !savedResults.isEmpty { refuseReleased() }
    return savedResults.enumerated().map { position, result in
      let tensor = checked(moreSaved[position]!, moreVersions[position])
      return result.map { attached(tensor, $0) } ?? tensor
    }
  }

  override func propagate(_ gradient: consuming Tensor?, _ engine: Engine) {
    if isReleased && !savedResults.isEmpty { refuseReleased() }
    let gradients = backward(context, (0..<outputCount).map { $0 == 0 ? gradient : morePending[$0] })
    if gradients.count != specs.count {
      fail(
        name, "backward returned \(gradients.count) gradients for \(specs.count) inputs",
        help: "return one for each input of forward, nil where there is none")
    }
    for (index, g) in gradients.enumerated() where moreEdges[index].isWanted {
      guard let g else { continue }
      if (try? broadcastShapes(g.shape, specs[index].shape)) != g.shape || !g.dtype.isFloatingPoint {
        fail(
          name, "backward returned \(g.spec) as the gradient of input \(index), which is \(specs[index])",
          help: "a gradient has the shape of its input")
      }
      engine.inspect(g, name, input: index)
      engine.send(fit(g, specs[index]), to: moreEdges[index])
    }
  }
}
