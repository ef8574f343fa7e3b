import FirecrestCPU

/// What `apply` keeps for an operation's derivative. What is not named here is not kept, so that its memory is free
/// and it may be changed in place.
package struct Saves: OptionSet, Sendable {
  package let rawValue: UInt8
  @inline(__always)
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The first input (the only one of a `UnaryOp`).
  package static let x = Saves(rawValue: 1)
  /// The second input.
  package static let b = Saves(rawValue: 2)
  /// The output.
  package static let y = Saves(rawValue: 4)
  /// The first input, in the words of a `BinaryOp`.
  package static let a = x
}

/// What every operation has: a name, and what its derivative needs.
package protocol Op: Sendable {
  /// What the operation is called in Swift, as messages show it; `gradFn` capitalises it.
  var name: String { get }
  /// The values that `vjp` reads.
  var saves: Saves { get }
  /// False for operations whose result does not depend smoothly on the input (comparisons, rounding to indices).
  var isDifferentiable: Bool { get }
}

extension Op {
  package var saves: Saves { [] }
  package var isDifferentiable: Bool { true }
  package var name: String {
    let type = String(describing: Self.self)
    return type.prefix(1).lowercased() + type.dropFirst()
  }
}

/// An operation of one tensor.
package protocol UnaryOp: Op {
  /// The result's type and shape, or why the input is refused.
  func infer(_ x: TensorSpec) throws(OpError) -> TensorSpec
  /// Computes the result into `y`, contiguous memory of the inferred spec.
  func run(_ x: Tensor, into y: Tensor, on cpu: CPU)
  /// The same result from smaller operations: the reference that tests compare `run` with. nil for primitives.
  func decomposed(_ x: Tensor) -> Tensor?
  /// The gradient for the input from the output's gradient `g`, which the caller gives away: it may be overwritten.
  func vjp(_ g: consuming Tensor, _ saved: UnarySaved) -> Tensor?
}

extension UnaryOp {
  package func decomposed(_ x: Tensor) -> Tensor? { nil }
  package func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor? { nil }
}

/// An operation of two tensors.
package protocol BinaryOp: Op {
  func infer(_ a: TensorSpec, _ b: TensorSpec) throws(OpError) -> TensorSpec
  func run(_ a: Tensor, _ b: Tensor, into y: Tensor, on cpu: CPU)
  func decomposed(_ a: Tensor, _ b: Tensor) -> Tensor?
  /// Of `saves` what is read for the gradients of these inputs: what is not kept may be changed, and its memory is free.
  func saves(needsA: Bool, needsB: Bool) -> Saves
  /// The gradients for both inputs; one that `saved.needsA` or `saved.needsB` does not ask for may be nil. Where the
  /// inputs broadcast, a gradient of the output's shape is summed to the input's by the caller.
  func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?)
}

extension BinaryOp {
  package func decomposed(_ a: Tensor, _ b: Tensor) -> Tensor? { nil }
  package func saves(needsA: Bool, needsB: Bool) -> Saves { saves }
  package func vjp(_ g: Tensor, _ saved: BinarySaved) -> (Tensor?, Tensor?) { (nil, nil) }
}

/// An operation of any number of tensors with any number of results.
package protocol MultiOp: Op {
  func infer(_ inputs: [TensorSpec]) throws(OpError) -> [TensorSpec]
  func run(_ inputs: [Tensor], into outputs: [Tensor], on cpu: CPU)
  func decomposed(_ inputs: [Tensor]) -> [Tensor]?
  /// Which inputs and outputs `vjp` reads; `saves` is not used.
  var savedInputs: [Int] { get }
  var savedOutputs: [Int] { get }
  /// Of `savedInputs` those that are read for the gradients of the inputs that `needs` tells.
  func savedInputs(needs: (Int) -> Bool) -> [Int]
  /// One gradient for each input from those of the outputs (nil where none arrived).
  func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?]
  /// The inputs whose gradient `addGradient` can add to a sum, which takes less memory traffic than computing it and
  /// adding it afterwards.
  var addableGradients: [Int] { get }
  /// Adds the gradient of input `index` to `sum`, in place; `sum` is contiguous, has the input's type and shape, and
  /// shares no memory with the gradients and saved values.
  /// False where it did nothing; then `vjp` is asked.
  func addGradient(of index: Int, _ g: [Tensor?], _ saved: MultiSaved, to sum: Tensor) -> Bool
}

extension MultiOp {
  package func decomposed(_ inputs: [Tensor]) -> [Tensor]? { nil }
  package var savedInputs: [Int] { [] }
  package var savedOutputs: [Int] { [] }
  package func savedInputs(needs: (Int) -> Bool) -> [Int] { savedInputs }

  /// Of the factors, inputs 0 and 1, each that the other's gradient reads.
  @inline(__always)
  func factors(_ needs: (Int) -> Bool) -> [Int] {
    if needs(0) { return needs(1) ? [0, 1] : [1] }
    return needs(1) ? [0] : []
  }
  package func vjp(_ g: [Tensor?], _ saved: MultiSaved) -> [Tensor?] { [] }
  package var addableGradients: [Int] { [] }
  package func addGradient(of index: Int, _ g: [Tensor?], _ saved: MultiSaved, to sum: Tensor) -> Bool { false }
}

/// An operation whose result is a window on its input's storage.
package protocol ViewOp: Op {
  /// Shape, strides and offset (relative to the storage) of the result.
  func window(_ x: Tensor) throws(OpError) -> (shape: Shape, strides: Shape, offset: Int)
  /// The gradient for the input; `saved.xSpec` tells its shape.
  func vjp(_ g: Tensor, _ saved: UnarySaved) -> Tensor?
}

/// What a `UnaryOp`'s derivative may read.
package struct UnarySaved {
  package let xSpec: TensorSpec
  @usableFromInline let input: Tensor?
  @usableFromInline let output: Tensor?
  /// The input; `saves` must contain `.x`.
  package var x: Tensor { input! }
  /// The output; `saves` must contain `.y`.
  package var y: Tensor { output! }
}

extension Saves {
  /// For a product: each factor for the gradient of the other.
  @inline(__always)
  package static func factors(needsA: Bool, needsB: Bool) -> Saves {
    Saves(rawValue: (needsB ? Saves.a.rawValue : 0) | (needsA ? Saves.b.rawValue : 0))
  }
}

/// What a `BinaryOp`'s derivative may read.
package struct BinarySaved {
  package let aSpec: TensorSpec
  package let bSpec: TensorSpec
  package let needsA: Bool
  package let needsB: Bool
  @usableFromInline let first: Tensor?
  @usableFromInline let second: Tensor?
  @usableFromInline let output: Tensor?
  /// The inputs and the output; `saves` must contain them.
  package var a: Tensor { first! }
  package var b: Tensor { second! }
  package var y: Tensor { output! }
}

/// What a `MultiOp`'s derivative may read.
package struct MultiSaved {
  package let specs: [TensorSpec]
  /// Whether each input's gradient is wanted.
  package internal(set) var needs: [Bool]
  let inputs: [Int: Tensor]
  let outputs: [Int: Tensor]
  package func input(_ index: Int) -> Tensor { inputs[index]! }
  package func output(_ index: Int) -> Tensor { outputs[index]! }
}
