import CPUKernelAPI
import Testing

@testable import FirecrestCPU
@testable import FirecrestCore

/// 3 x 3 convolutions in float32 by Winograd's algorithm against the definition in float64.
@Suite(.serialized) struct WinogradTests {
  private let generator = Generator(seed: 12)
  private func random(_ sizes: [Int]) -> Tensor { Tensor.randn(Shape(sizes), generator: generator) }

  private struct Case: CustomStringConvertible {
    var n = 2, c = 16, o = 16, size = [14, 14], before = [1, 1], after = [1, 1]
    var description: String { "[\(n), \(c), \(size)] -> \(o), padding \(before) \(after)" }

    var geometry: ConvolutionGeometry {
      let output = (0..<2).map { size[$0] + before[$0] + after[$0] - 2 }
      return ConvolutionGeometry(
        spatial: 2, batch: n, channels: c, outputs: o, groups: 1, input: [1, size[0], size[1]], kernel: [1, 3, 3],
        output: [1, output[0], output[1]], stride: [1, 1, 1], dilation: [1, 1, 1], before: [0, before[0], before[1]],
        after: [0, after[0], after[1]])
    }
  }

  /// Odd and even sizes, rows of one and two tiles, all paddings, channels that fill vectors and panels and that do not,
  /// one image in several blocks and several images in one.
  private static let cases: [Case] = [
    Case(), Case(n: 9, c: 32, o: 64), Case(n: 3, c: 17, o: 23, size: [7, 9], before: [0, 0], after: [0, 0]),
    Case(n: 5, c: 20, o: 50, size: [5, 4], before: [2, 2], after: [2, 2]),
    Case(n: 70, c: 16, o: 33, size: [3, 3]), Case(n: 20, c: 40, o: 16, size: [2, 2]),
    Case(n: 3, c: 24, o: 19, size: [13, 2]), Case(n: 9, c: 18, o: 31, size: [4, 5], before: [0, 0], after: [0, 0]),
    Case(n: 1, c: 64, o: 70, size: [57, 30]), Case(n: 1, c: 60, o: 130, size: [9, 12]),
    Case(n: 3, size: [8, 11], before: [2, 0], after: [1, 1]),
    Case(n: 3, size: [11, 12], before: [-1, 0], after: [1, -2]),
    Case(n: 3, size: [8, 8], before: [-2, -1], after: [4, 3]), Case(n: 6, c: 200, o: 90, size: [8, 8]),
  ]

  private func inputs(_ k: Case) -> (x: Tensor, w: Tensor, b: Tensor, g: Tensor) {
    (random([k.n, k.c] + k.size), random([k.o, k.c, 3, 3]), random([k.o]), random(Array(k.geometry.yShape)))
  }

  /// y and the gradient of x, with a bias each where there is one.
  private func results(
    _ g: ConvolutionGeometry, _ cpu: CPU, _ x: Tensor, _ w: Tensor, _ b: (Tensor, Tensor)?, _ gradient: Tensor
  ) -> [Tensor] {
    let y = [g.yShape, g.xShape].map { Tensor.full($0, Float.nan, dtype: x.dtype) }
    g.convolve(x, w, b?.0, into: y[0], cpu)
    g.convolveTransposed(gradient, w, b?.1, into: y[1], cpu)
    return y
  }

  @Test func agreesWithTheDefinition() {
    for k in Self.cases {
      let g = k.geometry, (x, w, b, gradient) = inputs(k), c = random([k.c])
      #expect(g.suitsWinograd(.float32, g.output) && g.suitsWinograd(.float32, g.input), "\(k) goes another way")
      let expected = [true, false].map { biased in
        results(
          g, .shared, x.to(.float64), w.to(.float64), biased ? (b.to(.float64), c.to(.float64)) : nil,
          gradient.to(.float64))
      }
      for kernels in availableKernels() {
        for (i, bias) in [(b, c), nil].enumerated() {
          let actual = results(g, CPU(kernels: kernels), x, w, bias, gradient)
          for (j, (a, e)) in zip(actual, expected[i]).enumerated() {
            // Rounding errors grow with the root of the number of products.
            let count = [9 * k.c, 9 * k.o][j]
            let tolerance = 4e-6 * Double(count).squareRoot()
            let worst = (a.to(.float64) - e).abs().max().item(as: Double.self)
            #expect(worst < tolerance, "\(kernels.name) \(k): \(j) is off by \(worst), not \(tolerance)")
          }
        }
      }
    }
  }

  @Test func errsLittleMoreThanTheDefinition() {
    // Images of two planes go to the direct kernels.
    let x = random([4, 64, 20, 20]), w = random([64, 64, 3, 3])
    let exact = conv2d(x.to(.float64), w.to(.float64), padding: 1)
    func error(_ y: Tensor) -> Double { (y.to(.float64) - exact).square().mean().item(as: Double.self).squareRoot() }
    let planes = cat([x.unsqueeze(dim: 2), x.unsqueeze(dim: 2)], dim: 2)
    let direct = conv3d(planes, w.unsqueeze(dim: 2), padding: [0, 1, 1])
    let ratio = error(conv2d(x, w, padding: 1)) / error(direct[0..., 0..., 0])
    #expect(ratio < 3, "\(ratio)")
  }

  @Test func threadsChangeNoBit() {
    let before = ThreadPool.shared.count
    defer { ThreadPool.shared.count = before }
    let cases = [
      Case(n: 11, c: 32, o: 64), Case(n: 1, c: 16, o: 200, size: [9, 9]), Case(n: 1, c: 150, o: 40, size: [30, 30]),
      Case(n: 7, c: 300, o: 310, size: [8, 8]),
    ]
    for k in cases {
      let g = k.geometry, (x, w, b, gradient) = inputs(k)
      var first: [[Float]]?
      for count in 1...3 {
        ThreadPool.shared.count = count
        let all = results(g, .shared, x, w, (b, random([k.c]) * 0), gradient).map { $0.toArray(Float.self) }
        #expect(first == nil || first! == all, "\(k), \(count) threads")
        first = first ?? all
      }
    }
  }

  @Test func nanAndInfinityReachTheirTilesOnly() {
    let k = Case(n: 2, c: 20, o: 18, size: [9, 10]), g = k.geometry, (x, w, _, _) = inputs(k)
    let clean = conv2d(x, w, padding: 1).toArray(Float.self)
    for value in [Float.nan, .infinity, -.infinity] {
      for kernels in availableKernels() {
        let broken = x.clone()
        broken[1, 7, 4, 5] = Tensor(value)
        let y = Tensor(empty: g.yShape, .float32), plain = Tensor(empty: g.yShape, .float32)
        g.convolve(broken, w, nil, into: y, CPU(kernels: kernels))
        g.convolve(x, w, nil, into: plain, CPU(kernels: kernels))
        #expect(plain.allClose(Tensor(clean).view(g.yShape), rtol: 1e-4, atol: 1e-4))
        // The element is in the tiles of lines 2, 3 and 4, 5 and of columns 4, 5 and 6, 7.
        for n in 0..<2 {
          for line in 0..<9 {
            for column in 0..<10 {
              let a = y[n, 0..., line, column].toArray(Float.self)
              let touched = n == 1 && (3...5).contains(line) && (4...6).contains(column)
              let isInTile = n == 1 && (2...5).contains(line) && (4...7).contains(column)
              if touched { #expect(a.allSatisfy { !$0.isFinite }, "\(kernels.name) \(value) \(line), \(column)") }
              if !isInTile {
                #expect(a == plain[n, 0..., line, column].toArray(Float.self), "\(kernels.name) \(line), \(column)")
              }
            }
          }
        }
      }
    }
  }

  @Test func viewsAndHigherDerivatives() {
    let x = random([2, 16, 12, 11]), w = random([20, 16, 3, 3])
    let expected = conv2d(x, w, padding: 1)
    // Images whose columns are not adjacent, lines that are, and weights in another order.
    let turned = x.transpose(2, 3).contiguous().transpose(2, 3)
    #expect(conv2d(turned, w, padding: 1).allClose(expected))
    let wide = random([2, 20, 14, 15])
    wide[0..., 2..<18, 1..<13, 3..<14] = x
    #expect(conv2d(wide[0..., 2..<18, 1..<13, 3..<14], w, padding: 1).allClose(expected))
    let other = w.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0)
    #expect(conv2d(x, other, padding: 1).allClose(expected))
    // Through the layer's own gradients, as float64 computes them.
    func second(_ x: Tensor, _ w: Tensor) -> [Tensor] {
      let leaves = [x, w].map { $0.detach().requiresGrad(true) }
      let y = conv2d(leaves[0], leaves[1], padding: 1)
      let first = grad(of: [y], wrt: leaves, gradients: [y.detach().sin()], createGraph: true).map { $0! }
      let sum = first.map { $0.square().mean() }.reduce(Tensor(0).to(x.dtype), +)
      return grad(of: [sum], wrt: leaves).map { $0! }
    }
    for (a, e) in zip(second(x, w), second(x.to(.float64), w.to(.float64))) {
      let scale = e.abs().max().item(as: Double.self)
      #expect((a.to(.float64) - e).abs().max().item(as: Double.self) < 1e-5 * scale)
    }
  }

  @Test func whatItLeavesToOtherKernels() {
    let g = Case().geometry
    func suits(_ change: (inout ConvolutionGeometry) -> Void) -> Bool {
      var g = g
      change(&g)
      return g.suitsWinograd(.float32, g.output)
    }
    #expect(suits { _ in })
    #expect(!g.suitsWinograd(.float64, g.output))
    #expect(!suits { $0.groups = 2 } && !suits { $0.channels = 15 } && !suits { $0.outputs = 15 })
    #expect(!suits { $0.kernel = [1, 3, 5] } && !suits { $0.kernel = [2, 3, 3] } && !suits { $0.kernel = [1, 2, 3] })
    #expect(!suits { $0.stride = [1, 1, 2] } && !suits { $0.dilation = [1, 2, 1] } && !suits { $0.input.x = 2 })
    #expect(!suits { $0.output = [1, 1, 1] } && !suits { $0.output = [1, 2, 2] } && !suits { $0.batch = 0 })
    #expect(!suits { ($0.batch, $0.channels, $0.outputs) = (1, 512, 512) })
  }
}
