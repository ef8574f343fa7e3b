import Firecrest
import Testing

@Suite struct SummaryTests {
  @Test func table() {
    let net = Sequential([
      ("body", Sequential(Linear(784, 1000), ReLU(), Dropout(p: 0.9))), ("norm", BatchNorm1d(1000)),
      ("out", Linear(1000, 10)),
    ])
    net["body"].freeze()
    net[1].eval()
    let summary = net.summary(inputShape: [32, 784])
    #expect(
      "\(summary)"
        == """
        ----------------------------------------------
        Layer                 Output shape  Parameters
        ----------------------------------------------
        Sequential            [32, 10]               -
          body (Sequential)   [32, 1000]             -
            0 (Linear)        [32, 1000]       785,000
            1 (ReLU)          [32, 1000]             -
            2 (Dropout)       [32, 1000]             -
          norm (BatchNorm1d)  [32, 1000]         2,000
          out (Linear)        [32, 10]          10,010
        ----------------------------------------------
        Parameters: 797,010 (trainable: 12,010, frozen: 785,000)
        Parameters and buffers: 3.20 MB, outputs: 0.51 MB
        """)
    #expect(summary.parameters == net.parameterCount)
    // Modes and statistics are as before, and nothing listens any more.
    #expect((net.submodule("body.2") as! Dropout).training && !(net[1] as! BatchNorm1d).training)
    #expect((net[1] as! BatchNorm1d).numBatchesTracked!.item() == 0)
    #expect(net.parameters().allSatisfy { $0.grad == nil })
  }

  @Test func sharedAndUncalled() {
    final class Net: Layer {
      let table = Embedding(10, 4), unused = Linear(4, 4)
      let again: Embedding
      init() { again = table }
      func forward(_ x: Tensor) -> Tensor { again(x) + table(x) }
    }
    let summary = Net().summary(inputShape: [2, 3], dtype: .int64)
    #expect(summary.rows.map(\.name) == ["Net", "table", "unused", "again"])
    #expect(summary.rows.map(\.parameters) == [0, 40, 20, 0])
    #expect(summary.rows.map(\.outputShape) == [[2, 3, 4], [2, 3, 4], nil, [2, 3, 4]])
    #expect(summary.rows.map(\.depth) == [0, 1, 1, 1])
    #expect(summary.stateBytes == 240 && summary.outputBytes == 2 * 96)
    let plain = Net().summary()
    #expect(plain.outputBytes == nil && plain.rows.allSatisfy { $0.outputShape == nil } && plain.parameters == 60)
  }
}
