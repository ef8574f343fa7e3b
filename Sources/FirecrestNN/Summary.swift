import FirecrestCore

/// A table of a network's layers: what `summary(inputShape:)` returns, ready to print.
public struct ModuleSummary: CustomStringConvertible, Sendable {
  /// One module.
  public struct Row: Sendable {
    /// Its name in the module around it; the type's name for the network itself.
    public let name: String
    /// The type: `Conv2d`.
    public let type: String
    /// How deep it stands; 0 for the network itself.
    public let depth: Int
    /// The shape of what it returned, nil where it was not called as a layer.
    public let outputShape: Shape?
    /// The number of elements of its own parameters, without those of modules below. What is shared counts where it is
    /// seen first.
    public let parameters: Int
  }

  /// The modules, each before those below it.
  public let rows: [Row]
  /// The number of elements of all parameters.
  public let parameters: Int
  /// Those of them that training changes.
  public let trainableParameters: Int
  /// The bytes of parameters and buffers.
  public let stateBytes: Int
  /// The bytes of all layers' outputs for the input given, nil without one.
  public let outputBytes: Int?

  /// The table, then the totals; sizes in MB of a million bytes.
  public var description: String {
    var table = [["Layer", "Output shape", "Parameters"]]
    for row in rows {
      let label = row.depth == 0 ? row.type : "\(row.name) (\(row.type))"
      table.append([
        String(repeating: "  ", count: row.depth) + label, row.outputShape.map { "\($0)" } ?? "-",
        row.parameters == 0 ? "-" : grouped(row.parameters),
      ])
    }
    let widths = (0..<3).map { column in table.map { $0[column].count }.max()! }
    let lines = table.map { cells in
      cells[0].padded(to: widths[0]) + "  " + cells[1].padded(to: widths[1]) + "  "
        + String(repeating: " ", count: widths[2] - cells[2].count) + cells[2]
    }
    let rule = String(repeating: "-", count: widths.reduce(4, +))
    var result = [rule, lines[0], rule] + lines.dropFirst() + [rule]
    result.append(
      "Parameters: \(grouped(parameters)) (trainable: \(grouped(trainableParameters)), "
        + "frozen: \(grouped(parameters - trainableParameters)))")
    let outputs = outputBytes.map { ", outputs: \(megabytes($0)) MB" } ?? ""
    result.append("Parameters and buffers: \(megabytes(stateBytes)) MB\(outputs)")
    return result.joined(separator: "\n")
  }
}

/// 1234567 as `1,234,567`.
private func grouped(_ number: Int) -> String {
  var digits = Array(String(number))
  for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
  return String(digits)
}

/// Millions of bytes with two decimals.
private func megabytes(_ bytes: Int) -> String {
  let hundredths = (bytes + 5_000) / 10_000
  let decimals = String(hundredths % 100)
  return "\(hundredths / 100)." + (decimals.count < 2 ? "0" : "") + decimals
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Layer {
  /// A table of the layers with what they return for an input of this shape, their parameters and the totals:
  ///
  /// ```swift
  /// print(net.summary(inputShape: [1, 1, 28, 28]))
  /// ```
  ///
  /// The output shapes come from one forward pass on zeros, in evaluation mode and without recording; the mode is put
  /// back afterwards.
  ///
  /// - Parameters:
  ///   - inputShape: The whole shape, with the batch: `[1, 1, 28, 28]`.
  ///   - dtype: The input's type; `.int64` for a network that begins with an `Embedding`. By default that of the first
  ///     floating-point parameter.
  public func summary(inputShape: Shape, dtype: DType? = nil) -> ModuleSummary {
    let type = dtype ?? parameters().first { $0.dtype.isFloatingPoint }?.dtype ?? .float32
    let modes = modules().compactMap { $0 as? any ModeDependent }.map { ($0, $0.training) }
    eval()
    defer { for (module, training) in modes { module.training = training } }
    var outputs: [ObjectIdentifier: Shape] = [:]
    var bytes = 0
    let observe = { (layer: any Layer, _: Tensor, y: Tensor) in
      // Of a layer that is called several times, the first call is shown.
      if outputs[ObjectIdentifier(layer)] == nil { outputs[ObjectIdentifier(layer)] = y.shape }
      if ModuleFields(layer).modules.isEmpty { bytes += y.elementCount * y.dtype.size }
    }
    ForwardHooks.observing(observe) { _ = noGrad { self(Tensor.zeros(inputShape, dtype: type)) } }
    return ModuleSummary(self, outputs: outputs, outputBytes: bytes)
  }
}

extension Module {
  /// A table of the modules and their parameters, without a forward pass.
  public func summary() -> ModuleSummary { ModuleSummary(self, outputs: [:], outputBytes: nil) }
}

extension ModuleSummary {
  fileprivate init(_ root: any Module, outputs: [ObjectIdentifier: Shape], outputBytes: Int?) {
    var seen: Set<ObjectIdentifier> = []
    rows = places(of: root, once: false).map { place in
      let own = place.fields.slots.filter(\.slot.isParameter).compactMap(\.slot.tensor)
      return Row(
        name: place.path.isEmpty ? typeName(root) : place.localName, type: typeName(place.module), depth: place.depth,
        outputShape: outputs[ObjectIdentifier(place.module)],
        parameters: own.reduce(0) { $0 + (seen.insert(ObjectIdentifier($1)).inserted ? $1.elementCount : 0) })
    }
    let all = root.parameters()
    parameters = all.reduce(0) { $0 + $1.elementCount }
    trainableParameters = all.reduce(0) { $0 + ($1.requiresGrad ? $1.elementCount : 0) }
    stateBytes = (all + root.buffers()).reduce(0) { $0 + $1.elementCount * $1.dtype.size }
    self.outputBytes = outputBytes
  }
}
