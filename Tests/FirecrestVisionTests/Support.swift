import FirecrestCore
import FirecrestIO
import Foundation
import TestSupport

/// The path of a fixture that make_images.py wrote.
func fixture(_ name: String) -> String { fixtures.appendingPathComponent("Images/\(name)").path }

/// A fixture's bytes.
func fixtureBytes(_ name: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture(name))))
}

/// A folder of its own, removed after `body`.
func withFolder<R>(_ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firecrest-vision-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

func read(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

/// The error that `body` throws; nil where it throws none.
func fileError(_ body: () throws(FileError) -> Void) -> FileError? {
  do {
    try body()
    return nil
  } catch {
    return error
  }
}

/// A folder with MNIST's files, where `FIRECREST_DATA` names one.
let mnistFolder: String? = Settings.dataFolder.flatMap { folder in
  let places = [folder, folder + "/mnist", folder + "/MNIST/raw"]
  return places.first { FileManager.default.fileExists(atPath: $0 + "/t10k-images-idx3-ubyte.gz") }
}

/// What a skipped test says.
let needsMNIST = "FIRECREST_DATA names no folder with MNIST's .gz files"
