/// Products with one row: y = x B. Every element of B is used once, so they run at the speed of memory.
extension MatmulProblem where C == E.Scalar {
  /// Adjacent columns: adds eight rows of B at a time to a piece of y that stays in the first cache.
  /// Works for any number of rows of A; with few steps of k it is also the fastest way to write a large C.
  @inline(never)
  func sumOfRows() {
    let piece = 1024
    var j = 0
    while j < n {
      let width = min(piece, n - j)
      for i in 0..<m {
        let x = a + i * aRow, target = c + (i * cRow + j)
        var p = 0
        var start = d.map { $0 + (i * dRow + j) }
        if k == 0 {
          for l in 0..<width { target[l] = start.map { $0[l] } ?? 0 }
        }
        while p < k {
          let count = k - p
          let source = b + (p * bStep + j), factors = x + p * aStep
          if count >= 8 {
            addRows(8, factors, source, target, width, start)
            p += 8
          } else if count >= 4 {
            addRows(Rows4.self, factors, source, target, width, start)
            p += 4
          } else if count == 3 {
            addRows(Rows3.self, factors, source, target, width, start)
            p += 3
          } else if count == 2 {
            addRows(Rows2.self, factors, source, target, width, start)
            p += 2
          } else {
            addRows(Rows1.self, factors, source, target, width, start)
            p += 1
          }
          start = UnsafePointer(target)
        }
      }
      j += width
    }
  }

  /// The last rows: a function for each number of them, because the inliner gives up on one that would hold them all.
  @inline(never)
  private func addRows<R: TileRows>(
    _: R.Type, _ x: UnsafePointer<E>, _ b: UnsafePointer<E>, _ y: UnsafeMutablePointer<S>, _ width: Int,
    _ start: UnsafePointer<S>?
  ) {
    addRows(R.count, x, b, y, width, start)
  }

  /// y[l] = alpha · Σ x[q] B[q, l] + start[l], or + 0; `rows` is a literal.
  @inline(__always)
  private func addRows(
    _ rows: Int, _ x: UnsafePointer<E>, _ b: UnsafePointer<E>, _ y: UnsafeMutablePointer<S>, _ width: Int,
    _ start: UnsafePointer<S>?
  ) {
    @inline(__always) func factor(_ q: Int) -> S.Vector {
      S.splat(q < rows ? alpha * E.widen(x[q * aStep]) : 0)
    }
    let x0 = factor(0), x1 = factor(1), x2 = factor(2), x3 = factor(3)
    let x4 = factor(4), x5 = factor(5), x6 = factor(6), x7 = factor(7)
    let b4 = b + 4 * bStep, step = bStep
    // Two chains of four: half the latency of one chain of eight.
    @inline(__always) func total(_ y: S.Vector, _ row: (UnsafePointer<E>) -> S.Vector, _ l: Int) -> S.Vector {
      var s = S.multiplyAdd(y, x0, row(b + l))
      if rows > 1 { s = S.multiplyAdd(s, x1, row(b + (step + l))) }
      if rows > 2 { s = S.multiplyAdd(s, x2, row(b + (2 * step + l))) }
      if rows > 3 { s = S.multiplyAdd(s, x3, row(b + (3 * step + l))) }
      if rows > 4 {
        var t = S.multiply(x4, row(b4 + l))
        t = S.multiplyAdd(t, x5, row(b4 + (step + l)))
        t = S.multiplyAdd(t, x6, row(b4 + (2 * step + l)))
        t = S.multiplyAdd(t, x7, row(b4 + (3 * step + l)))
        s = S.add(s, t)
      }
      return s
    }
    var l = 0
    if let start {
      while l + S.lanes <= width {
        S.store(total(S.load(start + l), { E.widen($0) }, l), y + l)
        l += S.lanes
      }
    } else {
      while l + S.lanes <= width {
        S.store(total(S.Vector(), { E.widen($0) }, l), y + l)
        l += S.lanes
      }
    }
    let tail = width - l
    if tail > 0 {
      S.store(total(start.map { S.load($0 + l, tail) } ?? S.Vector(), { E.widen($0, tail) }, l), y + l, tail)
    }
  }

  /// Adjacent steps of k in A and B: each element of C is a dot product. Blocks of two rows and four columns.
  @inline(never)
  func dots() {
    var i = 0
    while i < m {
      let pair = i + 1 < m
      var j = 0
      while j < n {
        if j + 4 <= n {
          if pair { dotBlock(2, 4, i, j) } else { dotBlock(1, 4, i, j) }
          j += 4
        } else {
          if pair { dotBlock(2, 1, i, j) } else { dotBlock(1, 1, i, j) }
          j += 1
        }
      }
      i += pair ? 2 : 1
    }
  }

  /// `rows` (1 or 2) and `columns` (1 or 4) are literals. A single row keeps two sums a column instead.
  @inline(__always)
  private func dotBlock(_ rows: Int, _ columns: Int, _ i: Int, _ j: Int) {
    let x0 = a + i * aRow, x1 = x0 + (rows > 1 ? aRow : 0), lanes = S.lanes
    let y0 = b + j * bColumn
    let y1 = y0 + (columns > 1 ? bColumn : 0), y2 = y1 + (columns > 1 ? bColumn : 0)
    let y3 = y2 + (columns > 1 ? bColumn : 0)
    var s = MatmulRow<S>(), t = MatmulRow<S>()
    @inline(__always) func step(_ s: inout MatmulRow<S>, _ x: S.Vector, _ p: Int) {
      s.v0 = S.multiplyAdd(s.v0, x, E.widen(y0 + p))
      if columns > 1 {
        s.v1 = S.multiplyAdd(s.v1, x, E.widen(y1 + p))
        s.v2 = S.multiplyAdd(s.v2, x, E.widen(y2 + p))
        s.v3 = S.multiplyAdd(s.v3, x, E.widen(y3 + p))
      }
    }
    var p = 0
    if rows == 1 {
      while p + 2 * lanes <= k {
        step(&s, E.widen(x0 + p), p)
        step(&t, E.widen(x0 + (p + lanes)), p + lanes)
        p += 2 * lanes
      }
      if p + lanes <= k {
        step(&s, E.widen(x0 + p), p)
        p += lanes
      }
    } else {
      while p + lanes <= k {
        let z0 = E.widen(y0 + p), u = E.widen(x0 + p), v = E.widen(x1 + p)
        s.v0 = S.multiplyAdd(s.v0, u, z0)
        t.v0 = S.multiplyAdd(t.v0, v, z0)
        if columns > 1 {
          let z1 = E.widen(y1 + p), z2 = E.widen(y2 + p), z3 = E.widen(y3 + p)
          s.v1 = S.multiplyAdd(s.v1, u, z1)
          t.v1 = S.multiplyAdd(t.v1, v, z1)
          s.v2 = S.multiplyAdd(s.v2, u, z2)
          t.v2 = S.multiplyAdd(t.v2, v, z2)
          s.v3 = S.multiplyAdd(s.v3, u, z3)
          t.v3 = S.multiplyAdd(t.v3, v, z3)
        }
        p += lanes
      }
    }
    if p < k {
      let tail = k - p
      let u = E.widen(x0 + p, tail), z0 = E.widen(y0 + p, tail)
      s.v0 = S.multiplyAdd(s.v0, u, z0)
      let v = rows > 1 ? E.widen(x1 + p, tail) : S.Vector()
      if rows > 1 { t.v0 = S.multiplyAdd(t.v0, v, z0) }
      if columns > 1 {
        let z1 = E.widen(y1 + p, tail), z2 = E.widen(y2 + p, tail), z3 = E.widen(y3 + p, tail)
        s.v1 = S.multiplyAdd(s.v1, u, z1)
        s.v2 = S.multiplyAdd(s.v2, u, z2)
        s.v3 = S.multiplyAdd(s.v3, u, z3)
        if rows > 1 {
          t.v1 = S.multiplyAdd(t.v1, v, z1)
          t.v2 = S.multiplyAdd(t.v2, v, z2)
          t.v3 = S.multiplyAdd(t.v3, v, z3)
        }
      }
    }
    if rows == 1 {
      s.v0 = S.add(s.v0, t.v0)
      if columns > 1 {
        s.v1 = S.add(s.v1, t.v1)
        s.v2 = S.add(s.v2, t.v2)
        s.v3 = S.add(s.v3, t.v3)
      }
    }
    @inline(__always) func put(_ v: S.Vector, _ row: Int, _ column: Int) {
      let place = c + ((i + row) * cRow + (j + column) * cColumn), value = alpha * S.sum(v)
      place[0] = d.map { $0[(i + row) * dRow + (j + column) * dColumn] + value } ?? value
    }
    put(s.v0, 0, 0)
    if rows > 1 { put(t.v0, 1, 0) }
    if columns > 1 {
      put(s.v1, 0, 1)
      put(s.v2, 0, 2)
      put(s.v3, 0, 3)
      if rows > 1 {
        put(t.v1, 1, 1)
        put(t.v2, 1, 2)
        put(t.v3, 1, 3)
      }
    }
  }
}
