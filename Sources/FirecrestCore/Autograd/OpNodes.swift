import FirecrestCPU

/// Brings a gradient to an input's type and, where the operation broadcast that input, to its shape.
@inline(__always)
package func fit(_ gradient: consuming Tensor?, _ spec: borrowing TensorSpec) -> Tensor? {
  guard var gradient = consume gradient else { return nil }
  if gradient.shape != spec.shape { gradient = gradient.sum(to: spec.shape) }
  if gradient.dtype != spec.dtype { gradient = gradient.to(spec.dtype) }
  return gradient
}

final class UnaryNode<O: UnaryOp>: Node {
  private let op: O
  private let xSpec: TensorSpec

  @inline(__always)
  init(_ op: O, _ x: Tensor, _ y: Tensor) {
    self.op = op
    xSpec = x.spec
    let edge = x.edge
    super.init()
    edge0 = edge
    let saves = op.saves
    if saves.contains(.x) { save0(x) }
    if saves.contains(.y) { save1(y.window(y.shape, strides: y.strides, offset: y.offset)) }
  }

  override var name: String { op.name }

  override func propagate(_ gradient: consuming Tensor?, _ engine: Engine) {
    guard let gradient = consume gradient else { return }
    if isReleased && !op.saves.isEmpty { refuseReleased() }
    let saved = UnarySaved(
      xSpec: xSpec, input: saved0.map { checked($0, version0) }, output: saved1.map { attached(checked($0, version1)) })
    let g = op.vjp(consume gradient, saved)
    engine.inspect(g, name, input: 0)
    engine.send(fit(consume g, xSpec), to: edge0)
  }
}

final class BinaryNode<O: BinaryOp>: Node {
  private let op: O
  private let aSpec: TensorSpec
  private let bSpec: TensorSpec

  @inline(__always)
  init(_ op: O, _ a: Tensor, _ b: Tensor, _ y: Tensor) {
    self.op = op
    aSpec = a.spec
    bSpec = b.spec
    let first = a.edge
    let second = b.edge
    super.init()
    edge0 = first
    edge1 = second
    let saves = op.saves(needsA: first.isWanted, needsB: second.isWanted)
    if saves.contains(.a) { save0(a) }
    if saves.contains(.b) { save1(b) }
    if saves.contains(.y) { saveMore(y.window(y.shape, strides: y.strides, offset: y.offset)) }
  }

  override var name: String { op.name }

  override func propagate(_ gradient: consuming Tensor?, _ engine: Engine) {
    guard let gradient else { return }
    if isReleased && !op.saves.isEmpty { refuseReleased() }
    let saved = BinarySaved(
      aSpec: aSpec, bSpec: bSpec, needsA: edge0.isWanted, needsB: edge1.isWanted,
      first: saved0.map { checked($0, version0) }, second: saved1.map { checked($0, version1) },
      output: moreSaved.isEmpty ? nil : attached(checked(moreSaved[0]!, moreVersions[0])))
    var (ga, gb) = op.vjp(gradient, saved)
    engine.inspect(ga, name, input: 0)
    engine.inspect(gb, name, input: 1)
    // Taken out one after the other, so that a leaf can see that nobody else holds its gradient.
    if edge0.isWanted { engine.send(fit(ga.take(), aSpec), to: edge0) }
    if edge1.isWanted { engine.send(fit(gb.take(), bSpec), to: edge1) }
  }
}

final class MultiNode<O: MultiOp>: Node {
  private let op: O
  private let specs: [TensorSpec]
  private let outputCount: Int
  private let savedInputs: [Int]

  init(_ op: O, _ inputs: [Tensor], _ outputs: [Tensor]) {
    self.op = op
    specs = inputs.map(\.spec)
    outputCount = outputs.count
    let all = inputs.map(\.edge)
    savedInputs = op.savedInputs { all[$0].isWanted }
    super.init()
    moreEdges = all
    for index in savedInputs { saveMore(inputs[index]) }
    for index in op.savedOutputs {
      let y = outputs[index]
      saveMore(y.window(y.shape, strides: y.strides, offset: y.offset))
    }
  }

  override var name: String { op.name }
  override var edges: [Edge] { moreEdges }

  override func propagate(_ gradient: consuming Tensor?, _ engine: Engine) {
    if isReleased && !(op.savedInputs.isEmpty && op.savedOutputs.isEmpty) { refuseReleased() }
    var inputs: [Int: Tensor] = [:]
    var outputs: [Int: Tensor] = [:]
    var position = 0
    for index in savedInputs {
      inputs[index] = checked(moreSaved[position]!, moreVersions[position])
      position += 1
    }
    for index in op.savedOutputs {
      outputs[index] = attached(checked(moreSaved[position]!, moreVersions[position]), index)
      position += 1
    }
    var saved = MultiSaved(specs: specs, needs: moreEdges.map(\.isWanted), inputs: inputs, outputs: outputs)
    let arrived = (0..<outputCount).map { $0 == 0 ? gradient : morePending[$0] }
    for index in op.addableGradients {
      // What the derivative reads must not change before it has been read.
      guard let sum = engine.sum(at: moreEdges[index]),
        ![arrived.compactMap { $0 }, Array(inputs.values), Array(outputs.values)].joined().contains(where: {
          $0.storage === sum.storage
        }),
        op.addGradient(of: index, arrived, saved, to: sum)
      else { continue }
      sum.storage.version += 1
      saved.needs[index] = false
    }
    var gradients = op.vjp(arrived, saved)
    for index in gradients.indices where saved.needs[index] {
      // Taken out of the array: a leaf keeps a gradient that nothing else refers to, and copies others.
      var g: Tensor?
      swap(&g, &gradients[index])
      engine.inspect(g, name, input: index)
      engine.send(fit(consume g, specs[index]), to: moreEdges[index])
    }
  }
}

final class ViewNode<O: ViewOp>: Node {
  private let op: O
  private let xSpec: TensorSpec

  @inline(__always)
  init(_ op: O, _ x: Tensor) {
    self.op = op
    xSpec = x.spec
    let edge = x.edge
    super.init()
    edge0 = edge
  }

  override var name: String { op.name }

  override func propagate(_ gradient: consuming Tensor?, _ engine: Engine) {
    guard let gradient else { return }
    let g = op.vjp(gradient, UnarySaved(xSpec: xSpec, input: nil, output: nil))
    engine.inspect(g, name, input: 0)
    engine.send(fit(consume g, xSpec), to: edge0)
  }
}
