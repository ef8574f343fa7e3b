/// A type with a vector of this instruction set and what every kernel does with it. Spelled per type because generic
/// `SIMD` code does not reliably become single instructions.
protocol VectorScalar: SIMDScalar, Hashable, Codable {
  associatedtype Vector: SIMD where Vector.Scalar == Self
  /// Elements in a vector.
  static var lanes: Int { get }
  static func splat(_ x: Self) -> Vector
  static func add(_ a: Vector, _ b: Vector) -> Vector
  static func multiply(_ a: Vector, _ b: Vector) -> Vector
  static func load(_ p: UnsafePointer<Self>) -> Vector
  static func store(_ v: Vector, _ p: UnsafeMutablePointer<Self>)
}

extension Float: VectorScalar {
  typealias Vector = VFloat
  @inline(__always) static var lanes: Int { VFloat.scalarCount }
  @inline(__always) static func splat(_ x: Float) -> VFloat { VFloat(repeating: x) }
  @inline(__always) static func add(_ a: VFloat, _ b: VFloat) -> VFloat { a + b }
  @inline(__always) static func multiply(_ a: VFloat, _ b: VFloat) -> VFloat { a * b }
  @inline(__always) static func load(_ p: UnsafePointer<Float>) -> VFloat {
    UnsafeRawPointer(p).loadUnaligned(as: VFloat.self)
  }
  @inline(__always) static func store(_ v: VFloat, _ p: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: VFloat.self)
  }
}

extension Double: VectorScalar {
  typealias Vector = VDouble
  @inline(__always) static var lanes: Int { VDouble.scalarCount }
  @inline(__always) static func splat(_ x: Double) -> VDouble { VDouble(repeating: x) }
  @inline(__always) static func add(_ a: VDouble, _ b: VDouble) -> VDouble { a + b }
  @inline(__always) static func multiply(_ a: VDouble, _ b: VDouble) -> VDouble { a * b }
  @inline(__always) static func load(_ p: UnsafePointer<Double>) -> VDouble {
    UnsafeRawPointer(p).loadUnaligned(as: VDouble.self)
  }
  @inline(__always) static func store(_ v: VDouble, _ p: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: VDouble.self)
  }
}
