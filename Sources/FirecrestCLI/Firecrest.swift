import ArgumentParser

/// The `firecrest` command.
@main
struct FirecrestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "firecrest", abstract: "Deep learning in Swift, from the SIMD kernel to the layer.",
    subcommands: [Demo.self, Bench.self, Doctor.self])
}
