extension FloatVector {
  /// Horner's rule: c₀ + c₁x + c₂x² + …
  @inline(__always)
  func poly(_ c0: Double, _ c1: Double, _ c2: Double, _ c3: Double) -> Self {
    Self.mulAdd(Self.mulAdd(Self.mulAdd(Self.k(c3), self, Self.k(c2)), self, Self.k(c1)), self, Self.k(c0))
  }

  /// Continues a polynomial downwards: (c₀ + c₁x + c₂x² + c₃x³) + x⁴ · higher
  @inline(__always)
  func poly(_ c0: Double, _ c1: Double, _ c2: Double, _ c3: Double, then higher: Self) -> Self {
    let (k, f) = (Self.k, Self.mulAdd)
    return f(f(f(f(higher, self, k(c3)), self, k(c2)), self, k(c1)), self, k(c0))
  }

  /// Continues a polynomial downwards: (c₀ + c₁x) + x² · higher
  @inline(__always)
  func poly(_ c0: Double, _ c1: Double, then higher: Self) -> Self {
    Self.mulAdd(Self.mulAdd(higher, self, Self.k(c1)), self, Self.k(c0))
  }
}
