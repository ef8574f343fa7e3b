import CPUKernelAPI
import CPUKernelsBaseline
import Testing

#if arch(x86_64)
  import CPUKernelsAVX2
  import CPUKernelsAVX512
#endif

/// An update rule with a name for messages.
struct NamedRule: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let rule: UpdateRule

  /// Every rule with every combination of its switches, and both ends of the interpolation.
  static let all: [NamedRule] = {
    var rules: [NamedRule] = []
    let switches = [false, true]
    for decay in [0, 0.03] {
      for maximize in switches {
        for (momentum, nesterov, isFirst) in [
          (0, false, false), (0.9, false, false), (0.9, true, false), (0.9, false, true), (0.9, true, true),
        ] {
          let rule = SGDRule(
            lr: 0.1, momentum: momentum, gradientShare: 0.7, weightDecay: decay, nesterov: nesterov,
            maximize: maximize, isFirst: isFirst)
          rules.append(.init(testDescription: "\(rule)", rule: .sgd(rule)))
        }
        for (keep, share) in [(1, 0.1), (1, 0.6), (0.9, 0.1)] {
          for amsgrad in switches {
            let rule = AdamRule(
              stepSize: 0.02, rootCorrection: 0.3, meanShare: share, beta2: 0.99, squareShare: 0.01, eps: 1e-3,
              weightDecay: decay, keep: keep, amsgrad: amsgrad, maximize: maximize)
            rules.append(.init(testDescription: "\(rule)", rule: .adam(rule)))
          }
        }
        for (alpha, momentum) in [(0.9, 0), (0.9, 0.8), (0.3, 0), (0.3, 0.8)] {
          for centered in switches {
            let rule = RMSpropRule(
              lr: 0.05, alpha: alpha, share: 1 - alpha, eps: 1e-3, weightDecay: decay, momentum: momentum,
              centered: centered, maximize: maximize)
            rules.append(.init(testDescription: "\(rule)", rule: .rmsprop(rule)))
          }
        }
        let rule = AdagradRule(lr: 0.1, eps: 1e-3, weightDecay: decay, maximize: maximize)
        rules.append(.init(testDescription: "\(rule)", rule: .adagrad(rule)))
      }
    }
    return rules
  }()

  /// The rule in plain words, on one element: parameter, gradient and three states.
  func apply(_ x: inout [Double]) {
    var (p, g) = (x[0], x[1])
    func term(_ maximize: Bool, _ decay: Double) -> Double { (maximize ? -g : g) + decay * p }
    switch rule {
    case .sgd(let rule):
      g = term(rule.maximize, rule.weightDecay)
      if rule.momentum != 0 {
        x[2] = rule.isFirst ? g : rule.momentum * x[2] + rule.gradientShare * g
        g = rule.nesterov ? g + rule.momentum * x[2] : x[2]
      }
      p -= rule.lr * g
    case .adam(let rule):
      p *= rule.keep
      g = term(rule.maximize, rule.weightDecay)
      x[2] = (1 - rule.meanShare) * x[2] + rule.meanShare * g
      x[3] = rule.beta2 * x[3] + rule.squareShare * g * g
      if rule.amsgrad { x[4] = max(x[4], x[3]) }
      p -= rule.stepSize * x[2] / ((rule.amsgrad ? x[4] : x[3]).squareRoot() / rule.rootCorrection + rule.eps)
    case .rmsprop(let rule):
      g = term(rule.maximize, rule.weightDecay)
      x[2] = rule.alpha * x[2] + rule.share * g * g
      if rule.centered { x[4] += rule.share * (g - x[4]) }
      let scale = (rule.centered ? x[2] - x[4] * x[4] : x[2]).squareRoot() + rule.eps
      if rule.momentum != 0 {
        x[3] = rule.momentum * x[3] + g / scale
        p -= rule.lr * x[3]
      } else {
        p -= rule.lr * g / scale
      }
    case .adagrad(let rule):
      g = term(rule.maximize, rule.weightDecay)
      x[2] += g * g
      p -= rule.lr * g / (x[2].squareRoot() + rule.eps)
    }
    x[0] = p
  }
}

/// Every update rule of every instruction set against the same rule in plain words.
struct OptimizerKernelTests {
  static let sets: [any OptimizerKernels] = {
    var sets: [any OptimizerKernels] = [CPUKernelsBaseline.Kernels()]
    #if arch(x86_64)
      if InstructionSets.avx2 { sets.append(CPUKernelsAVX2.Kernels()) }
      if InstructionSets.avx512 { sets.append(CPUKernelsAVX512.Kernels()) }
    #endif
    return sets
  }()

  /// Parameter, gradient and states of `count` elements each, with room behind that must not be touched.
  private struct Memory<T: BinaryFloatingPoint> {
    static var room: Int { 20 }
    var arrays: [[T]]
    let count: Int

    init(count: Int) {
      self.count = count
      arrays = (0..<5).map { array in
        (0..<count + Self.room).map { i in
          let wave = T((i * 37 + array * 11) % 61) / 16 - 2
          // The second and third state: averages of squares large enough for the root of their difference.
          return array == 2 ? wave * wave + 9 : array == 3 ? wave * wave : wave
        }
      }
    }

    mutating func update(_ kernels: any OptimizerKernels, _ rule: UpdateRule, _ type: DType, cuts: [Int]) {
      var pointers: [UnsafeMutablePointer<T>] = []
      for array in arrays {
        let memory = UnsafeMutablePointer<T>.allocate(capacity: array.count)
        memory.initialize(from: array, count: array.count)
        pointers.append(memory)
      }
      let whole = UpdatePiece(
        parameter: pointers[0], gradient: pointers[1],
        states: (.init(pointers[2]), .init(pointers[3]), .init(pointers[4])), count: count)
      let edges = [0] + cuts + [count]
      for (from, to) in zip(edges, edges.dropFirst()) {
        kernels.update(rule, type, whole.part(from..<to, size: MemoryLayout<T>.size))
      }
      for i in 0..<5 {
        arrays[i] = Array(UnsafeBufferPointer(start: pointers[i], count: arrays[i].count))
        pointers[i].deallocate()
      }
    }
  }

  private func check<T: BinaryFloatingPoint>(_ set: Int, _ item: NamedRule, _: T.Type, _ type: DType, _ error: Double) {
    for count in Array(0...35) + [64, 100] {
      let before = Memory<T>(count: count)
      var after = before
      after.update(Self.sets[set], item.rule, type, cuts: [])
      for i in 0..<count + Memory<T>.room {
        var x = before.arrays.map { Double($0[i]) }
        if i < count { item.apply(&x) }
        let got = after.arrays.map { Double($0[i]) }
        // `#expect` on every element would take minutes.
        for a in 0..<5 where !(abs(got[a] - x[a]) <= error * max(1, abs(x[a])) * (i < count ? 1 : 0)) {
          Issue.record("\(count) elements, array \(a) at \(i): \(got[a]), not \(x[a])")
        }
      }
      var cut = before
      cut.update(Self.sets[set], item.rule, type, cuts: [count / 3, count / 2])
      #expect(cut.arrays == after.arrays, "\(count) elements in three pieces")
    }
  }

  @Test(arguments: Array(sets.indices), NamedRule.all)
  func update(set: Int, item: NamedRule) {
    check(set, item, Float.self, .float32, 1e-5)
    check(set, item, Double.self, .float64, 1e-14)
  }

  /// What is not a number stays visible: the largest average of squares so far takes over NaN.
  @Test(arguments: Array(sets.indices))
  func notANumber(set: Int) {
    let rule = AdamRule(
      stepSize: 0.1, rootCorrection: 1, meanShare: 0.1, beta2: 0.9, squareShare: 0.1, eps: 1e-8, weightDecay: 0,
      keep: 1, amsgrad: true, maximize: false)
    var memory = Memory<Float>(count: 19)
    memory.arrays[1][3] = .nan
    memory.arrays[4][18] = .nan
    memory.update(Self.sets[set], .adam(rule), .float32, cuts: [])
    for i in 0..<19 {
      let isBad = i == 3 || i == 18
      #expect(memory.arrays[0][i].isNaN == isBad && memory.arrays[4][i].isNaN == isBad)
    }
  }
}
