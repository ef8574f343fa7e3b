/// The linear maps of F(2 x 2, 3 x 3) in one dimension; each is applied to the columns and to the rows of a tile.
/// Elements of a tile are four vectors, or four of those.
struct WinogradFour {
  var a: VFloat, b: VFloat, c: VFloat, d: VFloat

  /// Of an image: Bᵀ.
  @inline(__always)
  var image: WinogradFour { WinogradFour(a: a - c, b: b + c, c: c - b, d: b - d) }
  /// Back to two outputs: Aᵀ.
  @inline(__always)
  var output: (VFloat, VFloat) { (a + (b + c), (b - c) - d) }

  /// Of three weights: G.
  @inline(__always)
  static func weight(_ a: VFloat, _ b: VFloat, _ c: VFloat) -> WinogradFour {
    let half = VFloat(repeating: 0.5), sum = (a + c) * half, middle = b * half
    return WinogradFour(a: a, b: sum + middle, c: sum - middle, d: c)
  }

  /// The elements at `p`, `step` apart.
  @inline(__always)
  static func load(_ p: UnsafePointer<Float>, _ step: Int) -> WinogradFour {
    WinogradFour(
      a: Float.load(p), b: Float.load(p + step), c: Float.load(p + 2 * step), d: Float.load(p + 3 * step))
  }

  @inline(__always)
  func store(_ p: UnsafeMutablePointer<Float>, _ step: Int) {
    Float.store(a, p)
    Float.store(b, p + step)
    Float.store(c, p + 2 * step)
    Float.store(d, p + 3 * step)
  }
}

/// A vector of channels of a row of tiles at a time.
enum WinogradTransform {
  /// Transforms a row of tiles. `x` has `step` elements for each column and `lineStep` for each line; element (i, j) of
  /// tile t goes to plane 4 i + j of `v`, `plane` apart, at t · `tileStep`.
  @inline(never)
  static func image(
    _ x: UnsafePointer<Float>, step: Int, lineStep: Int, tiles: Int, _ v: UnsafeMutablePointer<Float>, plane: Int,
    tileStep: Int
  ) {
    // Adjacent tiles share two columns.
    var first = WinogradFour.load(x, lineStep).image, second = WinogradFour.load(x + step, lineStep).image
    var x = x + 2 * step, v = v
    for _ in 0..<tiles {
      let third = WinogradFour.load(x, lineStep).image, fourth = WinogradFour.load(x + step, lineStep).image
      WinogradFour(a: first.a, b: second.a, c: third.a, d: fourth.a).image.store(v, plane)
      WinogradFour(a: first.b, b: second.b, c: third.b, d: fourth.b).image.store(v + 4 * plane, plane)
      WinogradFour(a: first.c, b: second.c, c: third.c, d: fourth.c).image.store(v + 8 * plane, plane)
      WinogradFour(a: first.d, b: second.d, c: third.d, d: fourth.d).image.store(v + 12 * plane, plane)
      (first, second) = (third, fourth)
      x += 2 * step
      v += tileStep
    }
  }

  /// Transforms a row of tiles back and adds the bias.
  @inline(never)
  static func output(
    _ m: UnsafePointer<Float>, plane: Int, tileStep: Int, tiles: Int, bias: VFloat,
    _ y: UnsafeMutablePointer<Float>, step: Int, lineStep: Int
  ) {
    var m = m, y = y
    for _ in 0..<tiles {
      let (a0, a1) = WinogradFour.load(m, plane).output
      let (b0, b1) = WinogradFour.load(m + 4 * plane, plane).output
      let (c0, c1) = WinogradFour.load(m + 8 * plane, plane).output
      let (d0, d1) = WinogradFour.load(m + 12 * plane, plane).output
      let (top0, bottom0) = WinogradFour(a: a0, b: b0, c: c0, d: d0).output
      let (top1, bottom1) = WinogradFour(a: a1, b: b1, c: c1, d: d1).output
      Float.store(top0 + bias, y)
      Float.store(top1 + bias, y + step)
      Float.store(bottom0 + bias, y + lineStep)
      Float.store(bottom1 + bias, y + (lineStep + step))
      m += tileStep
      y += 2 * step
    }
  }

  /// Transforms nine weights, `step` apart.
  @inline(__always)
  static func weights(
    _ w: UnsafePointer<Float>, step: Int, _ u: UnsafeMutablePointer<Float>, plane: Int
  ) {
    @inline(__always) func row(_ i: Int) -> WinogradFour {
      let w = w + 3 * i * step
      return WinogradFour.weight(Float.load(w), Float.load(w + step), Float.load(w + 2 * step))
    }
    let first = row(0), second = row(1), third = row(2)
    let a = WinogradFour.weight(first.a, second.a, third.a), b = WinogradFour.weight(first.b, second.b, third.b)
    let c = WinogradFour.weight(first.c, second.c, third.c), d = WinogradFour.weight(first.d, second.d, third.d)
    WinogradFour(a: a.a, b: b.a, c: c.a, d: d.a).store(u, plane)
    WinogradFour(a: a.b, b: b.b, c: c.b, d: d.b).store(u + 4 * plane, plane)
    WinogradFour(a: a.c, b: b.c, c: c.c, d: d.c).store(u + 8 * plane, plane)
    WinogradFour(a: a.d, b: b.d, c: c.d, d: d.d).store(u + 12 * plane, plane)
  }
}
