import Testing

@testable import FirecrestNN

/// What layers say that they hold, against a look at their properties.
@Suite struct KnownFieldsTests {
  @Test func layersHoldWhatTheySay() {
    var seen: Set<String> = []
    for layer in NNGolden.shared.layers {
      guard let module = makeLayer(layer.name), module is any KnownFields else { continue }
      let known = ModuleFields(module), found = ModuleFields(reflecting: module)
      #expect(known.slots.map(\.name) == found.slots.map(\.name), "\(layer.name)")
      #expect(zip(known.slots, found.slots).allSatisfy { $0.slot as AnyObject === $1.slot as AnyObject })
      #expect(found.children.isEmpty, "\(layer.name)")
      seen.insert(typeName(module))
    }
    #expect(seen.count >= 30, "\(seen.sorted())")
  }
}
