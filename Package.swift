// swift-tools-version: 6.2
import PackageDescription

// The same kernel sources are compiled once per instruction set; FirecrestCPU picks the widest set the CPU has.
// `-Ounchecked` and whole-module optimisation hold in debug builds too, so that a debug program is not 50 times slower.
// Without debug information: it takes an eighth of their long compilation, and there is nothing to step through. Only the
// frontend can be told so: the package manager's own `-g` comes after these flags. Without Swift's search for repeated
// loads: it takes a sixth of the time, most of it in the large tiles, and LLVM finds those that count. Where a loop writes
// memory, fields that it reads are copied into locals first.
let slowPasses = ["early-redundant-load-elimination", "redundant-load-elimination"]

func kernelSet(_ name: String, define: String, clang: [String]) -> Target {
  .target(
    name: "CPUKernels\(name)",
    dependencies: ["CPUKernelAPI", "CSIMD"],
    swiftSettings: [
      .define(define),
      .unsafeFlags(
        ["-Ounchecked", "-whole-module-optimization", "-num-threads", "1", "-Xfrontend", "-gnone"]
          + slowPasses.flatMap { ["-Xllvm", "-sil-disable-pass=\($0)"] } + clang.flatMap { ["-Xcc", $0] }),
    ])
}

#if arch(x86_64)
  let kernelSets = [
    kernelSet("AVX512", define: "KERNELS_AVX512", clang: ["-march=x86-64-v4", "-mprefer-vector-width=512"]),
    kernelSet("AVX2", define: "KERNELS_AVX2", clang: ["-march=x86-64-v3"]),
    kernelSet("Baseline", define: "KERNELS_BASELINE", clang: []),
  ]
#else
  let kernelSets = [kernelSet("Baseline", define: "KERNELS_BASELINE", clang: [])]
#endif

// Reading a stored property of a class costs a run-time exclusivity check otherwise, several in every operation.
//
// FIRECREST_INCREMENTAL=1 compiles these modules file by file in release builds too: an operation's file is rebuilt in
// seconds, and what is small runs a third slower, since no call is specialised or inlined across files.
let fastAccess = SwiftSetting.unsafeFlags(
  ["-enforce-exclusivity=unchecked"]
    + (Context.environment["FIRECREST_INCREMENTAL"] == "1"
      ? ["-no-whole-module-optimization", "-enable-batch-mode", "-incremental"] : []))

// Each a file of Examples/.
let examples = ["FeedForward", "ConvolutionMNIST"]

func example(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: ["Firecrest"], path: "Examples",
    exclude: examples.filter { $0 != name }.map { "\($0).swift" }, sources: ["\(name).swift"])
}

let package = Package(
  name: "Firecrest",
  products: [
    .library(name: "Firecrest", targets: ["Firecrest"]),
    .executable(name: "firecrest", targets: ["FirecrestCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    .target(name: "CSIMD"),
    .target(name: "CPUKernelAPI"),
    .target(name: "CRuntime"),
    // Finds the kernel sets by C symbols, so that everything above it compiles while they do, and none of it again when a
    // kernel changes. Whatever is linked gets them with Firecrest.
    .target(name: "FirecrestCPU", dependencies: ["CPUKernelAPI", "CRuntime"]),
    .target(
      name: "FirecrestCore", dependencies: ["CPUKernelAPI", "CRuntime", "FirecrestCPU"], swiftSettings: [fastAccess]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .yum(["zlib-devel"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CPng", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .yum(["libpng-devel"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .yum(["openssl-devel"]), .brew(["openssl"])]),
    .target(name: "FirecrestIO", dependencies: ["CCrypto", "CRuntime", "CZlib", "FirecrestCPU", "FirecrestCore"]),
    .target(name: "FirecrestNN", dependencies: ["FirecrestCPU", "FirecrestCore"], swiftSettings: [fastAccess]),
    .target(
      name: "FirecrestOptim", dependencies: ["CPUKernelAPI", "FirecrestCPU", "FirecrestCore"],
      swiftSettings: [fastAccess]),
    .target(name: "FirecrestData", dependencies: ["CRuntime", "FirecrestCPU", "FirecrestCore"]),
    .target(
      name: "FirecrestVision",
      dependencies: ["CPng", "FirecrestCPU", "FirecrestCore", "FirecrestData", "FirecrestIO", "FirecrestNN"]),
    .target(
      name: "FirecrestTrain",
      dependencies: ["FirecrestCore", "FirecrestData", "FirecrestIO", "FirecrestNN", "FirecrestOptim"]),
    .target(
      name: "Firecrest",
      dependencies: [
        "FirecrestCore", "FirecrestData", "FirecrestIO", "FirecrestNN", "FirecrestOptim", "FirecrestTrain",
        "FirecrestVision",
      ] + kernelSets.map { .target(name: $0.name) }),
    .executableTarget(
      name: "FirecrestCLI",
      dependencies: ["Firecrest", "FirecrestCPU", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
  ] + examples.map(example) + kernelSets + [
    .target(name: "TestSupport", dependencies: ["FirecrestCore", "FirecrestIO"], path: "Tests/TestSupport"),
    .target(name: "OpCatalog", dependencies: ["FirecrestCore", "TestSupport"], path: "Tests/OpCatalog"),
    .testTarget(name: "OpCatalogTests", dependencies: ["OpCatalog"]),
    .testTarget(name: "FirecrestCoreTests", dependencies: ["Firecrest", "TestSupport"]),
    .testTarget(name: "FirecrestIOTests", dependencies: ["Firecrest", "TestSupport"]),
    .testTarget(name: "FirecrestNNTests", dependencies: ["Firecrest", "TestSupport"]),
    .testTarget(name: "FirecrestOptimTests", dependencies: ["Firecrest", "TestSupport"]),
    .testTarget(name: "FirecrestDataTests", dependencies: ["Firecrest", "TestSupport"]),
    .testTarget(name: "FirecrestVisionTests", dependencies: ["Firecrest", "TestSupport"]),
    .testTarget(name: "FirecrestTrainTests", dependencies: ["Firecrest", "TestSupport"]),
    .testTarget(name: "FirecrestCLITests", dependencies: ["Firecrest", "FirecrestCLI"]),
    .testTarget(name: "CPUKernelsTests", dependencies: ["CPUKernelAPI"] + kernelSets.map { .target(name: $0.name) }),
  ],
  swiftLanguageModes: [.v6]
)
