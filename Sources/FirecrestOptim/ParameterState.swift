import FirecrestCore

/// What an optimizer keeps of one parameter from step to step.
public final class ParameterState {
  /// The steps made so far, those in which the parameter had no gradient not counted.
  public internal(set) var step = 0
  private var names: [String]
  private var tensors: [Tensor?]

  /// - Parameter names: The names that will be used, in the order in which they are saved.
  init(_ names: [String]) {
    self.names = names
    tensors = names.map { _ in nil }
  }

  /// A tensor of the state by its name, nil before it is first set.
  public subscript(name: String) -> Tensor? {
    get { names.firstIndex(of: name).flatMap { tensors[$0] } }
    set {
      if let index = names.firstIndex(of: name) {
        tensors[index] = newValue
      } else {
        names.append(name)
        tensors.append(newValue)
      }
    }
  }

  /// All tensors with their names.
  var all: [(name: String, tensor: Tensor)] {
    zip(names, tensors).compactMap { name, tensor in tensor.map { (name, $0) } }
  }

  /// The tensor of the optimizer's name number `slot`, nil before it is first set.
  subscript(slot: Int) -> Tensor? { tensors[slot] }

  /// The tensor of the optimizer's name number `slot`, filled with `value` where it is new.
  func tensor(_ slot: Int, like parameter: Tensor, _ value: Double = 0) -> Tensor {
    if let tensor = tensors[slot] { return tensor }
    let tensor = Tensor.full(parameter.shape, value, dtype: parameter.stateDType)
    tensors[slot] = tensor
    return tensor
  }
}

extension Tensor {
  /// The type in which an optimizer computes: the parameter's own, float32 for the half types, whose range and
  /// precision do not do for averages of squares.
  var stateDType: DType { dtype.accumulator }
}
