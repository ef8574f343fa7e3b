import CSIMD

/// The shapes of the register-blocked tiles of this instruction set.
enum MatmulTiling {
  #if KERNELS_AVX512 || arch(arm64)
    /// Rows of a full tile of one or two vectors: 24 sums in 32 registers.
    static let rows = 12
    /// Vectors of the widest tile, and its rows: also 24 sums, with fewer loads.
    static let widest = 4, widestRows = 6
    /// Steps of k packed at a time.
    static let depth = 256
  #elseif KERNELS_AVX2
    /// Rows of a full tile: with two vectors a row, 12 sums in 16 registers.
    static let rows = 6
    /// Vectors of the widest tile, and its rows.
    static let widest = 2, widestRows = 6
    /// Steps of k packed at a time.
    static let depth = 384
  #else
    /// Rows of a full tile: with two vectors a row, 12 sums in 16 registers.
    static let rows = 6
    /// Vectors of the widest tile, and its rows.
    static let widest = 2, widestRows = 6
    /// Steps of k packed at a time.
    static let depth = 256
  #endif

  /// SSE cannot broadcast on load, so packing repeats each element of A across a vector there. Tiles of packed blocks are
  /// wide and low then: with four vectors a row, as many sums for half of the repeated elements.
  #if KERNELS_BASELINE && arch(x86_64)
    static let repeatsA = true, packedRows = 3, packedWidest = 4
  #else
    static let repeatsA = false, packedRows = rows, packedWidest = widest
  #endif

  /// Rows of a full tile of so many vectors.
  @inline(__always)
  static func rows(_ vectors: Int, packed: Bool = false) -> Int {
    packed && repeatsA ? packedRows : vectors == widest ? widestRows : rows
  }

  /// Vectors of the next panel where `columns` columns are left.
  @inline(__always)
  static func vectors(_ columns: Int, lanes: Int, packed: Bool = false) -> Int {
    (packed ? packedWidest : widest) == 4 && columns > 3 * lanes ? 4 : columns > lanes ? 2 : 1
  }
}

/// One tile of C: one, two or four vectors wide.
struct MatmulTile<S: MatmulScalar> {
  /// A, and the distances from one row to the next and from one step of k to the next.
  var a: UnsafePointer<S>, aRow: Int, aStep: Int
  /// B: adjacent columns, `bStep` from one step of k to the next.
  var b: UnsafePointer<S>, bStep: Int
  /// C: adjacent columns.
  var c: UnsafeMutablePointer<S>, cRow: Int
  var depth: Int
  var alpha: S
  /// Whether the products are added to D, or to C where there is none.
  var accumulate: Bool
  /// Columns in the last vector, 1 ... lanes.
  var tail: Int
  /// D: adjacent columns.
  var d: UnsafePointer<S>? = nil, dRow = 0
}

/// The sums of one row of a tile.
struct MatmulRow<S: MatmulScalar> {
  var v0 = S.Vector(), v1 = S.Vector(), v2 = S.Vector(), v3 = S.Vector()

  @inline(__always)
  mutating func add(_ a: S.Vector, _ b: MatmulRow<S>, _ vectors: Int) {
    S.accumulate(&v0, a, b.v0)
    if vectors > 1 { S.accumulate(&v1, a, b.v1) }
    if vectors > 2 { S.accumulate(&v2, a, b.v2) }
    if vectors > 3 { S.accumulate(&v3, a, b.v3) }
  }

  @inline(__always)
  func write(_ t: MatmulTile<S>, _ row: Int, _ vectors: Int) {
    let c = t.c + row * t.cRow, alpha = S.splat(t.alpha), lanes = S.lanes
    if t.accumulate {
      let d = t.d.map { $0 + row * t.dRow } ?? UnsafePointer(c)
      if vectors == 1 {
        S.store(S.multiplyAdd(S.load(d, t.tail), alpha, v0), c, t.tail)
      } else {
        S.store(S.multiplyAdd(S.load(d), alpha, v0), c)
        let last = (vectors - 1) * lanes
        if vectors == 2 {
          S.store(S.multiplyAdd(S.load(d + last, t.tail), alpha, v1), c + last, t.tail)
        } else {
          S.store(S.multiplyAdd(S.load(d + lanes), alpha, v1), c + lanes)
          S.store(S.multiplyAdd(S.load(d + 2 * lanes), alpha, v2), c + 2 * lanes)
          S.store(S.multiplyAdd(S.load(d + last, t.tail), alpha, v3), c + last, t.tail)
        }
      }
    } else if vectors == 1 {
      S.store(S.multiply(alpha, v0), c, t.tail)
    } else {
      S.store(S.multiply(alpha, v0), c)
      let last = c + (vectors - 1) * lanes
      if vectors == 2 {
        S.store(S.multiply(alpha, v1), last, t.tail)
      } else {
        S.store(S.multiply(alpha, v1), c + lanes)
        S.store(S.multiply(alpha, v2), c + 2 * lanes)
        S.store(S.multiply(alpha, v3), last, t.tail)
      }
    }
  }
}

extension MatmulTile {
  /// Loads one step of B. Packed panels are padded to whole vectors; elsewhere memory ends where the tile ends.
  @inline(__always)
  func loadB(_ b: UnsafePointer<S>, _ vectors: Int, _ packed: Bool) -> MatmulRow<S> {
    var row = MatmulRow<S>()
    let last = b + (vectors - 1) * S.lanes
    let end = packed ? S.load(last) : S.load(last, tail)
    if vectors == 1 {
      row.v0 = end
    } else {
      row.v0 = S.load(b)
      if vectors == 2 {
        row.v1 = end
      } else {
        row.v1 = S.load(b + S.lanes)
        row.v2 = S.load(b + 2 * S.lanes)
        row.v3 = end
      }
    }
    return row
  }

  /// Computes the tile. `rows`, `vectors` and `packed` are literals at each place of use, and the branches on them
  /// are gone after inlining. The rows are variables, not an array, so that they live in registers.
  @inline(__always)
  func compute(rows: Int, vectors: Int, packed: Bool) {
    var r0 = MatmulRow<S>(), r1 = MatmulRow<S>(), r2 = MatmulRow<S>(), r3 = MatmulRow<S>()
    var r4 = MatmulRow<S>(), r5 = MatmulRow<S>(), r6 = MatmulRow<S>(), r7 = MatmulRow<S>()
    var r8 = MatmulRow<S>(), r9 = MatmulRow<S>(), r10 = MatmulRow<S>(), r11 = MatmulRow<S>()
    // SSE multiplies in place and so needs registers for copies of factors: they are left where half of B's step is an
    // operand in memory for every row.
    let readsAgain = packed && MatmulTiling.repeatsA && vectors == 4
    let row = packed && MatmulTiling.repeatsA ? S.lanes : aRow
    let step = packed && MatmulTiling.repeatsA ? rows * S.lanes : aStep, bStep = packed ? vectors * S.lanes : bStep
    // Three rows share an address register: x86 addresses p, p + r and p + 2r.
    var a0 = a, a3 = a + 3 * row, a6 = a + 6 * row, a9 = a + 9 * row
    var b = b
    @inline(__always) func x(_ p: UnsafePointer<S>) -> S.Vector {
      packed && MatmulTiling.repeatsA ? S.load(p) : S.splat(p[0])
    }
    // C's lines arrive while the sums are computed.
    for i in 0..<rows {
      simd_prefetch(c + i * cRow)
      if vectors > 1 { simd_prefetch(c + (i * cRow + (vectors - 1) * S.lanes)) }
    }
    @inline(__always) func advance() {
      var y = loadB(b, vectors, packed)
      @inline(__always) func add(_ x: S.Vector, to sums: inout MatmulRow<S>) {
        if readsAgain {
          csimd_forget_memory()
          y.v2 = UnsafeRawPointer(b + 2 * S.lanes).load(as: S.Vector.self)
          y.v3 = UnsafeRawPointer(b + 3 * S.lanes).load(as: S.Vector.self)
        }
        sums.add(x, y, vectors)
      }
      add(x(a0), to: &r0)
      if rows > 1 { add(x(a0 + row), to: &r1) }
      if rows > 2 { add(x(a0 + 2 * row), to: &r2) }
      if rows > 3 { add(x(a3), to: &r3) }
      if rows > 4 { add(x(a3 + row), to: &r4) }
      if rows > 5 { add(x(a3 + 2 * row), to: &r5) }
      if rows > 6 { add(x(a6), to: &r6) }
      if rows > 7 { add(x(a6 + row), to: &r7) }
      if rows > 8 { add(x(a6 + 2 * row), to: &r8) }
      if rows > 9 { add(x(a9), to: &r9) }
      if rows > 10 { add(x(a9 + row), to: &r10) }
      if rows > 11 { add(x(a9 + 2 * row), to: &r11) }
      a0 += step
      a3 += step
      a6 += step
      a9 += step
      b += bStep
    }
    #if KERNELS_BASELINE
      // SSE's instructions are many and short: the loop around them shows.
      for _ in 0..<depth / 2 {
        advance()
        advance()
      }
      if depth & 1 == 1 { advance() }
    #else
      for _ in 0..<depth { advance() }
    #endif
    r0.write(self, 0, vectors)
    if rows > 1 { r1.write(self, 1, vectors) }
    if rows > 2 { r2.write(self, 2, vectors) }
    if rows > 3 { r3.write(self, 3, vectors) }
    if rows > 4 { r4.write(self, 4, vectors) }
    if rows > 5 { r5.write(self, 5, vectors) }
    if rows > 6 { r6.write(self, 6, vectors) }
    if rows > 7 { r7.write(self, 7, vectors) }
    if rows > 8 { r8.write(self, 8, vectors) }
    if rows > 9 { r9.write(self, 9, vectors) }
    if rows > 10 { r10.write(self, 10, vectors) }
    if rows > 11 { r11.write(self, 11, vectors) }
  }

  /// Computes a tile of at most `MatmulTiling.rows(vectors, packed:)` rows; `packed` says whether B is.
  @inline(__always)
  func run(rows: Int, vectors: Int, packed: Bool) {
    #if KERNELS_AVX512 || arch(arm64)
      // Masks cost nothing here.
      if vectors == 4 { return selectWide(rows) }
    #else
      if packed {
        #if KERNELS_BASELINE
          if vectors == 4 { return selectLow(rows, PackedFour.self) }
          return vectors == 2 ? selectLow(rows, PackedTwo.self) : selectLow(rows, PackedOne.self)
        #else
          return vectors == 2 ? select(rows, PackedTwo.self) : select(rows, PackedOne.self)
        #endif
      }
    #endif
    if vectors == 2 { select(rows, Two.self) } else { select(rows, One.self) }
  }

  @inline(never)
  private func select<K: TileKind>(_ rows: Int, _: K.Type) {
    switch rows {
    case 1: compute(Rows1.self, K.self)
    case 2: compute(Rows2.self, K.self)
    case 3: compute(Rows3.self, K.self)
    #if KERNELS_AVX512 || arch(arm64)
      case 4: compute(Rows4.self, K.self)
      case 5: compute(Rows5.self, K.self)
      case 6: compute(Rows6.self, K.self)
      case 7: compute(Rows7.self, K.self)
      case 8: compute(Rows8.self, K.self)
      case 9: compute(Rows9.self, K.self)
      case 10: compute(Rows10.self, K.self)
      case 11: compute(Rows11.self, K.self)
      default: compute(Rows12.self, K.self)
    #else
      case 4: compute(Rows4.self, K.self)
      case 5: compute(Rows5.self, K.self)
      default: compute(Rows6.self, K.self)
    #endif
    }
  }

  #if KERNELS_AVX512 || arch(arm64)
    @inline(never)
    private func selectWide(_ rows: Int) {
      switch rows {
      case 1: compute(Rows1.self, Four.self)
      case 2: compute(Rows2.self, Four.self)
      case 3: compute(Rows3.self, Four.self)
      case 4: compute(Rows4.self, Four.self)
      case 5: compute(Rows5.self, Four.self)
      default: compute(Rows6.self, Four.self)
      }
    }
  #endif

  #if KERNELS_BASELINE
    @inline(never)
    private func selectLow<K: TileKind>(_ rows: Int, _: K.Type) {
      switch rows {
      case 1: compute(Rows1.self, K.self)
      case 2: compute(Rows2.self, K.self)
      default: compute(Rows3.self, K.self)
      }
    }
  #endif

  /// One function per shape: the inliner gives up on a function that would hold several.
  @inline(never)
  private func compute<R: TileRows, K: TileKind>(_: R.Type, _: K.Type) {
    compute(rows: R.count, vectors: K.vectors, packed: K.packed)
  }
}

/// A number of rows as a type, so that every number gets a specialised function.
protocol TileRows { static var count: Int { get } }
enum Rows1: TileRows { @inline(__always) static var count: Int { 1 } }
enum Rows2: TileRows { @inline(__always) static var count: Int { 2 } }
enum Rows3: TileRows { @inline(__always) static var count: Int { 3 } }
enum Rows4: TileRows { @inline(__always) static var count: Int { 4 } }
enum Rows5: TileRows { @inline(__always) static var count: Int { 5 } }
enum Rows6: TileRows { @inline(__always) static var count: Int { 6 } }
enum Rows7: TileRows { @inline(__always) static var count: Int { 7 } }
enum Rows8: TileRows { @inline(__always) static var count: Int { 8 } }
enum Rows9: TileRows { @inline(__always) static var count: Int { 9 } }
enum Rows10: TileRows { @inline(__always) static var count: Int { 10 } }
enum Rows11: TileRows { @inline(__always) static var count: Int { 11 } }
enum Rows12: TileRows { @inline(__always) static var count: Int { 12 } }

/// The width of a tile, and whether its B is packed, as a type.
private protocol TileKind {
  static var vectors: Int { get }
  static var packed: Bool { get }
}
private enum One: TileKind {
  @inline(__always) static var vectors: Int { 1 }
  @inline(__always) static var packed: Bool { false }
}
private enum Two: TileKind {
  @inline(__always) static var vectors: Int { 2 }
  @inline(__always) static var packed: Bool { false }
}
private enum Four: TileKind {
  @inline(__always) static var vectors: Int { 4 }
  @inline(__always) static var packed: Bool { false }
}
private enum PackedOne: TileKind {
  @inline(__always) static var vectors: Int { 1 }
  @inline(__always) static var packed: Bool { true }
}
private enum PackedTwo: TileKind {
  @inline(__always) static var vectors: Int { 2 }
  @inline(__always) static var packed: Bool { true }
}
private enum PackedFour: TileKind {
  @inline(__always) static var vectors: Int { 4 }
  @inline(__always) static var packed: Bool { true }
}
