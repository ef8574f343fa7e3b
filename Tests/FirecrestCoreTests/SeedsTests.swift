import Firecrest
import Foundation
import Testing

/// The blocks of the introduction's tensor and autograd chapters and of the deep-learning track's sections 1 and 2, one
/// test a block: what PyTorch users write first, in Swift.
@Suite struct SeedsTests {
  @Test func gettingStarted() {
    let t1 = Tensor([1, 2, 3])
    #expect("\(t1)" == "tensor([1, 2, 3])")
    let t2 = Tensor([[1, 2], [3, 4]])
    #expect("\(t2)" == "tensor([[1, 2],\n        [3, 4]])")
    #expect(t2.shape == [2, 2])
    #expect("\(t2.shape)" == "[2, 2]")
  }

  @Test func addition() {
    let t3 = Tensor([1, 2, 3]) + Tensor([4, 5, 6])
    #expect("\(t3)" == "tensor([5, 7, 9])")
  }

  @Test func multiplication() {
    let t3 = Tensor([1, 2, 3]) * Tensor([4, 5, 6])
    #expect("\(t3)" == "tensor([ 4, 10, 18])")
  }

  @Test func matrixMultiplication() {
    let t3 = Tensor([[1, 2], [4, 3]]).matmul(Tensor([[3, 4], [2, 1]]))
    #expect("\(t3)" == "tensor([[ 7,  6],\n        [18, 19]])")
  }

  @Test func indexing() {
    let t1 = Tensor([1, 2, 3, 4, 5])
    #expect("\(t1[0])" == "tensor(1)")
    #expect("\(t1[-1])" == "tensor(5)")
    #expect("\(t1[1..<3])" == "tensor([2, 3])")
  }

  @Test func indexingInMoreDimensions() {
    let t2 = Tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    #expect("\(t2[1, 2])" == "tensor(6)")
    #expect("\(t2[1..., ..<2])" == "tensor([[4, 5],\n        [7, 8]])")
  }

  @Test func joining() {
    #expect("\(cat([Tensor([1, 2, 3]), Tensor([4, 5, 6])], dim: 0))" == "tensor([1, 2, 3, 4, 5, 6])")
    let t1 = Tensor([[1, 2], [3, 4]])
    let t2 = Tensor([[5, 6], [7, 8]])
    #expect(
      "\(cat([t1, t2], dim: 0))" == "tensor([[1, 2],\n        [3, 4],\n        [5, 6],\n        [7, 8]])")
    #expect("\(cat([t1, t2], dim: 1))" == "tensor([[1, 2, 5, 6],\n        [3, 4, 7, 8]])")
  }

  @Test func mutation() {
    let t1 = Tensor([1, 2, 3])
    t1[1] = 7
    #expect("\(t1)" == "tensor([1, 7, 3])")
    let t2 = Tensor([1, 2, 3, 4, 5])
    t2[1..<4] = Tensor([7, 8, 9])
    #expect("\(t2)" == "tensor([1, 7, 8, 9, 5])")
  }

  @Test func gradients() {
    let t1 = Tensor([1.0, 2, 3], requiresGrad: true)
    #expect("\(t1)" == "tensor([1., 2., 3.], requires_grad=True)")
    let t2 = t1 * 2
    let t3 = t2.mean()
    #expect("\(t3)" == "tensor(4., grad_fn=<MeanBackward0>)")
    t3.backward()
    #expect("\(t1.grad!)" == "tensor([0.6667, 0.6667, 0.6667])")
    // Gradients accumulate until they are set to zero.
    (t1 * 2).mean().backward()
    #expect("\(t1.grad!)" == "tensor([1.3333, 1.3333, 1.3333])")
    t1.grad!.zero()
    #expect("\(t1.grad!)" == "tensor([0., 0., 0.])")
  }

  @Test func trackTensors() {
    let x = Tensor([1, 2, 3, 4, 5])
    let numbers: [Int] = [1, 2, 3]
    let y = Tensor(numbers)
    let z = Tensor.zeros(3, 4)
    let w = Tensor.randn(2, 3)
    #expect(x.dtype == .int64 && y.dtype == .int64 && z.dtype == .float32 && w.dtype == .float32)
    #expect(z.shape == [3, 4] && w.shape == [2, 3] && z.sum().item() == 0)
  }

  @Test func trackOperations() {
    let a = Tensor([1.0, 2, 3])
    let b = Tensor([4.0, 5, 6])
    #expect("\(a + b)" == "tensor([5., 7., 9.])")
    #expect("\(a * b)" == "tensor([ 4., 10., 18.])")
    #expect("\(a.dot(b))" == "tensor(32.)")
    let product = Tensor.randn(3, 4).mm(Tensor.randn(4, 2))
    #expect(product.shape == [3, 2])
  }

  @Test func trackDifferentiation() {
    let x = Tensor([2.0], requiresGrad: true)
    let y = x.pow(2) + 3 * x + 1
    y.backward()
    #expect("\(x.grad!)" == "tensor([7.])")
  }

  /// The README's example, line by line.
  @Test func readme() throws {
    let x = Tensor([[1.0, 2], [3, 4]], requiresGrad: true)
    let w = Tensor.randn(2, 3)
    let y = x.matmul(w).relu().sum()
    y.backward()
    #expect(x.grad!.shape == [2, 2])

    let m = Tensor.zeros(3, 4)
    m[1] = 7
    m[.all, 0] = Tensor([1.0, 2, 3])
    #expect(m[1..., ..<2].toArray(Float.self) == [2, 7, 3, 0])
    #expect(m[m .> 2].toArray(Float.self) == [7, 7, 7, 3])
    #expect(cat([m, m], dim: 0).shape == [6, 4] && m.T.shape == [4, 3])
    #expect(m[.ellipsis, .newAxis].shape == [3, 4, 1] && m[.slice(by: 2)].shape == [2, 4])

    let path = FileManager.default.temporaryDirectory.appendingPathComponent("readme-\(UUID()).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try saveSafetensors(["weights": w], to: path)
    #expect(try loadSafetensors(path)["weights"]!.toArray(Float.self) == w.toArray(Float.self))
  }
}
