import FirecrestCPU
import FirecrestCore
import Synchronization

/// Hooks that see what layers compute. While there are none, a call of a layer only looks at one number.
package enum ForwardHooks {
  /// A hook: nil, or what takes the output's place.
  package typealias Hook = (_ layer: any Layer, _ input: Tensor, _ output: Tensor) -> Tensor?

  /// Hooks travel between threads as the modules that they belong to do; ordering their use is the caller's.
  private struct Entry: @unchecked Sendable {
    let id: Int
    weak var layer: (any Layer)?
    let body: Hook
  }

  private struct Table {
    var entries: [Entry] = []
    var next = 0
    var observers = 0
  }

  private struct Observer: @unchecked Sendable {
    let body: (any Layer, Tensor, Tensor) -> Void
  }

  /// The number of hooks and observers, readable without the lock.
  private static let count = Atomic<Int>(0)
  private static let table = Guarded(Table())
  /// Hears of every layer, but only where it was set: calls in other threads are not its business.
  @TaskLocal private static var observer: Observer?

  /// True while nobody listens.
  @inline(__always)
  package static var areIdle: Bool { count.load(ordering: .relaxed) == 0 }

  private static func change<R>(_ body: (inout sending Table) -> sending R) -> sending R {
    table.withLock { table in
      defer { count.store(table.entries.count + table.observers, ordering: .relaxed) }
      return body(&table)
    }
  }

  fileprivate static func add(_ layer: any Layer, _ hook: @escaping Hook) -> Int {
    let entry = Entry(id: 0, layer: layer, body: hook)
    return change { table in
      table.next += 1
      table.entries.append(Entry(id: table.next, layer: entry.layer, body: entry.body))
      return table.next
    }
  }

  fileprivate static func remove(_ id: Int) {
    change { table in table.entries.removeAll { $0.id == id || $0.layer == nil } }
  }

  @inline(never)
  package static func run(_ layer: some Layer, _ x: Tensor) -> Tensor {
    var y = layer.forward(x)
    let entries = table.withLock { $0.entries }
    // Hooks of layers that are gone go too, with what they hold.
    if entries.contains(where: { $0.layer == nil }) { remove(0) }
    for entry in entries where entry.layer === layer {
      if let replacement = entry.body(layer, x, y) { y = replacement }
    }
    observer?.body(layer, x, y)
    return y
  }

  /// Calls `observer` after every call of a layer that `body` makes.
  package static func observing<R>(_ observer: @escaping (any Layer, Tensor, Tensor) -> Void, _ body: () -> R) -> R {
    change { $0.observers += 1 }
    defer { change { $0.observers -= 1 } }
    return $observer.withValue(Observer(body: observer), operation: body)
  }
}

/// Removes a forward hook (PyTorch's `RemovableHandle`).
public struct ForwardHookHandle {
  fileprivate let id: Int

  /// The hook is not called any more.
  public func remove() { ForwardHooks.remove(id) }
}

extension Layer {
  /// Calls `hook` after each call of this layer; what it returns, if anything, takes the output's place (PyTorch's
  /// `register_forward_hook`). The hook lives as long as the layer.
  ///
  /// ```swift
  /// var features = Tensor.zeros(0)
  /// let handle = net.fc1.registerForwardHook { _, _, output in features = output; return nil }
  /// ```
  ///
  /// - Parameter hook: Gets the layer, its input and its output. It must not hold the layer strongly.
  /// - Returns: A handle that removes the hook.
  @discardableResult
  public func registerForwardHook(
    _ hook: @escaping (_ layer: any Layer, _ input: Tensor, _ output: Tensor) -> Tensor?
  ) -> ForwardHookHandle {
    ForwardHookHandle(id: ForwardHooks.add(self, hook))
  }
}
