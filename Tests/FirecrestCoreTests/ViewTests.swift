import Firecrest
import FirecrestCore
import Foundation
import Testing

/// Views share memory with their base, and a change through one is counted for all.
@Suite struct ViewTests {
  /// Every kind of view of a 4×6 matrix, by name.
  static let views: [(String, @Sendable (Tensor) -> Tensor)] = [
    ("T", { $0.T }), ("transpose", { $0.transpose(0, 1) }), ("movedim", { $0.movedim(0, to: 1) }),
    ("view", { $0.view(2, 12) }), ("flatten", { $0.flatten() }), ("unflatten", { $0.unflatten(dim: 1, [2, 3]) }),
    ("unsqueeze", { $0.unsqueeze(dim: 1) }), ("squeeze", { $0.unsqueeze(dim: 0).squeeze() }),
    ("select", { $0.select(dim: 1, 0) }), ("slice", { $0.slice(dim: 1, start: 0, end: 5, step: 2) }),
    ("narrow", { $0.narrow(dim: 0, start: 0, length: 2) }), ("diagonal", { $0.diagonal() }),
    ("unfold", { $0.unfold(dim: 1, size: 3, step: 1) }), ("split", { $0.split(2)[0] }),
    ("chunk", { $0.chunk(2, dim: 1)[0] }), ("unbind", { $0.unbind()[0] }), ("tensorSplit", { $0.tensorSplit(3)[0] }),
    ("asStrided", { $0.asStrided([2, 2], strides: [6, 1]) }), ("expand", { $0.unsqueeze(dim: 0).expand(3, 4, 6) }),
    ("detach", { $0.detach() }),
  ]

  @Test(arguments: views.map(\.0))
  func changeThroughView(_ name: String) {
    let make = Self.views.first { $0.0 == name }!.1
    let base = Tensor.zeros(4, 6)
    let view = make(base)
    let version = base.storage.version
    #expect(view.storage === base.storage)
    var first = view
    while first.rank > 0 { first = first.select(dim: 0, 0) }
    first.fill(7)
    #expect(base.toArray(Float.self)[0] == 7)
    #expect(base.storage.version > version)
    base.fill(2)
    #expect(view.toArray(Float.self).allSatisfy { $0 == 2 })
  }

  @Test func copiesDoNotShare() {
    let x = Tensor.ones(3, 3)
    let repeated = [
      x.repeat(3, 1, 1), x.view(1, -1).repeat(2, 1), x[0, 0].repeat(4), Tensor(5.0).tile(2), x.view(-1, 1).repeat(1, 3),
      x[0, 0].view(1).repeatInterleave(3), x.view(1, -1).repeatInterleave(3, dim: 0),
    ]
    for copy in repeated { #expect(copy.isContiguous && copy.storage !== x.storage) }
    for copy in [x.clone(), x.flip(dims: [0]), x.roll(1), x.tril(), x.repeat(1, 1), x.diag(), cat([x]), x.rot90(0)] {
      #expect(copy.storage !== x.storage)
    }
  }

  @Test func changedViewOfRecordedTensor() {
    let w = Tensor([[1.0, 2], [3, 4]], requiresGrad: true)
    let y = w * 2
    y.unbind()[0].fill(0)
    y.T.select(dim: 0, 1) *= 3
    y.sum().backward()
    #expect(w.grad!.toArray(Float.self) == [0, 0, 2, 6])
  }

  @Test func partsMeetInOneNode() {
    let x = Tensor.arange(12.0, dtype: .float64).requiresGrad(true)
    let parts = x.split([3, 4, 5])
    // One part stays unused: its gradient is zero.
    ((parts[0] * parts[0]).sum() + parts[2].sum() * 3).backward()
    #expect(x.grad!.toArray(Double.self) == [0, 2, 4, 0, 0, 0, 0, 3, 3, 3, 3, 3])
    #expect(parts[1].gradFn == "SplitBackward0")
  }

  @Test func gradientsAreNotShared() {
    let a = Tensor.ones(2, requiresGrad: true)
    let b = Tensor.ones(2, requiresGrad: true)
    cat([a, b]).sum().backward()
    a.grad!.fill(9)
    #expect(b.grad!.toArray(Float.self) == [1, 1])
  }

  @Test func shapesOfOthers() {
    let x = Tensor.arange(6), y = Tensor.zeros(2, 3)
    #expect(x.view(as: y).shape == [2, 3] && x.view(as: y).storage === x.storage)
    #expect(x.view(as: y).T.reshape(as: y).toArray(Int.self) == [0, 3, 1, 4, 2, 5])
    #expect(Tensor.arange(3).expand(as: y).toArray(Int.self) == [0, 1, 2, 0, 1, 2])
  }

  @Test func catPromotes() {
    #expect(cat([Tensor([1, 2]), Tensor([0.5])]).dtype == .float32)
    #expect(cat([Tensor([true]), Tensor([2], dtype: .int8)]).toArray(Int.self) == [1, 2])
    #expect(cat([Tensor.zeros(0), Tensor.ones(2, 3)], dim: 1).shape == [2, 3])
    let many = (0..<100).map { Tensor.full([1000], $0) }
    let joined = cat(many)
    #expect(joined.shape == [100_000])
    #expect(joined.view(100, 1000).select(dim: 1, 999).toArray(Int.self) == Array(0..<100))
  }

  @Test func manyDimensions() {
    let x = Tensor.arange(256).view(2, 2, 2, 2, 2, 2, 2, 2)
    #expect(x.repeat(2, 1, 1, 1, 1, 1, 1, 2).shape == [4, 2, 2, 2, 2, 2, 2, 4])
    #expect(x.repeatInterleave(2, dim: 7).flatten().toArray(Int.self) == (0..<256).flatMap { [$0, $0] })
    #expect(x.roll([1, -1], dims: [0, 7]).sum().item() == 255 * 128)
  }

  @Test func foldUndoesUnfold() {
    let x = Tensor.arange(2 * 3 * 6 * 5, dtype: .float64).view(2, 3, 6, 5).requiresGrad(true)
    let columns = x.unfold(kernelSize: (2, 1), stride: (2, 1))
    let back = columns.fold(outputSize: (6, 5), kernelSize: (2, 1), stride: (2, 1))
    #expect(back.toArray(Double.self) == x.toArray(Double.self))
    // Padded and overlapping, each element counts as often as patches see it.
    let ones = Tensor.ones(1, 1, 3, 3)
    let counts = ones.unfold(kernelSize: (3, 3), padding: (1, 1))
      .fold(outputSize: (3, 3), kernelSize: (3, 3), padding: (1, 1))
    #expect(counts.toArray(Int.self) == [4, 6, 4, 6, 9, 6, 4, 6, 4])
    back.sum().backward()
    #expect(x.grad!.toArray(Double.self).allSatisfy { $0 == 1 })
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) { _ = cat([Tensor.ones(2, 3), Tensor.ones(3, 2)]) }
    await #expect(processExitsWith: .failure) { _ = stack([]) }
    await #expect(processExitsWith: .failure) { _ = Tensor.ones(4).split([1, 2]) }
    await #expect(processExitsWith: .failure) { _ = Tensor.ones(3).pad([3, 0], mode: .reflect) }
  }
}
