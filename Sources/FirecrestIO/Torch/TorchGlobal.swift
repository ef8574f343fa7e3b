import FirecrestCore

/// The names out of Python that a file may use. Each stands for a meaning that Firecrest has; none is ever looked up or
/// called.
enum TorchGlobal {
  /// How PyTorch describes a tensor: one shape of arguments for each of its versions.
  enum Rebuild {
    case v1, v2, v3
  }

  case dictionary
  case set
  case size
  case tensor(Rebuild)
  /// A function whose first argument is the tensor it returns: parameters.
  case wrapper
  /// A function whose first argument is the function to be called with the third, a tuple: tensors with attributes.
  case attributed
  case tensorClass
  /// A type of number or of storage.
  case type(TorchType)
  /// A function whose result has no use here.
  case ignored

  /// The meaning of `module.name`; nil where there is none.
  init?(_ module: String, _ name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"), ("collections", "Counter"): self = .dictionary
    case ("builtins", "set"), ("__builtin__", "set"), ("builtins", "frozenset"), ("__builtin__", "frozenset"):
      self = .set
    case ("torch", "Size"): self = .size
    case ("torch", "device"), ("_codecs", "encode"), ("builtins", "bytearray"), ("__builtin__", "bytearray"):
      self = .ignored
    case ("torch._utils", "_rebuild_tensor"): self = .tensor(.v1)
    case ("torch._utils", "_rebuild_tensor_v2"): self = .tensor(.v2)
    case ("torch._utils", "_rebuild_tensor_v3"): self = .tensor(.v3)
    case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"): self = .wrapper
    case ("torch._tensor", "_rebuild_from_type_v2"): self = .attributed
    case ("torch", "Tensor"), ("torch.nn.parameter", "Parameter"), ("torch.nn.parameter", "Buffer"):
      self = .tensorClass
    case ("torch", _), ("torch.cuda", _), ("torch.storage", _):
      guard let type = TorchType(name) else { return nil }
      self = .type(type)
    default: return nil
    }
  }
}

/// A type of PyTorch's numbers, also of those that Firecrest does not have.
struct TorchType: Equatable {
  /// PyTorch's name of the type: `float32`, `complex64`; `untyped` for bytes whose type the tensor tells.
  let name: String
  /// How its numbers lie in the file; nil for types that are not read.
  let element: StoredElement?

  /// A type by its name in `torch`, or that of its storage.
  init?(_ global: String) {
    if let name = Self.storages[global] {
      self.init(number: name)
    } else if Self.isNumber(global) {
      self.init(number: global)
    } else {
      return nil
    }
  }

  /// The error for numbers that are not read.
  func refusal(_ file: String, _ offset: Int?) -> FileError {
    let remedy =
      switch name {
      case _ where name.hasPrefix("complex"): "save torch.view_as_real(x)"
      case _ where name.hasPrefix("q"): "save x.dequantize()"
      default: "save x.float()"
      }
    return FileError(.unsupported, file: file, offset: offset, "a tensor's numbers are \(name)", help: remedy)
  }

  private init(number name: String) {
    self.name = name
    element =
      switch name {
      case "untyped": StoredElement(.uint8)
      case "uint16": StoredElement(unsignedSize: 2)
      case "uint32": StoredElement(unsignedSize: 4)
      case "uint64": StoredElement(unsignedSize: 8)
      default: DType.allCases.first { "\($0)" == name }.map { StoredElement($0) }
      }
  }

  private static func isNumber(_ name: String) -> Bool {
    if DType.allCases.contains(where: { "\($0)" == name }) { return true }
    return ["uint16", "uint32", "uint64", "complex32", "complex64", "complex128"].contains(name)
      || name.hasPrefix("float8_") || name.hasPrefix("float4_")
  }

  private static let storages = [
    "UntypedStorage": "untyped", "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16",
    "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128", "QInt8Storage": "qint8", "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32", "QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4",
  ]
}
