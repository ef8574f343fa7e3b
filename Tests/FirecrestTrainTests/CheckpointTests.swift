import Firecrest
import Foundation
import Testing

/// The random state belongs to the process, hence one test after the other.
@Suite(.serialized) struct CheckpointTests {
  @Test func bringsEverythingBack() throws {
    try withFolder { folder in
      let path = folder + "/c.safetensors"
      let (a, b) = (Part(Tensor([1.0, 2])), Part(Tensor([[3, 4]])))
      let checkpoint = Checkpoint(["a": a, "b": b])
      let random = Generator.State(seed: .max - 3, offset: .max - 7)
      let other = Generator.shared.state
      defer { Generator.shared.state = other }
      Generator.shared.state = random
      try checkpoint.save(to: path, numbers: ["epoch": 3, "best": 0.1], texts: ["recipe": "digits"])
      a.x = Tensor([9.0, 9])
      b.x = Tensor([[9, 9]])
      Generator.shared.manualSeed(1)
      let saved = try checkpoint.load(from: path)
      #expect(a.x.toArray(Double.self) == [1, 2])
      #expect(b.x.toArray(Int.self) == [3, 4])
      #expect(Generator.shared.state == random)
      #expect(saved.numbers == ["epoch": 3, "best": 0.1])
      #expect(saved.texts == ["recipe": "digits"])
      #expect(saved.partNames.sorted() == ["a", "b"])
      #expect(saved.state(of: "a")["x"]?.toArray(Double.self) == [1, 2])
      Generator.shared.manualSeed(1)
      try checkpoint.load(from: path, restoresRandom: false)
      #expect(Generator.shared.state == Generator.State(seed: 1))
    }
  }

  @Test func refusesTheFilesOwnTexts() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try Checkpoint([:]).save(to: "/nowhere/c", texts: ["format": "png"])
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("Checkpoint: a text cannot have the name 'format'"))
  }

  /// Every single damaged byte and every cut is found, and nothing is changed.
  @Test func refusesDamage() throws {
    try withFolder { folder in
      let path = folder + "/c.safetensors"
      let part = Part(Tensor([1.0, 2]))
      let checkpoint = Checkpoint(["a": part])
      try checkpoint.save(to: path, numbers: ["epoch": 3], texts: ["recipe": "digits"])
      let good = try bytes(path)
      func expectRefused(_ content: [UInt8], _ what: Comment) throws {
        try write(content, to: path)
        let error = fileError { try checkpoint.load(from: path) }
        #expect(error?.file == path, what)
        #expect(error?.help.isEmpty == false, what)
      }
      for length in 0..<good.count { try expectRefused(Array(good[..<length]), "\(length) bytes") }
      for place in good.indices {
        var bad = good
        bad[place] ^= 0x04
        try expectRefused(bad, "byte \(place)")
      }
      #expect(part.loads == 0)
      try write(good, to: path)
      try checkpoint.load(from: path)
      #expect(part.loads == 1)
    }
  }

  /// Where one part refuses its state, those before it go back to theirs.
  @Test func loadsAllOrNothing() throws {
    try withFolder { folder in
      let path = folder + "/c.safetensors"
      try Checkpoint(["a": Part(Tensor([1.0])), "b": Part(Tensor([1.0, 2]))]).save(to: path)
      let (a, b) = (Part(Tensor([5.0])), Part(Tensor([6.0])))
      let random = Generator.shared.state
      let error = fileError { try Checkpoint(["a": a, "b": b]).load(from: path) }
      #expect(error?.reason.contains("b: Part") == true)
      #expect(error?.reason.contains("needs [1], found [2]") == true)
      #expect(a.x.item() == 5)
      #expect(b.x.item() == 6)
      #expect(Generator.shared.state == random)
      #expect(fileError { try Checkpoint(["a": a]).load(from: path) }?.reason.contains("has b") == true)
      let c = Part(Tensor([1.0]))
      #expect(fileError { try Checkpoint(["a": a, "b": b, "c": c]).load(from: path) } != nil)
    }
  }

  @Test func refusesOtherFiles() throws {
    try withFolder { folder in
      let path = folder + "/weights.safetensors"
      try saveSafetensors(["w": Tensor([1.0])], to: path)
      #expect(fileError { _ = try SavedCheckpoint(path) }?.kind == .unsupported)
      #expect(fileError { _ = try SavedCheckpoint(folder + "/none") }?.help.isEmpty == false)
    }
  }

  @Test func folderKeepsTheLatestAndTheBest() throws {
    try withFolder { folder in
      let checkpoints = CheckpointFolder(folder + "/run/checkpoint", keep: 2)
      #expect(try checkpoints.last() == nil)
      let part = Part(Tensor([0.0]))
      let checkpoint = Checkpoint(["a": part])
      for step in [1, 20, 300, 4000] {
        part.x = Tensor([Double(step)])
        try checkpoints.save(checkpoint, step: step, isBest: step == 20)
      }
      #expect(try checkpoints.steps() == [300, 4000])
      #expect(try checkpoints.last() == checkpoints.file(4000))
      try checkpoint.load(from: checkpoints.best)
      #expect(part.x.item() == 20)
      let names = try FileManager.default.contentsOfDirectory(atPath: checkpoints.path).sorted()
      #expect(names == ["best.safetensors", "step-000000300.safetensors", "step-000004000.safetensors"])
    }
  }

  @Test func digestSeesEverything() {
    let x = Tensor([1.0, 2, 3, 4])
    let states: [NamedTensors] = [
      ["a": x, "b": x], ["b": x, "a": x], ["a": x], [:], ["ab": x], ["a": x.view(2, 2)], ["a": x.to(.float64)],
      ["a": -x], ["a": Tensor([1, 2, 3, 4])], ["a": x.view(4, 1)], ["a": x.view(1, 4)],
    ]
    #expect(Set(states.map(stateDigest)).count == states.count)
    // Only the values count, not how they lie in memory.
    let columns = Tensor([[1.0, 3], [2, 4]]).T
    #expect(stateDigest(["a": columns]) == stateDigest(["a": x.view(2, 2)]))
    // sha256 of a count of 0, by another program: printf '\0\0\0\0\0\0\0\0' | sha256sum
    #expect(stateDigest([:]) == "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc")
  }

  @Test func moduleFiles() throws {
    try withFolder { folder in
      let path = folder + "/net.safetensors"
      let (a, b) = (Linear(3, 2), Linear(3, 2))
      try a.save(to: path, metadata: ["recipe": "none"])
      #expect(try loadSafetensors(path).metadata["recipe"] == "none")
      #expect(try b.load(from: path).isComplete)
      #expect(stateDigest(a.stateDict()) == stateDigest(b.stateDict()))
      #expect(throws: StateError.self) { try Linear(3, 4).load(from: path) }
      let checkpoint = Checkpoint(model: a, optimizer: Part(Tensor([1.0])), others: ["c": Part(Tensor([2.0]))])
      #expect(checkpoint.parts.map(\.name) == ["model", "optimizer", "c"])
      try checkpoint.save(to: path)
      let digest = stateDigest(a.stateDict())
      noGrad { a.weight.fill(0) }
      try checkpoint.load(from: path)
      #expect(stateDigest(a.stateDict()) == digest)
    }
  }

  @Test func locksARun() throws {
    try withFolder { folder in
      let run = RunFolder(folder + "/a/run")
      #expect(try run.isAvailable())
      #expect(!run.exists)
      var lock: RunLock? = try run.lock()
      #expect(fileError { _ = try run.lock() }?.reason.contains("another process") == true)
      withExtendedLifetime(lock) {}
      lock = nil
      // What a run leaves that is killed while it writes its first checkpoint.
      try FileManager.default.createDirectory(atPath: run.checkpoints.path, withIntermediateDirectories: true)
      try write("", to: run.checkpoints.path + "/.firecrest-1-1.tmp")
      #expect(try run.isAvailable())
      _ = try run.lock()
      #expect(try FileManager.default.contentsOfDirectory(atPath: run.checkpoints.path).isEmpty)
      try write("", to: run.checkpoints.file(1))
      #expect(try !run.isAvailable())
      #expect(run.exists)
      #expect(try !RunFolder(run.checkpoints.file(1)).isAvailable())
      #expect(try !RunFolder(folder).isAvailable())
    }
  }

  @Test func writesASummary() throws {
    try withFolder { folder in
      let path = folder + "/summary.json"
      var summary = RunSummary(
        recipe: "dig\"its", seed: .max, epochs: 3, bestEpoch: 2, trainLoss: 0.5, testLoss: .nan, testAccuracy: 0.75,
        parameters: 12, seconds: 1.5, weightsSHA256: "00")
      try summary.write(to: path)
      let json = try JSONSerialization.jsonObject(with: Data(bytes(path))) as! [String: Any]
      let keys = [
        "recipe", "seed", "epochs", "best_epoch", "train_loss", "test_loss", "test_accuracy", "parameters", "seconds",
        "weights_sha256",
      ]
      #expect(Set(json.keys) == Set(keys))
      #expect(json["recipe"] as? String == "dig\"its")
      #expect((json["seed"] as? NSNumber)?.uint64Value == .max)
      #expect(json["test_loss"] is NSNull)
      #expect(json["test_accuracy"] as? Double == 0.75)
      summary.testAccuracy = nil
      try summary.write(to: path)
      #expect(try text(path).contains("\"test_accuracy\": null"))
    }
  }
}
