import Firecrest
import FirecrestCPU
import FirecrestCore
import Foundation
import Testing

/// Random numbers: reproducible, resumable, independent of threads, and distributed as they should be.
@Suite(.serialized) struct RandomTests {
  /// Draws of every kind, large enough for several threads, as one list of numbers.
  private func everything(_ g: Generator) -> [Double] {
    let n = 200_001
    var tensors: [Tensor] = []
    for dtype in [DType.float32, .float64, .float16, .bfloat16] {
      tensors.append(Tensor.rand([n], dtype: dtype, generator: g))
      tensors.append(Tensor.normal(mean: 1, std: 2, [n], dtype: dtype, generator: g))
    }
    tensors.append(Tensor.randint(low: -5, high: 70, [n], generator: g))
    tensors.append(Tensor.randint(low: Int.min, high: Int.max, [n], generator: g) / 1e10)
    tensors.append(Tensor.randperm(5000, generator: g))
    tensors.append(Tensor.ones([n]).dropout(p: 0.3, generator: g))
    tensors.append(Tensor.full([n], 0.25).bernoulli(generator: g))
    tensors.append(Tensor([0.1, 0.2, 0.7]).multinomial(2, generator: g))
    let filled = Tensor.zeros([n])
    filled.fillExponential(rate: 2, generator: g)
    tensors.append(filled)
    return tensors.flatMap { $0.toArray(Double.self) }
  }

  @Test func threadsDoNotMatter() {
    let before = ThreadPool.shared.count
    defer { ThreadPool.shared.count = before }
    let results = [1, 2, 8].map { count in
      ThreadPool.shared.count = count
      return everything(Generator(seed: 7))
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }

  @Test func resumesExactly() throws {
    let g = Generator(seed: 3)
    _ = Tensor.randn([7], generator: g)
    let text = try JSONEncoder().encode(g.state)
    let first = Tensor.randn([100], generator: g).toArray(Float.self)
    let other = Generator(seed: 0)
    other.state = try JSONDecoder().decode(Generator.State.self, from: text)
    #expect(Tensor.randn([100], generator: other).toArray(Float.self) == first)
    g.manualSeed(3)
    _ = Tensor.randn([7], generator: g)
    #expect(Tensor.randn([100], generator: g).toArray(Float.self) == first)
    #expect(Tensor.randn([100], generator: g).toArray(Float.self) != first)
  }

  @Test func sharedGenerator() {
    let before = Generator.shared.state
    defer { Generator.shared.state = before }
    manualSeed(11)
    let a = Tensor.rand(5).toArray(Float.self)
    manualSeed(11)
    #expect(Tensor.rand(5).toArray(Float.self) == a)
    #expect(Tensor.rand([5], generator: Generator(seed: 11)).toArray(Float.self) == a)
    #expect(Generator.shared.seed == 11)
  }

  /// Uses from several threads never get the same numbers.
  @Test func concurrentUses() async {
    let g = Generator(seed: 5)
    let draws: [Double] = await withTaskGroup(of: [Double].self) { group in
      for _ in 0..<8 { group.addTask { Tensor.rand([1000], dtype: .float64, generator: g).toArray(Double.self) } }
      return await group.reduce(into: []) { $0 += $1 }
    }
    #expect(Set(draws).count == 8000)
    #expect(g.state.offset == 4000)
  }

  private func moments(_ x: Tensor) -> (mean: Double, variance: Double) {
    let a = x.toArray(Double.self)
    let mean = a.reduce(0, +) / Double(a.count)
    return (mean, a.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(a.count))
  }

  @Test func distributions() {
    let g = Generator(seed: 42)
    let n = 400_000
    for dtype in [DType.float32, .float64, .float16, .bfloat16] {
      let uniform = Tensor.empty([n], dtype: dtype)
      uniform.fillUniform(from: -1, to: 3, generator: g)
      let (mean, variance) = moments(uniform)
      // bfloat16 uniform numbers are multiples of 1/256, whose mean lies 1/512 below the middle.
      #expect(abs(mean - 1) < 0.02)
      #expect(abs(variance - 16.0 / 12) < 0.02)
      #expect(uniform.toArray(Double.self).allSatisfy { $0 >= -1 && $0 < 3 })
      let normal = Tensor.normal(mean: 2, std: 3, [n], dtype: dtype, generator: g)
      let (center, spread) = moments(normal)
      #expect(abs(center - 2) < 0.03)
      #expect(abs(spread - 9) < 0.1)
    }
    let exponential = Tensor.empty([n])
    exponential.fillExponential(rate: 2, generator: g)
    #expect(abs(moments(exponential).mean - 0.5) < 0.005)
    let dice = Tensor.randint(low: 1, high: 7, [n], generator: g).toArray(Int.self)
    for face in 1...6 { #expect(abs(Double(dice.filter { $0 == face }.count) / Double(n) - 1.0 / 6) < 0.004) }
    #expect(abs(moments(Tensor.full([n], 0.01).bernoulli(generator: g)).mean - 0.01) < 0.001)
    let own = Tensor.normal(mean: Tensor([0.0, 100.0]), std: Tensor([[1.0], [0.0]]), generator: g)
    #expect(own.shape == [2, 2])
    #expect(own.toArray(Float.self)[3] == 100)
  }

  @Test func permutations() {
    let g = Generator(seed: 1)
    #expect(Tensor.randperm(3000, generator: g).toArray(Int.self).sorted() == Array(0..<3000))
    #expect(Tensor.randperm(0, generator: g).shape == [0])
    var first = [0, 0, 0]
    for _ in 0..<3000 { first[Int(Tensor.randperm(3, generator: g).toArray(Int.self)[0])] += 1 }
    #expect(first.allSatisfy { abs($0 - 1000) < 120 })
  }

  @Test func weightedDraws() {
    let g = Generator(seed: 9)
    let weights = Tensor([[0.0, 1, 3, 0], [2, 0, 0, 2]])
    let drawn = weights.multinomial(10_000, replacement: true, generator: g)
    #expect(drawn.shape == [2, 10_000])
    let rows = drawn.unbind().map { $0.toArray(Int.self) }
    #expect(abs(Double(rows[0].filter { $0 == 2 }.count) - 7500) < 200)
    #expect(Set(rows[0]) == [1, 2])
    #expect(Set(rows[1]) == [0, 3])
    let distinct = weights.multinomial(2, generator: g).unbind().map { $0.toArray(Int.self).sorted() }
    #expect(distinct == [[1, 2], [0, 3]])
    // The heavier index comes first three times out of four.
    let first = (0..<2000).filter { _ in weights.select(dim: 0, 0).multinomial(1, generator: g).item() == 2 }.count
    #expect(abs(first - 1500) < 90)
  }

  @Test func dropout() {
    let g = Generator(seed: 2)
    let x = Tensor.ones(1000, 100, requiresGrad: true)
    let y = x.dropout(p: 0.2, generator: g)
    y.sum().backward()
    #expect(y.toArray(Float.self) == x.grad!.toArray(Float.self))
    #expect(Set(y.toArray(Float.self)) == [0, 1.25])
    #expect(abs(moments(y).mean - 1) < 0.01)
    #expect(x.dropout(training: false) === x)
    let channels = Tensor.ones(8, 16, 5, 5).channelDropout(p: 0.5, generator: g)
      .toArray(Float.self)
    #expect(channels.enumerated().allSatisfy { $1 == channels[$0 / 25 * 25] })
    let (mean, variance) = moments(Tensor.randn([400_000], generator: g).alphaDropout(p: 0.3, generator: g))
    #expect(abs(mean) < 0.02)
    #expect(abs(variance - 1) < 0.02)
  }

  @Test func fillsInPlace() {
    let g = Generator(seed: 4)
    let base = Tensor.zeros(6, 6)
    let version = base.storage.version
    base.T.slice(dim: 0, start: 2, end: 4).fillUniform(from: 1, to: 2, generator: g)
    #expect(base.storage.version == version + 1)
    #expect(base.sum(dim: 0).toArray(Float.self).map { $0 >= 6 } == [false, false, true, true, false, false])
    let leaf = Tensor.zeros(3, requiresGrad: true)
    noGrad { leaf.fillNormal(generator: g) }
    #expect(leaf.toArray(Float.self).contains { $0 != 0 })
    // Overwritten values have no gradient.
    let y = leaf * 2
    y.fillUniform(generator: g)
    y.sum().backward()
    #expect(leaf.grad!.toArray(Float.self) == [0, 0, 0])
    let numbers = Tensor.zeros(100, dtype: .int32)
    numbers.fillRandint(low: 3, high: 5, generator: g)
    #expect(Set(numbers.toArray(Int.self)) == [3, 4])
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) { Tensor.ones(2, requiresGrad: true).fillUniform() }
    await #expect(processExitsWith: .failure) { _ = Tensor.randint(high: 0, [2]) }
    await #expect(processExitsWith: .failure) { Tensor.zeros(2, dtype: .int8).fillRandint(high: 1000) }
    await #expect(processExitsWith: .failure) { _ = Tensor([0.5, 1.5]).bernoulli() }
    await #expect(processExitsWith: .failure) { _ = Tensor([0.5, .nan]).bernoulli() }
    await #expect(processExitsWith: .failure) { _ = Tensor([1.0, 0.0]).multinomial(2) }
    await #expect(processExitsWith: .failure) { _ = Tensor.ones(2).dropout(p: 1.5) }
    await #expect(processExitsWith: .failure) { _ = Tensor.rand([2], dtype: .int32) }
  }
}
