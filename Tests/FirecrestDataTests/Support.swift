import FirecrestCore
import FirecrestData
import Foundation

/// An error of a dataset.
struct BadSample: Error {}

/// Sample i is i and some random numbers of its own; fails where told to.
struct Numbers: Dataset {
  var count = 23
  var failing: Set<Int> = []

  subscript(index: Int) -> (Tensor, Int) {
    get throws {
      if failing.contains(index) { throw BadSample() }
      return (Tensor.rand(2, generator: .sample), index)
    }
  }
}

/// What a pass gives, as text: every number of every batch.
func contents(_ loader: DataLoader<(Tensor, Tensor)>) -> [String] {
  loader.map { x, y in "\(y.toArray(Int.self)) \(x.toArray(Float.self))" }
}

/// The labels that a pass gives.
func labels(_ loader: DataLoader<(Tensor, Tensor)>) -> [[Int]] { loader.map { $0.1.toArray(Int.self) } }

/// Threads of this process.
func threadCount() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count }
