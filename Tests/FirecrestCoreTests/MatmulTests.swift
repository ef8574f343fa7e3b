import FirecrestCPU
import FirecrestCore
import Testing

/// What the golden samples of matrix products do not show: half types, threads, messages, einsum's notation.
@Suite struct MatmulTests {
  private func bytes(_ x: Tensor) -> [UInt8] {
    let y = x.contiguous()
    return Array(UnsafeRawBufferPointer(start: y.pointer, count: y.elementCount * y.dtype.size))
  }

  @Test(arguments: [DType.float16, .bfloat16])
  func halfTypesAgreeWithFloat32(_ dtype: DType) {
    let generator = Generator(seed: 5)
    for (m, k, n) in [(1, 64, 64), (7, 33, 5), (64, 300, 100), (130, 70, 600), (300, 40, 1)] {
      let a = Tensor.randn(m, k, generator: generator).to(dtype)
      let b = Tensor.randn(k, n, generator: generator).to(dtype)
      let y = a.matmul(b)
      #expect(y.dtype == dtype)
      // The product of the rounded inputs in float32, rounded once.
      let expected = a.to(.float32).matmul(b.to(.float32))
      let ulp = dtype == .float16 ? 0x1p-10 : 0x1p-7
      #expect(y.to(.float32).allClose(expected, rtol: ulp, atol: 1e-3), "\(m) \(k) \(n)")
      let bias = Tensor.randn(n, generator: generator).to(dtype)
      let z = linear(a, b.T, bias).to(.float32)
      #expect(z.allClose(expected + bias.to(.float32), rtol: 2 * ulp, atol: 4e-3), "linear \(m) \(k) \(n)")
    }
  }

  @Test func resultsDoNotDependOnThreads() {
    let pool = ThreadPool.shared
    let count = pool.count
    defer { pool.count = count }
    let generator = Generator(seed: 6)
    for dtype in [DType.float32, .float64, .bfloat16] {
      for (m, k, n) in [(1, 3000, 800), (800, 3000, 1), (64, 300, 513), (513, 300, 64), (300, 301, 302), (9, 900, 777)]
      {
        let a = Tensor.randn(m, k, generator: generator).to(dtype)
        let b = Tensor.randn(n, k, generator: generator).to(dtype).T
        for right in [b, b.contiguous()] {
          var results: [[UInt8]] = []
          for threads in [1, 2, 5] {
            pool.count = threads
            results.append(bytes(a.matmul(right)))
          }
          #expect(results[0] == results[1] && results[0] == results[2], "\(dtype) \(m) \(k) \(n)")
        }
      }
    }
  }

  /// Few sums of many products are cut along them, where the size says so, on one thread as on several.
  @Test(arguments: [DType.float32, .float64])
  func longSums(_ dtype: DType) {
    let pool = ThreadPool.shared
    let count = pool.count
    defer { pool.count = count }
    let generator = Generator(seed: 7), k = 200_003, tolerance = dtype == .float32 ? 1e-3 : 1e-10
    for (m, n) in [(1, 1), (1, 7), (5, 1), (8, 8), (3, 21)] {
      let a = Tensor.randn(k, m, dtype: dtype, generator: generator),
        b = Tensor.randn(k, n, dtype: dtype, generator: generator)
      let c = Tensor.randn(n, dtype: dtype, generator: generator)
      // The sum of products, in double precision.
      let exact = (a.to(.float64).unsqueeze(dim: 2) * b.to(.float64).unsqueeze(dim: 1)).sum(dim: 0)
      var first: [[UInt8]]?
      for threads in 1...3 {
        pool.count = threads
        let y = a.T.matmul(b), z = linear(a.T.contiguous(), b.T, c)
        // The second gradient is added to the first in place.
        let weight = Tensor.zeros(n, m, dtype: dtype).requiresGrad(true)
        for _ in 0..<2 { linear(a, weight).backward(gradient: b) }
        func isClose(_ x: Tensor, _ e: Tensor) -> Bool { x.to(.float64).allClose(e, rtol: tolerance, atol: tolerance) }
        #expect(
          isClose(y, exact) && isClose(z, exact + c.to(.float64)) && isClose(weight.grad!, exact.T * 2), "\(m) \(n)")
        #expect(first == nil || first! == [bytes(y), bytes(z), bytes(weight.grad!)], "\(m) \(n), \(threads) threads")
        first = first ?? [bytes(y), bytes(z), bytes(weight.grad!)]
      }
    }
  }

  @Test func aTransposedWeightIsExplained() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.ones(32, 64).matmul(Tensor.ones(10, 64))
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    let expected = """
      Firecrest: matmul: inner dimensions differ: 64 (left, dim 1), 10 (right, dim 0)
        left   float32[32, 64] cpu
        right  float32[10, 64] cpu
        help:  Linear weights are [out, in]; multiply by weight.T, or use linear(x, weight)

      """
    #expect(text.hasSuffix(expected), "\(text)")
  }

  @Test func aVectorKeepsItsShapeInTheMessage() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.ones(3).matmul(Tensor.ones(4, 2))
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("inner dimensions differ: 3 (left, dim 0), 4 (right, dim 0)"), "\(text)")
    #expect(text.contains("left   float32[3] cpu"), "\(text)")
  }

  @Test func aBiasMayBeOneNumber() {
    let bias = Tensor([5.0], requiresGrad: true)
    let shared = linear(Tensor.ones(2, 3), Tensor.ones(4, 3), bias)
    #expect(shared.toArray(Float.self) == Array(repeating: 8, count: 8))
    shared.sum().backward()
    #expect(bias.grad!.toArray(Float.self) == [8])
    #expect(linear(Tensor.ones(3), Tensor.ones(4, 3), Tensor(1.0)).toArray(Float.self) == [4, 4, 4, 4])
  }

  @Test func aVectorOfWeightsGivesOneOutput() {
    let weight = Tensor([1.0, 2, 3], requiresGrad: true)
    let y = linear(Tensor.ones(2, 4, 3), weight, Tensor([0.5]))
    #expect(y.shape == [2, 4] && y.toArray(Float.self) == Array(repeating: 6.5, count: 8))
    y.sum().backward()
    #expect(weight.grad!.toArray(Float.self) == [8, 8, 8])
    #expect(linear(Tensor.ones(3), weight).item() == 6)
  }

  @Test func `messages speak for what was called`() async {
    let mm = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.ones(2, 3).mm(Tensor.ones(2, 3))
    }
    expectMessage(mm, "Firecrest: mm: inner dimensions differ")
    let mv = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.ones(2, 3).mv(Tensor.ones(2))
    }
    expectMessage(mv, "Firecrest: mv: inner dimensions differ")
    let dot = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.ones(3).dot(Tensor.ones(3, dtype: .float64))
    }
    expectMessage(dot, "Firecrest: dot: types differ")
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.ones(2, 2).matmul(Tensor.ones(2, 2, dtype: .float64)) }
    await #expect(processExitsWith: .failure) { _ = Tensor.ones(2, 2).mm(Tensor.ones(2)) }
    await #expect(processExitsWith: .failure) { _ = linear(Tensor.ones(2, 3), Tensor.ones(4, 2)) }
    await #expect(processExitsWith: .failure) { _ = linear(Tensor.ones(2, 3), Tensor.ones(4, 3), Tensor.ones(3)) }
    await #expect(processExitsWith: .failure) { _ = einsum("ij,jk->il", Tensor.ones(2, 3), Tensor.ones(3, 2)) }
    await #expect(processExitsWith: .failure) { _ = einsum("ij,jk", Tensor.ones(2, 3)) }
    await #expect(processExitsWith: .failure) { _ = einsum("ij", Tensor.ones(2, 3, 4)) }
    await #expect(processExitsWith: .failure) { _ = einsum("ij,jk->ik", Tensor.ones(2, 3), Tensor.ones(4, 2)) }
    await #expect(processExitsWith: .failure) { _ = einsum("i.j->i", Tensor.ones(2, 3)) }
  }

  @Test func betaZeroIgnoresNaN() {
    let nan = Tensor.full([2, 2], Double.nan)
    let y = nan.addmm(Tensor.eye(2), Tensor.eye(2), beta: 0, alpha: 3)
    #expect(y.toArray(Float.self) == [3, 0, 0, 3])
  }

  @Test func einsumNotation() {
    let generator = Generator(seed: 7)
    func random(_ sizes: Int...) -> Tensor { Tensor.randn(Shape(sizes), dtype: .float64, generator: generator) }
    func same(_ x: Tensor, _ y: Tensor) -> Bool { x.shape == y.shape && x.allClose(y, rtol: 1e-10, atol: 1e-10) }
    let (a, b, c) = (random(3, 4), random(4, 5), random(5, 3))
    #expect(same(einsum("ij,jk", a, b), a.matmul(b)))
    #expect(same(einsum("ij,jk->ki", a, b), a.matmul(b).T))
    #expect(same(einsum("ba", a), a.T))
    #expect(same(einsum(" i j , j k , k l -> i l ", a, b, c), a.matmul(b).matmul(c)))
    #expect(same(einsum("ij,jk,ki->", a, b, c), a.matmul(b).matmul(c).trace()))
    #expect(same(einsum("ii", random(4, 4) * 0 + 1), Tensor.full([], 4, dtype: .float64)))
    let q = random(2, 3, 4, 5)
    let k = random(2, 3, 6, 5)
    #expect(same(einsum("bhqd,bhkd->bhqk", q, k), q.matmul(k.mT)))
    #expect(same(einsum("...qd,...kd->...qk", q, k), q.matmul(k.mT)))
    #expect(same(einsum("...d,d->...", q, c.select(dim: 1, 0)), q.matmul(c.select(dim: 1, 0))))
    #expect(same(einsum("...ij->...ji", q), q.mT))
    #expect(same(einsum("bhqd->bd", q), q.sum(dims: [1, 2])))
    // Sizes of 1 repeat.
    #expect(same(einsum("ij,ij->ij", random(1, 4) * 0 + 2, a), a * 2))
    // More letters than a tensor has dimensions.
    let wide = einsum("ab,bc,cd,de,ef,fg,gh,hi->ai", Array(repeating: random(2, 2) * 0 + 1, count: 8))
    #expect(wide.toArray(Double.self) == [128, 128, 128, 128])
    #expect(einsum("ij,jk->ik", Tensor([[1, 2]]), Tensor([[3], [4]])).toArray(Int.self) == [11])
  }

  @Test func multiDotTakesVectors() {
    let (a, m, b) = (Tensor([1.0, 2]), Tensor([[1.0, 2], [3, 4]]), Tensor([5.0, 6]))
    #expect(multiDot([a, m, b]).item() == 7 * 5 + 10 * 6)
    #expect(multiDot([a, m, m]).shape == [2])
  }
}
