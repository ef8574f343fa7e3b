/// The elements of `base`, with a progress bar on standard error while they are gone through (Python's `tqdm`).
///
/// ```swift
/// let batches = progress(loader, "epoch 1/3")
/// for (x, y) in batches {
///   …
///   batches["loss"] = loss.item()   // beside the bar
/// }
/// ```
///
/// - Parameters:
///   - base: What to go through.
///   - label: What stands before the bar.
///   - total: How many elements there are; without it, what `base` says of itself.
///   - unit: What an element is called.
///   - style: Where and how often progress appears.
public func progress<Base: Sequence>(
  _ base: Base, _ label: String, total: Int? = nil, unit: String = "it", style: ProgressBar.Style = .automatic
) -> TrackedSequence<Base> {
  TrackedSequence(base) {
    let known = base.underestimatedCount
    return ProgressBar(label, total: total ?? (known > 0 ? known : nil), unit: unit, style: style)
  }
}

/// A sequence that shows how far one is in it; see `progress(_:_:total:unit:style:)`. Each time it is gone through, a
/// new bar appears.
public final class TrackedSequence<Base: Sequence>: Sequence {
  private let base: Base
  private let makeBar: () -> ProgressBar
  private var bar: ProgressBar?

  init(_ base: Base, _ makeBar: @escaping () -> ProgressBar) {
    self.base = base
    self.makeBar = makeBar
  }

  /// A running value beside the bar.
  public subscript(name: String) -> Double? {
    get { bar?[name] }
    set { bar?[name] = newValue }
  }

  /// Starts anew, with a new bar.
  public func makeIterator() -> Iterator {
    let bar = makeBar()
    self.bar = bar
    return Iterator(base.makeIterator(), bar)
  }

  /// Goes through the elements and moves the bar.
  public struct Iterator: IteratorProtocol {
    private var base: Base.Iterator
    private let end: End
    private var isFirst = true

    init(_ base: Base.Iterator, _ bar: ProgressBar) {
      self.base = base
      end = End(bar)
    }

    /// The next element. The one before it is done by now.
    public mutating func next() -> Base.Element? {
      if !isFirst { end.bar.advance() }
      isFirst = false
      guard let element = base.next() else {
        end.bar.finish()
        return nil
      }
      return element
    }
  }

  /// Finishes the bar where the loop is left early.
  private final class End {
    let bar: ProgressBar
    init(_ bar: ProgressBar) { self.bar = bar }
    deinit { bar.finish() }
  }
}
