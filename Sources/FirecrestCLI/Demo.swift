import ArgumentParser
import Firecrest

/// `firecrest demo`: automatic differentiation and a small training, printed.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows tensors and automatic differentiation at work.")

  func run() {
    let x = Tensor([[1.0, 2], [3, 4]], requiresGrad: true)
    print("x =", x)
    let y = (x * x + 3 * x).sum()
    print("y = sum(x² + 3x) =", y)
    y.backward()
    print("dy/dx = 2x + 3 =", x.grad!)

    // A line fitted to noisy points by gradient descent.
    manualSeed(0)
    let points = Tensor.linspace(-1, 1, 100)
    let values = 2 * points + 0.5 + 0.1 * Tensor.randn(100)
    let slope = Tensor(0.0, requiresGrad: true)
    let offset = Tensor(0.0, requiresGrad: true)
    for step in 0...100 {
      let deviation = points * slope + offset - values
      let loss = (deviation * deviation).mean()
      loss.backward()
      noGrad {
        slope -= 0.1 * slope.grad!
        offset -= 0.1 * offset.grad!
      }
      slope.grad = nil
      offset.grad = nil
      if step % 25 == 0 { print("step \(step): loss \(loss.item())") }
    }
    print("fitted: y = \(slope.item()) x + \(offset.item()), from y = 2 x + 0.5 and noise")
  }
}
