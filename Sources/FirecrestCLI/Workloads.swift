import Firecrest

/// Something that `firecrest bench` times.
struct Workload: Sendable {
  let name: String
  /// Floating-point operations and bytes moved in one run, 0 where they say nothing.
  var flops = 0.0
  var bytes = 0.0
  let build: @Sendable () -> () -> Void
}

/// The workloads of Benchmarks/pytorch_baseline.py.
let workloads: [Workload] =
  [
    Workload(name: "add-3") {
      let a = Tensor([1.0, 2, 3])
      let b = Tensor([4.0, 5, 6])
      return { _ = a + b }
    },
    Workload(name: "add-3-grad") {
      let a = Tensor([1.0, 2, 3], requiresGrad: true)
      let b = Tensor([4.0, 5, 6], requiresGrad: true)
      return {
        a.grad = nil
        b.grad = nil
        (a * b + b).sum().backward()
      }
    },
    Workload(name: "chain-4m") {
      let x = Tensor.randn(4_000_000)
      return { _ = (x * 2 + 1).relu().sigmoid() }
    },
    Workload(name: "matmul-1024") {
      let a = Tensor.randn(1024, 1024)
      let b = Tensor.randn(1024, 1024)
      return { _ = a.matmul(b) }
    },
  ] + networkWorkloads

private let matmulShapes = [
  (1, 256, 64), (1, 1024, 1024), (1, 4096, 4096), (4, 256, 64), (8, 512, 512), (16, 784, 128), (32, 128, 10),
  (64, 784, 128), (64, 128, 10), (64, 3136, 128), (128, 128, 128), (100, 10, 10), (256, 256, 256), (512, 512, 512),
  (1024, 1024, 1024), (2048, 2048, 2048), (1024, 64, 1024), (64, 1024, 64), (1024, 1024, 1), (1000, 3, 1000),
  (33, 65, 129), (4096, 32, 32), (2048, 16, 2048),
]

/// Kernels one by one: matrix products of many shapes, and work over 64 MB of float32.
let kernelWorkloads: [Workload] = {
  let megabytes64 = 1 << 24
  let bytes = Double(megabytes64 * 4)
  var list = matmulShapes.map { m, k, n in
    Workload(name: "matmul-\(m)x\(k)x\(n)", flops: 2 * Double(m * k * n)) {
      let a = Tensor.randn(m, k)
      let b = Tensor.randn(k, n)
      return { _ = a.matmul(b) }
    }
  }
  func unary(_ name: String, _ factor: Double, _ shape: Shape, _ body: @escaping @Sendable (Tensor) -> Tensor) {
    list.append(
      Workload(name: name, bytes: factor * bytes) {
        let x = Tensor.randn(shape)
        return { _ = body(x) }
      })
  }
  unary("copy-64m", 2, [megabytes64]) { $0.clone() }
  list.append(
    Workload(name: "add-64m", bytes: 3 * bytes) {
      let a = Tensor.randn(megabytes64)
      let b = Tensor.randn(megabytes64)
      return { _ = a + b }
    })
  unary("relu-64m", 2, [megabytes64]) { $0.relu() }
  unary("exp-64m", 2, [megabytes64]) { $0.exp() }
  unary("sigmoid-64m", 2, [megabytes64]) { $0.sigmoid() }
  unary("sum-64m", 1, [megabytes64]) { $0.sum() }
  unary("max-64m", 1, [megabytes64]) { $0.amax() }
  unary("sum-rows-64m", 1, [4096, 4096]) { $0.sum(dim: 1) }
  unary("sum-columns-64m", 1, [4096, 4096]) { $0.sum(dim: 0) }
  unary("sum-middle-64m", 1, [64, 512, 512]) { $0.sum(dim: 1) }
  return list
}()
