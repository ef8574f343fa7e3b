import Firecrest
import Testing

/// Each metric by its definition over all samples, computed here in plain Swift, against the metric fed in batches.
@Suite struct MetricTests {
  static let classes = 7
  static let scores = Tensor.randn(503, classes, generator: Generator(seed: 3))
  // The last class never occurs in truth.
  static let truth = Tensor.randint(high: classes - 1, [503], generator: Generator(seed: 4))

  var scores: [[Double]] {
    Self.scores.toArray(Double.self).chunks(Self.classes)
  }
  var truth: [Int] { Self.truth.toArray(Int.self) }
  var predicted: [Int] { scores.map { row in row.indices.max { row[$0] < row[$1] }! } }

  /// Feeds everything in batches of 64, the last one smaller.
  func feed(_ metric: some Metric, _ predictions: Tensor = scores, _ targets: Tensor = truth) {
    for start in stride(from: 0, to: targets.shape[0], by: 64) {
      metric.update(predictions[start..<start + 64], targets[start..<start + 64])
    }
  }

  @Test func accuracy() {
    let metric = Accuracy()
    #expect(metric.value.isNaN)
    feed(metric)
    let right = zip(predicted, truth).filter { $0 == $1 }.count
    #expect(metric.correct == right)
    #expect(metric.count == 503)
    #expect(metric.value == Double(right) / 503)
    metric.reset()
    metric.update(Tensor([0, 1, 2, 2]), Tensor([0, 1, 1, 2]))
    #expect(metric.value == 0.75)
    // Scores of images of classes: [N, C, H, W].
    let maps = Self.scores.view(503, Self.classes, 1, 1)
    metric.reset()
    metric.update(maps, Self.truth.view(503, 1, 1))
    #expect(metric.correct == right)
  }

  @Test(arguments: [1, 3, 7, 20]) func topK(_ k: Int) {
    let metric = TopKAccuracy(k)
    feed(metric)
    let hits = zip(scores, truth).filter { row, label in row.filter { $0 > row[label] }.count < k }.count
    #expect(metric.value == Double(hits) / 503)
  }

  @Test func confusionMatrix() {
    let metric = ConfusionMatrix(classCount: Self.classes)
    feed(metric)
    var counts = [Int](repeating: 0, count: Self.classes * Self.classes)
    for (p, t) in zip(predicted, truth) { counts[t * Self.classes + p] += 1 }
    #expect(metric.value.dtype == .int64)
    #expect(metric.value.shape == [Self.classes, Self.classes])
    #expect(metric.value.toArray(Int.self) == counts)
    let rows = metric.normalized.sum(dim: 1).toArray(Double.self)
    for row in rows.dropLast() { #expect(abs(row - 1) < 1e-12) }
    #expect(rows.last!.isNaN)
  }

  @Test func classScores() {
    func count(_ test: (Int, Int) -> Bool) -> Double { Double(zip(predicted, truth).filter(test).count) }
    func ratio(_ a: Double, _ b: Double) -> Double { b == 0 ? 0 : a / b }
    let hits = (0..<Self.classes).map { c in count { $0 == c && $1 == c } }
    let found = (0..<Self.classes).map { c in count { p, _ in p == c } }
    let actual = (0..<Self.classes).map { c in count { _, t in t == c } }
    let precision = (0..<Self.classes).map { ratio(hits[$0], found[$0]) }
    let recall = (0..<Self.classes).map { ratio(hits[$0], actual[$0]) }
    let f1 = zip(precision, recall).map { ratio(2 * $0 * $1, $0 + $1) }
    let pairs: [(ClassScore, (Averaging) -> ClassScore, [Double])] = [
      (Precision(classCount: Self.classes), { Precision(classCount: Self.classes, average: $0) }, precision),
      (Recall(classCount: Self.classes), { Recall(classCount: Self.classes, average: $0) }, recall),
      (F1(classCount: Self.classes), { F1(classCount: Self.classes, average: $0) }, f1),
    ]
    for (macro, make, expected) in pairs {
      feed(macro)
      #expect(zip(macro.perClass, expected).allSatisfy { abs($0 - $1) < 1e-12 })
      #expect(abs(macro.value - expected.reduce(0, +) / Double(Self.classes)) < 1e-12)
      let micro = make(.micro)
      feed(micro)
      #expect(abs(micro.value - hits.reduce(0, +) / 503) < 1e-12)
      let weighted = make(.weighted)
      feed(weighted)
      let mean = zip(expected, actual).reduce(0) { $0 + $1.0 * $1.1 } / 503
      #expect(abs(weighted.value - mean) < 1e-12)
    }
  }

  /// A class that occurs neither in predictions nor in targets does not count (sklearn's labels by default).
  @Test func macroLeavesAbsentClassesOut() {
    let (p, t) = (Tensor([0, 0, 1, 1]), Tensor([0, 1, 1, 1]))
    let recall = Recall(classCount: 5)
    recall.update(p, t)
    #expect(abs(recall.value - (1 + 2.0 / 3) / 2) < 1e-12)
    #expect(recall.perClass.suffix(3) == [0, 0, 0])
    #expect(Precision(classCount: 2).value.isNaN)
  }

  @Test func errors() {
    let p = Tensor.randn(1000, generator: Generator(seed: 1))
    let t = Tensor.randn(1000, generator: Generator(seed: 2))
    let pairs = Array(zip(p.toArray(Double.self), t.toArray(Double.self)))
    let (absolute, squared, root) = (MeanAbsoluteError(), MeanSquaredError(), MeanSquaredError(root: true))
    feed(absolute, p, t)
    feed(squared, p, t)
    feed(root, p, t)
    let mae = pairs.reduce(0) { $0 + abs($1.0 - $1.1) } / 1000
    let mse = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 1000
    #expect(abs(absolute.value - mae) < 1e-12)
    #expect(abs(squared.value - mse) < 1e-12)
    #expect(abs(root.value - mse.squareRoot()) < 1e-12)
  }

  /// Far from zero, where the difference of two sums of squares has no digits left.
  @Test func rSquaredFarFromZero() {
    let noise = Tensor.randn([1000, 2], dtype: .float64, generator: Generator(seed: 5))
    let t = Tensor.randn([1000, 2], dtype: .float64, generator: Generator(seed: 6)) + 1e8
    let p = t + 0.5 * noise
    let metric = RSquared(outputCount: 2)
    feed(metric, p, t)
    var expected = 0.0
    for column in 0..<2 {
      let (ps, ts) = (p.select(dim: 1, column).toArray(Double.self), t.select(dim: 1, column).toArray(Double.self))
      let mean = ts.reduce(0) { $0 + ($1 - 1e8) } / 1000 + 1e8
      let residual = zip(ps, ts).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      expected += (1 - residual / ts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }) / 2
    }
    #expect(abs(metric.value - expected) < 1e-6)
    #expect(expected > 0.7)
  }

  @Test func rSquaredOfConstants() {
    let metric = RSquared()
    metric.update(Tensor([1.0]), Tensor([1.0]))
    #expect(metric.value.isNaN)
    metric.update(Tensor([1.0]), Tensor([1.0]))
    #expect(metric.value == 1)
    metric.update(Tensor([2.0]), Tensor([1.0]))
    #expect(metric.value == 0)
  }

  @Test func mean() {
    let mean = Mean()
    #expect(mean.value.isNaN)
    mean.update(2, weight: 3)
    mean.update(4)
    #expect(mean.value == 2.5)
    mean.update(Tensor([1.0, 2, 3, 4]))
    #expect(mean.value == 2.5)
    mean.update(Tensor([10.0, 0]), Tensor([8.0, 8]))
    #expect(mean.value == (20.0 + 80) / 24)
    mean.update(Tensor.zeros(0))
    #expect(mean.value == (20.0 + 80) / 24)
  }

  /// A metric that goes on from a saved state gives the bits of one that was never interrupted.
  @Test func statesContinue() throws {
    func check<M: Metric>(_ make: () -> M, _ p: Tensor, _ t: Tensor, _ value: (M) -> [Double]) throws {
      let (whole, first, second) = (make(), make(), make())
      for start in stride(from: 0, to: 500, by: 100) {
        let batch = (p[start..<start + 100], t[start..<start + 100])
        whole.update(batch.0, batch.1)
        (start < 200 ? first : second).update(batch.0, batch.1)
        if start == 100 {
          try second.load(first.stateDict())
          first.reset()
        }
      }
      #expect(value(second) == value(whole), "\(M.self)")
      #expect(throws: StateError.self, "\(M.self)") { try second.load(["nothing": Tensor(1)]) }
      #expect(value(second) == value(whole), "\(M.self)")
    }
    let (s, t) = (Self.scores, Self.truth)
    try check(Accuracy.init, s, t) { [$0.value] }
    try check({ TopKAccuracy(2) }, s, t) { [$0.value] }
    try check({ ConfusionMatrix(classCount: 7) }, s, t) { $0.value.toArray(Double.self) }
    try check({ F1(classCount: 7) }, s, t) { $0.perClass }
    let (x, y) = (s.select(dim: 1, 0), s.select(dim: 1, 1))
    try check({ MeanSquaredError() }, x, y) { [$0.value] }
    try check(MeanAbsoluteError.init, x, y) { [$0.value] }
    try check({ RSquared() }, x, y) { [$0.value] }
    try check(Mean.init, x, y * y) { [$0.value] }
  }
}

extension Array {
  /// Pieces of `size` elements.
  func chunks(_ size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
  }
}
