import FirecrestCore
import Testing

/// Masks, groups and scales of attention, against the formula.
@Suite struct AttentionTests {
  private let generator = Generator(seed: 3)
  private func random(_ sizes: Int...) -> Tensor { Tensor.randn(Shape(sizes), dtype: .float64, generator: generator) }

  @Test func masks() {
    let (q, k, v) = (random(2, 3, 5, 4), random(2, 3, 7, 4), random(2, 3, 7, 6))
    let scores = q.matmul(k.mT) * 0.5
    let plain = scores.softmax(dim: -1).matmul(v)
    #expect(scaledDotProductAttention(q, k, v).allClose(plain))
    let added = random(5, 7)
    let biased = (scores + added).softmax(dim: -1).matmul(v)
    #expect(scaledDotProductAttention(q, k, v, mask: added).allClose(biased))
    let causal = Tensor.ones(5, 7, dtype: .bool).tril()
    let y = scaledDotProductAttention(q, k, v, isCausal: true)
    #expect(y.allClose(scaledDotProductAttention(q, k, v, mask: causal)))
    // The first query sees the first key alone.
    #expect(y.select(dim: 2, 0).allClose(v.select(dim: 2, 0)))
    let scaled = scaledDotProductAttention(q, k, v, scale: -2)
    #expect(scaled.allClose((q.matmul(k.mT) * -2).softmax(dim: -1).matmul(v)))
  }

  @Test func aQueryThatSeesNothingGetsZeros() {
    let (q, k, v) = (random(2, 4).requiresGrad(true), random(3, 4), random(3, 4))
    let mask = Tensor([[false, false, false], [true, false, true]])
    let numbers = Tensor.zeros(2, 3, dtype: .float64).where(mask, -Double.infinity)
    for mask in [mask, numbers] {
      let y = scaledDotProductAttention(q, k, v, mask: mask)
      #expect(y[0].toArray(Double.self) == [0, 0, 0, 0])
      let g = grad(of: [y.sum()], wrt: [q])[0]
      #expect(!g.isNaN().any().item(as: Bool.self))
    }
  }

  @Test func groupedHeadsShareKeys() {
    let (q, k, v) = (random(2, 6, 5, 4), random(2, 2, 5, 4), random(2, 2, 5, 4))
    let y = scaledDotProductAttention(q, k, v, isGrouped: true)
    for head in 0..<6 {
      let part = scaledDotProductAttention(
        q.select(dim: 1, head), k.select(dim: 1, head / 3), v.select(dim: 1, head / 3))
      #expect(y.select(dim: 1, head).allClose(part))
    }
  }

  @Test func derivatives() {
    let (q, k, v) = (random(1, 3, 2), random(1, 4, 2), random(1, 4, 2))
    gradcheck({ [scaledDotProductAttention($0[0], $0[1], $0[2], isCausal: true)] }, [q, k, v])
    gradcheck({ [scaledDotProductAttention($0[0], $0[1], $0[2], mask: $0[3])] }, [q, k, v, random(3, 4)])
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) {
      _ = scaledDotProductAttention(Tensor.ones(2, 3), Tensor.ones(2, 4), Tensor.ones(2, 4))
    }
    await #expect(processExitsWith: .failure) {
      let x = Tensor.ones(2, 2)
      _ = scaledDotProductAttention(x, x, x, mask: x, isCausal: true)
    }
  }
}
