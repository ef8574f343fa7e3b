import Firecrest
import Foundation
import TestSupport
import Testing

/// Damaged files neither crash nor make the readers take more memory than the file justifies. Each format runs in a
/// process of its own, so that its memory can be measured and a crash fails one test only.
///
/// 5,400 files; 180,000 with `FIRECREST_SLOW_TESTS=1`.
@Suite struct MutationTests {
  @Test func npy() async {
    await #expect(processExitsWith: .success) {
      let names = [
        "f4", "i8_big", "u2", "b1", "version2", "version3", "fortran", "scalar", "empty", "rank8", "rank9",
        "structured", "object",
      ]
      let files = try names.map { try fixtureBytes("\($0).npy") }
      mutate(files, share: 0.3, seed: 1, expansion: 2) { bytes throws(FileError) in
        [try loadNpy(bytes: bytes)]
      }
    }
  }

  @Test func npz() async {
    await #expect(processExitsWith: .success) {
      let names = ["stored", "deflated", "descriptor", "zip64"]
      let files = try names.map { try fixtureBytes("\($0).npz") }
      mutate(files, share: 0.4, seed: 2, expansion: 1032) { bytes throws(FileError) in
        try loadNpz(bytes: bytes).map(\.tensor)
      }
    }
  }

  @Test func safetensors() async {
    await #expect(processExitsWith: .success) {
      let names = ["all", "plain", "empty", "unsigned", "unaligned", "float8"]
      try withFolder { folder in
        let path = "\(folder)/x.safetensors"
        var turn = 0
        let files = try names.map { try fixtureBytes("\($0).safetensors") }
        mutate(files, share: 0.3, seed: 3, expansion: 2) { bytes throws(FileError) in
          turn += 1
          if turn % 4 != 0 { return try loadSafetensors(bytes: bytes).map(\.tensor) }
          guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else { exit(1) }
          return try loadSafetensors(path).map(\.tensor)
        }
      }
    }
  }

  @Test func torch() async {
    await #expect(processExitsWith: .success) {
      let names = [
        "zip2", "zip4", "old2", "old5", "checkpoint", "checkpoint_old", "python2", "big_endian", "attributes",
        "expanded", "namespace",
      ]
      try withFolder { folder in
        let path = "\(folder)/x.pth"
        var turn = 0
        let files = try names.map { try torchBytes($0) }
        mutate(files, share: 0.4, seed: 4, expansion: 1032) { bytes throws(FileError) in
          turn += 1
          if turn % 4 != 0 { return try loadTorch(bytes: bytes).map(\.tensor) }
          guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else { exit(1) }
          return try loadTorch(path).map(\.tensor)
        }
      }
    }
  }

  /// The pickle alone, where most of the damage above does not reach.
  @Test func pickles() async {
    await #expect(processExitsWith: .success) {
      // What comes before the pickle of the value: the magic number, the version, the machine.
      let names = [("old2", 137), ("old4", 138), ("checkpoint_old", 137), ("python2", 49)]
      let files = try names.map { Array(try torchBytes($0.0)[$0.1...]) }
      let heads = try names.map { Array(try torchBytes($0.0)[..<$0.1]) }
      mutate(files, behind: heads, share: 0.4, seed: 5, expansion: 1032) { bytes throws(FileError) in
        try loadTorch(bytes: bytes).map(\.tensor)
      }
    }
  }
}
