import Firecrest
import TestSupport
import Testing

@Suite struct NpyTests {
  @Test(arguments: [
    ("b1", DType.bool), ("u1", .uint8), ("i1", .int8), ("i2", .int16), ("i4", .int32), ("i8", .int64), ("f2", .float16),
    ("f4", .float32), ("f8", .float64),
  ])
  func readsWhatNumPyWrote(_ code: String, _ dtype: DType) throws {
    expectEqual(try loadNpy(fixture("\(code).npy")), ramp(dtype, [3, 4]))
    if dtype.size > 1 { expectEqual(try loadNpy(fixture("\(code)_big.npy")), ramp(dtype, [3, 4]), "big-endian") }
  }

  @Test(arguments: [("u2", DType.int32), ("u4", .int64), ("u8", .int64)])
  func widensUnsigned(_ code: String, _ dtype: DType) throws {
    expectEqual(try loadNpy(fixture("\(code).npy")), ramp(dtype, [3, 4], unsigned: true))
    expectEqual(try loadNpy(fixture("\(code)_big.npy")), ramp(dtype, [3, 4], unsigned: true))
  }

  @Test func readsAllVersionsAndShapes() throws {
    for version in 1...3 { expectEqual(try loadNpy(fixture("version\(version).npy")), ramp(.float32, [3, 4])) }
    expectEqual(try loadNpy(fixture("scalar.npy")), ramp(.float64, []))
    expectEqual(try loadNpy(fixture("empty.npy")), ramp(.float32, [2, 0, 3]))
    expectEqual(try loadNpy(fixture("one.npy")), ramp(.int64, [5]))
    expectEqual(try loadNpy(fixture("rank8.npy")), ramp(.int16, [1, 2, 1, 3, 1, 1, 2, 1]))
    let special = Tensor(
      [.nan, .infinity, -.infinity, -0.0, Double.leastNonzeroMagnitude, 1.7976931348623157e308], dtype: .float64)
    expectEqual(try loadNpy(fixture("special.npy")), special)
  }

  @Test func keepsFortranOrderAsStrides() throws {
    let x = try loadNpy(fixture("fortran.npy"))
    expectEqual(x, ramp(.float32, [2, 3, 4]))
    #expect(x.strides == [1, 2, 6])
    expectEqual(try loadNpy(fixture("fortran_big.npy")), ramp(.int64, [2, 3, 4]))
  }

  @Test func writesNumPysBytes() throws {
    for name in ["b1", "u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "scalar", "empty", "one", "rank8", "special"] {
      let bytes = try fixtureBytes("\(name).npy")
      #expect(try npyBytes(loadNpy(bytes: bytes)) == bytes, "\(name)")
    }
  }

  @Test func roundTrips() throws {
    try withFolder { folder in
      for (name, tensor) in variedTensors(numpyTypes) {
        expectEqual(try loadNpy(bytes: npyBytes(tensor)), tensor, "\(name)")
        try saveNpy(tensor, to: "\(folder)/x.npy")
        expectEqual(try loadNpy("\(folder)/x.npy"), tensor, "\(name)")
      }
    }
  }

  @Test func savesTensorsThatRequireGradients() throws {
    let x = Tensor([1.0, 2.0], requiresGrad: true)
    let y = try loadNpy(bytes: npyBytes(x * x))
    expectEqual(y, Tensor([1.0, 4.0]))
    #expect(!y.requiresGrad)
  }

  @Test(arguments: [
    "rank9", "huge_u8", "complex", "structured", "text", "time", "void", "object",
  ])
  func refusesWhatFirecrestDoesNotHave(_ name: String) {
    let error = fileError { () throws(FileError) in _ = try loadNpy(fixture("\(name).npy")) }
    #expect(error?.kind == .unsupported)
    #expect(error?.file.hasSuffix("\(name).npy") == true)
    #expect(error?.offset != nil)
  }

  @Test func refusesBFloat16() {
    let error = fileError { () throws(FileError) in _ = try npyBytes(ramp(.bfloat16, [2])) }
    #expect(error?.kind == .unsupported)
    #expect(
      error?.description == """
        <memory>: NumPy has no bfloat16
          help:  save tensor.to(.float32), which loses nothing, or use saveSafetensors
        """)
  }

  @Test func refusesTruncationAtEveryByte() throws {
    let bytes = try fixtureBytes("f4.npy")
    for length in 0..<bytes.count {
      let error = fileError { () throws(FileError) in _ = try loadNpy(bytes: Array(bytes[..<length])) }
      #expect(error?.kind == .malformed, "\(length)")
    }
    let error = fileError { () throws(FileError) in _ = try loadNpy(bytes: bytes + [0]) }
    #expect(error?.kind == .malformed)
  }

  /// A version 1 file with this header and so many bytes of data.
  private func file(_ header: String, data: Int) -> [UInt8] {
    let text = Array(header.utf8)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count & 255), UInt8(text.count >> 8)] + text
      + [UInt8](repeating: 7, count: data)
  }

  @Test func acceptsOtherSpellings() throws {
    for header in [
      "{'shape': (2,), 'descr': '<i2', 'fortran_order': False}",
      "{ \"descr\" :\"i2\",\n'fortran_order':True,'shape':(2L,),}  \n",
      "{'descr': '=i2', 'fortran_order': False, 'shape': ( 2 , ) , }",
    ] {
      expectEqual(try loadNpy(bytes: file(header, data: 4)), Tensor([0x707, 0x707], dtype: .int16), "\(header)")
    }
    let truths = try loadNpy(bytes: file("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", data: 2))
    #expect(truths.toArray(UInt8.self) == [1, 1])
  }

  @Test(arguments: [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904, 0)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4)}",
    "{'descr': '<u4', 'fortran_order': False, 'shape': (1152921504606846976,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (01,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + 1",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
    "{'descr': '\u{7}', 'fortran_order': False, 'shape': (1,)}",
    "", "{", "{}", "[1]", "None", "{'", "{'descr':", "{'descr': '<f4', 'shape': (", "{'descr': '<f4', 'shape': (1,",
  ])
  func refusesLies(_ header: String) {
    let error = fileError { () throws(FileError) in _ = try loadNpy(bytes: file(header, data: 4)) }
    #expect(error?.kind == .malformed)
  }

  @Test func namesMissingFilesAndFolders() throws {
    let missing = fileError { () throws(FileError) in _ = try loadNpy("/nowhere/x.npy") }
    #expect(missing?.kind == .system(2))
    #expect(missing?.description.hasPrefix("/nowhere/x.npy: cannot open: ") == true)
    try withFolder { folder in
      let error = fileError { () throws(FileError) in _ = try loadNpy(folder) }
      #expect(error?.kind == .unsupported)
    }
  }
}
