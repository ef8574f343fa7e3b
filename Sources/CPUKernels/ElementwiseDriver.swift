import CPUKernelAPI
import CSIMD
import Glibc

/// What an elementwise body works on: contiguous elements, their number a multiple of 16.
/// A unary body ignores `b` and `c`.
struct Tile {
  var a: UnsafeRawPointer
  var b: UnsafeRawPointer
  var c: UnsafeRawPointer
  var y: UnsafeMutableRawPointer
  var count: Int
}

/// How the elements of an operand lie in memory. Half types are float32 in a tile.
enum ElementStorage: Int {
  case byte = 1
  case two = 2
  case four = 4
  case eight = 8
  case half = 16
  case bfloat = 17

  /// The storage of `type`.
  @inline(__always)
  init(_ type: DType) {
    switch type {
    case .bool, .uint8, .int8: self = .byte
    case .int16: self = .two
    case .int32, .float32: self = .four
    case .int64, .float64: self = .eight
    case .float16: self = .half
    case .bfloat16: self = .bfloat
    }
  }

  @inline(__always) var isConverted: Bool { rawValue >= 16 }
  @inline(__always) var memorySize: Int { isConverted ? 2 : rawValue }
  @inline(__always) var tileSize: Int { isConverted ? 4 : rawValue }
}

/// One operand of an elementwise call: where it lies, and the buffer that stands in for it where a body cannot work
/// on the memory itself.
struct Port {
  var operand: Operand
  var storage: ElementStorage
  var buffer: UnsafeMutableRawPointer
  /// Half elements before or after conversion.
  var raw: UnsafeMutableRawPointer
  /// Bodies read or write the memory itself.
  var isDirect = false
  /// The buffer holds the whole operand already: a value, or a row, that repeats.
  var isLoaded = false

  @inline(__always)
  init(_ operand: Operand, _ type: DType) {
    self.operand = operand
    storage = ElementStorage(type)
    buffer = operand.pointer
    raw = operand.pointer
  }

  /// The address of an element.
  @inline(__always)
  func address(_ row: Int, _ column: Int) -> UnsafeMutableRawPointer {
    operand.pointer + (row &* operand.outer &+ column &* operand.inner) &* storage.memorySize
  }
}

/// The most elements a tile has where an operand must be copied to a buffer.
let tileCapacity = 512

/// Outputs of at least this many bytes may be written past the caches: they would be gone from them before the next
/// operation reads them, and reading a line in order to overwrite it costs a third of the memory traffic.
let streamThreshold = 16 << 20

/// The size of the last cache, 0 where the system does not tell. Output that fits is written through it: a plain copy
/// was faster so in one measurement with a cache of 105 MB. For operations that compute, that is not settled.
let lastCacheSize = sysconf(Int32(_SC_LEVEL3_CACHE_SIZE))

/// Does `work` on all elements. Where all operands are contiguous its body sees the memory itself, else tiles of up to
/// 512 elements gathered into buffers, of one row or of several short ones.
@inline(never)
func drive(_ work: ElementwiseWork, _ extent: Extent, _ a: Port, _ b: Port? = nil, _ c: Port? = nil, to y: Port) {
  guard extent.inner > 0, extent.outer > 0 else { return }
  if driveTiny(work, extent, a, b, c, y) { return }
  var run = ElementwiseRun(n: extent, a: a, b: b ?? a, c: c ?? a, y: y, inputs: b == nil ? 1 : c == nil ? 2 : 3)
  run.plan(inPlaceIsSlow: work.isSlowInPlace)
  let bytesPerPort = run.capacity &* 10
  if run.capacity == 16 {
    var scratch = InlineArray<80, UInt64>(repeating: 0)
    withUnsafeMutableBytes(of: &scratch) { run.execute($0.baseAddress.unsafelyUnwrapped, bytesPerPort, work) }
  } else {
    let memory = malloc(bytesPerPort &* 4).unsafelyUnwrapped
    run.execute(memory, bytesPerPort, work)
    free(memory)
  }
}

/// At most 16 elements, as small tensors have them: copied to the stack, padded, and done in one step.
@inline(__always)
private func driveTiny(_ work: ElementwiseWork, _ extent: Extent, _ a: Port, _ b: Port?, _ c: Port?, _ y: Port) -> Bool
{
  let count = extent.inner
  guard count <= 16, extent.outer == 1, y.operand.inner == 1, !y.storage.isConverted, a.operand.inner & ~1 == 0,
    !a.storage.isConverted
  else { return false }
  if let b, b.operand.inner & ~1 != 0 || b.storage.isConverted { return false }
  if let c, c.operand.inner & ~1 != 0 || c.storage.isConverted { return false }
  var scratch = InlineArray<4, InlineArray<16, UInt64>>(repeating: InlineArray(repeating: 0))
  withUnsafeMutableBytes(of: &scratch) {
    let memory = $0.baseAddress.unsafelyUnwrapped
    fillTiny(memory, a, count)
    if let b { fillTiny(memory + 128, b, count) }
    if let c { fillTiny(memory + 256, c, count) }
    work.run(Tile(a: memory, b: memory + 128, c: memory + 256, y: memory + 384, count: 16))
    copyTiny(y.operand.pointer, memory + 384, count &* y.storage.memorySize)
  }
  return true
}

@inline(__always)
private func fillTiny(_ to: UnsafeMutableRawPointer, _ port: Port, _ count: Int) {
  let size = port.storage.memorySize
  if port.operand.inner == 1 || count == 1 { return copyTiny(to, port.operand.pointer, count &* size) }
  for i in 0..<count { copyTiny(to + i &* size, port.operand.pointer, size) }
}

/// A copy in words: cheaper than a call for so few bytes.
@inline(__always)
private func copyTiny(_ to: UnsafeMutableRawPointer, _ from: UnsafeRawPointer, _ bytes: Int) {
  var at = 0
  while at &+ 4 <= bytes {
    to.storeBytes(of: from.loadUnaligned(fromByteOffset: at, as: UInt32.self), toByteOffset: at, as: UInt32.self)
    at &+= 4
  }
  while at < bytes {
    to.storeBytes(of: from.load(fromByteOffset: at, as: UInt8.self), toByteOffset: at, as: UInt8.self)
    at &+= 1
  }
}

/// The state of one `drive`.
struct ElementwiseRun {
  var n: Extent
  var a: Port
  var b: Port
  var c: Port
  var y: Port
  var inputs: Int
  var rows = 1
  var columns = 0
  var capacity = tileCapacity
  var streams = false

  /// Simplifies the loops and decides the shape of the tiles.
  mutating func plan(inPlaceIsSlow: Bool) {
    if n.inner == 1 {
      n = Extent(inner: n.outer)
      forEachPort { $0.operand.inner = $0.operand.outer }
    } else if n.outer > 1 {
      let inner = n.inner
      var collapses = true
      forEachPort { if $0.operand.outer != $0.operand.inner &* inner { collapses = false } }
      if collapses { n = Extent(inner: n.inner &* n.outer) }
    }
    // Rows shorter than this are taken several at a time.
    columns = n.inner
    if n.inner <= 128, n.outer > 1 { rows = min(n.outer, tileCapacity / n.inner) }
    let (rows, length) = (rows, n.inner)
    var allDirect = true
    forEachPort {
      $0.isDirect =
        !$0.storage.isConverted && $0.operand.inner == 1 && (rows == 1 || $0.operand.outer == length)
      if !$0.isDirect { allDirect = false }
    }
    let target = y.operand.pointer
    let inPlace =
      a.operand.pointer == target || inputs > 1 && b.operand.pointer == target
      || inputs > 2 && c.operand.pointer == target
    if inPlace, inPlaceIsSlow {
      y.isDirect = false
      allDirect = false
    } else if !inPlace, y.operand.inner == 1, n.inner > tileCapacity,
      n.inner &* n.outer &* y.storage.memorySize >= streamThreshold,
      n.inner &* n.outer &* y.storage.memorySize >= lastCacheSize
    {
      streams = true
      y.isDirect = false
      allDirect = false
    }
    if allDirect || n.inner &* n.outer <= 16 { capacity = 16 }
    if !allDirect, rows == 1 { columns = min(columns, capacity) }
  }

  @inline(__always)
  private mutating func forEachPort(_ f: (inout Port) -> Void) {
    f(&a)
    if inputs > 1 { f(&b) }
    if inputs > 2 { f(&c) }
    f(&y)
  }

  /// Walks over the tiles, with buffers of `bytesPerPort` each in `memory`.
  mutating func execute(_ memory: UnsafeMutableRawPointer, _ bytesPerPort: Int, _ work: ElementwiseWork) {
    var next = memory
    let capacity = capacity
    forEachPort {
      $0.buffer = next
      $0.raw = next + capacity &* 8
      next += bytesPerPort
    }
    var row = 0
    while row < n.outer {
      let rowsHere = min(rows, n.outer &- row)
      var column = 0
      while column < n.inner {
        var columnsHere = min(columns, n.inner &- column)
        if streams {
          let misaligned = Int(bitPattern: y.address(row, column)) & 63
          if misaligned != 0 { columnsHere = min(columnsHere, (64 &- misaligned) / y.storage.memorySize) }
          if columnsHere == 0 { columnsHere = min(columns, n.inner &- column) }
        }
        tile(row, column, rowsHere, columnsHere, work)
        column &+= columnsHere
      }
      row &+= rowsHere
    }
    if streams { csimd_stream_fence() }
  }

  @inline(__always)
  private mutating func tile(_ row: Int, _ column: Int, _ rows: Int, _ columns: Int, _ work: ElementwiseWork) {
    let count = rows &* columns
    let whole = count & ~15
    var tile = Tile(a: a.buffer, b: a.buffer, c: a.buffer, y: y.buffer, count: whole)
    tile.a = load(&a, row, column, rows, columns)
    if inputs > 1 { tile.b = load(&b, row, column, rows, columns) }
    if inputs > 2 { tile.c = load(&c, row, column, rows, columns) }
    if y.isDirect { tile.y = y.address(row, column) }
    if whole > 0 { work.run(tile) }
    if whole < count {
      let rest = count &- whole
      var last = tile
      last.count = 16
      last.a = tail(a, tile.a, whole, rest)
      if inputs > 1 { last.b = tail(b, tile.b, whole, rest) }
      if inputs > 2 { last.c = tail(c, tile.c, whole, rest) }
      last.y = y.isDirect ? y.buffer : tile.y + whole &* y.storage.tileSize
      work.run(last)
      if y.isDirect { memcpy(tile.y + whole &* y.storage.tileSize, y.buffer, rest &* y.storage.tileSize) }
    }
    if !y.isDirect { store(row, column, rows, columns) }
  }

  /// The last, incomplete vector of an input, zeros (or what else a buffer holds) behind it.
  @inline(__always)
  private func tail(_ port: Port, _ x: UnsafeRawPointer, _ whole: Int, _ rest: Int) -> UnsafeRawPointer {
    let size = port.storage.tileSize
    let last = x + whole &* size
    guard port.isDirect else { return last }
    memcpy(port.buffer, last, rest &* size)
    memset(port.buffer + rest &* size, 0, (16 &- rest) &* size)
    return UnsafeRawPointer(port.buffer)
  }

  /// Where a body finds a tile of an input; gathers it where it does not lie ready.
  @inline(__always)
  private func load(
    _ port: inout Port, _ row: Int, _ column: Int, _ rows: Int, _ columns: Int
  ) -> UnsafeRawPointer {
    if port.isDirect { return UnsafeRawPointer(port.address(row, column)) }
    if port.isLoaded, port.operand.inner != 0 || port.operand.outer == 0 || column != 0 || self.rows > 1 {
      return UnsafeRawPointer(port.buffer)
    }
    let (inner, outer) = (port.operand.inner, port.operand.outer)
    var columnsToLoad = columns
    if inner == 0, self.rows == 1 {
      columnsToLoad = self.columns
      port.isLoaded = true
    } else if outer == 0, self.rows > 1 || self.columns == n.inner {
      port.isLoaded = true
    }
    gather(port, port.address(row, column), rows, columnsToLoad)
    let (count, size) = (rows &* columnsToLoad, port.storage.tileSize)
    memset(port.buffer + count &* size, 0, (-count & 15) &* size)
    return UnsafeRawPointer(port.buffer)
  }

  /// Writes a tile from the output's buffer to where it belongs.
  private func store(_ row: Int, _ column: Int, _ rows: Int, _ columns: Int) {
    let count = rows &* columns
    var from = UnsafeRawPointer(y.buffer)
    let to = y.address(row, column)
    let isContiguous = y.operand.inner == 1 && (rows == 1 || y.operand.outer == columns)
    if y.storage.isConverted {
      if isContiguous && !streams { return narrowHalf(y.storage, y.buffer, to, count) }
      narrowHalf(y.storage, y.buffer, y.raw, count)
      from = UnsafeRawPointer(y.raw)
    }
    let size = y.storage.memorySize
    if streams {
      csimd_stream_copy(to, from, count &* size)
    } else if isContiguous {
      memcpy(to, from, count &* size)
    } else {
      switch size {
      case 1: scatterElements(UInt8.self, from, to, rows, columns, y.operand)
      case 2: scatterElements(UInt16.self, from, to, rows, columns, y.operand)
      case 4: scatterElements(UInt32.self, from, to, rows, columns, y.operand)
      default: scatterElements(UInt64.self, from, to, rows, columns, y.operand)
      }
    }
  }
}

/// Copies a tile of an input to its buffer, half types widened.
private func gather(_ port: Port, _ from: UnsafeMutableRawPointer, _ rows: Int, _ columns: Int) {
  let converted = port.storage.isConverted
  let isContiguous = port.operand.inner == 1 && (rows == 1 || port.operand.outer == columns)
  if converted, isContiguous { return widenHalf(port.storage, from, port.buffer, rows &* columns) }
  let to = converted ? port.raw : port.buffer
  switch port.storage.memorySize {
  case 1: gatherElements(UInt8.self, from, to, rows, columns, port.operand)
  case 2: gatherElements(UInt16.self, from, to, rows, columns, port.operand)
  case 4: gatherElements(UInt32.self, from, to, rows, columns, port.operand)
  default: gatherElements(UInt64.self, from, to, rows, columns, port.operand)
  }
  if converted { widenHalf(port.storage, to, port.buffer, rows &* columns) }
}

@inline(__always)
private func gatherElements<T>(
  _: T.Type, _ from: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer, _ rows: Int, _ columns: Int,
  _ layout: Operand
) {
  var x = UnsafePointer(from.assumingMemoryBound(to: T.self))
  var y = to.assumingMemoryBound(to: T.self)
  for _ in 0..<rows {
    if layout.inner == 1 {
      if columns < 8 { for j in 0..<columns { y[j] = x[j] } } else { y.update(from: x, count: columns) }
    } else if layout.inner == 0 {
      let value = x[0]
      for j in 0..<columns { y[j] = value }
    } else {
      for j in 0..<columns { y[j] = x[j &* layout.inner] }
    }
    x += layout.outer
    y += columns
  }
}

@inline(__always)
private func scatterElements<T>(
  _: T.Type, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ rows: Int, _ columns: Int, _ layout: Operand
) {
  var x = from.assumingMemoryBound(to: T.self)
  var y = to.assumingMemoryBound(to: T.self)
  for _ in 0..<rows {
    if layout.inner == 1 {
      if columns < 8 { for j in 0..<columns { y[j] = x[j] } } else { y.update(from: x, count: columns) }
    } else {
      for j in 0..<columns { y[j &* layout.inner] = x[j] }
    }
    x += columns
    y += layout.outer
  }
}
