import Firecrest
import Foundation
import Testing

@Suite struct CommandTests {
  /// Train, eval, inspect and predict agree with each other.
  @Test func trainsAndUsesAModel() throws {
    try withFolder { folder in
      let trained = try firecrest("train", "digits", "--epochs", "2", "--out", "run", "--json", in: folder)
      try #require(trained.status == 0, "\(trained.errors)")
      #expect(trained.errors.isEmpty)
      let summary = try object(trained.output)
      let keys = [
        "recipe", "seed", "epochs", "best_epoch", "train_loss", "test_loss", "test_accuracy", "parameters", "seconds",
        "weights_sha256",
      ]
      #expect(Set(summary.keys) == Set(keys))
      #expect(summary["epochs"] as? Int == 2)
      #expect((summary["test_accuracy"] as! Double) > 0.5)
      #expect((summary["weights_sha256"] as! String).count == 64)
      let file = try object(String(contentsOfFile: "\(folder)/run/summary.json", encoding: .utf8))
      #expect(NSDictionary(dictionary: file) == NSDictionary(dictionary: summary))
      let names = Set(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/run"))
      #expect(names == ["model.safetensors", "checkpoint", "metrics.csv", "curves.svg", "summary.json"])

      let evaluated = try object(try firecrest("eval", "run", "--json", in: folder).output)
      for key in ["test_loss", "test_accuracy", "weights_sha256"] {
        #expect("\(evaluated[key]!)" == "\(summary[key]!)", "\(key)")
      }
      let told = try firecrest("eval", "run", in: folder)
      #expect(told.output.contains("test accuracy") && told.output.contains("of 359"))

      let inspected = try firecrest("inspect", "run", in: folder)
      #expect(inspected.status == 0)
      for text in ["summary.json", "recipe: digits", "0.weight", "float32[32, 1, 3, 3]", "epochs_done 2"] {
        #expect(inspected.output.contains(text), "\(text)")
      }
      // Trained anew without --resume, the run stays as it is; resumed, it has nothing left to do.
      let before = try contents("\(folder)/run")
      #expect(try firecrest("train", "digits", "--epochs", "2", "--out", "run", in: folder).status == 2)
      #expect(try contents("\(folder)/run") == before)
      let again = try firecrest("train", "digits", "--out", "run", "--resume", "--json", in: folder)
      #expect(again.output == trained.output)
    }
  }

  @Test(arguments: [
    ("FIRECREST_NUM_THREADS", "two", "use a whole number from 1 to 1024"),
    ("FIRECREST_SEED", "-1", "use a whole number"), ("FIRECREST_ISA", "mmx", "use one of: "),
  ])
  func refusesSettings(_ variable: String, _ value: String, _ help: String) throws {
    let refused = try firecrest("doctor", in: "/", environment: [variable: value])
    #expect(refused.status == 2 && refused.output.isEmpty)
    #expect(refused.errors.hasPrefix("firecrest: \(variable): '\(value)' is not ") && refused.errors.contains(help))
    #expect(refused.errors.filter { $0 == "\n" }.count == 1)
  }

  @Test(arguments: ["", ",", "add-3,", "add3"]) func benchRefusesNamesOfNothing(names: String) throws {
    let refused = try firecrest("bench", "--only", names, "--seconds", "0.001", in: "/")
    #expect(refused.status != 0 && refused.errors.contains("no workload"))
  }

  @Test func seedsFromTheEnvironment() throws {
    try withFolder { folder in
      let trained = try firecrest(
        "train", "digits", "--epochs", "1", "--json", in: folder, environment: ["FIRECREST_SEED": "5"])
      #expect(try object(trained.output)["seed"] as? Int == 5)
    }
  }

  @Test func inspectsWhatPyTorchWrote() throws {
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    try withFolder { folder in
      for name in ["checkpoint", "checkpoint_old"] {
        let inspected = try firecrest(
          "inspect", fixtures.appendingPathComponent("Fixtures/Torch/\(name).pth").path, in: folder)
        #expect(inspected.status == 0)
        for text in ["epoch: 3", "model_state_dict.fc.weight", "float32[3, 2]", "int64[]", "21 tensors"] {
          #expect(inspected.output.contains(text), "\(text)")
        }
      }
    }
  }

  /// The same digit as a picture, as rows and as arrays.
  @Test func predictsFromEveryKindOfInput() throws {
    try withFolder { folder in
      try #require(try firecrest("train", "digits", "--epochs", "1", "--out", "run", "--json", in: folder).status == 0)
      let test = Digits(train: false)
      let pixels = test.pixels[0..<3]
      let picture = (pixels[0].to(.float32) / 16 * 255).round().to(.uint8)
      try savePNG(picture, to: "\(folder)/a.png")
      let gray: [UInt8] = picture.toArray()
      try (Data("P5 8 8 255\n".utf8) + Data(gray)).write(to: URL(fileURLWithPath: "\(folder)/a.pgm"))
      let rows = (0..<3).map { pixels[$0].toArray(Int.self).map(String.init).joined(separator: ",") }
      try Data((rows.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: "\(folder)/a.csv"))
      try saveNpy(pixels, to: "\(folder)/a.npy")
      try saveNpy(pixels[0].view(64).to(.float64), to: "\(folder)/flat.npy")
      let ran = try firecrest(
        "predict", "run", "--json", "a.png", "a.pgm", rows[0], "flat.npy", "a.csv", "a.npy", in: folder)
      #expect(ran.status == 0, "\(ran.errors)")
      let answers = try ran.output.split(separator: "\n").map { try object(String($0)) }
      try #require(answers.count == 10)
      #expect(answers[4]["input"] as? String == "a.csv[0]")
      func probability(_ i: Int) -> Double { answers[i]["probability"] as! Double }
      for i in 0..<5 {
        #expect(answers[i]["class"] as? Int == answers[0]["class"] as? Int)
        // Pictures have 8 bits.
        #expect(abs(probability(i) - probability(0)) < (i < 2 ? 1e-12 : 0.02))
      }
      for i in 0..<3 {
        #expect(answers[4 + i]["class"] as? Int == answers[7 + i]["class"] as? Int)
        #expect(probability(4 + i) == probability(7 + i))
      }
      let top = answers[0]["top"] as! [[String: Any]]
      #expect(top.count == 3)
      #expect(top[0]["label"] as? String == answers[0]["label"] as? String)
      let sum = top.reduce(0) { $0 + ($1["probability"] as! Double) }
      #expect(sum <= 1 + 1e-9 && sum > 3.0 / 10)
      let told = try firecrest("predict", "run", "a.png", in: folder)
      #expect(told.output.hasPrefix("a.png: ") && told.output.contains("%"))
    }
  }

  @Test func predictsNumbers() throws {
    try withFolder { folder in
      let trained = try firecrest("train", "regression", "--epochs", "2", "--out", "run", "--json", in: folder)
      let summary = try object(trained.output)
      #expect(summary["test_accuracy"] is NSNull)
      #expect((summary["test_loss"] as! Double) < 20)
      let row = Array(repeating: "0.5", count: 10).joined(separator: ",")
      let answer = try object(try firecrest("predict", "run", row, "--json", in: folder).output)
      // 10 sin(π/4) + 0 + 5 + 2.5
      #expect(abs((answer["value"] as! Double) - 14.57) < 4)
      #expect(try firecrest("predict", "run", "0.5,0.5", in: folder).status == 2)
    }
  }

  @Test func choosesAFreeFolder() throws {
    try withFolder { folder in
      for name in ["regression", "regression-2"] {
        let ran = try firecrest("train", "regression", "--epochs", "1", in: folder)
        #expect(ran.status == 0, "\(ran.errors)")
        #expect(ran.output.contains("runs/\(name): model.safetensors"))
        #expect(FileManager.default.fileExists(atPath: "\(folder)/runs/\(name)/summary.json"))
      }
      let resumed = try firecrest("train", "regression", "--resume", in: folder)
      #expect(resumed.output.contains("runs/regression-2:"))
      // The latest run, also where numbers before it are free.
      try FileManager.default.removeItem(atPath: "\(folder)/runs/regression")
      let again = try firecrest("train", "regression", "--resume", in: folder)
      #expect(again.output.contains("runs/regression-2:"))
    }
  }

  @Test func doctorLooksAround() throws {
    try withFolder { folder in
      let ran = try firecrest("doctor", in: folder)
      #expect(ran.status == 0)
      for line in ["kernel sets:", "threads:", "devices:", "digits:", "mnist:"] {
        #expect(ran.output.contains(line))
      }
    }
  }

  /// One clear line on standard error, status 2, nothing on standard output, and every file as it was.
  @Test func refusesBadInput() throws {
    try withFolder { folder in
      func url(_ name: String) -> URL { URL(fileURLWithPath: "\(folder)/\(name)") }
      try #require(try firecrest("train", "digits", "--epochs", "1", "--out", "run", "--json", in: folder).status == 0)
      for name in ["empty", "damaged/checkpoint", "weights", "other"] {
        try FileManager.default.createDirectory(at: url(name), withIntermediateDirectories: true)
      }
      let checkpoints = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/run/checkpoint")
      for name in checkpoints {
        var bytes = try Data(contentsOf: url("run/checkpoint/\(name)"))
        bytes[bytes.count - 5] ^= 1
        try bytes.write(to: url("damaged/checkpoint/\(name)"))
      }
      try Data(contentsOf: url("run/model.safetensors")).dropLast(9).write(to: url("weights/model.safetensors"))
      try saveSafetensors(["w": Tensor([1.0])], to: "\(folder)/other/model.safetensors")
      try savePNG(Tensor.zeros([1, 9, 8], dtype: .uint8), to: "\(folder)/large.png")
      try Data("not a picture".utf8).write(to: url("text.png"))
      try Data([0x89, 0x50]).write(to: url("cut.png"))
      let row = Array(repeating: "1", count: 63).joined(separator: ",")
      try Data("\u{FEFF}\n\n\(row),1\n\n\(row)\n".utf8).write(to: url("lines.csv"))
      try Data("Pixel0,Pixel1\n".utf8).write(to: url("names.csv"))
      try saveNpy(Tensor.zeros(3, 9), to: "\(folder)/shape.npy")
      try saveNpy(Tensor.full([64], Double.nan), to: "\(folder)/nan.npy")
      let before = try contents(folder)
      let bad: [([String], String)] = [
        (["train", "nosuch"], "digits, mnist, regression"), (["train"], "recipe"), (["nosuch"], "nosuch"),
        (["train", "digits", "--epochs", "0"], "--epochs"), (["train", "digits", "--epochs", "x"], "epochs"),
        (["train", "digits", "--epochs", "9999999999999999"], "--epochs"),
        (["train", "digits", "--batch-size", "0"], "--batch-size"), (["train", "digits", "--lr", "-1"], "not -1"),
        (["train", "digits", "--batch-size", "-1"], "from 1 to 1000000, not -1"),
        (["train", "digits", "--lr", "nan"], "--lr"), (["train", "digits", "--seed", "-1"], "seed"),
        (["train", "digits", "--threads", "0"], "--threads"), (["train", "digits", "--workers", "-1"], "workers"),
        (["train", "digits", "--frob"], "--frob"), (["train", "digits", "--data", "empty"], "--data"),
        (["train", "digits", "--out", "run"], "--resume"), (["train", "digits", "--out", "large.png"], "--out"),
        (["train", "digits", "--out", "run", "--resume", "--seed", "3"], "--seed"),
        (["train", "digits", "--out", "run", "--resume", "--epochs", "3"], "--epochs"),
        (["train", "mnist", "--out", "run", "--resume"], "recipe"),
        (["train", "digits", "--out", "damaged", "--resume"], "damaged/checkpoint/step-"),
        (["train", "digits", "--out", "weights", "--resume"], "no checkpoint"),
        (["train", "mnist", "--data", "empty", "--out", "new"], "train-images-idx3-ubyte"),
        (["train", "mnist", "--data", "empty", "--out", "new"], "leave out --data"),
        (["train", "mnist", "--data", "nowhere", "--out", "new"], "nowhere"),
        (["eval", "nowhere"], "nowhere"), (["eval", "empty"], "empty"), (["eval", "large.png"], "large.png"),
        (["eval", "weights"], "weights/model.safetensors"), (["eval", "other"], "other/model.safetensors"),
        (["eval", "damaged"], "not finished"), (["predict", "run"], "inputs"),
        (["predict", "run", "none.png"], "none"),
        (["predict", "run", "large.png"], "8 by 9"), (["predict", "run", "text.png"], "text.png"),
        (["predict", "run", "cut.png"], "cut.png"), (["predict", "run", row], "63"),
        (["predict", "run", row + ",17"], "0 to 16"), (["predict", "run", row + ",x"], "line 1"),
        (["predict", "run", row + ",1 2"], "line 1"), (["predict", "run", row + ",0x5"], "line 1"),
        (["predict", "run", "lines.csv"], "line 5"), (["predict", "run", "names.csv"], "line 1"),
        (["predict", "run", "shape.npy"], "[3, 9]"), (["predict", "run", "nan.npy"], "finite"),
        (["predict", "run", "empty"], "empty"), (["inspect", "nowhere"], "nowhere"), (["inspect", "empty"], "empty"),
        (["inspect", "text.png"], "text.png"), (["inspect", "weights/model.safetensors"], "weights"),
      ]
      for (arguments, hint) in bad {
        let ran = try Command(arguments, in: folder).finish()
        #expect(ran.status == 2, "\(arguments): \(ran)")
        #expect(ran.output.isEmpty, "\(arguments): \(ran)")
        #expect(ran.errors.hasPrefix("firecrest: ") && ran.errors.hasSuffix("\n"), "\(arguments): \(ran)")
        #expect(ran.errors.filter { $0 == "\n" }.count == 1, "\(arguments): \(ran)")
        #expect(ran.errors.contains(hint), "\(arguments): \(ran)")
      }
      #expect(try contents(folder) == before)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/new"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/runs"))
    }
  }

  @Test func helps() throws {
    try withFolder { folder in
      for arguments in [[], ["--help"], ["train", "--help"], ["predict", "-h"]] {
        let ran = try Command(arguments, in: folder).finish()
        #expect(ran.status == 0)
        #expect(ran.output.contains("USAGE"))
        #expect(ran.errors.isEmpty)
      }
    }
  }
}
