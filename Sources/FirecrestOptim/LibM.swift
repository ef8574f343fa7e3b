#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// base ^ exponent, by the C library, as Python computes it.
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// cos x, by the C library, as Python computes it.
func cosine(_ x: Double) -> Double { cos(x) }
