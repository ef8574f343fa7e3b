import Firecrest
import Foundation
import TestSupport
import Testing

/// The path of a fixture that NumPy or the safetensors package wrote.
func fixture(_ name: String) -> String { fixtures.appendingPathComponent("IO/\(name)").path }

/// A fixture's bytes.
func fixtureBytes(_ name: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture(name))))
}

/// The path of a fixture that PyTorch wrote.
func torchFixture(_ name: String) -> String { fixtures.appendingPathComponent("Torch/\(name).pth").path }

/// The bytes of a fixture that PyTorch wrote.
func torchBytes(_ name: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: torchFixture(name))))
}

/// The values that make_io.py and make_torch.py write: 3 k − 5, k % 3 == 0 for bool, 7 k for unsigned types.
func ramp(_ dtype: DType, _ shape: Shape, unsigned: Bool = false) -> Tensor {
  let numbers = (0..<shape.elementCount).map { k in
    dtype == .bool ? (k % 3 == 0 ? 1 : 0) : unsigned || dtype == .uint8 ? 7 * k : 3 * k - 5
  }
  return Tensor(numbers, shape: shape, dtype: dtype)
}

/// Type, shape and every value, NaN included.
func expectEqual(
  _ actual: Tensor?, _ expected: Tensor, _ note: Comment? = nil, at place: SourceLocation = #_sourceLocation
) {
  guard let actual else {
    Issue.record(note ?? "no tensor", sourceLocation: place)
    return
  }
  #expect(actual.dtype == expected.dtype, note, sourceLocation: place)
  #expect(actual.shape == expected.shape, note, sourceLocation: place)
  let (a, b): ([Double], [Double]) = (actual.toArray(), expected.toArray())
  #expect(a.map(\.bitPattern) == b.map(\.bitPattern), note, sourceLocation: place)
}

/// A folder of its own, removed after `body`.
func withFolder<R>(_ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firecrest-io-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// The error that `body` throws; nil where it throws none.
func fileError(_ body: () throws(FileError) -> Void) -> FileError? {
  do {
    try body()
    return nil
  } catch {
    return error
  }
}

/// Tensors of all types and of layouts that files must not care about.
func variedTensors(_ types: [DType] = DType.allCases) -> NamedTensors {
  var result = NamedTensors()
  for dtype in types {
    let x = ramp(dtype, [3, 4])
    result["\(dtype)"] = x
    result["\(dtype) transposed"] = x.T
    result["\(dtype) window"] = x.window([2, 2], strides: [4, 2], offset: 5)
    result["\(dtype) expanded"] = x.window([2, 3], strides: [0, 4], offset: 1)
    result["\(dtype) scalar"] = ramp(dtype, [])
    result["\(dtype) empty"] = ramp(dtype, [2, 0, 3])
    result["\(dtype) rank 8"] = ramp(dtype, [1, 2, 1, 3, 1, 1, 2, 1])
  }
  return result
}

/// All types that NumPy has.
let numpyTypes = DType.allCases.filter { $0 != .bfloat16 }
