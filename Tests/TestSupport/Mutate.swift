import FirecrestCPU
import FirecrestCore
import FirecrestIO
import Foundation

/// Reads damaged copies of the files and ends the process where memory goes beyond `expansion` times a file and 1 MiB.
/// To be called in a process of its own.
///
/// `share` of 3,000 copies; of 100,000 with `FIRECREST_SLOW_TESTS=1`. Each stands behind the one of `heads`, if there are
/// any, which stays whole.
public func mutate(
  _ files: [[UInt8]], behind heads: [[UInt8]] = [], share: Double, seed: UInt64, expansion: Int,
  _ read: ([UInt8]) throws(FileError) -> [Tensor]
) {
  let isSlow = ProcessInfo.processInfo.environment["FIRECREST_SLOW_TESTS"] == "1"
  var mutator = Mutator(seed: seed)
  var refused = 0
  let count = Int((isSlow ? 100_000 : 3_000) * share)
  var peakGrowth = 0
  let residentBefore = residentPeak()
  for turn in 0..<count {
    let head = heads.isEmpty ? [] : heads[turn % files.count]
    let bytes = head + mutator.mutate(files[turn % files.count])
    let before = Memory.statistics.inUse
    Memory.resetPeak()
    do throws(FileError) {
      // Every element is read: a tensor that reaches beyond its memory is found by the address sanitizer or crashes.
      for tensor in try read(bytes) { _ = tensor.toArray(UInt8.self) }
    } catch {
      refused += 1
      if error.reason.isEmpty || error.help.isEmpty || (error.offset ?? 0) > bytes.count * expansion {
        leave("turn \(turn): a poor error: \(error)")
      }
    }
    let growth = Memory.statistics.peak - before
    peakGrowth = max(peakGrowth, growth)
    if growth > expansion * bytes.count + 1 << 20 {
      leave("turn \(turn): \(growth) bytes for a file of \(bytes.count)")
    }
    if Memory.statistics.inUse != before { leave("turn \(turn): memory was not given back") }
  }
  // The readers' own arrays too: nothing may be larger than a few of the small files unpacked.
  let resident = residentPeak() - residentBefore
  print(
    "\(count) damaged files, \(refused) refused, tensors at most \(peakGrowth) bytes, process grew by \(resident) bytes"
  )
  if resident > 64 << 20 { leave("the process grew by \(resident) bytes") }
  if refused < count / 4 { leave("only \(refused) of \(count) were refused: the damage is too mild") }
}

/// Ends the process with a message: the test that started it fails.
private func leave(_ message: String) -> Never {
  writeToStandardError("\(message)\n")
  exit(1)
}

/// The most memory this process has had, in bytes.
private func residentPeak() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(0), &usage)  // RUSAGE_SELF
  return usage.ru_maxrss * 1024
}

/// Damages files, always in the same way for the same seed.
private struct Mutator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  private mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(limit, 1))) }

  /// One to three changes.
  mutating func mutate(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...below(3) { change(&bytes) }
    return bytes
  }

  private static let interesting: [UInt64] = [
    0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF,
    0x1_0000_0000, 1 << 62, 1 << 63 - 1, 1 << 63, .max - 8, .max,
  ]
  private static let numbers = [
    "0", "1", "-1", "8", "00", "255", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
    "4611686018427387904", "18446744073709551616", "99999999999999999999999999", "1e9", "0.5", "",
  ]

  private mutating func change(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return bytes.append(UInt8(truncatingIfNeeded: next())) }
    // Headers stand at the start, the zip directory at the end: half of all changes go to the first 160 bytes.
    let place = below(2) == 0 ? below(min(bytes.count, 160)) : below(bytes.count)
    switch below(8) {
    case 0: bytes[place] ^= 1 << below(8)
    case 1: bytes[place] = UInt8(truncatingIfNeeded: next())
    case 2: bytes.removeSubrange(place...)
    case 3:
      let extra = (0..<1 + below(16)).map { _ in UInt8(truncatingIfNeeded: next()) }
      bytes.insert(contentsOf: extra, at: place)
    case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(16)))
    case 5: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + below(64))], at: below(bytes.count))
    case 6:
      // A field of a header.
      let value = Self.interesting[below(Self.interesting.count)]
      let size = 1 << below(4)
      for i in 0..<size where place + i < bytes.count { bytes[place + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
    default: changeNumber(&bytes, place)
    }
  }

  /// Replaces the next number written in digits.
  private mutating func changeNumber(_ bytes: inout [UInt8], _ place: Int) {
    func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    guard let start = bytes[place...].firstIndex(where: isDigit) else { return }
    let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
    bytes.replaceSubrange(start..<end, with: Self.numbers[below(Self.numbers.count)].utf8)
  }
}
