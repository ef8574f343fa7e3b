import Firecrest
import Foundation
import TestSupport
import Testing

@Suite struct AtomicFileTests {
  private func content(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func replacesTheOldFile() throws {
    try withFolder { folder in
      let path = "\(folder)/a.txt"
      for text in ["first", "second"] {
        try AtomicFile.write(to: path) { file in try file.write(Array(text.utf8)) }
        #expect(try content(path) == text)
      }
      #expect(try names(folder) == ["a.txt"])
    }
  }

  @Test func anErrorLeavesTheOldFile() throws {
    struct Interrupted: Error {}
    try withFolder { folder in
      let path = "\(folder)/a.txt"
      try AtomicFile.write(to: path) { file in try file.write(Array("old".utf8)) }
      #expect(throws: Interrupted.self) {
        try AtomicFile.write(to: path) { file in
          try file.write([UInt8](repeating: 1, count: 1_000_000))
          #expect(file.count == 1_000_000)
          #expect(try names(folder).count == 2)
          #expect(try content(path) == "old")
          throw Interrupted()
        }
      }
      #expect(try content(path) == "old")
      #expect(try names(folder) == ["a.txt"])
    }
  }

  /// The second array cannot be written, after the first one was.
  @Test func aRefusedTensorLeavesTheOldArchive() throws {
    try withFolder { folder in
      let path = "\(folder)/a.npz"
      try saveNpz(["x": Tensor([1.0])], to: path)
      let bad: NamedTensors = ["x": Tensor.zeros(500_000), "y": ramp(.bfloat16, [2])]
      let error = fileError { () throws(FileError) in try saveNpz(bad, to: path) }
      #expect(error?.file == "\(path)(y.npy)")
      expectEqual(try loadNpz(path)["x"], Tensor([1.0]))
      #expect(try names(folder) == ["a.npz"])
    }
  }

  /// The disk is "full" after 64 KiB: in a process of its own, whose file sizes are limited.
  @Test func aFullDiskLeavesTheOldFile() async throws {
    await #expect(processExitsWith: .success) {
      try withFolder { folder in
        let path = "\(folder)/a.safetensors"
        try saveSafetensors(["x": Tensor([1.0])], to: path)
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: 1 << 16, rlim_max: 1 << 16)
        setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
        let error = fileError { () throws(FileError) in try saveSafetensors(["x": Tensor.zeros(500_000)], to: path) }
        let rest = try FileManager.default.contentsOfDirectory(atPath: folder)
        let x = try loadSafetensors(path)["x"]?.toArray(Double.self)
        guard error?.kind == .system(EFBIG), rest == ["a.safetensors"], x == [1] else { exit(1) }
      }
    }
  }

  @Test func followsLinksAndKeepsPermissions() throws {
    try withFolder { folder in
      let path = "\(folder)/a.txt"
      try AtomicFile.write(to: path) { file in try file.write([65]) }
      try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "a.txt")
      try AtomicFile.write(to: "\(folder)/link") { file in try file.write([66]) }
      #expect(try content(path) == "B")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/link") == "a.txt")
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o640)
    }
  }

  @Test func followsLinksToFilesThatAreNotThereYet() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: "\(folder)/there", withIntermediateDirectories: false)
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/first", withDestinationPath: "there/second")
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/there/second", withDestinationPath: "\(folder)/there/file")
      try AtomicFile.write(to: "\(folder)/first") { file in try file.write([67]) }
      #expect(try content("\(folder)/there/file") == "C")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/first") == "there/second")
      let error = fileError { () throws(FileError) in try saveNpy(Tensor(1), to: "\(folder)/a\u{0}b") }
      #expect(error?.reason == "a path cannot have a NUL character")
    }
  }

  @Test func refusesFoldersAndMissingFolders() throws {
    try withFolder { folder in
      let error = fileError { () throws(FileError) in try saveNpy(Tensor(1), to: folder) }
      #expect(error?.kind == .unsupported)
      let missing = fileError { () throws(FileError) in try saveNpy(Tensor(1), to: "\(folder)/none/x.npy") }
      #expect(missing?.kind == .system(ENOENT))
      let file = try AtomicFile("\(folder)/x")
      try file.commit()
      #expect(throws: FileError.self) { try file.commit() }
      #expect(throws: FileError.self) { try file.write([UInt8](repeating: 0, count: 1 << 20)) }
    }
  }
}
