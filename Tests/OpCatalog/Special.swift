import FirecrestCore
import TestSupport

private func polygamma(_ golden: String) -> OpEntry {
  // PyTorch passes n before the tensor; its samples hold it as an argument after.
  OpEntry(golden) { s in s.input.polygamma(s.int(0, "n")!) }.exempting(atPoles)
}

/// PyTorch takes the sine of a rounded πx, and has slopes around 1e31 at −3 for ∞.
@Sendable private func atPoles(_ s: GoldenSample, _ place: String) -> String? {
  s.kind == "kinks" && place == "gradient of input" ? "PyTorch's slope at the poles is rounding noise" : nil
}

/// PyTorch evaluates approximations with errors around 1e−7: j0(6) = 0.1506452572509969, PyTorch 0.1506452002673548;
/// and says NaN at infinity, where the limit is 0.
private func bessel(_ golden: String, _ f: @escaping @Sendable (Tensor) -> Tensor) -> OpEntry {
  unary(golden, f).tolerance(1e-6, 1e-6).exempting { s, _ in
    s.kind == "extremal" ? "PyTorch has NaN for the limit 0 at infinity" : nil
  }
}

let specialEntries: [OpEntry] = [
  unary("erf") { $0.erf() },
  unary("erfc") { $0.erfc() },
  unary("erfinv") { $0.erfinv() },
  unary("lgamma") { $0.lgamma() },
  unary("digamma") { $0.digamma() }.exempting(atPoles),
  polygamma("polygamma_polygamma_n_0"),
  polygamma("polygamma_polygamma_n_1"),
  polygamma("polygamma_polygamma_n_2"),
  polygamma("polygamma_polygamma_n_3"),
  polygamma("polygamma_polygamma_n_4"),
  polygamma("special_polygamma_special_polygamma_n_0"),
  OpEntry("mvlgamma_mvlgamma_p_1") { s in s.input.mvlgamma(p: s.int(0, "p")!) },
  OpEntry("mvlgamma_mvlgamma_p_3") { s in s.input.mvlgamma(p: s.int(0, "p")!) },
  OpEntry("mvlgamma_mvlgamma_p_5") { s in s.input.mvlgamma(p: s.int(0, "p")!) },
  unary("i0") { $0.i0() },
  unary("special_i0e") { $0.i0e() },
  unary("special_i1") { $0.i1() },
  unary("special_i1e") { $0.i1e() },
  unary("special_modified_bessel_i0") { $0.i0() },
  unary("special_modified_bessel_i1") { $0.i1() },
  bessel("special_bessel_j0") { $0.besselJ0() },
  bessel("special_bessel_j1") { $0.besselJ1() },
  bessel("special_bessel_y0") { $0.besselY0() },
  bessel("special_bessel_y1") { $0.besselY1() },
  unary("special_entr") { $0.entr() },
  // Values to 1e9 in the samples: their sum leaves differences too few digits.
  unary("special_erfcx") { $0.erfcx() }.within { _, x, _ in x.clamp(min: -3) },
  unary("special_ndtr") { $0.ndtr() },
  unary("special_ndtri") { $0.ndtri() },
  unary("special_log_ndtr") { $0.logNdtr() },
  binary("special_zeta") { $0.zeta($1) }.exempting { s, _ in
    s.kind == "extremal" ? "PyTorch has NaN where all terms vanish, as for s = q = 1e300; the value is 0" : nil
  },
  OpEntry("igamma") { s in s.input.igamma(s.tensor(0, "other")!) },
  OpEntry("igammac") { s in s.input.igammac(s.tensor(0, "other")!) },
  OpEntry("logit") { s in s.input.logit(eps: s.double(0, "eps")) },
]
