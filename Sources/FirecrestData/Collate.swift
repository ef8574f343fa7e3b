import FirecrestCore

/// What samples of one type become in a batch (PyTorch's `default_collate`).
///
/// Tensors are stacked along a new first dimension; numbers become a vector (Int: int64, Double: float64, Float:
/// float32, as in PyTorch); texts stay a list; dictionaries are collated value by value. A `DataLoader` also knows
/// tuples of two or three of these. Conform a type of your own, or give the loader a `collate` function.
public protocol Collatable: SendableMetatype {
  /// The batch.
  associatedtype Collated
  /// The batch of `samples`, of which there is at least one.
  static func collate(_ samples: [Self]) throws -> Collated
}

/// Why samples do not fit into one batch.
public struct CollateError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What differs.
  public let description: String

  /// An error with its text.
  public init(_ description: String) { self.description = description }
}

extension Tensor: Collatable {
  /// The tensors stacked; they need the same shape and type.
  public static func collate(_ samples: [Tensor]) throws -> Tensor {
    let first = samples[0]
    for (i, sample) in samples.enumerated() where sample.shape != first.shape || sample.dtype != first.dtype {
      throw CollateError(
        "samples do not stack: the batch's first is \(first.summary), its number \(i) is \(sample.summary)")
    }
    return stack(samples)
  }
}

extension Collatable where Self: TensorElement {
  /// The numbers as a vector.
  public static func collate(_ samples: [Self]) -> Tensor { Tensor(samples, shape: [samples.count]) }
}

extension Int: Collatable {}
extension Int64: Collatable {}
extension Int32: Collatable {}
extension Int16: Collatable {}
extension Int8: Collatable {}
extension UInt8: Collatable {}
extension Bool: Collatable {}
extension Float: Collatable {}
extension Double: Collatable {}

extension String: Collatable {
  /// The texts as they are.
  public static func collate(_ samples: [String]) -> [String] { samples }
}

extension Dictionary: Collatable where Value: Collatable {
  /// For each key of the first sample the batch of all values.
  public static func collate(_ samples: [[Key: Value]]) throws -> [Key: Value.Collated] {
    var result: [Key: Value.Collated] = [:]
    for key in samples[0].keys {
      let values = samples.compactMap { $0[key] }
      if values.count < samples.count { throw CollateError("only some samples of the batch have the key \(key)") }
      result[key] = try Value.collate(values)
    }
    return result
  }
}
