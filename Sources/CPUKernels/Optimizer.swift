import CPUKernelAPI
import CSIMD

/// The same numbered elements of a parameter, its gradient and its states, a vector of each.
struct UpdateLanes<V: FloatVector> {
  var parameter: V
  var gradient: V
  var first: V
  var second: V
  var third: V
}

/// An update rule for vectors of one type, its constants broadcast.
protocol VectorRule {
  associatedtype V: UpdateVector
  func apply(_ x: inout UpdateLanes<V>)
}

/// A vector and how it gets from and to memory.
protocol UpdateVector: FloatVector {
  /// All lanes, from any address.
  static func load(_ p: UnsafeRawPointer) -> Self
  func store(_ p: UnsafeMutableRawPointer)
  /// The first `count` lanes, the others 0; touches no other memory.
  static func load(_ p: UnsafeRawPointer, _ count: Int) -> Self
  func store(_ p: UnsafeMutableRawPointer, _ count: Int)
}

extension UpdateVector {
  @inline(__always) static func load(_ p: UnsafeRawPointer) -> Self { p.loadUnaligned(as: Self.self) }
  @inline(__always) func store(_ p: UnsafeMutableRawPointer) { p.storeBytes(of: self, as: Self.self) }
}

extension VFloat: UpdateVector {
  @inline(__always)
  static func load(_ p: UnsafeRawPointer, _ count: Int) -> VFloat {
    csimd_load_part_f32(p.assumingMemoryBound(to: Float.self), Int32(truncatingIfNeeded: count))
  }
  @inline(__always)
  func store(_ p: UnsafeMutableRawPointer, _ count: Int) {
    csimd_store_part_f32(p.assumingMemoryBound(to: Float.self), Int32(truncatingIfNeeded: count), self)
  }
}

extension VDouble: UpdateVector {
  @inline(__always)
  static func load(_ p: UnsafeRawPointer, _ count: Int) -> VDouble {
    csimd_load_part_f64(p.assumingMemoryBound(to: Double.self), Int32(truncatingIfNeeded: count))
  }
  @inline(__always)
  func store(_ p: UnsafeMutableRawPointer, _ count: Int) {
    csimd_store_part_f64(p.assumingMemoryBound(to: Double.self), Int32(truncatingIfNeeded: count), self)
  }
}

/// Applies `rule` to all elements. The rest that fills no vector goes through the same arithmetic, so that an element's
/// bits do not depend on where a parameter was cut. The flags say which states the rule has; they are literals wherever
/// this is called.
@inline(__always)
func sweep<R: VectorRule>(_ rule: R, _ piece: UpdatePiece, first: Bool, second: Bool = false, third: Bool = false) {
  let (p, g, (a, b, c)) = (piece.parameter, piece.gradient, piece.states)
  let step = MemoryLayout<R.V>.size
  let lanes = R.V.scalarCount
  var x = UpdateLanes<R.V>(parameter: .nought, gradient: .nought, first: .nought, second: .nought, third: .nought)
  var at = 0
  var rest = piece.count
  while rest >= lanes {
    x.parameter = .load(p + at)
    x.gradient = .load(g + at)
    if first { x.first = .load(a + at) }
    if second { x.second = .load(b + at) }
    if third { x.third = .load(c + at) }
    rule.apply(&x)
    x.parameter.store(p + at)
    if first { x.first.store(a + at) }
    if second { x.second.store(b + at) }
    if third { x.third.store(c + at) }
    at &+= step
    rest &-= lanes
  }
  if rest == 0 { return }
  x.parameter = .load(p + at, rest)
  x.gradient = .load(g + at, rest)
  if first { x.first = .load(a + at, rest) }
  if second { x.second = .load(b + at, rest) }
  if third { x.third = .load(c + at, rest) }
  rule.apply(&x)
  x.parameter.store(p + at, rest)
  if first { x.first.store(a + at, rest) }
  if second { x.second.store(b + at, rest) }
  if third { x.third.store(c + at, rest) }
}

/// ±gradient + weightDecay · parameter, the weight decay left out where it is 0: a parameter that is infinite must not
/// make the gradient NaN then.
struct GradientTerm<V: UpdateVector> {
  private let maximize: Bool
  private let decays: Bool
  private let weightDecay: V

  init(maximize: Bool, weightDecay: Double) {
    self.maximize = maximize
    decays = weightDecay != 0
    self.weightDecay = V.k(weightDecay)
  }

  @inline(__always)
  func callAsFunction(_ x: UpdateLanes<V>) -> V {
    let g = maximize ? -x.gradient : x.gradient
    return decays ? V.mulAdd(x.parameter, weightDecay, g) : g
  }
}

extension FloatVector {
  /// The point at `weight` of the way from `a` to `b`, as PyTorch's `lerp` computes it: from the nearer end.
  @inline(__always)
  static func between(_ a: Self, _ b: Self, _ weight: Self, _ nearEnd: Bool) -> Self {
    nearEnd ? mulAdd(weight - one, b - a, b) : mulAdd(weight, b - a, a)
  }
}

extension Kernels {
  package func update(_ rule: UpdateRule, _ type: DType, _ piece: UpdatePiece) {
    let isDouble = type == .float64
    switch rule {
    case .sgd(let rule): isDouble ? sgdDouble(rule, piece) : sgdFloat(rule, piece)
    case .adam(let rule): isDouble ? adamDouble(rule, piece) : adamFloat(rule, piece)
    case .rmsprop(let rule): isDouble ? rmspropDouble(rule, piece) : rmspropFloat(rule, piece)
    case .adagrad(let rule): isDouble ? adagradDouble(rule, piece) : adagradFloat(rule, piece)
    }
  }
}
