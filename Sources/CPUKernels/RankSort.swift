/// Sorting short rows by counting. For each key it counts the keys that come before it, a vector of keys at a time:
/// n² / lanes comparisons without a branch, which up to a hundred keys or so nothing beats.
///
/// `keys` has room for a vector more than `count`. Ties keep their order: before its own position a key counts the
/// keys that are equal too.
extension Int32 {
  static var rankLimit: Int { VInt32.scalarCount * 12 }

  static func rank(_ keys: UnsafeMutablePointer<Int32>, _ count: Int, _ places: UnsafeMutablePointer<Int32>) {
    let lanes = VInt32.scalarCount
    for i in 0..<lanes { keys[count &+ i] = .max }
    var iota = VInt32.zero
    for i in 0..<lanes { iota[i] = Int32(truncatingIfNeeded: i) }
    for block in stride(from: 0, to: count, by: lanes) {
      let own = UnsafeRawPointer(keys + block).loadUnaligned(as: VInt32.self)
      var place = VInt32.zero
      for j in 0..<block {
        place.replace(with: place &+ 1, where: VInt32(repeating: keys[j]) .<= own)
      }
      for j in block..<(block &+ lanes) {
        let other = VInt32(repeating: keys[j])
        let position = VInt32(repeating: Int32(truncatingIfNeeded: j &- block))
        place.replace(with: place &+ 1, where: (other .< own) .| ((other .== own) .& (position .< iota)))
      }
      if block &+ lanes < count {
        for j in (block &+ lanes)..<count {
          place.replace(with: place &+ 1, where: VInt32(repeating: keys[j]) .< own)
        }
      }
      places.putVector(place, at: block)
    }
  }
}

extension Int64 {
  static var rankLimit: Int { VInt64.scalarCount * 24 }

  static func rank(_ keys: UnsafeMutablePointer<Int64>, _ count: Int, _ places: UnsafeMutablePointer<Int64>) {
    let lanes = VInt64.scalarCount
    for i in 0..<lanes { keys[count &+ i] = .max }
    var iota = VInt64.zero
    for i in 0..<lanes { iota[i] = Int64(truncatingIfNeeded: i) }
    for block in stride(from: 0, to: count, by: lanes) {
      let own = UnsafeRawPointer(keys + block).loadUnaligned(as: VInt64.self)
      var place = VInt64.zero
      for j in 0..<block {
        place.replace(with: place &+ 1, where: VInt64(repeating: keys[j]) .<= own)
      }
      for j in block..<(block &+ lanes) {
        let other = VInt64(repeating: keys[j])
        let position = VInt64(repeating: Int64(truncatingIfNeeded: j &- block))
        place.replace(with: place &+ 1, where: (other .< own) .| ((other .== own) .& (position .< iota)))
      }
      if block &+ lanes < count {
        for j in (block &+ lanes)..<count {
          place.replace(with: place &+ 1, where: VInt64(repeating: keys[j]) .< own)
        }
      }
      places.putVector(place, at: block)
    }
  }
}
