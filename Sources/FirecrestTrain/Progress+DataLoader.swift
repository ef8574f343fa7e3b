import FirecrestData

/// The batches of an epoch, with a progress bar on standard error. After a resume it begins where the loader is.
///
/// ```swift
/// let batches = progress(loader, "epoch 1/3")
/// for (x, y) in batches { …; batches["loss"] = loss.item() }
/// ```
///
/// - Parameters:
///   - loader: The loader.
///   - label: What stands before the bar.
///   - style: Where and how often progress appears.
public func progress<Batch>(
  _ loader: DataLoader<Batch>, _ label: String, style: ProgressBar.Style = .automatic
) -> TrackedSequence<DataLoader<Batch>> {
  TrackedSequence(loader) {
    let bar = ProgressBar(label, total: loader.count, unit: "batch", style: style)
    bar.skip(loader.position)
    return bar
  }
}
