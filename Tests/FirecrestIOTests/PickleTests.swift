import Firecrest
import Foundation
import TestSupport
import Testing

/// Pickles that nobody writes but to do harm, in the older format.
@Suite struct PickleTests {
  /// A file whose value is this pickle, with one storage, `key`, of four float32.
  private func file(_ pickle: [UInt8], hasStorage: Bool = false) throws -> [UInt8] {
    var bytes = Array(try torchBytes("python2").prefix(49))
    bytes += [0x80, 2] + pickle + ascii(".") + [0x80, 2] + ascii("]")
    if hasStorage { bytes += text("key") + ascii("a") }
    bytes += ascii(".")
    if hasStorage { bytes += [4] + [UInt8](repeating: 0, count: 7 + 16) }
    return bytes
  }

  private func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }

  private func text(_ text: String) -> [UInt8] { [0x8C, UInt8(text.utf8.count)] + Array(text.utf8) }

  private func global(_ module: String, _ name: String) -> [UInt8] { ascii("c\(module)\n\(name)\n") }

  private func number(_ value: Int) -> [UInt8] {
    [0x8A, 8] + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private func tuple(_ values: [Int]) -> [UInt8] { ascii("(") + values.flatMap(number) + ascii("t") }

  private func storage(_ type: String = "FloatStorage", count: Int = 4) -> [UInt8] {
    ascii("(") + text("storage") + global("torch", type) + text("key") + text("cpu") + number(count)
      + ascii("tQ")
  }

  private func tensor(offset: Int = 0, _ sizes: [Int], _ strides: [Int], count: Int = 4) -> [UInt8] {
    global("torch._utils", "_rebuild_tensor") + ascii("(") + storage(count: count) + number(offset)
      + tuple(sizes) + tuple(strides) + ascii("tR")
  }

  private func error(_ pickle: [UInt8], hasStorage: Bool = false) throws -> FileError? {
    let bytes = try file(pickle, hasStorage: hasStorage)
    return fileError { () throws(FileError) in _ = try loadTorch(bytes: bytes) }
  }

  @Test func checksWindows() throws {
    for (offset, sizes, strides) in [
      (0, [2, 2], [2, 1]), (3, [1], [1]), (0, [4], [1]), (0, [2, 2], [1, 2]), (1, [2, 2], [1, 1]), (9, [0], [1]),
      (0, [1, 2], [.max, 1]), (0, [4, 0], [.max, -1]), (0, [3, 100], [0, 0]),
    ] {
      let tensors = try loadTorch(bytes: file(tensor(offset: offset, sizes, strides), hasStorage: true))
      expectEqual(tensors[""], Tensor.zeros(Shape(sizes)))
    }
    for (offset, sizes, strides) in [
      (0, [5], [1]), (1, [4], [1]), (4, [1], [1]), (.max, [2], [1]), (-1, [2], [1]), (0, [2], [-1]), (0, [2], [4]),
      (0, [2, 2], [2, 2]), (0, [3], [.max]), (0, [.max], [1]), (0, [.max, 2], [0, 0]), (0, [-1], [1]),
      (0, [-1, 0], [1, 1]), (0, [2, 2], [1]), (0, [2], [1, 1]), (0, [2, 2], [.max, .max]),
    ] {
      let error = try error(tensor(offset: offset, sizes, strides), hasStorage: true)
      #expect(error?.kind == .malformed, "\(offset) \(sizes) \(strides)")
    }
    for size in [1 << 20, .max / 8] {
      #expect(try error(tensor([size, 2], [0, 1]), hasStorage: true)?.kind == .unsupported, "\(size)")
    }
    for count in [0, 3, 5, -1, .max] {
      #expect(try error(tensor([2], [1], count: count), hasStorage: true)?.kind == .malformed, "\(count)")
    }
    #expect(try error(tensor([2], [1]))?.reason.contains("lacks its storage 'key'") == true)
    // A storage of two types.
    let both = tensor([2], [1]) + storage("DoubleStorage", count: 2) + [0x86]
    #expect(try error(both, hasStorage: true)?.kind == .unsupported)
  }

  @Test func believesNoLength() throws {
    let lengths: [[UInt8]] = [
      [0x8C, 255], ascii("X") + [255, 255, 255, 255], [0x8D] + [UInt8](repeating: 255, count: 8),
      [0x8D] + [UInt8](repeating: 255, count: 7) + [127], ascii("B") + [255, 255, 255, 127],
      [0x8E] + [UInt8](repeating: 255, count: 7) + [127], [0x8B, 255, 255, 255, 255], [0x8A, 200],
      ascii("ctorch"), ascii("G") + [1, 2],
    ]
    for bytes in lengths { #expect(try error(bytes)?.kind == .malformed, "\(bytes)") }
    // A number that is remembered under a large one takes no room for those below.
    let remembered = ascii("Nr") + [255, 255, 255, 255] + ascii("j") + [255, 255, 255, 255]
    #expect(try error(remembered) == nil)
  }

  @Test func needsValues() throws {
    let codes = [
      "0", "1", "2", "a", "e", "s", "u", "t", "R", "b", "Q", "(0", "(2", "N(R", "NNs", "]Ns", "}Na", "}(Nu", "NNR",
      "q\u{1}", "h\u{1}", "NQ", "(tQ", "N}b", "?", "(", "", "N(0N", "N(2",
    ]
    for code in codes {
      #expect(try error(Array(code.utf8)) != nil, "\(code)")
    }
    for code: UInt8 in [0x85, 0x86, 0x87, 0x90, 0x91, 0x93, 0x94, 0xFF] {
      #expect(try error([code])?.kind == .malformed, "\(code)")
    }
    for code: UInt8 in [0x81, 0x92, UInt8(ascii: "i"), UInt8(ascii: "o"), UInt8(ascii: "L"), 0x82] {
      #expect(try error([code])?.kind == .unsupported, "\(code)")
    }
  }

  @Test func runsNothing() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firecrest-\(UUID())").path
    let call = global("os", "system") + text("touch \(folder)") + [0x85] + ascii("R")
    #expect(try error(call)?.reason.contains("'os.system'") == true)
    for (module, name) in [("builtins", "eval"), ("torch", "load"), ("torch", "float31"), ("torch.nn", "Linear")] {
      #expect(try error(text(module) + text(name) + [0x93])?.reason.contains("'\(module).\(name)'") == true)
    }
    #expect(!FileManager.default.fileExists(atPath: folder))
  }

  @Test func endsEachNesting() throws {
    // Each holds the one before twice: 2 to the power of 60 tensors.
    var laughs = tensor([1], [1]) + ascii("q\u{0}")
    for _ in 0..<60 { laughs += ascii("0h\u{0}h\u{0}") + [0x86] + ascii("q\u{0}") }
    #expect(try error(laughs, hasStorage: true)?.kind == .unsupported)
    // A list in itself.
    #expect(try error(ascii("]q\u{0}h\u{0}a"))?.reason.contains("nest too deep") == true)
    // Deeper than any stack: tuples in tuples, and lists each of which is put into the one before afterwards.
    #expect(try error([0x29] + [UInt8](repeating: 0x85, count: 1_000_000))?.reason.contains("nest too deep") == true)
    let lists = Array(repeating: ascii("]q\u{1}a0h\u{1}"), count: 100_000).joined()
    #expect(try error(ascii("]q\u{0}h\u{0}") + lists + ascii("0"))?.reason.contains("nest too deep") == true)
    // Long names, again and again.
    let long = ascii("X") + [0, 0, 1, 0] + [UInt8](repeating: 0x61, count: 1 << 16)
    var names = ascii("}") + long + ascii("}(") + text("t") + tensor([1], [1]) + ascii("q\u{0}")
    for i in 0..<5000 { names += text("\(i)") + ascii("h\u{0}") }
    names += ascii("us")
    #expect(try error(names, hasStorage: true)?.reason.contains("too long together") == true)
  }

  /// Copies of what is remembered would take the square of the time, and of the memory.
  @Test func copiesNothing() throws {
    let many = 200_000
    let list = ascii("](") + [UInt8](repeating: UInt8(ascii: "N"), count: many) + ascii("eq\u{0}")
    let make = ascii("0") + global("collections", "OrderedDict") + ascii("q\u{1}0")
    let again = Array(repeating: ascii("h\u{1}h\u{0}") + [0x85] + ascii("R0"), count: many / 8).joined()
    let time = ContinuousClock().measure {
      #expect(throws: Never.self) { try loadTorch(bytes: file(list + make + again + ascii("N"))) }
    }
    #expect(time < .seconds(20))
  }
}
