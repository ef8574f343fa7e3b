import CPUKernelAPI

/// The largest of 2 by 2 elements, and which of them it was in a byte: all that the gradient needs.
struct PoolingPairMaxima<S: PoolingScalar> {
  let pairs: PoolingPairs
  let x: UnsafePointer<S>
  let y: UnsafeMutablePointer<S>
  let choices: UnsafeMutablePointer<UInt8>?

  @inline(__always)
  func run(_ planes: Int, rectified: Bool) {
    let (rows, columns, width, lanes) = (pairs.rows, pairs.columns, pairs.width, S.lanes)
    // Where vectors can be read and stored as a whole. What is stored too much is overwritten by what follows.
    let lastRead = planes * pairs.height * width - width - 2 * lanes, lastStored = planes * rows * columns - lanes
    var output = 0
    for plane in 0..<planes {
      for row in 0..<rows {
        let start = (plane * pairs.height + 2 * row) * width
        var column = 0
        while column < columns {
          let place = start + 2 * column
          if place <= lastRead && output + column <= lastStored {
            vector(place, output + column, rectified)
          } else {
            for i in column..<min(columns, column + lanes) { one(start + 2 * i, output + i, rectified) }
          }
          column += lanes
        }
        output += columns
      }
    }
  }

  @inline(__always)
  private func vector(_ place: Int, _ output: Int, _ rectified: Bool) {
    let upper = (S.load(x + place), S.load(x + (place + S.lanes))), below = place + pairs.width
    let lower = (S.load(x + below), S.load(x + (below + S.lanes)))
    let first = S.even(upper.0, upper.1)
    var best = rectified ? S.Vector() : first, choice = S.places(rectified ? 4 : 0)
    if rectified { S.improve(&best, &choice, first, S.places(0)) }
    S.improve(&best, &choice, S.odd(upper.0, upper.1), S.places(1))
    S.improve(&best, &choice, S.even(lower.0, lower.1), S.places(2))
    S.improve(&best, &choice, S.odd(lower.0, lower.1), S.places(3))
    S.store(best, y + output)
    if let choices { S.storeBytes(choice, choices + output) }
  }

  @inline(never)
  private func one(_ place: Int, _ output: Int, _ rectified: Bool) {
    var best = rectified ? 0 : x[place], choice: UInt8 = rectified ? 4 : 0
    for i in 0..<4 {
      let value = x[place + i / 2 * pairs.width + i % 2]
      if value > best || value != value { (best, choice) = (value, UInt8(i)) }
    }
    y[output] = best
    choices?[output] = choice
  }
}

/// Gradients at the places that `PoolingPairMaxima` chose. Each element is written once, from the first to the last:
/// what is written too much is overwritten.
struct PoolingPairSpread<S: PoolingScalar> {
  let pairs: PoolingPairs
  let g: UnsafePointer<S>
  let choices: UnsafePointer<UInt8>
  let y: UnsafeMutablePointer<S>

  @inline(never)
  func run(_ planes: Int) {
    let (rows, columns, height, width) = (pairs.rows, pairs.columns, pairs.height, pairs.width)
    var source = 0
    for plane in 0..<planes {
      for row in 0..<rows {
        let start = (plane * height + 2 * row) * width
        line(source, start, first: 0, planes)
        zero(start + 2 * columns, start + width)
        line(source, start + width, first: 2, planes)
        zero(start + width + 2 * columns, start + 2 * width)
        source += columns
      }
      zero((plane * height + 2 * rows) * width, (plane + 1) * height * width)
    }
  }

  /// One line of elements: those of windows that chose `first` or the one beside it.
  @inline(__always)
  private func line(_ source: Int, _ target: Int, first: Int, _ planes: Int) {
    let (columns, lanes) = (pairs.columns, S.lanes)
    let lastRead = planes * pairs.rows * columns - lanes, lastStored = planes * pairs.height * pairs.width - 2 * lanes
    var column = 0
    while column < columns {
      let from = source + column, to = target + 2 * column
      if from <= lastRead && to <= lastStored {
        let v = S.load(g + from), choice = S.loadBytes(choices + from)
        let (low, high) = S.zip(
          S.chosen(v, choice, S.places(first)), S.chosen(v, choice, S.places(first + 1)))
        S.store(low, y + to)
        S.store(high, y + (to + lanes))
      } else {
        for i in column..<min(columns, column + lanes) {
          let choice = Int(choices[source + i])
          y[target + 2 * i] = choice == first ? g[source + i] : 0
          y[target + 2 * i + 1] = choice == first + 1 ? g[source + i] : 0
        }
      }
      column += lanes
    }
  }

  @inline(__always)
  private func zero(_ start: Int, _ end: Int) {
    var i = start
    while i < end {
      y[i] = 0
      i += 1
    }
  }
}
