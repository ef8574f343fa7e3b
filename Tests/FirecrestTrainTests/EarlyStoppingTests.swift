import Firecrest
import Testing

@Suite struct EarlyStoppingTests {
  @Test func stopsAfterPatience() {
    let stopping = EarlyStopping(patience: 2)
    #expect(!stopping.shouldStop)
    #expect([5, 4, 4.5].map { stopping.update($0) } == [false, false, false])
    #expect(stopping.best == 4)
    #expect(stopping.bestUpdate == 2)
    #expect(!stopping.isBest)
    #expect(!stopping.update(3))
    #expect(stopping.isBest)
    #expect([3, 3.1].map { stopping.update($0) } == [false, true])
  }

  @Test func maximizesWithMinDelta() {
    let stopping = EarlyStopping(patience: 2, minDelta: 0.1, mode: .maximize)
    #expect([0.5, 0.55, 0.61].map { stopping.update($0) } == [false, false, false])
    #expect(stopping.best == 0.61)
    #expect([0.71, 0.7].map { stopping.update($0) } == [false, true])
  }

  @Test func nanIsNeverBetter() {
    let stopping = EarlyStopping(patience: 3)
    #expect([.nan, .nan].map { stopping.update($0) } == [false, false])
    #expect(stopping.best == nil)
    #expect(!stopping.update(1))
    #expect([.nan, .nan, .nan].map { stopping.update($0) } == [false, false, true])
    #expect(stopping.best == 1)
  }

  @Test func patienceZeroStopsAtTheFirst() {
    let stopping = EarlyStopping(patience: 0)
    #expect([2, 1, 1].map { stopping.update($0) } == [false, false, true])
  }

  @Test func resumes() throws {
    let values = [3, 2, .nan, 2.5, 1, 1, 1.5, 2]
    for cut in values.indices {
      let (whole, first, second) = (EarlyStopping(patience: 3), EarlyStopping(patience: 3), EarlyStopping(patience: 3))
      for value in values[..<cut] { first.update(value) }
      try second.load(first.stateDict())
      for value in values { whole.update(value) }
      for value in values[cut...] { second.update(value) }
      #expect(second.best == whole.best)
      #expect(second.bestUpdate == whole.bestUpdate)
      #expect(second.shouldStop && whole.shouldStop)
    }
    #expect(throws: StateError.self) { try EarlyStopping().load([:]) }
  }
}
