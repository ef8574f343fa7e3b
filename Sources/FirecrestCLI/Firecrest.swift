import ArgumentParser
import FirecrestCPU

/// The `firecrest` command.
struct FirecrestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "firecrest", abstract: "Deep learning in Swift, from the SIMD kernel to the layer.",
    subcommands: [
      Train.self, Eval.self, Predict.self, Inspect.self, Demo.self, Bench.self, Doctor.self,
    ])
}

@main enum Main {
  static func main() {
    do {
      if let invalid = Settings.invalid {
        throw UserError("\(invalid.variable): \(invalid.reason) (\(invalid.help))")
      }
      var command = try FirecrestCommand.parseAsRoot()
      try command.run()
    } catch { leave(with: error) }
  }
}
