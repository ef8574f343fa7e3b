import CSIMD

/// A type that matrix products are accumulated in, with the vector operations of this instruction set. They are
/// spelled per type because generic SIMD code does not reliably become single instructions.
protocol MatmulScalar: VectorScalar, BinaryFloatingPoint, MatmulElement where Scalar == Self {
  /// sum + a · b
  static func multiplyAdd(_ sum: Vector, _ a: Vector, _ b: Vector) -> Vector
  /// The same, for the many sums of a tile.
  static func accumulate(_ sum: inout Vector, _ a: Vector, _ b: Vector)
  /// The first `count` elements, 1 ... lanes; the others are 0 and their memory is not touched.
  static func load(_ p: UnsafePointer<Self>, _ count: Int) -> Vector
  /// Stores the first `count` elements, 1 ... lanes.
  static func store(_ v: Vector, _ p: UnsafeMutablePointer<Self>, _ count: Int)
  /// `v`, whose lanes `first ..< first + count` are 0, with those of memory there; `p` is where lane 0 would be.
  static func merge(_ v: Vector, _ p: UnsafePointer<Self>, _ first: Int, _ count: Int) -> Vector
  /// The sum of all lanes.
  static func sum(_ v: Vector) -> Self
  /// Writes the transpose of a block of adjacent columns: `rows` by `columns` are 4 by 4, `lanes` by 4 or 4 by `lanes`.
  static func transpose(
    _ x: UnsafePointer<Self>, _ rowStride: Int, _ y: UnsafeMutablePointer<Self>, _ columnStride: Int, rows: Int,
    columns: Int)
}

/// A type that matrices are stored in, and how it becomes the type it is accumulated in.
protocol MatmulElement: BitwiseCopyable {
  associatedtype Scalar: MatmulScalar
  /// True where element and accumulator are one type.
  static var isScalar: Bool { get }
  static func widen(_ x: Self) -> Scalar
  /// Rounds to nearest even.
  static func narrow(_ x: Scalar) -> Self
  /// Converts a vector's worth of adjacent elements.
  static func widen(_ p: UnsafePointer<Self>) -> Scalar.Vector
  /// Converts the first `count` elements, 0 ... lanes; the other lanes are 0 and their memory is not touched.
  static func widen(_ p: UnsafePointer<Self>, _ count: Int) -> Scalar.Vector
}

extension MatmulScalar {
  @inline(__always)
  static func accumulate(_ sum: inout Vector, _ a: Vector, _ b: Vector) { sum = multiplyAdd(sum, a, b) }
  @inline(__always) static var isScalar: Bool { true }
  @inline(__always) static func widen(_ x: Self) -> Self { x }
  @inline(__always) static func narrow(_ x: Self) -> Self { x }
  @inline(__always) static func widen(_ p: UnsafePointer<Self>) -> Vector { load(p) }
  @inline(__always)
  static func widen(_ p: UnsafePointer<Self>, _ count: Int) -> Vector { count == 0 ? Vector() : load(p, count) }

  @inline(__always)
  static func transpose(
    _ x: UnsafePointer<Self>, _ rowStride: Int, _ y: UnsafeMutablePointer<Self>, _ columnStride: Int, rows: Int,
    columns: Int
  ) {
    for j in 0..<columns {
      for i in 0..<rows { y[j * columnStride + i] = x[i * rowStride + j] }
    }
  }
}

extension Float: MatmulScalar {
  #if KERNELS_BASELINE && arch(x86_64)
    @inline(__always)
    static func accumulate(_ sum: inout VFloat, _ a: VFloat, _ b: VFloat) { sum = csimd_f4_add_to(sum, a * b) }
  #endif

  @inline(__always)
  static func multiplyAdd(_ sum: VFloat, _ a: VFloat, _ b: VFloat) -> VFloat {
    #if KERNELS_BASELINE && arch(x86_64)
      sum + a * b
    #else
      sum.addingProduct(a, b)
    #endif
  }

  @inline(__always)
  static func load(_ p: UnsafePointer<Float>, _ count: Int) -> VFloat {
    #if KERNELS_AVX512
      simd_load_float16_part(p, Int32(truncatingIfNeeded: count))
    #elseif KERNELS_AVX2
      simd_load_float8_part(p, Int32(truncatingIfNeeded: count))
    #else
      switch count {
      case 1: VFloat(p[0], 0, 0, 0)
      case 2: VFloat(p[0], p[1], 0, 0)
      case 3: VFloat(p[0], p[1], p[2], 0)
      default: load(p)
      }
    #endif
  }

  @inline(__always)
  static func store(_ v: VFloat, _ p: UnsafeMutablePointer<Float>, _ count: Int) {
    #if KERNELS_AVX512
      simd_store_float16_part(p, v, Int32(truncatingIfNeeded: count))
    #elseif KERNELS_AVX2
      simd_store_float8_part(p, v, Int32(truncatingIfNeeded: count))
    #else
      if count == 4 { return store(v, p) }
      p[0] = v[0]
      if count > 1 { p[1] = v[1] }
      if count > 2 { p[2] = v[2] }
    #endif
  }

  @inline(__always)
  static func merge(_ v: VFloat, _ p: UnsafePointer<Float>, _ first: Int, _ count: Int) -> VFloat {
    #if KERNELS_AVX512
      return simd_merge_float16(v, p, Int32(truncatingIfNeeded: first), Int32(truncatingIfNeeded: count))
    #elseif KERNELS_AVX2
      return simd_merge_float8(v, p, Int32(truncatingIfNeeded: first), Int32(truncatingIfNeeded: count))
    #else
      var v = v
      for i in first..<first + count { v[i] = p[i] }
      return v
    #endif
  }

  @inline(__always)
  static func sum(_ v: VFloat) -> Float {
    #if KERNELS_AVX512
      let v8 = v.lowHalf + v.highHalf
      let v4 = v8.lowHalf + v8.highHalf
    #elseif KERNELS_AVX2
      let v4 = v.lowHalf + v.highHalf
    #else
      let v4 = v
    #endif
    let v2 = v4.lowHalf + v4.highHalf
    return v2.x + v2.y
  }

  @inline(__always)
  static func transpose(
    _ x: UnsafePointer<Float>, _ rowStride: Int, _ y: UnsafeMutablePointer<Float>, _ columnStride: Int, rows: Int,
    columns: Int
  ) {
    if rows > 4 { return csimd_transpose_tall(x, rowStride, y, columnStride) }
    if columns > 4 { return csimd_transpose_wide(x, rowStride, y, columnStride) }
    let source = UnsafeRawPointer(x), target = UnsafeMutableRawPointer(y)
    let r = rowStride * 4, c = columnStride * 4
    let t = simd_transpose_float4(
      source.loadUnaligned(as: SIMD4<Float>.self), (source + r).loadUnaligned(as: SIMD4<Float>.self),
      (source + 2 * r).loadUnaligned(as: SIMD4<Float>.self), (source + 3 * r).loadUnaligned(as: SIMD4<Float>.self))
    target.storeBytes(of: t.x, as: SIMD4<Float>.self)
    (target + c).storeBytes(of: t.y, as: SIMD4<Float>.self)
    (target + 2 * c).storeBytes(of: t.z, as: SIMD4<Float>.self)
    (target + 3 * c).storeBytes(of: t.w, as: SIMD4<Float>.self)
  }
}

extension Double: MatmulScalar {
  #if KERNELS_BASELINE && arch(x86_64)
    @inline(__always)
    static func accumulate(_ sum: inout VDouble, _ a: VDouble, _ b: VDouble) { sum = csimd_d2_add_to(sum, a * b) }
  #endif

  @inline(__always)
  static func multiplyAdd(_ sum: VDouble, _ a: VDouble, _ b: VDouble) -> VDouble {
    #if KERNELS_BASELINE && arch(x86_64)
      sum + a * b
    #else
      sum.addingProduct(a, b)
    #endif
  }

  @inline(__always)
  static func load(_ p: UnsafePointer<Double>, _ count: Int) -> VDouble {
    #if KERNELS_AVX512
      simd_load_double8_part(p, Int32(truncatingIfNeeded: count))
    #elseif KERNELS_AVX2
      simd_load_double4_part(p, Int32(truncatingIfNeeded: count))
    #else
      count == 1 ? VDouble(p[0], 0) : load(p)
    #endif
  }

  @inline(__always)
  static func store(_ v: VDouble, _ p: UnsafeMutablePointer<Double>, _ count: Int) {
    #if KERNELS_AVX512
      simd_store_double8_part(p, v, Int32(truncatingIfNeeded: count))
    #elseif KERNELS_AVX2
      simd_store_double4_part(p, v, Int32(truncatingIfNeeded: count))
    #else
      if count == 2 { store(v, p) } else { p[0] = v[0] }
    #endif
  }

  @inline(__always)
  static func merge(_ v: VDouble, _ p: UnsafePointer<Double>, _ first: Int, _ count: Int) -> VDouble {
    #if KERNELS_AVX512
      return simd_merge_double8(v, p, Int32(truncatingIfNeeded: first), Int32(truncatingIfNeeded: count))
    #elseif KERNELS_AVX2
      return simd_merge_double4(v, p, Int32(truncatingIfNeeded: first), Int32(truncatingIfNeeded: count))
    #else
      var v = v
      for i in first..<first + count { v[i] = p[i] }
      return v
    #endif
  }

  @inline(__always)
  static func sum(_ v: VDouble) -> Double {
    #if KERNELS_AVX512
      let v4 = v.lowHalf + v.highHalf
      let v2 = v4.lowHalf + v4.highHalf
    #elseif KERNELS_AVX2
      let v2 = v.lowHalf + v.highHalf
    #else
      let v2 = v
    #endif
    return v2.x + v2.y
  }
}
