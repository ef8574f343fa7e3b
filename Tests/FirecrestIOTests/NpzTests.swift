import Firecrest
import TestSupport
import Testing

@testable import FirecrestIO

@Suite struct NpzTests {
  @Test(arguments: ["stored", "deflated", "descriptor", "zip64"])
  func readsWhatNumPyWrote(_ name: String) throws {
    let arrays = try loadNpz(fixture("\(name).npz"))
    #expect(arrays.names == ["weight", "ümlaut", "flags", "none"] + (name == "deflated" ? ["zeros"] : []))
    expectEqual(arrays["weight"], ramp(.float32, [3, 4]))
    expectEqual(arrays["ümlaut"], ramp(.int64, [5]))
    expectEqual(arrays["flags"], ramp(.bool, [2, 2]))
    expectEqual(arrays["none"], ramp(.float32, [0]))
    if name == "deflated" { expectEqual(arrays["zeros"], Tensor.zeros(64, 64)) }
  }

  @Test(arguments: [false, true])
  func roundTrips(_ compressed: Bool) throws {
    let tensors = variedTensors(numpyTypes)
    for limit in [Zip.saturated32, 0, 300] {
      let bytes = try npzBytes(tensors, compressed: compressed, limit32: limit)
      let back = try loadNpz(bytes: bytes)
      #expect(back.names == tensors.names)
      for (name, tensor) in tensors { expectEqual(back[name], tensor, "\(name), 64 bits from \(limit)") }
      #expect(
        try npzBytes(tensors, compressed: compressed, limit32: limit) == bytes, "the bytes are the same every time")
    }
    try withFolder { folder in
      try saveNpz(tensors, to: "\(folder)/a.npz", compressed: compressed)
      let back = try loadNpz("\(folder)/a.npz")
      for (name, tensor) in tensors { expectEqual(back[name], tensor, "\(name)") }
      #expect(try loadNpz(bytes: npzBytes([:])).isEmpty)
    }
  }

  @Test func packsMoreThanItsBuffersHold() throws {
    // Pseudo-random, so that the packed bytes exceed the buffers too.
    var state: UInt32 = 1
    let numbers = (0..<200_000).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Int32(bitPattern: state)
    }
    let x = Tensor(numbers, shape: [200_000])
    for compressed in [false, true] {
      let back = try loadNpz(bytes: npzBytes(["x": x], compressed: compressed))
      #expect(back["x"]?.toArray(Int32.self) == numbers)
    }
    let zeros = try npzBytes(["z": Tensor.zeros(1_000_000)], compressed: true)
    #expect(zeros.count < 5000)
    expectEqual(try loadNpz(bytes: zeros)["z"], Tensor.zeros(1_000_000))
  }

  @Test func passesOverFolders() throws {
    let arrays = try loadNpz(fixture("folders.npz"))
    #expect(arrays.names == ["sub/a"])
    expectEqual(arrays["sub/a"], try loadNpy(fixture("one.npy")))
  }

  @Test func refusesWhatIsNoArray() {
    for name in ["notes", "bzip2"] {
      let error = fileError { () throws(FileError) in _ = try loadNpz(fixture("\(name).npz")) }
      #expect(error?.kind == .unsupported)
    }
    let error = fileError { () throws(FileError) in _ = try npzBytes(["x": ramp(.bfloat16, [2])]) }
    #expect(error?.file == "<memory>(x.npy)")
  }

  @Test func refusesTruncationAtEveryByte() throws {
    for name in ["stored", "deflated", "descriptor", "zip64"] {
      let bytes = try fixtureBytes("\(name).npz")
      for length in 0..<bytes.count {
        let error = fileError { () throws(FileError) in _ = try loadNpz(bytes: Array(bytes[..<length])) }
        #expect(error != nil, "\(name) \(length)")
      }
    }
  }

  /// Every bit that is flipped in a stored member's data is found by its checksum.
  @Test func verifiesChecksums() throws {
    let bytes = try npzBytes(["x": ramp(.float32, [3, 4])])
    let data = 30 + 5
    for position in stride(from: data, to: data + 176, by: 5) {
      var damaged = bytes
      damaged[position] ^= 4
      let error = fileError { () throws(FileError) in _ = try loadNpz(bytes: damaged) }
      #expect(error != nil, "\(position)")
    }
  }

  /// Changes the four bytes of a field at each place where `signature` stands.
  private func patch(_ bytes: [UInt8], _ signature: Int, field: Int, size: Int, _ value: Int) -> [UInt8] {
    var bytes = bytes
    var mark: [UInt8] = []
    mark.append(littleEndian: signature, size: 4)
    var number: [UInt8] = []
    number.append(littleEndian: value, size: size)
    for start in 0..<bytes.count - 4 where Array(bytes[start..<start + 4]) == mark {
      bytes.replaceSubrange(start + field..<start + field + size, with: number)
    }
    return bytes
  }

  @Test func refusesLyingSizes() throws {
    let bytes = try npzBytes(["x": Tensor.zeros(100)], compressed: true)
    for size in [0, 1, 527, 529, 1 << 20, 0xFFFF_FFFE, 0xFFFF_FFFF] {
      let lie = patch(
        patch(bytes, Zip.centralSignature, field: 24, size: 4, size), Zip.localSignature, field: 22, size: 4, size)
      let error = fileError { () throws(FileError) in _ = try loadNpz(bytes: lie) }
      #expect(error?.kind == .malformed, "\(size)")
    }
  }

  @Test func refusesOverlaps() throws {
    let bytes = try npzBytes(["x": Tensor.zeros(4), "y": Tensor.zeros(4)])
    let overlapping = patch(bytes, Zip.centralSignature, field: 42, size: 4, 0)
    let error = fileError { () throws(FileError) in _ = try loadNpz(bytes: overlapping) }
    #expect(error?.reason.contains("overlaps") == true)
  }

  @Test func refusesDuplicates() throws {
    let sink = MemorySink()
    let archive = ZipWriter(sink)
    let content = try npyBytes(Tensor.zeros(2))
    for _ in 0..<2 {
      try archive.add("x.npy", size: content.count, deflated: false) { add throws(FileError) in
        let outcome = content.withUnsafeBytes { bytes in Result { () throws(FileError) in try add(bytes) } }
        try outcome.get()
      }
    }
    try archive.finish()
    let error = fileError { () throws(FileError) in _ = try loadNpz(bytes: sink.bytes) }
    #expect(error?.reason.contains("two members have the name 'x.npy'") == true)
  }
}
