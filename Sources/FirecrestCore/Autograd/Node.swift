import CRuntime
import FirecrestCPU
import Synchronization

/// Where a gradient goes: into another node, into a leaf's `.grad`, or nowhere.
package enum Edge {
  case none
  case node(Node, output: Int)
  case leaf(Tensor)

  @inline(__always)
  package var isWanted: Bool {
    if case .none = self { false } else { true }
  }
}

private let nodeCounter = Atomic<Int>(0)

/// One recorded operation: the values its derivative needs, and the edges along which gradients leave. Nodes keep the
/// nodes before them alive, never the ones after.
package class Node {
  /// Grows in the order of recording. A node's inputs were recorded before it, so going through nodes by falling
  /// number is a topological order.
  package let sequence: Int
  package var edge0 = Edge.none
  package var edge1 = Edge.none
  package var moreEdges: [Edge] = []
  package var saved0: Tensor?
  package var saved1: Tensor?
  package var moreSaved: [Tensor?] = []
  package var version0 = 0
  package var version1 = 0
  package var moreVersions: [Int] = []
  /// True once a backward pass without `retainGraph` has let go of the saved values.
  package var isReleased = false
  /// Hooks and retained gradients of this node's outputs; rare.
  package var watchers: [Watcher] = []

  // What the running backward pass has gathered.
  package var pending: Tensor?
  package var morePending: [Int: Tensor] = [:]
  package var isQueued = false

  // Internal, as its subclasses are: for a more visible initialiser the compiler puts a thunk between it and each
  // subclass, of which it says that it calls itself for ever.
  init() { sequence = Node.nextSequence() }

  /// A number larger than all handed out before.
  package static func nextSequence() -> Int { nodeCounter.add(1, ordering: .relaxed).newValue }

  /// The operation's name, as error messages show it.
  package var name: String { fatalError("abstract") }

  /// The name as PyTorch prints it.
  package var backwardName: String {
    if self.name == "copySlices" { return "CopySlices" }
    let name = Node.backwardNames[self.name] ?? name
    return name.prefix(1).uppercased() + name.dropFirst() + "Backward0"
  }

  /// What PyTorch calls operations whose own names differ.
  private static let backwardNames = [
    "avgPool2d": "AvgPool2D", "avgPool3d": "AvgPool3D", "batchNorm": "NativeBatchNorm", "conv1d": "Convolution",
    "conv2d": "Convolution", "conv3d": "Convolution", "convTranspose1d": "Convolution",
    "convTranspose2d": "Convolution", "convTranspose3d": "Convolution", "maxPool2d": "MaxPool2DWithIndices",
    "maxPool3d": "MaxPool3DWithIndices", "norm": "LinalgVectorNorm",
  ]

  /// Computes the gradients of the inputs from those of the outputs, and sends them along the edges.
  package func propagate(_ gradient: consuming Tensor?, _ engine: Engine) { fatalError("abstract") }

  /// All edges in the order of the inputs.
  package var edges: [Edge] { [edge0, edge1] + moreEdges }

  /// Lets go of saved values after use.
  package func releaseSaved() {
    saved0 = nil
    saved1 = nil
    moreSaved = []
    isReleased = true
  }

  deinit {
    // Released one by one from a queue: taking a graph apart recursively would need stack in proportion to its depth.
    var queue: [AnyObject] = []
    Node.unlink(&edge0, &queue)
    Node.unlink(&edge1, &queue)
    for i in moreEdges.indices { Node.unlink(&moreEdges[i], &queue) }
    Node.unlink(&saved0, &queue)
    Node.unlink(&saved1, &queue)
    for i in moreSaved.indices { Node.unlink(&moreSaved[i], &queue) }
    if !watchers.isEmpty {
      // What hooks captured.
      queue.append(Held(watchers))
      watchers = []
    }
    if !queue.isEmpty { ReleaseQueue.drain(&queue) }
  }

  @inline(__always)
  private static func unlink(_ edge: inout Edge, _ queue: inout [AnyObject]) {
    guard case .node(var node, _) = edge else { return }
    edge = .none
    if isKnownUniquelyReferenced(&node) { queue.append(node) }
  }

  @inline(__always)
  private static func unlink(_ tensor: inout Tensor?, _ queue: inout [AnyObject]) {
    guard var held = tensor, held.node != nil else { return }
    tensor = nil
    if isKnownUniquelyReferenced(&held) { queue.append(held) }
  }

  /// Remembers a tensor for the backward pass.
  @inline(__always)
  package func save0(_ tensor: Tensor) {
    refuseInference(tensor)
    saved0 = tensor
    version0 = tensor.storage.version
  }

  @inline(__always)
  package func save1(_ tensor: Tensor) {
    refuseInference(tensor)
    saved1 = tensor
    version1 = tensor.storage.version
  }

  package func saveMore(_ tensor: Tensor?) {
    if let tensor { refuseInference(tensor) }
    moreSaved.append(tensor)
    moreVersions.append(tensor?.storage.version ?? 0)
  }

  @inline(__always)
  private func refuseInference(_ tensor: Tensor) {
    if tensor.isInference {
      fail(
        name, "a tensor made in inferenceMode cannot be saved for backward", values: ["tensor  \(tensor.summary)"],
        help: "clone it outside of inferenceMode, or use noGrad instead of inferenceMode")
    }
  }

  /// A saved value, after checking that it is still there and unchanged.
  @inline(__always)
  package func checked(_ tensor: Tensor, _ version: Int) -> Tensor {
    if tensor.storage.version != version { refuseChanged(tensor, version) }
    return tensor
  }

  @inline(never)
  private func refuseChanged(_ tensor: Tensor, _ version: Int) -> Never {
    fail(
      "backward", "a value that \(name) saved for its gradient was changed in place afterwards",
      values: ["value  \(tensor.summary), version \(tensor.storage.version), saved at version \(version)"],
      help: "compute a new tensor instead (y = y + 1, not y += 1), change a clone(), or call backward() before an "
        + "optimizer's step that changes it")
  }

  @inline(never)
  package func refuseReleased() -> Never {
    fail(
      "backward", "the values that \(name) saved were released by an earlier backward pass",
      help: "call backward(retainGraph: true) the first time to go through the same graph twice")
  }

  /// An output saved by its own node holds no reference to the node; this gives it one again, so that a second
  /// derivative finds its way.
  package func attached(_ output: Tensor, _ index: Int = 0) -> Tensor {
    if GradMode.isEnabled {
      let alias = output.window(output.shape, strides: output.strides, offset: output.offset)
      alias.node = self
      alias.outputIndex = index
      return alias
    }
    return output
  }
}

/// Someone who wants to see, change or keep the gradient of one output of a node.
package struct Watcher {
  package enum Action {
    case hook(id: Int, (Tensor) -> Tensor?)
    case retain(() -> Tensor?)
  }
  package var output: Int
  package var action: Action
}

/// Keeps a value that is no object for the queue below.
private final class Held {
  private let value: Any
  init(_ value: Any) { self.value = value }
}

/// Releases objects one after the other, whatever their deinitialisers release in turn.
final class ReleaseQueue {
  private var objects: [AnyObject] = []

  /// Takes the objects out of the caller's array, which would release what is left of them all at once.
  static func drain(_ objects: inout [AnyObject]) {
    let state = fc_state()
    if let waiting = state.pointee.release_queue {
      Unmanaged<ReleaseQueue>.fromOpaque(waiting).takeUnretainedValue().objects += objects
      objects = []
      return
    }
    let queue = ReleaseQueue()
    swap(&queue.objects, &objects)
    state.pointee.release_queue = Unmanaged.passUnretained(queue).toOpaque()
    while let object = queue.objects.popLast() { withExtendedLifetime(object) {} }
    state.pointee.release_queue = nil
  }
}
