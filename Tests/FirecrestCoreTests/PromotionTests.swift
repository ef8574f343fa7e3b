import FirecrestCore
import Foundation
import TestSupport
import Testing

/// Result types of operations between types, against PyTorch's table.
@Suite struct PromotionTests {
  let table: [String: Any]
  let dtypes: [String]

  init() throws {
    let data = try Data(contentsOf: fixtures.appendingPathComponent("promotion.json"))
    table = try JSONSerialization.jsonObject(with: data) as! [String: Any]
    dtypes = table["dtypes"] as! [String]
  }

  private func pairs(_ key: String) -> [(a: DType, b: DType, expected: String)] {
    let rows = table[key] as! [String: [String: String]]
    return dtypes.flatMap { a in
      dtypes.map { b in (DType(named: a), DType(named: b), rows[a]![b]!) }
    }
  }

  @Test func twoTensors() {
    for (a, b, expected) in pairs("tensorTensor") {
      let (x, y) = (Tensor.ones(2, dtype: a), Tensor.ones(2, dtype: b))
      #expect((x + y).dtype.description == expected, "\(a) + \(b)")
      #expect((x * y).dtype.description == expected, "\(a) * \(b)")
      #expect(x.maximum(y).dtype.description == expected, "maximum of \(a) and \(b)")
      #expect(x.where(x .== y, y).dtype.description == expected, "where of \(a) and \(b)")
      #expect((x .== y).dtype == .bool && (x .<= y).dtype == .bool)
      #expect((x .== y).all().item(as: Bool.self), "1 as \(a) equals 1 as \(b)")
      if expected != "bool" { #expect((x - y).dtype.description == expected, "\(a) - \(b)") }
    }
  }

  @Test func tensorAndZeroDimensionalTensor() {
    for (a, b, expected) in pairs("tensorZeroDim") {
      let (x, y) = (Tensor.ones(2, dtype: a), Tensor.ones([], dtype: b))
      #expect((x + y).dtype.description == expected, "\(a)[2] + \(b)[]")
      #expect((y * x).dtype.description == expected, "\(b)[] * \(a)[2]")
    }
  }

  @Test func tensorAndNumber() {
    for (key, shape) in [("tensorScalar", Shape([2])), ("zeroDimScalar", Shape())] {
      let rows = table[key] as! [String: [String: String]]
      for name in dtypes {
        let x = Tensor.ones(shape, dtype: DType(named: name))
        #expect((x + true).dtype.description == rows[name]!["bool"]!, "\(name) + true")
        #expect((x + 1).dtype.description == rows[name]!["int"]!, "\(name) + 1")
        #expect((1 + x).dtype.description == rows[name]!["int"]!, "1 + \(name)")
        #expect((x + 1.0).dtype.description == rows[name]!["float"]!, "\(name) + 1.0")
        #expect((x * Float(1)).dtype.description == rows[name]!["float"]!, "\(name) * Float(1)")
        #expect(x.maximum(1.0).dtype.description == rows[name]!["float"]!, "maximum of \(name) and 1.0")
      }
    }
  }

  @Test func division() {
    for (a, b, expected) in pairs("divide") {
      let (x, y) = (Tensor.ones(2, dtype: a), Tensor.ones(2, dtype: b))
      #expect((x / y).dtype.description == expected, "\(a) / \(b)")
    }
  }

  @Test func floatingFunctionsAndSums() {
    let exp = table["exp"] as! [String: Any]
    let sum = table["sum"] as! [String: Any]
    for name in dtypes {
      let x = Tensor.ones(2, dtype: DType(named: name))
      if let expected = exp[name] as? String { #expect(x.exp().dtype.description == expected, "exp of \(name)") }
      if let expected = sum[name] as? String { #expect(x.sum().dtype.description == expected, "sum of \(name)") }
    }
  }
}
