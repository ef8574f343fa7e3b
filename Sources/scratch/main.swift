import Firecrest
import Foundation
let f = Tensor([1.0, 2, 3])
let gq = Tensor([4.0, 5, 6])
func time(_ name: String, _ n: Int, _ body: () -> Void) {
  for _ in 0..<n/10+1 { body() }
  let t = DispatchTime.now().uptimeNanoseconds
  for _ in 0..<n { body() }
  print(name, Double(DispatchTime.now().uptimeNanoseconds - t) / Double(n), "ns")
}
time("add3", 1_000_000) { _ = f + gq }
let a1 = Tensor([1.0, 2, 3], requiresGrad: true)
let b1 = Tensor([4.0, 5, 6], requiresGrad: true)
time("add3-record", 1_000_000) { _ = a1 + b1 }
let m1 = Tensor.ones(1024, 1024), m2 = Tensor.ones(1024, 1024)

let big = Tensor.ones(4_000_000)

if CommandLine.arguments.count > 1 {
time("add3-grad", 200_000) { a1.grad = nil; b1.grad = nil; (a1 * b1 + b1).sum().backward() }
}
