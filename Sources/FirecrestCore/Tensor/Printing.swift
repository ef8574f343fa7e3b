import CPUKernelAPI
import FirecrestCPU

/// How tensors are printed (the arguments of PyTorch's `torch.set_printoptions`).
public struct PrintOptions: Sendable, Equatable {
  /// Digits after the decimal point.
  public var precision: Int
  /// Tensors with more elements are summarised with `...`; `Int.max` prints everything.
  public var threshold: Int
  /// How many elements a summary shows at the start and at the end of each dimension.
  public var edgeItems: Int
  /// The length at which lines are broken.
  public var lineWidth: Int
  /// True for scientific form (`1.0000e+05`), false never to use it, nil where the values decide.
  public var sciMode: Bool?

  /// PyTorch's defaults where nothing else is said.
  public init(
    precision: Int = 4, threshold: Int = 1000, edgeItems: Int = 3, lineWidth: Int = 80, sciMode: Bool? = nil
  ) {
    self.precision = precision
    self.threshold = threshold
    self.edgeItems = edgeItems
    self.lineWidth = lineWidth
    self.sciMode = sciMode
  }
}

private let currentOptions = Guarded(PrintOptions())

extension Tensor: CustomStringConvertible, CustomDebugStringConvertible {
  /// How `print` writes tensors, for all threads (PyTorch's `torch.set_printoptions`).
  public static var printOptions: PrintOptions {
    get { currentOptions.withLock { $0 } }
    set { currentOptions.withLock { $0 = newValue } }
  }

  /// The values as PyTorch prints them: `tensor([[1., 2.],\n        [3., 4.]])`.
  public var description: String { formatted(Tensor.printOptions) }

  /// The description under the given options.
  public func formatted(_ options: PrintOptions) -> String {
    var suffixes: [String] = []
    if elementCount == 0 ? rank != 1 : options.edgeItems <= 0 {
      let sizes = shape.map(String.init).joined(separator: ", ")
      suffixes.append("size=(\(sizes)\(rank == 1 ? "," : ""))")
    }
    let isDefault = dtype == .float32 || (elementCount > 0 && (dtype == .int64 || dtype == .bool))
    if !isDefault { suffixes.append("dtype=torch.\(dtype)") }
    if let gradFn {
      suffixes.append("grad_fn=<\(gradFn)>")
    } else if requiresGrad {
      suffixes.append("requires_grad=True")
    }
    var text = "tensor(" + (elementCount == 0 ? "[]" : TensorText(self, options).text)
    // PyTorch counts two columns more than there are before the first suffix.
    var column = (text.split(separator: "\n", omittingEmptySubsequences: false).last?.utf8.count ?? 0) + 2
    for suffix in suffixes {
      if column + suffix.utf8.count + 2 > options.lineWidth {
        text += ",\n       " + suffix
        column = 7 + suffix.utf8.count
      } else {
        text += ", " + suffix
        column += suffix.utf8.count + 2
      }
    }
    return text + ")"
  }

  /// One line for debuggers: type, shape, device, the first values.
  public var debugDescription: String {
    let first = (0..<Swift.min(6, elementCount)).map { index in
      var rest = index
      var position = offset
      for d in (0..<rank).reversed() {
        position += rest % shape[d] * strides[d]
        rest /= shape[d]
      }
      return position
    }
    let values = TensorText.strings(self, at: first, PrintOptions(), padded: false).strings
    let more = elementCount > first.count ? ", …" : ""
    let grad = gradFn.map { " \($0)" } ?? (requiresGrad ? " requiresGrad" : "")
    return "Tensor \(summary) [\(values.joined(separator: ", "))\(more)]\(grad)"
  }
}

/// The nested brackets of one tensor.
private struct TensorText {
  private let tensor: Tensor
  private let options: PrintOptions
  private let summarizes: Bool
  private var strings: [String] = []
  private var width = 1

  init(_ tensor: Tensor, _ options: PrintOptions) {
    self.tensor = tensor
    self.options = options
    summarizes = tensor.elementCount > options.threshold
    var positions: [Int] = []
    collect(0, tensor.offset, &positions)
    (strings, width) = TensorText.strings(tensor, at: positions, options, padded: true)
  }

  /// Which indices of a dimension are shown, and whether some in the middle are not.
  private func shown(_ dim: Int) -> (indices: [Int], hidden: Bool) {
    let size = tensor.shape[dim]
    let edge = max(0, options.edgeItems)
    // Not 2 · edge, which may overflow.
    if !summarizes || size - edge <= edge { return (Array(0..<size), false) }
    return (Array(0..<edge) + Array(size - edge..<size), true)
  }

  /// The positions in the storage of all elements shown, in order.
  private func collect(_ dim: Int, _ start: Int, _ positions: inout [Int]) {
    if dim == tensor.rank { return positions.append(start) }
    for index in shown(dim).indices { collect(dim + 1, start + index * tensor.strides[dim], &positions) }
  }

  /// The elements at some positions of a tensor's storage, in the form that suits all of them, and the width of that
  /// form. NaN and infinities may be wider, which PyTorch does not look at when it breaks lines.
  static func strings(
    _ x: Tensor, at positions: [Int], _ options: PrintOptions, padded: Bool
  ) -> (strings: [String], width: Int) {
    func read<T>(_ type: T.Type) -> [T] {
      withExtendedLifetime(x.storage) {
        positions.map { x.storage.pointer.load(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self) }
      }
    }
    func finish<T>(_ values: [T], _ format: NumberFormat, _ text: (T) -> String) -> ([String], Int) {
      (values.map { padded ? format.padded(text($0)) : text($0) }, format.width)
    }
    func floats(_ values: [Double]) -> ([String], Int) {
      let format = NumberFormat(values, options)
      return finish(values, format, format.text)
    }
    func integers(_ values: [Int]) -> ([String], Int) { finish(values, NumberFormat(values, options)) { String($0) } }
    switch x.dtype {
    case .bool:
      let values = read(UInt8.self).map { $0 != 0 }
      return finish(values, NumberFormat(values, options)) { $0 ? "True" : "False" }
    case .uint8: return integers(read(UInt8.self).map(Int.init))
    case .int8: return integers(read(Int8.self).map(Int.init))
    case .int16: return integers(read(Int16.self).map(Int.init))
    case .int32: return integers(read(Int32.self).map(Int.init))
    case .int64: return integers(read(Int.self))
    case .float64: return floats(read(Double.self))
    case .float32: return floats(read(Float.self).map(Double.init))
    case .bfloat16: return floats(read(UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) })
    case .float16:
      let one = Tensor(empty: [positions.count], .float16)
      one.withElements(UInt16.self) { target in
        for (index, bits) in read(UInt16.self).enumerated() { target[index] = bits }
      }
      return floats(one.toArray(Double.self))
    }
  }

  var text: String {
    var next = strings.startIndex
    return text(0, indent: 7, &next)
  }

  private func text(_ dim: Int, indent: Int, _ next: inout Int) -> String {
    if tensor.rank == 0 { return strings[0] }
    let (indices, hidden) = shown(dim)
    let isRow = dim == tensor.rank - 1
    var parts: [String] = []
    for (number, _) in indices.enumerated() {
      if hidden && number == indices.count / 2 { parts.append(isRow ? " ..." : "...") }
      if isRow {
        parts.append(strings[next])
        next += 1
      } else {
        parts.append(text(dim + 1, indent: indent + 1, &next))
      }
    }
    if indices.isEmpty { parts.append("...") }
    let margin = String(repeating: " ", count: indent + 1)
    if !isRow {
      let breaks = String(repeating: "\n", count: tensor.rank - 1 - dim)
      return "[" + parts.joined(separator: "," + breaks + margin) + "]"
    }
    let perLine = max(1, (options.lineWidth - indent) / (width + 2))
    let lines = stride(from: 0, to: parts.count, by: perLine).map { start in
      parts[start..<min(start + perLine, parts.count)].joined(separator: ", ")
    }
    return "[" + lines.joined(separator: ",\n" + margin) + "]"
  }
}
