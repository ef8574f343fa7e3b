import FirecrestCore
import FirecrestIO
import FirecrestVision
import TestSupport
import Testing

@Suite struct IDXTests {
  @Test(arguments: [
    ("i1", DType.int8), ("i2", .int16), ("i4", .int32), ("f4", .float32), ("f8", .float64),
  ])
  func readsAllTypes(_ name: String, _ dtype: DType) throws {
    let x = try loadIDX(fixture("\(name).idx"))
    #expect(x.dtype == dtype && x.shape == [2, 3])
    #expect(x.toArray(Int.self) == (0..<6).map { 3 * $0 - 5 })
  }

  @Test(arguments: ["u1.idx", "u1.idx.gz", "members.idx.gz"])
  func readsPlainAndPacked(_ name: String) throws {
    for x in [try loadIDX(fixture(name)), try loadIDX(bytes: fixtureBytes(name))] {
      #expect(x.dtype == .uint8 && x.shape == [2, 3])
      #expect(x.toArray(Int.self) == Array(0..<6))
    }
  }

  private func refusal(_ bytes: [UInt8]) -> FileError? {
    fileError { () throws(FileError) in _ = try loadIDX(bytes: bytes) }
  }

  @Test func unpacksNoMoreThanDeclared() throws {
    let bomb = refusal(try fixtureBytes("bomb.idx.gz"))
    #expect(bomb?.reason == "more unpacked data follows than the content needs")
    #expect(refusal(try fixtureBytes("short.idx.gz"))?.reason == "the unpacked data ends 1 bytes early")
    // 3 GB in a file of 35 bytes.
    #expect(refusal([0, 0, 8, 3, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 12, 0])?.kind == .malformed)
  }

  @Test func refusesTruncationAtEveryByte() throws {
    for name in ["u1.idx", "u1.idx.gz", "i4.idx"] {
      let bytes = try fixtureBytes(name)
      for length in 0..<bytes.count {
        #expect(refusal(Array(bytes[..<length]))?.kind == .malformed, "\(name) \(length)")
      }
      #expect(refusal(bytes + [0, 1])?.kind == .malformed)
      // Zeros may fill up a packed file, as gzip has it.
      #expect(refusal(bytes + [0, 0])?.kind == (name.hasSuffix("gz") ? nil : .malformed))
    }
  }

  @Test func refusesDamage() throws {
    var bytes = try fixtureBytes("u1.idx.gz")
    bytes[bytes.count - 8] ^= 1
    #expect(refusal(bytes)?.reason == "the packed data is damaged, or does not have its checksum")
    #expect(
      refusal([0, 0, 7, 1, 0, 0, 0, 0])?.description.contains("not an IDX file: it starts with the bytes 0 0 7 1")
        == true)
    #expect(refusal([0, 0, 8, 9] + [UInt8](repeating: 0, count: 36))?.kind == .unsupported)
    let huge: [UInt8] = [0, 0, 0x0E, 4] + [UInt8](repeating: 0xFF, count: 16)
    #expect(refusal(huge)?.reason.contains("more elements than can be counted") == true)
    // Sizes whose product is 0, but overflows on the way.
    let hidden: [UInt8] = [0, 0, 0x0E, 4] + [UInt8](repeating: 0xFF, count: 12) + [0, 0, 0, 0]
    #expect(refusal(hidden)?.kind == .malformed)
    #expect(try loadIDX(bytes: [0, 0, 8, 0, 5]).item() == 5)
    #expect(try loadIDX(bytes: [0, 0, 8, 1, 0, 0, 0, 0]).shape == [0])
    #expect(fileError { () throws(FileError) in _ = try loadIDX("/nowhere/x") }?.kind == .system(2))
  }

  @Test func survivesMutation() async {
    await #expect(processExitsWith: .success) {
      let names = ["u1.idx", "u1.idx.gz", "members.idx.gz", "bomb.idx.gz", "i2.idx", "f8.idx"]
      mutate(try names.map(fixtureBytes), share: 0.3, seed: 1, expansion: 1032) { bytes throws(FileError) in
        [try loadIDX(bytes: bytes)]
      }
    }
  }
}
