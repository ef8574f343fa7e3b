import FirecrestIO

/// Curves over the epochs as a picture: one panel beside the other, with axes, grid and legend, in SVG.
///
/// ```swift
/// try Curves(CSVTable("run/metrics.csv"), title: "mnist").write(to: "run/curves.svg")
/// ```
/// The picture needs nothing from elsewhere, neither fonts nor scripts.
public struct Curves: Sendable {
  /// One line in a panel.
  public struct Series: Sendable {
    /// What the legend calls it.
    public var name: String
    /// Its points, ascending in x; the line breaks where y is not finite, or beyond 1e100.
    public var points: [(x: Double, y: Double)]

    /// A line through points.
    public init(_ name: String, _ points: [(x: Double, y: Double)]) {
      self.name = name
      self.points = points
    }
  }

  /// One coordinate system.
  public struct Panel: Sendable {
    /// What its y axis measures.
    public var title: String
    /// Its lines.
    public var series: [Series]

    /// A coordinate system with lines.
    public init(_ title: String, _ series: [Series]) {
      self.title = title
      self.series = series
    }
  }

  /// What stands above all panels.
  public var title: String
  /// What the x axes measure.
  public var xLabel: String
  /// The panels, left to right.
  public var panels: [Panel]

  /// A picture of panels.
  public init(title: String, xLabel: String = "epoch", panels: [Panel]) {
    self.title = title
    self.xLabel = xLabel
    self.panels = panels
  }

  /// The losses and accuracies of a table with a column `epoch`: a panel for the columns whose names end in `loss`, and
  /// one for those that end in `accuracy`.
  public init(_ table: CSVTable, title: String) {
    let epoch = table.columns.firstIndex(of: "epoch")
    let panels = ["loss", "accuracy"].compactMap { kind -> Panel? in
      let columns = table.columns.indices.filter { table.columns[$0].hasSuffix(kind) }
      let series = columns.map { column in
        Series(
          table.columns[column].split(separator: "_").joined(separator: " "),
          table.rows.enumerated().map { number, row in
            (x: epoch.flatMap { row[$0] } ?? Double(number + 1), y: row[column] ?? .nan)
          })
      }
      return series.isEmpty ? nil : Panel(kind, series)
    }
    self.init(title: title, panels: panels)
  }

  /// Writes the picture, replacing the file in one step.
  ///
  /// - Throws: `FileError` where writing fails.
  public func write(to path: String) throws(FileError) {
    let file = try AtomicFile(path)
    try file.write(Array(svg.utf8))
    try file.commit()
  }
}
