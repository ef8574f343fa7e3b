import FirecrestIO
import Testing

@Suite struct SHA256Tests {
  /// Values that sha256sum gives, for lengths around a block's 64 and padding's 56 bytes.
  @Test(arguments: [
    (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (55, "576a1bf8d4478657e6dc4af9398544765c2a92cde28478b019235cfed315fc09"),
    (56, "9b20501dfd1d99161c257950f3444f3e49230c351c5c8e0943ef369f85f5205d"),
    (63, "30b345906b493f06f69444b6521113511c242f30e29840462950035043682f1e"),
    (64, "d8bc63b4fc1156e5e7d95a418b9bf54cd3174bedbc2db40f74895349b229b3c0"),
    (65, "1ee23b0fbcaecc1aff4a9e8f1645f35ab2c8e13609cd73b68df8b5e3f63ce073"),
    (119, "7a6589821178918ca8d9edaba5abfc1e9b2669564f4469b66885379c1530b2c8"),
    (120, "655250427d56b1b0eeb8497d21428704273458a01772d6881b65c0abac0f8a98"),
    (1000, "c85a431e0fe575b2609289d3a4042414715f400612575a125d2ce5573d608732"),
  ])
  func agreesWithSha256sum(_ count: Int, _ expected: String) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 7 &* $0 &+ $0 >> 8) }
    for part in [1, 7, 64, 200, 1_000_000] {
      let hash = SHA256()
      for start in stride(from: 0, to: count, by: part) { hash.update(bytes[start..<min(start + part, count)]) }
      #expect(hash.hexadecimal() == expected, "in parts of \(part)")
      #expect(hash.hexadecimal() == expected, "asking changes nothing")
    }
  }
}
