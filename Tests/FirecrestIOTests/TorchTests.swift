import Firecrest
import Foundation
import TestSupport
import Testing

/// Files of `torch.save`, as make_torch.py wrote them.
@Suite struct TorchTests {
  private func read(_ name: String, key: String? = nil) throws -> [NamedTensors] {
    [try loadTorch(torchFixture(name), key: key), try loadTorch(bytes: torchBytes(name), key: key)]
  }

  @Test(arguments: ["zip2", "zip3", "zip4", "zip5", "old2", "old3", "old4", "old5"])
  func readsWhatPyTorchWrote(_ name: String) throws {
    for tensors in try read(name) {
      for dtype in DType.allCases { expectEqual(tensors["\(dtype)"], ramp(dtype, [3, 4]), "\(dtype)") }
      expectEqual(tensors["parameter"], ramp(.float32, [2, 2]))
      expectEqual(tensors["scalar"], Tensor(2.5))
      expectEqual(tensors["empty"], Tensor.zeros(2, 0, 3))
      expectEqual(tensors["transposed"], ramp(.float32, [3, 4]).T)
      expectEqual(tensors["window"], ramp(.float32, [3, 4])[1..., 1..<3])
      expectEqual(tensors["tied"], ramp(.float32, [3, 4]))
      expectEqual(tensors["strided"], Tensor([1, 4, 7], dtype: .int16))
      expectEqual(tensors["expanded"], Tensor([[-5, -2, 1], [-5, -2, 1]]))
      expectEqual(tensors["one"], Tensor.zeros(1, 1))
      expectEqual(tensors["Ünï.\u{1F600} \"\\\n"], ramp(.float32, [2]))
      #expect(tensors.names[0..<3] == ["bool", "uint8", "int8"] && tensors.names.last!.hasPrefix("Ü"))
      #expect(tensors.count == (name.hasPrefix("zip") ? 23 : 20))
      #expect(tensors.metadata.isEmpty)
      #expect(tensors.allSatisfy { !$0.tensor.requiresGrad && $0.tensor.isLeaf })
    }
  }

  @Test func widensUnsigned() throws {
    for tensors in try read("zip2") {
      expectEqual(tensors["uint16"], ramp(.int32, [3, 4], unsigned: true))
      expectEqual(tensors["uint32"], ramp(.int64, [3, 4], unsigned: true))
      expectEqual(tensors["uint64"], ramp(.int64, [3, 4], unsigned: true))
    }
  }

  /// What shared memory in PyTorch shares it here, and the file does not see a change.
  @Test func sharesMemory() throws {
    for name in ["zip2", "old2"] {
      let before = try torchBytes(name)
      for tensors in try read(name) {
        tensors["tied"]![1, 2] = 99
        #expect(tensors["transposed"]![2, 1].item() == 99 && tensors["window"]![0, 1].item() == 99)
        #expect(tensors["float32"]![1, 2].item() == 13)
      }
      #expect(try torchBytes(name) == before)
    }
  }

  @Test func readsEitherByteOrder() throws {
    for tensors in try read("big_endian") {
      for dtype in DType.allCases { expectEqual(tensors["\(dtype)"], ramp(dtype, [3, 4]), "\(dtype)") }
      expectEqual(tensors["uint16"], ramp(.int32, [3, 4], unsigned: true))
    }
  }

  @Test(arguments: ["checkpoint", "checkpoint5", "checkpoint_old"])
  func namesPartsOfACheckpoint(_ name: String) throws {
    let model = [
      "fc.weight", "fc.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var",
      "norm.num_batches_tracked",
    ]
    for tensors in try read(name) {
      let adam = (0..<4).flatMap { i in
        ["step", "exp_avg", "exp_avg_sq"].map { "optimizer_state_dict.state.\(i).\($0)" }
      }
      #expect(tensors.names == model.map { "model_state_dict." + $0 } + adam + ["pair.0", "pair.1.0"])
      expectEqual(tensors["model_state_dict.fc.weight"], ramp(.float32, [3, 2]))
      expectEqual(tensors["optimizer_state_dict.state.2.step"], Tensor(1.0))
      expectEqual(tensors["pair.1.0"], ramp(.float64, [1]))
      #expect(
        tensors.metadata == [
          "epoch": "3", "loss": "0.125", "is_best": "true", "config.name": "Lauf ü", "config.seed": "-1099511627776",
          "config.7": "8",
        ])
    }
    for tensors in try read(name, key: "model_state_dict") {
      #expect(tensors.names == model && tensors.metadata.isEmpty)
      expectEqual(tensors["norm.num_batches_tracked"], Tensor(1))
    }
    for tensors in try read(name, key: "optimizer_state_dict.state.1") {
      #expect(tensors.names == ["step", "exp_avg", "exp_avg_sq"])
    }
    #expect(try loadTorch(torchFixture(name), key: "pair.1.0").names == [""])
    for key in ["model", "epoch", "config", "model_state_dict.fc.weight.x"] {
      let error = fileError { () throws(FileError) in _ = try loadTorch(torchFixture(name), key: key) }
      #expect(error?.kind == .unsupported && error!.reason.contains("'\(key)'"))
      #expect(error?.help.contains("'epoch', 'model_state_dict', 'optimizer_state_dict'") == true)
    }
  }

  @Test func readsOtherValues() throws {
    expectEqual(try loadTorch(torchFixture("lone"))[""], ramp(.float32, [3, 4]))
    let list = try loadTorch(torchFixture("list"))
    #expect(list.names == ["0", "1"])
    expectEqual(list["1"], ramp(.bool, [3]))
    #expect(try loadTorch(torchFixture("nothing")).isEmpty)
    let attributed = try loadTorch(torchFixture("attributes"))
    #expect(attributed.names == ["tensor", "parameter"] && attributed.metadata.isEmpty)
    expectEqual(attributed["parameter"], ramp(.float32, [3]))
    expectEqual(try loadTorch(torchFixture("unchecked"))["x"], ramp(.float32, [3, 4]))
  }

  /// Texts that are bytes, dictionaries that are lists of pairs, parts of storages.
  @Test func readsPython2() throws {
    for tensors in try read("python2") {
      #expect(tensors.names == ["whole", "row"])
      expectEqual(tensors["whole"], ramp(.float32, [3, 4]))
      expectEqual(tensors["row"], ramp(.float32, [3, 4])[1, 1...])
    }
  }

  @Test(arguments: [
    ("namespace", "'argparse.Namespace'"), ("module", "'torch.nn.modules.linear.Linear'"), ("complex", "complex64"),
    ("float8", "float8_e4m3fn"), ("sparse", "_rebuild_sparse_tensor"), ("quantized", "_rebuild_qtensor"),
    ("negative", "negative"), ("rank9", "'x' has more than 8 dimensions"), ("twice", "'a.b'"),
    ("tuple_key", "neither a text nor a number"), ("expanded", "[1099511627776]"), ("uint64", "element 1"),
    ("protocol1", "protocols 0 and 1"), ("script", "TorchScript"), ("deflated", "compressed"),
  ])
  func refuses(_ name: String, _ hint: String) throws {
    for (path, error) in [
      (torchFixture(name), fileError { () throws(FileError) in _ = try loadTorch(torchFixture(name)) }),
      ("<memory>", fileError { () throws(FileError) in _ = try loadTorch(bytes: try! torchBytes(name)) }),
    ] {
      let error = try #require(error)
      #expect(error.kind == .unsupported && error.file.hasPrefix(path) && !error.help.isEmpty)
      #expect(error.reason.contains(hint), "\(error)")
    }
  }

  @Test func refusesOtherFiles() throws {
    for bytes in [[], [0x80], Array("PK".utf8), try fixtureBytes("all.safetensors"), try fixtureBytes("stored.npz")] {
      let error = fileError { () throws(FileError) in _ = try loadTorch(bytes: bytes) }
      #expect(error?.kind == .malformed && error?.help.isEmpty == false)
    }
  }

  @Test(arguments: ["attributes", "old2", "old5", "python2", "checkpoint_old"])
  func refusesTruncationAtEveryByte(_ name: String) throws {
    let bytes = try torchBytes(name)
    for length in 0..<bytes.count {
      let error = fileError { () throws(FileError) in _ = try loadTorch(bytes: Array(bytes[..<length])) }
      #expect(error?.kind == .malformed, "\(length)")
    }
    let error = fileError { () throws(FileError) in _ = try loadTorch(bytes: bytes + [0]) }
    #expect(error?.kind == .malformed)
  }

  @Test(arguments: ["state", "state_old"])
  func loadsIntoAModule(_ name: String) throws {
    let net = Sequential([("fc", Linear(2, 3)), ("norm", BatchNorm1d(3))])
    #expect(try net.load(from: torchFixture(name)).isComplete)
    expectEqual(net.stateDict()["fc.weight"], ramp(.float32, [3, 2]))
    #expect(net.parameters().allSatisfy { $0.requiresGrad })
    #expect(try net.load(loadTorch(torchFixture("checkpoint"), key: "model_state_dict")).isComplete)
    try withFolder { folder in
      // The name does not matter.
      try saveNpz(net.stateDict(), to: "\(folder)/x.pth")
      #expect(try net.load(from: "\(folder)/x.pth").isComplete)
      try net.save(to: "\(folder)/x.pth")
      #expect(try net.load(from: "\(folder)/x.pth").isComplete)
    }
    let error = fileError { () throws(FileError) in _ = try loadTensors(fixture("f4.npy")) }
    #expect(error?.kind == .unsupported)
  }

  /// What is downloaded under such a name, and is none.
  @Test(arguments: [
    ("<!DOCTYPE html><html>", "web page"), ("version https://git-lfs.github.com/spec/v1", "git lfs pull"),
    ("", "empty"), ("plain text", "check the path"), ("\u{80}", "check the path"),
  ])
  func saysWhatAFileIsNot(_ content: String, _ remedy: String) throws {
    try withFolder { folder in
      let path = "\(folder)/x.pth"
      try Data(content.utf8).write(to: URL(fileURLWithPath: path))
      let error = fileError { () throws(FileError) in _ = try loadTensors(path) }
      #expect(error?.kind == .malformed && error?.help.contains(remedy) == true, "\(String(describing: error))")
    }
  }
}
