import Glibc

// What has no vector code of its own goes lane by lane through Glibc, in float64.
extension FloatVector {
  func exp() -> Self { lanes(Glibc.exp) }
  func exp2() -> Self { lanes(Glibc.exp2) }
  func expm1() -> Self { lanes(Glibc.expm1) }
  func log() -> Self { lanes(Glibc.log) }
  func log2() -> Self { lanes(Glibc.log2) }
  func log10() -> Self { lanes(Glibc.log10) }
  func log1p() -> Self { lanes(Glibc.log1p) }
  func sin() -> Self { lanes(Glibc.sin) }
  func cos() -> Self { lanes(Glibc.cos) }
  func tan() -> Self { lanes(Glibc.tan) }
  func asin() -> Self { lanes(Glibc.asin) }
  func acos() -> Self { lanes(Glibc.acos) }
  func atan() -> Self { lanes(Glibc.atan) }
  func sinh() -> Self { lanes(Glibc.sinh) }
  func cosh() -> Self { lanes(Glibc.cosh) }
  func tanh() -> Self { lanes(Glibc.tanh) }
  func asinh() -> Self { lanes(Glibc.asinh) }
  func acosh() -> Self { lanes(Glibc.acosh) }
  func atanh() -> Self { lanes(Glibc.atanh) }
  func erf() -> Self { lanes(Glibc.erf) }
  func erfc() -> Self { lanes(Glibc.erfc) }
  func sigmoid() -> Self { lanes { 1 / (1 + Glibc.exp(-$0)) } }
  func pow(_ y: Self) -> Self { lanes(y, Glibc.pow) }
  func atan2(_ x: Self) -> Self { lanes(x, Glibc.atan2) }
}
