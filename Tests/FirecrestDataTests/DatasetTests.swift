import FirecrestCore
import FirecrestData
import Testing

@Suite struct DatasetTests {
  @Test func tensorDatasetsHaveOneToThreeParts() throws {
    let x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    let (a, b) = TensorDataset(x, Tensor([7, 8]))[1]
    #expect(a.toArray(Float.self) == [3, 4])
    #expect(b.item(as: Int.self) == 8 && b.rank == 0)
    #expect(TensorDataset(x)[0].shape == [2])
    #expect(TensorDataset(x, x, x)[0].2.shape == [2])
  }

  @Test func concatenatedDatasetsFollowEachOther() throws {
    let data = ConcatDataset(Numbers(count: 2), Numbers(count: 0), Numbers(count: 3))
    #expect(data.count == 5)
    #expect(try (0..<5).map { try data[$0].1 } == [0, 1, 0, 1, 2])
  }

  @Test func mapsAreComputedWhenRead() throws {
    let data = Numbers(count: 3).map { _, i in
      if i == 2 { throw BadSample() }
      return 10 * i
    }
    #expect(try data[1] == 10)
    #expect(throws: BadSample.self) { try data[2] }
    #expect(data.count == 3)
  }

  /// Sizes as PyTorch's `random_split` gives them.
  @Test(arguments: [
    (10, [0.3, 0.3, 0.4], [3, 3, 4]), (11, [0.5, 0.5], [6, 5]), (1797, [0.8, 0.2], [1438, 359]),
    (7, [0.25, 0.25, 0.25, 0.25], [2, 2, 2, 1]), (3, [1.0, 0.0], [3, 0]),
  ])
  func splitsByFraction(_ count: Int, _ fractions: [Double], _ expected: [Int]) {
    let parts = randomSplit(Numbers(count: count), fractions, seed: 1)
    #expect(parts.map(\.count) == expected)
    #expect(parts.flatMap(\.indices).sorted() == Array(0..<count))
  }

  @Test func splitsBySizeAndSeed() {
    let one = randomSplit(Numbers(count: 50), [20, 30], seed: 1).map(\.indices)
    #expect(one.map(\.count) == [20, 30])
    #expect(one == randomSplit(Numbers(count: 50), [20, 30], generator: Generator(seed: 1)).map(\.indices))
    #expect(one != randomSplit(Numbers(count: 50), [20, 30], seed: 2).map(\.indices))
  }

  @Test func collatesNumbersTextsAndDictionaries() throws {
    struct Record: Dataset {
      let count = 3
      subscript(index: Int) -> (Double, Bool, [String: Float]) { (Double(index), index == 1, ["a": Float(index)]) }
    }
    for (x, y, z) in DataLoader(Record(), batchSize: 3) {
      #expect(x.dtype == .float64 && x.toArray(Double.self) == [0, 1, 2])
      #expect(y.dtype == .bool && y.toArray(Bool.self) == [false, true, false])
      #expect(z["a"]?.dtype == .float32 && z["a"]?.shape == [3])
    }
    #expect(String.collate(["a", "b"]) == ["a", "b"])
    #expect(throws: CollateError.self) { try Dictionary.collate([["a": 1], ["b": 1]]) }
    let lists = DataLoader(Numbers(count: 5), batchSize: 2) { samples in samples.map(\.1) }
    #expect(Array(lists) == [[0, 1], [2, 3], [4]])
  }
}

@Suite struct SamplerTests {
  @Test func randomSamplersDrawFromAll() {
    let data = Numbers(count: 10)
    let generator = Generator(seed: 3)
    let twice = RandomSampler(data, sampleCount: 25).indices(epoch: 0, generator: generator)
    #expect(twice[..<10].sorted() == Array(0..<10))
    #expect(twice[10..<20].sorted() == Array(0..<10))
    #expect(twice.count == 25)
    let drawn = RandomSampler(data, replacement: true, sampleCount: 10_000).indices(epoch: 0, generator: generator)
    // Binomial(10000, 0.1): mean 1000, standard deviation 30.
    for i in 0..<10 { #expect((850...1150).contains(drawn.count { $0 == i })) }
  }

  @Test func weightedSamplersDrawInProportion() {
    let weights = [1.0, 0, 3, 6]
    let sampler = WeightedRandomSampler(weights, sampleCount: 20_000)
    let drawn = sampler.indices(epoch: 0, generator: Generator(seed: 3))
    let counts = (0..<4).map { i in drawn.count { $0 == i } }
    #expect(counts.reduce(0, +) == 20_000 && counts[1] == 0)
    // Chi-squared with 2 degrees of freedom: below 13.8 in 999 of 1000.
    let chi = [0, 2, 3].reduce(0.0) { sum, i in
      let expected = 2_000 * weights[i]
      return sum + (Double(counts[i]) - expected) * (Double(counts[i]) - expected) / expected
    }
    #expect(chi < 13.8)
    let some = WeightedRandomSampler([1, 0, 1, 5, 1], sampleCount: 4, replacement: false)
    #expect(some.indices(epoch: 0, generator: Generator(seed: 1)).sorted() == [0, 2, 3, 4])
  }

  @Test func weightedLoadersBalanceClasses() {
    let data = TensorDataset(Tensor.zeros(1_000, 1), (Tensor.arange(1_000) .< 100).to(.int64))
    let rare = 9.0
    let weights = (0..<1_000).map { $0 < 100 ? rare : 1 }
    let sampler = WeightedRandomSampler(weights, sampleCount: 4_000)
    var ones = 0
    for (_, y) in DataLoader(data, batchSize: 100, sampler: sampler, workers: 1, seed: 5) {
      ones += y.sum().item(as: Int.self)
    }
    #expect((1_840...2_160).contains(ones))
  }
}
