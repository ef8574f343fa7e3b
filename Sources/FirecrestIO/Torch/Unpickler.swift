/// Reads a pickle as `torch.save` writes them, of Python's protocols 2 to 5: plain values, and tensors. It knows the
/// names that such files use (`TorchGlobal`), refuses every other one, and executes nothing.
///
/// Each instruction takes a byte at least and makes one value at most, copying none: memory stays in proportion to the
/// pickle, however it repeats what it remembers.
struct Unpickler {
  private(set) var input: PickleInput
  var pickle = Pickle()
  var stack: [PickleValue] = []
  /// How high the stack was at each open mark.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  /// Where the instruction that is being carried out stands.
  private(set) var place = 0

  /// Reads the pickle at byte `start` of `source`.
  static func read(_ source: any ByteSource, at start: Int = 0) throws(FileError) -> Pickle {
    var unpickler = Unpickler(PickleInput(source, at: start))
    while try unpickler.step() {}
    unpickler.pickle.root = try unpickler.pop()
    unpickler.pickle.length = unpickler.input.length(from: start)
    return unpickler.pickle
  }

  private init(_ input: PickleInput) { self.input = input }

  func malformed(_ reason: String) -> FileError { input.source.malformed(place, "in the pickle: " + reason) }

  func unsupported(_ reason: String, help: String) -> FileError {
    FileError(.unsupported, file: input.source.name, offset: place, reason, help: help)
  }

  // MARK: Instructions

  /// Carries out one instruction; false for the last.
  private mutating func step() throws(FileError) -> Bool {
    place = input.position
    let code = try input.byte()
    switch code {
    case 0x80:
      let version = try input.byte()
      guard (2...5).contains(version) else {
        throw unsupported(
          "pickles of protocol \(version) are not read", help: "save with pickle_protocol=2, the default")
      }
    case 0x95: try input.skip(8)  // A frame's length, which says nothing about the values.
    case UInt8(ascii: "."): return false
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): stack.append(try top())
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "J"): stack.append(.int(Int(Int32(truncatingIfNeeded: try input.number(4)))))
    case UInt8(ascii: "K"): stack.append(.int(try input.number(1)))
    case UInt8(ascii: "M"): stack.append(.int(try input.number(2)))
    case 0x8A: stack.append(try long(input.number(1)))
    case 0x8B: stack.append(try long(input.number(4)))
    case UInt8(ascii: "G"):
      let bits = try input.take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      stack.append(.float(Double(bitPattern: bits)))
    case UInt8(ascii: "X"): stack.append(try text(input.number(4)))
    case 0x8C: stack.append(try text(input.number(1)))
    case 0x8D: stack.append(try text(input.number(8)))
    // Python 2's texts, which are bytes.
    case UInt8(ascii: "U"): stack.append(try input.text(input.number(1)).map { .text($0) } ?? .other)
    case UInt8(ascii: "T"): stack.append(try input.text(input.number(4)).map { .text($0) } ?? .other)
    case UInt8(ascii: "C"): try bytes(input.number(1))
    case UInt8(ascii: "B"): try bytes(input.number(4))
    case 0x8E, 0x96: try bytes(input.number(8))
    default: try container(code)
    }
    return true
  }

  private mutating func container(_ code: UInt8) throws(FileError) {
    switch code {
    case UInt8(ascii: ")"): stack.append(.tuple(node([])))
    case 0x85: try tuple(1)
    case 0x86: try tuple(2)
    case 0x87: try tuple(3)
    case UInt8(ascii: "t"): stack.append(.tuple(node(try popToMark())))
    case UInt8(ascii: "]"), 0x8F: stack.append(.list(node([])))
    case 0x91: stack.append(.list(node(try popToMark())))
    case UInt8(ascii: "a"): try append([pop()])
    case UInt8(ascii: "e"), 0x90: try append(popToMark())
    case UInt8(ascii: "}"): stack.append(.dict(node([])))
    case UInt8(ascii: "s"):
      let value = try pop()
      try insert([pop(), value])
    case UInt8(ascii: "u"): try insert(popToMark())
    case UInt8(ascii: "g"), UInt8(ascii: "p"), UInt8(ascii: "I"), UInt8(ascii: "L"), UInt8(ascii: "F"),
      UInt8(ascii: "S"), UInt8(ascii: "V"), UInt8(ascii: "l"), UInt8(ascii: "d"), UInt8(ascii: "P"):
      throw unsupported("pickles of protocols 0 and 1 are not read", help: "save with pickle_protocol=2, the default")
    case UInt8(ascii: "h"): try recall(input.number(1))
    case UInt8(ascii: "j"): try recall(input.number(4))
    case UInt8(ascii: "q"): memo[try input.number(1)] = try top()
    case UInt8(ascii: "r"): memo[try input.number(4)] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "c"):
      let module = try input.line()
      try global(module, input.line())
    case 0x93:
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
        throw malformed("a global's name is not a text")
      }
      try global(module, name)
    case UInt8(ascii: "R"):
      let arguments = try pop()
      stack.append(try call(pop(), arguments))
    case UInt8(ascii: "b"): try build()
    case UInt8(ascii: "Q"): stack.append(try persistent(pop()))
    case 0x81, 0x92, UInt8(ascii: "i"), UInt8(ascii: "o"), 0x82, 0x83, 0x84, 0x97, 0x98:
      throw unsupported("the file holds Python objects, which are never loaded", help: Self.remedy)
    default: throw malformed("there is no instruction \(code)")
    }
  }

  static let remedy = "save the tensors alone; in PyTorch: torch.save(net.state_dict(), path)"

  // MARK: The stack

  mutating func pop() throws(FileError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else { throw malformed("a value is missing") }
    return value
  }

  func top() throws(FileError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else { throw malformed("a value is missing") }
    return value
  }

  private mutating func popToMark() throws(FileError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw malformed("a mark is missing") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  mutating func node(_ values: [PickleValue]) -> Int {
    pickle.nodes.append(values)
    return pickle.nodes.count - 1
  }

  private mutating func recall(_ index: Int) throws(FileError) {
    guard let value = memo[index] else { throw malformed("nothing is remembered as \(index)") }
    stack.append(value)
  }

  // MARK: Values

  private mutating func long(_ size: Int) throws(FileError) -> PickleValue {
    let bytes = try input.take(size)
    guard size <= 8 else { return .other }
    var value = (bytes.last ?? 0) & 0x80 == 0 ? 0 : -1
    for byte in bytes.reversed() { value = value << 8 | Int(byte) }
    return .int(value)
  }

  private mutating func text(_ size: Int) throws(FileError) -> PickleValue {
    // Python may write half a surrogate pair, which Swift's texts do not have.
    guard let text = try input.text(size) else { throw malformed("a text is not UTF-8") }
    return .text(text)
  }

  private mutating func bytes(_ size: Int) throws(FileError) {
    try input.skip(size)
    stack.append(.other)
  }

  private mutating func tuple(_ count: Int) throws(FileError) {
    var values: [PickleValue] = []
    for _ in 0..<count { values.append(try pop()) }
    stack.append(.tuple(node(values.reversed())))
  }

  private mutating func append(_ values: [PickleValue]) throws(FileError) {
    guard case .list(let index) = try top() else { throw malformed("values are added to what is no list") }
    pickle.nodes[index].append(contentsOf: values)
  }

  private mutating func insert(_ values: [PickleValue]) throws(FileError) {
    guard case .dict(let index) = try top(), values.count % 2 == 0 else {
      throw malformed("keys and values are added to what is no dictionary")
    }
    pickle.nodes[index].append(contentsOf: values)
  }
}
