import Firecrest
import Foundation
import TestSupport
import Testing

@Suite struct SafetensorsTests {
  @Test func readsWhatTheReferenceWrote() throws {
    for tensors in [
      try loadSafetensors(fixture("all.safetensors")), try loadSafetensors(bytes: fixtureBytes("all.safetensors")),
    ] {
      #expect(tensors.count == 13)
      #expect(tensors.metadata == ["format": "pt"])
      for dtype in DType.allCases { expectEqual(tensors["\(dtype)"], ramp(dtype, [3, 4]), "\(dtype)") }
      expectEqual(tensors["scalar"], Tensor(2.5))
      expectEqual(tensors["empty"], Tensor.zeros(0, 3))
      expectEqual(tensors["Ünï\"\\\n"], ramp(.float32, [2]))
    }
    #expect(try loadSafetensors(fixture("empty.safetensors")).isEmpty)
  }

  @Test func writesTheReferencesBytes() throws {
    for name in ["all", "plain", "empty"] {
      let bytes = try fixtureBytes("\(name).safetensors")
      let tensors = try loadSafetensors(bytes: bytes)
      #expect(try safetensorsBytes(tensors) == bytes, "\(name)")
    }
  }

  @Test func widensUnsigned() throws {
    let tensors = try loadSafetensors(fixture("unsigned.safetensors"))
    expectEqual(tensors["u16"], ramp(.int32, [3, 4], unsigned: true))
    expectEqual(tensors["u32"], ramp(.int64, [3, 4], unsigned: true))
    expectEqual(tensors["u64"], ramp(.int64, [3, 4], unsigned: true))
  }

  @Test func copiesWhatIsNotAligned() throws {
    for tensors in [
      try loadSafetensors(fixture("unaligned.safetensors")),
      try loadSafetensors(bytes: fixtureBytes("unaligned.safetensors")),
    ] {
      #expect(tensors["a"]?.toArray(UInt8.self) == [1, 0, 1])
      expectEqual(tensors["b"], Tensor([1.5, -2]))
      expectEqual(tensors["c"], Tensor([9], dtype: .uint8))
    }
  }

  @Test func roundTrips() throws {
    let tensors = variedTensors()
    try withFolder { folder in
      let path = "\(folder)/x.safetensors"
      try saveSafetensors(tensors, to: path, metadata: ["b": "2", "a": "\u{1}é\"\u{1F600}"])
      let back = try loadSafetensors(path)
      #expect(Set(back.names) == Set(tensors.names))
      #expect(back.metadata == ["a": "\u{1}é\"\u{1F600}", "b": "2"])
      for (name, tensor) in tensors { expectEqual(back[name], tensor, "\(name)") }
      let again = try safetensorsBytes(back)
      #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == again)
    }
  }

  @Test func mapsWithoutWritingBack() throws {
    try withFolder { folder in
      let path = "\(folder)/x.safetensors"
      try saveSafetensors(["x": Tensor.ones(1000)], to: path)
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      let x = try loadSafetensors(path)["x"]!
      x.fill(7)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before, "the file does not see the change")
      // The mapping outlives the list it came with, and a new file under the same name.
      try saveSafetensors(["x": Tensor.zeros(3)], to: path)
      expectEqual(x, Tensor.full([1000], 7.0))
      expectEqual(try loadSafetensors(path)["x"], Tensor.zeros(3))
    }
  }

  @Test func refusesTruncationAtEveryByte() throws {
    let bytes = try fixtureBytes("all.safetensors")
    for length in 0..<bytes.count {
      let error = fileError { () throws(FileError) in _ = try loadSafetensors(bytes: Array(bytes[..<length])) }
      #expect(error?.kind == .malformed, "\(length)")
    }
  }

  /// A file with this header and so many bytes of data.
  private func file(_ header: String, data: Int) -> [UInt8] {
    let text = Array(header.utf8)
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
      + [UInt8](repeating: 0, count: data)
  }

  private func refusal(_ header: String, data: Int = 8) -> FileError? {
    fileError { () throws(FileError) in _ = try loadSafetensors(bytes: file(header, data: data)) }
  }

  @Test(arguments: [
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}"#,
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
    #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
    #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    #"{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#,
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#,
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}"#,
    #"{"x":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#,
    #"{"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
    #"{"x":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,8]}}"#,
    #"{"x":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}"#,
    #"{"x":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#,
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"dtype":"F32"}}"#,
    #"{"x":{"dtype":"F32","shape":[2]}}"#,
    #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},}"#,
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x"#,
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
    #" {"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"__metadata__":{"a":1},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"__metadata__":{"a":"1","a":"2"},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"\ux000":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"note":01}}"#,
    "{\"a\nb\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
    "", "{", "[]", "null", #"{"x""#, #"{"x":"#, #"{"x":1}"#, #"{"x":"\"#,
  ])
  func refusesLies(_ header: String) {
    #expect(refusal(header)?.kind == .malformed)
  }

  @Test func tensorsPrintTheirNamesTypesAndShapes() {
    let tensors: NamedTensors = ["w": Tensor.zeros(2, 3), "n": Tensor(1)]
    #expect("\(tensors)" == "w  float32[2, 3] cpu\nn  int64[] cpu")
  }

  @Test func metadataMayBeNull() throws {
    let header = #"{"__metadata__":null,"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    let tensors = try loadSafetensors(bytes: file(header, data: 8))
    #expect(tensors.names == ["x"] && tensors.metadata.isEmpty)
    #expect(refusal(#"{"__metadata__":nul,"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#)?.kind == .malformed)
  }

  @Test func refusesDeepNesting() {
    let deep = String(repeating: "[", count: 1_000_000)
    #expect(refusal(#"{"x":{"note":"# + deep)?.reason.contains("deep") == true)
  }

  @Test func refusesWhatFirecrestDoesNotHave() {
    #expect(refusal(#"{"x":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}"#)?.kind == .unsupported)
    let error = fileError { () throws(FileError) in _ = try loadSafetensors(fixture("float8.safetensors")) }
    #expect(error?.kind == .unsupported)
    let name = fileError { () throws(FileError) in _ = try safetensorsBytes(["__metadata__": Tensor(1)]) }
    #expect(name?.kind == .unsupported)
    for length in [UInt64(9), 100_000_001, UInt64(Int64.max), UInt64.max] {
      let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}      ".utf8)
      let error = fileError { () throws(FileError) in _ = try loadSafetensors(bytes: bytes) }
      #expect(error?.kind == .malformed)
      #expect(error?.offset == 0)
    }
  }

  @Test func keepsNamesInOrder() {
    var tensors: NamedTensors = ["b": Tensor(1), "a": Tensor(2)]
    #expect(tensors.names == ["b", "a"])
    tensors["c"] = Tensor(3)
    tensors["b"] = nil
    tensors["a"] = Tensor(4)
    #expect(tensors.names == ["a", "c"])
    #expect(tensors["a"]?.item() == 4 && tensors["c"]?.item() == 3 && tensors["b"] == nil)
    #expect(NamedTensors(tensors.dictionary).names == ["a", "c"])
  }
}
