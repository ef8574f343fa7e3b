import Firecrest
import Testing

@Suite struct MakeDotTests {
  /// The lines between the style and the closing brace.
  private func lines(_ graph: Digraph) -> [String] {
    let lines = "\(graph)".split(separator: "\n").map { $0.drop { $0 == " " } }
    #expect(lines.first == "digraph {" && lines.last == "}" && lines[1].hasPrefix("node ["))
    return lines[2..<lines.count - 1].map(String.init)
  }

  @Test func whatIsUsedTwiceStandsOnce() {
    let x = Tensor.ones(3, requiresGrad: true)
    let y = x * x
    #expect(
      lines(makeDot(y + y.exp(), params: [("x", x)])) == [
        #"0 [label="x\n[3]" fillcolor=lightblue]"#,
        #"1 [label="MulBackward0" fillcolor=lightgrey]"#, "0 -> 1", "0 -> 1",
        #"2 [label="ExpBackward0" fillcolor=lightgrey]"#, "1 -> 2",
        #"3 [label="AddBackward0" fillcolor=lightgrey]"#, "1 -> 3", "2 -> 3",
        #"4 [label="[3]" fillcolor=darkolivegreen1]"#, "3 -> 4",
      ])
  }

  @Test func leavesOutWhatGetsNoGradient() {
    let x = Tensor.ones(2, requiresGrad: true)
    let constant = Tensor.ones(2)
    let y = stack([x, constant]).sum()
    #expect(lines(makeDot(y)).filter { $0.contains("lightblue") } == [#"0 [label="[2]" fillcolor=lightblue]"#])
    #expect(lines(makeDot(constant)) == [#"0 [label="[2]" fillcolor=darkolivegreen1]"#])
    #expect(lines(makeDot(x, params: [("x", x)])) == [#"0 [label="x\n[2]" fillcolor=darkolivegreen1]"#])
    #expect(lines(makeDot(noGrad { x * 2 })) == [#"0 [label="[2]" fillcolor=darkolivegreen1]"#])
  }

  @Test func quotesNames() {
    let x = Tensor.ones(1, requiresGrad: true)
    let dot = lines(makeDot(-x, params: [(#"a"b\n"#, x)]))
    #expect(dot[0] == #"0 [label="a\"b\\n\n[1]" fillcolor=lightblue]"#)
  }

  /// A graph deeper than any stack.
  @Test func deep() {
    var x = Tensor.ones(1, requiresGrad: true)
    for _ in 0..<50_000 { x = x + 1 }
    let lines = makeDot(x).source.utf8.count { $0 == UInt8(ascii: "\n") }
    // The frame, the leaf and the output; each operation and the arrow into it; the arrow to the output.
    #expect(lines == 3 + 2 + 2 * 50_000 + 1)
  }
}
