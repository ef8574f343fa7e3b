import TestSupport

import FirecrestCore

let viewEntries: [OpEntry] = [
  OpEntry("expand") { s in s.input.expand(Shape(s.restInts("size"))) },
  OpEntry("permute") { s in s.input.permute(s.restInts("dims")) },
  OpEntry("view") { s in s.input.view(Shape(s.restInts("size"))) },
  OpEntry("reshape") { s in s.input.reshape(Shape(s.restInts("shape"))) },
  OpEntry("select") { s in s.input.select(dim: s.int(0, "dim")!, s.int(1, "index")!) },
]
