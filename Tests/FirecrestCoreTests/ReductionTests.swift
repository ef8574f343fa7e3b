import FirecrestCore
import Testing

@Suite struct ReductionTests {
  /// No results, or none of them has elements to go over.
  @Test func emptyDimensions() {
    for shape in [[2, 0, 1], [2, 3, 0], [3, 0, 2], [0, 2, 3], [5, 0, 0]] as [Shape] {
      let x = Tensor.zeros(shape)
      for d in 0..<3 {
        for y in [x.sum(dim: d), x.mean(dim: d), x.logsumexp(dim: d), x.prod(dim: d), x.var(dim: d)] {
          #expect(y.elementCount == shape.elementCount / max(1, shape[d]) || shape[d] == 0)
        }
      }
      #expect(x.sum(dim: 1, keepDim: true).shape == [shape[0], 1, shape[2]])
    }
    #expect(Tensor.zeros(3, 0, 2).sum(dim: 1).toArray(Float.self) == Array(repeating: 0, count: 6))
    let leaf = Tensor.zeros([2, 0, 1], requiresGrad: true)
    leaf.logSoftmax(dim: 2).sum().backward()
    #expect(leaf.grad?.shape == [2, 0, 1])
  }

  @Test func halfTypesAccumulateInFloat32() {
    let x = Tensor.full([70_000], 0.1, dtype: .float16)
    #expect(abs(x.sum().item() - 6998) < 5)
    #expect(abs(x.mean().item() - 0.1) < 1e-4)
    #expect(x.var().item() < 1e-6)
    let y = Tensor.full([100_000], 3, dtype: .bfloat16)
    #expect(abs(y.norm().item() - 948.7) < 4)
    #expect(y.mean().item() == 3)
  }

  @Test func interleavedDimensionsReduceInTwoPasses() {
    let x = Tensor.arange(6 * 5 * 40, dtype: .float32).view(6, 5, 40)
    let expected = x.permute(1, 0, 2).reshape(5, 240)
    #expect(x.sum(dims: [0, 2]).equal(expected.sum(dim: 1)))
    #expect(x.amax(dims: [0, 2]).equal(expected.amax(dim: 1)))
    #expect((x .> 100).any(dims: [0, 2]).equal((expected .> 100).any(dim: 1)))
    #expect(x.countNonzero(dims: [0, 2]).toArray(Int.self) == [239, 240, 240, 240, 240])
    #expect(x.mean(dims: [0, 2], keepDim: true).shape == [1, 5, 1])
    let half = x.to(.float16).sum(dims: [0, 2])
    #expect(half.allClose(expected.sum(dim: 1).to(.float16), rtol: 1e-3))
  }

  @Test func meansOfIntegersAndEmptyTensors() {
    #expect(Tensor([1, 2, 4]).mean(dtype: .float64).dtype == .float64)
    #expect(Tensor.zeros(0).mean().item().isNaN)
    #expect(Tensor.zeros(0).prod().item() == 1)
    #expect(Tensor.zeros(0, 0).norm().item() == 0 && Tensor.zeros(5, 0).T.sum().item() == 0)
    #expect(Tensor.zeros(0, 3, 4).permute(1, 0, 2).sum(dims: [1, 2]).toArray(Float.self) == [0, 0, 0])
    #expect(Tensor.zeros(0, 3).mean(dim: 1).shape == [0])
    #expect(Tensor.zeros(0, 3).logsumexp(dim: 0).toArray(Float.self) == [Float](repeating: -.infinity, count: 3))
    #expect(Tensor([5.0]).var().item().isNaN)
    #expect(Tensor([5.0]).var(correction: 0).item() == 0)
    #expect(Tensor([3, 4], dtype: .int32).sum(dtype: .int32).dtype == .int32)
  }

  @Test func refusals() async throws {
    let first = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros(2, 0).amax(dim: 1)
    }
    let text = String(decoding: try #require(first).standardErrorContent, as: UTF8.self)
    #expect(text.hasPrefix("Firecrest: amax: there is no largest element along dim 1, which has size 0\n"))
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros(0).argmax() }
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros(2, 0).min(dim: 1) }
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros(2, 0).topk(1) }
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2]).mean() }
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2]).std() }
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2]).softmax(dim: 0) }
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2]).sum(dims: [0, -1]) }
    #expect(Tensor.zeros(0, 2).amax(dim: 1).shape == [0])
    #expect(Tensor.zeros(0, 2).max(dim: 1).indices.shape == [0])
  }

  @Test func theFirstExtremeWins() {
    let x = Tensor([[1, 3, 3], [2, 2, 0]])
    #expect(x.argmax(dim: 1).toArray(Int.self) == [1, 0])
    #expect(x.argmin().item() == 5)
    #expect(x.max(dim: 0).indices.toArray(Int.self) == [1, 0, 0])
    let nan = Tensor([1, Double.nan, 5, .nan])
    #expect(nan.argmax().item() == 1)
    #expect(nan.min(dim: 0).indices.item() == 1)
    #expect(nan.max().item().isNaN)
    #expect(Tensor([true, false]).max().item() == 1)
    #expect(x.T.argmax().item() == 2)
  }

  @Test func longSearchesFindTheFirst() {
    let x = Tensor.zeros(1_000_003)
    x[700_001] = 2
    x[900_000] = 2
    #expect(x.argmax().item() == 700_001)
    x[800_000] = .full([], Double.nan)
    #expect(x.argmax().item() == 800_000)
    #expect(x.max(dim: 0).values.item().isNaN)
    #expect(x.argmin().item() == 800_000)
    let y = Tensor.zeros(300_000, 3)
    y[299_999, 1] = 1
    y[5, 2] = 1
    #expect(y.argmax(dim: 0).toArray(Int.self) == [0, 299_999, 5])
    #expect(y.max(dim: 0).values.toArray(Float.self) == [0, 1, 1])
  }

  @Test func equalExtremesShareTheGradient() {
    let x = Tensor([2.0, 1, 2, 0], requiresGrad: true)
    x.amax().backward()
    #expect(x.grad!.toArray(Float.self) == [0.5, 0, 0.5, 0])
    x.grad = nil
    x.max(dim: 0).values.backward()
    #expect(x.grad!.toArray(Float.self) == [1, 0, 0, 0])
  }

  @Test func productsWithZerosHaveGradients() {
    let one = Tensor([2.0, 0, 3], requiresGrad: true)
    one.prod().backward()
    #expect(one.grad!.toArray(Float.self) == [0, 6, 0])
    let two = Tensor([[0.0, 0, 3], [1, 2, 3]], requiresGrad: true)
    two.prod(dim: 1).sum().backward()
    #expect(two.grad!.toArray(Float.self) == [0, 0, 0, 6, 3, 2])
    let running = Tensor([2.0, 0, 3, 0, 5], requiresGrad: true)
    running.cumprod(dim: 0).sum().backward()
    #expect(running.grad!.toArray(Float.self) == [1, 8, 0, 0, 0])
  }

  @Test func infinitiesInLogSumExpAndSoftmax() {
    let inf = Double.infinity
    let x = Tensor([[-inf, -inf], [-inf, 0], [inf, 0]], requiresGrad: true)
    let y = x.logsumexp(dim: 1)
    #expect(y.toArray(Float.self) == [-.infinity, 0, .infinity])
    y.narrow(dim: 0, start: 0, length: 2).sum().backward()
    #expect(x.grad!.toArray(Float.self).prefix(4) == [0, 0, 0, 1])
    #expect(Tensor([1000.0, 1000]).softmax(dim: 0).toArray(Float.self) == [0.5, 0.5])
    #expect(Tensor([-inf, -inf]).softmax(dim: 0).isNaN().all().item() == 1)
  }
}

@Suite struct OrderTests {
  @Test func sortingIsStableWithNaNLast() {
    let x = Tensor([3.0, .nan, 1, 3, -1])
    #expect(x.sort().indices.toArray(Int.self) == [4, 2, 0, 3, 1])
    #expect(x.sort(descending: true).indices.toArray(Int.self) == [1, 0, 3, 2, 4])
    #expect(x.topk(2).indices[0].item() == 1)
    #expect(x.topk(2, largest: false).values.toArray(Float.self) == [-1, 1])
    #expect(Tensor([[3, 1], [2, 5]]).sort(dim: 0).values.toArray(Int.self) == [2, 1, 3, 5])
    #expect(Tensor.zeros(0, 3).sort(dim: 0).values.shape == [0, 3])
  }

  @Test func mediansAndModes() {
    let x = Tensor([3.0, .nan, 1, 2, 8])
    #expect(x.median().item().isNaN)
    #expect(x.median(dim: 0).indices.item() == 1)
    #expect(x.nanmedian().item() == 2)
    #expect(Tensor([4, 1, 3, 2]).median().item() == 2)
    #expect(Tensor.zeros(0).median().item().isNaN)
    let (values, indices) = Tensor([[1, 2, 2, 1], [5, 4, 5, 5]]).mode()
    #expect(values.toArray(Int.self) == [1, 5])
    #expect(indices.toArray(Int.self) == [3, 3])
    #expect(Tensor([9, 7, 8]).kthvalue(2).values.item() == 8)
    #expect(Tensor.arange(100).kthvalue(3).values.item() == 2)
  }

  @Test func quantilesOfNaN() {
    let x = Tensor([[1.0, 2, .nan, 4], [1, 2, 3, 4]])
    #expect(x.quantile(0.5, dim: 1).isNaN().toArray(Bool.self) == [true, false])
    #expect(x.nanquantile(0.5, dim: 1).toArray(Float.self) == [2, 2.5])
    let q = Tensor([0.0, 0.25, 1])
    #expect(x.nanquantile(q, dim: 1).shape == [3, 2])
    #expect(x.nanquantile(q, dim: 1, keepDim: true).shape == [3, 2, 1])
    #expect(x.quantile(0.5, keepDim: true).shape == [1, 1])
  }

  /// Where float32 is not enough for the mean or the squares; PyTorch's results.
  @Test func variancesFarFromZero() {
    let x = Tensor.arange(12).to(.float32).reshape(4, 3)
    #expect((x + 1e7).var(dim: 0).toArray(Float.self) == [15, 15, 15])
    #expect((x + 16_777_210).var(dim: 1).allClose(Tensor([1, 1, 1.3333334, 0])))
    #expect(abs((x[0..<2] * 1e20).std().item() / 1.8708287e20 - 1) < 1e-6)
    #expect(abs((x[0] * 1e-25).std().item() / 1e-25 - 1) < 1e-6)
    #expect(Tensor.zeros(4).var().item() == 0)
    #expect(Tensor.ones(1).var().item().isNaN)
  }

  @Test func scansOfIntegersAreInt64() {
    #expect(Tensor([1, 2, 3], dtype: .int8).cumsum(dim: 0).dtype == .int64)
    #expect(Tensor([true, true]).cumsum(dim: 0).toArray(Int.self) == [1, 2])
    #expect(Tensor([1, 3, 3, 2]).cummax(dim: 0).indices.toArray(Int.self) == [0, 1, 2, 2])
    let x = Tensor.ones(3, 100_000)
    #expect(x.cumsum(dim: 1)[2, 99_999].item() == 100_000)
    #expect(x.T.cumsum(dim: 0).equal(x.cumsum(dim: 1).T))
  }
}
