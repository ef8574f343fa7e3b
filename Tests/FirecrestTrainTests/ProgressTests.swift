import Firecrest
import FirecrestTrain
import Testing

/// A terminal in memory with a clock that the test moves.
private final class Screen {
  var text = ""
  var time = 0.0
  var width = 80

  func terminal(_ isInteractive: Bool) -> Terminal {
    Terminal(
      isInteractive: isInteractive, columns: { self.width }, now: { self.time }, write: { self.text += $0 })
  }

  func bar(_ total: Int?, isInteractive: Bool, _ style: ProgressBar.Style = .automatic) -> ProgressBar {
    ProgressBar("epoch 1/3", total: total, unit: "it", style: style, terminal: terminal(isInteractive))
  }
}

@Suite struct ProgressTests {
  @Test func drawsABar() {
    let screen = Screen()
    let bar = screen.bar(200, isInteractive: true)
    for _ in 0..<50 {
      screen.time += 0.2
      bar["loss"] = 0.123456
      bar.advance()
    }
    let last = screen.text.split(separator: "\r").last!
    #expect(last.hasPrefix("epoch 1/3  25% "))
    #expect(last.contains("50/200  5.0 it/s  0:30 left  loss 0.1235"))
    #expect(last.contains("━╌"))
    bar.finish()
    bar.finish()
    #expect(screen.text.hasSuffix("in 0:10  loss 0.1235\u{1B}[K\n"))
    #expect(screen.text.filter { $0 == "\n" }.count == 1)
  }

  @Test func goesBackwards() {
    let screen = Screen()
    let bar = screen.bar(3, isInteractive: true)
    bar.advance(2)
    bar.advance(-3)
    bar.finish()
    #expect(screen.text.contains("-1/3"))
  }

  @Test func redrawsTenTimesASecond() {
    let screen = Screen()
    let bar = screen.bar(10_000, isInteractive: true)
    for _ in 0..<10_000 {
      screen.time += 0.001
      bar.advance()
    }
    let count = screen.text.filter { $0 == "\r" }.count
    #expect((90...101).contains(count))
  }

  @Test(arguments: [1, 10, 20, 40, 60, 200]) func fitsAnyWidth(_ width: Int) {
    let screen = Screen()
    screen.width = width
    let bar = screen.bar(100, isInteractive: true)
    bar["loss"] = 1e-30
    screen.time = 1
    bar.advance(50)
    let line = screen.text.dropFirst().replacing("\u{1B}[K", with: "")
    #expect(line.count <= max(10, width - 1))
  }

  @Test func writesPlainLines() {
    let screen = Screen()
    let bar = screen.bar(100, isInteractive: false, .lines(every: 10))
    for _ in 0..<100 {
      screen.time += 0.35
      bar.advance()
    }
    bar.finish()
    let lines = screen.text.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines[0] == "epoch 1/3  29%  29/100  2.9 it/s  0:25 left")
    #expect(lines[3] == "epoch 1/3  100%  100/100  2.9 it/s  in 0:35")
    #expect(!screen.text.contains("\r"))
  }

  @Test func staysQuiet() {
    let screen = Screen()
    let bar = screen.bar(2, isInteractive: true, .quiet)
    bar.advance(2)
    bar.finish()
    #expect(screen.text.isEmpty)
  }

  @Test func doesNotCountWhatWasSkipped() {
    let screen = Screen()
    let bar = screen.bar(100, isInteractive: false)
    bar.skip(90)
    screen.time = 5
    bar.advance(5)
    bar.finish()
    #expect(screen.text == "epoch 1/3  95%  95/100  1.0 it/s  in 0:05\n")
  }

  @Test func slowAndUnknown() {
    let screen = Screen()
    let bar = screen.bar(nil, isInteractive: false)
    screen.time = 7300
    bar.advance(100)
    bar["a"] = 1
    bar["b"] = 2
    bar["a"] = nil
    bar.finish()
    #expect(screen.text == "epoch 1/3  100 it  73.0 s/it\nepoch 1/3  100 it  73.0 s/it  in 2:01:40  b 2\n")
  }

  @Test func tracksASequence() {
    let tracked = progress([3, 4, 5], "x", style: .quiet)
    var seen: [Int] = []
    for number in tracked {
      tracked["n"] = Double(number)
      seen.append(number)
      #expect(tracked["n"] == Double(number))
    }
    #expect(seen == [3, 4, 5])
    for number in tracked { if number == 4 { break } }
    #expect(Array(tracked) == [3, 4, 5])
  }
}
