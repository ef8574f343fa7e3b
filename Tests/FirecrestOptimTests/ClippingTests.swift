import FirecrestCore
import FirecrestOptim
import TestSupport
import Testing

/// Clipping of gradients against PyTorch's.
struct ClippingTests {
  private let goldens = OptimizerGoldens.shared

  private func parameters(_ dtype: DType = .float64) -> [Tensor] {
    let parameters = goldens.parameters(dtype)
    goldens.setGradients(parameters, step: 0)
    return parameters
  }

  private func flat(_ parameters: [Tensor]) -> Tensor { cat(parameters.map { $0.grad!.reshape(-1) }) }

  @Test(arguments: [(2.0, "2.0"), (1, "1.0"), (3.5, "3.5"), (.infinity, "inf")])
  func norm(_ type: Double, _ name: String) throws {
    let want = try #require(goldens.file["clip.\(name)"])
    let parameters = parameters()
    let total = clipGradNorm(parameters, maxNorm: 1.5, normType: type)
    #expect(abs(total - want[0].item()) <= 1e-13 * total)
    #expect(difference(flat(parameters), want[1...], relative: 1e-13) == nil)
  }

  @Test func smallGradientsStay() {
    let parameters = parameters(.float32)
    let before = bits([flat(parameters)])
    let total = clipGradNorm(parameters, maxNorm: 1e6)
    #expect(bits([flat(parameters)]) == before)
    #expect(clipGradNorm(parameters, maxNorm: total / 2) == total)
    #expect(abs(clipGradNorm(parameters, maxNorm: 1e6) - total / 2) < 1e-6 * total)
    for parameter in parameters { parameter.grad = nil }
    #expect(clipGradNorm(parameters, maxNorm: 1) == 0)
  }

  @Test func value() throws {
    let want = try #require(goldens.file["clip.value"])
    for odd in [false, true] {
      let parameters = parameters()
      if odd { for p in parameters { p.grad = noncontiguous(p.grad!) } }
      clipGradValue(parameters, clipValue: 0.75)
      #expect(difference(flat(parameters), want) == nil)
    }
  }

  /// Changes are made in the gradient's own memory.
  @Test func inPlace() {
    let parameters = parameters()
    let held = parameters.map { $0.grad! }
    clipGradNorm(parameters, maxNorm: 0.5)
    clipGradValue(parameters, clipValue: 0.01)
    #expect(zip(parameters, held).allSatisfy { $0.grad === $1 })
    #expect(held.allSatisfy { $0.abs().max().item() <= 0.01 })
  }

  @Test func halfTypesDoNotOverflow() {
    let w = Tensor.zeros([3], dtype: .float16, requiresGrad: true)
    w.grad = Tensor([60_000.0, 60_000, 0], dtype: .float16)
    let total = clipGradNorm([w], maxNorm: 10)
    #expect(abs(total - 84_852.8) < 50)
    #expect(difference(w.grad!.to(.float64), Tensor([7.0711, 7.0711, 0], dtype: .float64), relative: 1e-3) == nil)
  }

  @Test func nonfinite() async {
    let w = Tensor.zeros([2], requiresGrad: true)
    w.grad = Tensor([Float.infinity, 1], shape: [2])
    #expect(clipGradNorm([w], maxNorm: 1) == .infinity)
    let values: [Float] = w.grad!.toArray()
    #expect(values[0].isNaN && values[1] == 0)
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let w = Tensor.zeros([2], requiresGrad: true)
      w.grad = Tensor([Float.nan, 1], shape: [2])
      clipGradNorm([w], maxNorm: 1, errorIfNonfinite: true)
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("the norm of all gradients is nan"), "\(message)")
  }
}
