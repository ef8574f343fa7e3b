import FirecrestCore
import Foundation
import TestSupport
import Testing

/// Tensors print as PyTorch's do.
@Suite(.serialized) struct PrintingTests {
  struct Case: Decodable {
    struct Ramp: Decodable {
      let scale: Double
      let offset: Double
    }
    let name: String
    let dtype: String
    let shape: [Int]
    let values: [String]?
    let ramp: Ramp?
    let requiresGrad: Bool?
    let gradFn: String?
    let repr: String

    var tensor: Tensor {
      let type = DType(named: dtype)
      let flat: Tensor
      if let ramp {
        let count = shape.reduce(1, *)
        let numbers = (0..<count).map { Double($0) * ramp.scale + ramp.offset }
        flat = Tensor(numbers, shape: [count]).to(type)
      } else if type.isFloatingPoint {
        flat = Tensor(values!.map { Double($0)! }, shape: [values!.count]).to(type)
      } else {
        flat = Tensor(values!.map { Int($0)! }, shape: [values!.count]).to(type)
      }
      let x = flat.view(Shape(shape))
      if gradFn != nil { return x.requiresGrad(true) * 1 }
      return requiresGrad == true ? x.requiresGrad(true) : x
    }
  }

  @Test func printsAsPyTorch() throws {
    struct File: Decodable { let cases: [Case] }
    let data = try Data(contentsOf: fixtures.appendingPathComponent("printing.json"))
    let cases = try JSONDecoder().decode(File.self, from: data).cases
    #expect(cases.count == 100)
    for item in cases { #expect("\(item.tensor)" == item.repr, "\(item.name)") }
  }

  @Test func layoutDoesNotMatter() {
    let x = Tensor.arange(6.0).view(2, 3)
    #expect("\(x.T)" == "tensor([[0., 3.],\n        [1., 4.],\n        [2., 5.]])")
    #expect("\(noncontiguous(x))" == "\(x)")
    #expect("\(x[1])" == "tensor([3., 4., 5.])")
    #expect("\(Tensor.ones(1).expand(2, 2))" == "tensor([[1., 1.],\n        [1., 1.]])")
  }

  @Test func options() {
    let x = Tensor([1.23456, 1000.5])
    #expect(x.formatted(PrintOptions(precision: 2)) == "tensor([   1.23, 1000.50])")
    #expect(x.formatted(PrintOptions(sciMode: true)) == "tensor([1.2346e+00, 1.0005e+03])")
    let big = Tensor([1e10, 0.5])
    #expect(big.formatted(PrintOptions(sciMode: false)) == "tensor([10000000000.0000,           0.5000])")
    let ramp = Tensor.arange(10)
    #expect(ramp.formatted(PrintOptions(threshold: 5)) == "tensor([0, 1, 2,  ..., 7, 8, 9])")
    #expect(ramp.formatted(PrintOptions(threshold: 5, edgeItems: 1)) == "tensor([0,  ..., 9])")
    #expect(ramp.formatted(PrintOptions(threshold: 5, edgeItems: 0)) == "tensor([...], size=(10,))")
    #expect(ramp.formatted(PrintOptions(lineWidth: 20)) == "tensor([0, 1, 2, 3,\n        4, 5, 6, 7,\n        8, 9])")
    #expect(Tensor.arange(2000).formatted(PrintOptions(threshold: .max)).contains(" 1000,"))
  }

  @Test func optionsForAll() {
    let previous = Tensor.printOptions
    defer { Tensor.printOptions = previous }
    Tensor.printOptions.precision = 1
    #expect("\(Tensor([0.25, 1.75]))" == "tensor([0.2, 1.8])")
    Tensor.printOptions = PrintOptions()
    #expect("\(Tensor([0.25, 1.75]))" == "tensor([0.2500, 1.7500])")
  }

  @Test func debugLine() {
    #expect(String(reflecting: Tensor([[1.0, 2], [3, 4]])) == "Tensor float32[2, 2] cpu [1., 2., 3., 4.]")
    #expect(String(reflecting: Tensor.arange(9)) == "Tensor int64[9] cpu [0, 1, 2, 3, 4, 5, …]")
    #expect(String(reflecting: Tensor.zeros(0, 3)) == "Tensor float32[0, 3] cpu []")
    #expect(String(reflecting: Tensor.ones([], requiresGrad: true)) == "Tensor float32[] cpu [1.] requiresGrad")
    #expect(String(reflecting: Tensor.ones(1, requiresGrad: true) * 2) == "Tensor float32[1] cpu [2.] MulBackward0")
  }

  @Test func printingRecordsNothing() {
    let x = Tensor([1.0, 2], requiresGrad: true)
    _ = "\(x)"
    #expect(x.isLeaf && x.storage.version == 0)
  }
}
