import CSIMD

/// bfloat16 by its bits; Swift has no such type.
struct MatmulBFloat16: BitwiseCopyable {
  var bits: UInt16
}

extension MatmulBFloat16: MatmulElement {
  typealias Scalar = Float
  @inline(__always) static var isScalar: Bool { false }

  @inline(__always)
  static func widen(_ x: MatmulBFloat16) -> Float { Float(bitPattern: UInt32(x.bits) << 16) }

  @inline(__always)
  static func narrow(_ x: Float) -> MatmulBFloat16 {
    let bits = x.bitPattern
    let rounded = (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16
    // The rounding would carry some NaNs over into infinity or zero.
    return MatmulBFloat16(bits: UInt16(truncatingIfNeeded: x != x ? (bits >> 16) | 0x40 : rounded))
  }

  @inline(__always)
  static func widen(_ p: UnsafePointer<MatmulBFloat16>) -> VFloat {
    #if KERNELS_AVX512
      return simd_load_bfloat16_16(p)
    #elseif KERNELS_AVX2
      return simd_load_bfloat16_8(p)
    #else
      return simd_load_bfloat16_4(p)
    #endif
  }

  @inline(__always)
  static func widen(_ p: UnsafePointer<MatmulBFloat16>, _ count: Int) -> VFloat {
    #if KERNELS_AVX512
      return simd_load_bfloat16_16_part(p, Int32(truncatingIfNeeded: count))
    #else
      var v = VFloat()
      for i in 0..<count { v[i] = widen(p[i]) }
      return v
    #endif
  }
}

extension Float16: MatmulElement {
  typealias Scalar = Float
  @inline(__always) static var isScalar: Bool { false }

  @inline(__always)
  static func widen(_ x: Float16) -> Float {
    #if KERNELS_BASELINE && arch(x86_64)
      // Shifting the fraction into place leaves the exponent 112 too small; infinity and NaN need the top exponent.
      let bits = UInt32(x.bitPattern), magnitude = (bits & 0x7FFF) << 13
      let scaled = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
      let special: UInt32 = magnitude >= 0x0F80_0000 ? 0x7F80_0000 : 0
      return Float(bitPattern: scaled | special | (bits & 0x8000) << 16)
    #else
      return Float(x)
    #endif
  }

  @inline(__always)
  static func narrow(_ x: Float) -> Float16 { Float16(x) }

  @inline(__always)
  static func widen(_ p: UnsafePointer<Float16>) -> VFloat {
    #if KERNELS_AVX512
      return simd_load_half16(p)
    #elseif KERNELS_AVX2
      return simd_load_half8(p)
    #else
      return VFloat(widen(p[0]), widen(p[1]), widen(p[2]), widen(p[3]))
    #endif
  }

  @inline(__always)
  static func widen(_ p: UnsafePointer<Float16>, _ count: Int) -> VFloat {
    #if KERNELS_AVX512
      return simd_load_half16_part(p, Int32(truncatingIfNeeded: count))
    #else
      var v = VFloat()
      for i in 0..<count { v[i] = widen(p[i]) }
      return v
    #endif
  }
}

/// Products of float16 and bfloat16 matrices: blocks of C are computed in float32 and rounded once.
enum MatmulHalf<E: MatmulElement> where E.Scalar == Float {
  /// The most rows and columns of a block of C.
  static var rows: Int { 480 }
  static var columns: Int { 1024 }

  @inline(never)
  static func multiply(_ x: MatmulProblem<E, E>, _ workspace: UnsafeMutableRawPointer) {
    let block = workspace.assumingMemoryBound(to: Float.self)
    let stride = min(columns, x.n)
    let rest = workspace + (min(rows, x.m) * stride * 4 + 63) / 64 * 64
    var jc = 0
    while jc < x.n {
      let width = min(columns, x.n - jc)
      var ic = 0
      while ic < x.m {
        let height = min(rows, x.m - ic)
        MatmulProblem<E, Float>(
          m: height, n: width, k: x.k, alpha: x.alpha, a: x.a + ic * x.aRow, aRow: x.aRow, aStep: x.aStep,
          b: x.b + jc * x.bColumn, bStep: x.bStep, bColumn: x.bColumn, c: block, cRow: stride, cColumn: 1,
          d: nil, dRow: 0, dColumn: 0, wholeM: x.wholeM, wholeN: x.wholeN
        ).multiply(rest)
        for i in 0..<height {
          let source = block + i * stride, target = x.c + ((ic + i) * x.cRow + jc * x.cColumn)
          if let d = x.d {
            let old = d + ((ic + i) * x.dRow + jc * x.dColumn)
            for j in 0..<width { target[j * x.cColumn] = E.narrow(E.widen(old[j * x.dColumn]) + source[j]) }
          } else if x.cColumn == 1 {
            for j in 0..<width { target[j] = E.narrow(source[j]) }
          } else {
            for j in 0..<width { target[j * x.cColumn] = E.narrow(source[j]) }
          }
        }
        ic += height
      }
      jc += width
    }
  }
}
