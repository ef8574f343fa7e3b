import FirecrestCore
import TestSupport

let arithmeticEntries: [OpEntry] = [
  OpEntry("add") { s in
    let alpha = s.scalar(-1, "alpha")
    guard let other = s.tensor(0, "other") else { return s.input + s.scalar(0, "other")! }
    return alpha.map { s.input + other * $0 } ?? s.input + other
  },
  OpEntry("mul") { s in s.tensor(0, "other").map { s.input * $0 } ?? s.input * s.scalar(0, "other")! },
  OpEntry("neg") { s in -s.input },
  OpEntry("isnan") { s in s.input.isNaN() },
]
