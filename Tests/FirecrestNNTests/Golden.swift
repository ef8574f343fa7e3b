import Firecrest
import Foundation
import TestSupport
import Testing

/// `Tests/Fixtures/nn.json`, which `make_nn.py` describes.
struct NNGolden: Sendable {
  struct Network: Sendable {
    let name: String
    let repr: String
    let names: [String]
    let state: [(name: String, shape: Shape)]
    let parameters: Int
  }

  struct LayerCase: Sendable, CustomTestStringConvertible {
    let name: String
    let repr: String
    let training: Bool
    let calls: Int
    let state: [String: Tensor]
    let inputs: [Tensor]
    let outputs: Tensor
    let cotangent: Tensor
    let gradients: [String: Tensor]
    let buffers: [String: Tensor]
    var testDescription: String { name }
  }

  let networks: [Network]
  let layers: [LayerCase]

  static let shared = try! NNGolden()

  init() throws {
    let data = try Data(contentsOf: fixtures.appendingPathComponent("nn.json"))
    let json = try JSONSerialization.jsonObject(with: data) as! [String: Any]
    networks = (json["networks"] as! [[String: Any]]).map { entry in
      Network(
        name: entry["name"] as! String, repr: entry["repr"] as! String, names: entry["names"] as! [String],
        state: (entry["state"] as! [[Any]]).map { ($0[0] as! String, Shape($0[1] as! [Int])) },
        parameters: entry["parameters"] as! Int)
    }
    layers = (json["layers"] as! [[String: Any]]).map { entry in
      func tensors(_ key: String) -> [String: Tensor] { (entry[key] as! [String: Any]).mapValues(tensor) }
      return LayerCase(
        name: entry["name"] as! String, repr: entry["repr"] as! String, training: entry["training"] as! Bool,
        calls: entry["calls"] as! Int, state: tensors("state"), inputs: (entry["inputs"] as! [Any]).map(tensor),
        outputs: tensor(entry["outputs"]!), cotangent: tensor(entry["cotangent"]!), gradients: tensors("gradients"),
        buffers: tensors("buffers"))
    }
  }
}

private func tensor(_ json: Any) -> Tensor {
  let object = json as! [String: Any]
  let values = (object["values"] as! [NSNumber]).map(\.doubleValue)
  return Tensor(
    values, shape: Shape(object["shape"] as! [Int]), dtype: DType(named: object["dtype"] as! String))
}

/// What a stopped process wrote must contain `text`.
func expectMessage(_ result: ExitTest.Result?, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
  let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  #expect(message.contains(text), "\(message)", sourceLocation: sourceLocation)
}
