import CPUKernelAPI
import Testing

@testable import FirecrestCPU
@testable import FirecrestCore

/// Convolutions against their definition, over shapes that reach every path of the kernels.
@Suite(.serialized) struct ConvolutionTests {
  private let generator = Generator(seed: 11)
  private func random(_ sizes: [Int], _ dtype: DType = .float64) -> Tensor {
    Tensor.randn(Shape(sizes), dtype: dtype, generator: generator)
  }

  private struct Case: CustomStringConvertible {
    var n = 2, c = 3, o = 4, size = [7, 9], kernel = [3, 3], stride = [1, 1], padding = [0, 0], dilation = [1, 1]
    var groups = 1
    var description: String {
      "[\(n), \(c), \(size)] -> \(o), kernel \(kernel), stride \(stride), padding \(padding), dilation \(dilation), "
        + "groups \(groups)"
    }
  }

  /// Wide and narrow outputs, many and few channels, taps in several blocks, all kinds of steps.
  private static let cases: [Case] = [
    Case(), Case(c: 1, o: 32, size: [28, 28], padding: [1, 1]), Case(c: 32, o: 70, size: [14, 14], padding: [1, 1]),
    Case(c: 3, o: 6, size: [32, 32], kernel: [5, 5]), Case(c: 6, o: 16, size: [14, 14], kernel: [5, 5]),
    Case(n: 1, c: 40, o: 13, size: [5, 66], kernel: [3, 3], padding: [1, 2]),
    Case(n: 9, c: 5, o: 7, size: [1, 1], kernel: [1, 1]), Case(c: 8, o: 8, size: [9, 9], kernel: [1, 1]),
    Case(size: [11, 13], stride: [2, 3], padding: [2, 1]), Case(size: [11, 13], kernel: [2, 2], stride: [3, 3]),
    Case(size: [12, 12], stride: [4, 1], dilation: [2, 3]),
    Case(c: 4, o: 6, size: [13, 9], stride: [2, 2], groups: 2),
    Case(size: [16, 17], kernel: [4, 2], stride: [2, 2], padding: [3, 1], dilation: [2, 2]),
    Case(c: 6, o: 12, size: [10, 10], padding: [1, 1], groups: 6),
    Case(size: [9, 3], kernel: [1, 3], padding: [2, 3]),
    // Few output channels, several images to one sum of the weight's gradient: with and without a frame.
    Case(n: 19, c: 3, o: 8, size: [18, 22]), Case(n: 17, c: 3, o: 3, size: [20, 20]),
    Case(n: 17, c: 2, o: 7, size: [17, 20], padding: [1, 1]),
  ]

  private func call(_ k: Case, _ x: Tensor, _ w: Tensor, _ b: Tensor?) -> Tensor {
    conv2d(x, w, b, stride: k.stride, padding: k.padding, dilation: k.dilation, groups: k.groups)
  }

  private func inputs(_ k: Case, _ dtype: DType) -> [Tensor] {
    [random([k.n, k.c] + k.size, dtype), random([k.o, k.c / k.groups] + k.kernel, dtype), random([k.o], dtype)]
  }

  /// Result and gradients.
  private func results(_ inputs: [Tensor], _ body: ([Tensor]) -> Tensor) -> [Tensor] {
    let leaves = inputs.map { $0.detach().clone().requiresGrad(true) }
    let y = body(leaves)
    let g = Tensor.arange(y.elementCount, dtype: y.dtype).view(y.shape).sin()
    return [y.detach()] + grad(of: [y], wrt: leaves, gradients: [g]).map { $0! }
  }

  @Test func agreesWithItsDefinition() {
    for k in Self.cases {
      let inputs = inputs(k, .float64)
      let actual = results(inputs) { call(k, $0[0], $0[1], $0[2]) }
      let expected = Decomposition.preferred { results(inputs) { call(k, $0[0], $0[1], $0[2]) } }
      for (i, (a, e)) in zip(actual, expected).enumerated() {
        #expect(a.shape == e.shape && a.allClose(e, rtol: 1e-10, atol: 1e-10), "\(k): \(i)")
      }
      let single = results(inputs.map { $0.to(.float32) }) { call(k, $0[0], $0[1], $0[2]) }
      for (i, (a, e)) in zip(single, expected).enumerated() {
        #expect(a.dtype == .float32 && a.to(.float64).allClose(e, rtol: 1e-4, atol: 2e-4), "\(k): \(i) in float32")
      }
      let plain = conv2d(
        inputs[0], inputs[1], stride: k.stride, padding: k.padding, dilation: k.dilation, groups: k.groups)
      #expect((plain + inputs[2].view([k.o, 1, 1])).allClose(actual[0], rtol: 1e-10, atol: 1e-10), "\(k): no bias")
    }
  }

  @Test func everyInstructionSetAgrees() {
    // The kernels of each set run the same geometry as the chosen one, through a CPU of their own.
    for k in Self.cases {
      for dtype in [DType.float32, .float64] {
        let inputs = inputs(k, dtype)
        let y = call(k, inputs[0], inputs[1], inputs[2])
        let g = random(Array(y.shape), dtype)
        let geometry = ConvolutionGeometry(
          spatial: 2, batch: k.n, channels: k.c, outputs: k.o, groups: k.groups, input: [1, k.size[0], k.size[1]],
          kernel: [1, k.kernel[0], k.kernel[1]], output: [1, y.shape[2], y.shape[3]],
          stride: [1, k.stride[0], k.stride[1]], dilation: [1, k.dilation[0], k.dilation[1]],
          before: [0, k.padding[0], k.padding[1]], after: [0, k.padding[0], k.padding[1]])
        let expected = Decomposition.preferred {
          [
            y, apply(ConvolutionInputGradient(geometry: geometry), [g, inputs[1]])[0],
            apply(ConvolutionWeightGradient(geometry: geometry), [inputs[0], g])[0],
          ]
        }
        for kernels in availableKernels() {
          let cpu = CPU(kernels: kernels)
          let actual = expected.map { Tensor(empty: $0.shape, dtype) }
          geometry.convolve(inputs[0], inputs[1], inputs[2], into: actual[0], cpu)
          geometry.convolveTransposed(g, inputs[1], nil, into: actual[1], cpu)
          geometry.correlate(inputs[0], g, into: actual[2], cpu)
          let tolerance = dtype == .float64 ? 1e-10 : 2e-4
          for (i, (a, e)) in zip(actual, expected).enumerated() {
            #expect(a.allClose(e, rtol: tolerance, atol: tolerance), "\(kernels.name) \(dtype) \(k): \(i)")
          }
        }
      }
    }
  }

  @Test func threadsChangeNoBit() {
    let before = ThreadPool.shared.count
    defer { ThreadPool.shared.count = before }
    let cases = [
      Case(n: 1, c: 16, o: 40, size: [40, 40], padding: [1, 1]),
      Case(n: 5, c: 24, o: 32, size: [20, 20], stride: [2, 2]),
      Case(n: 1, c: 200, o: 300, size: [7, 7], padding: [1, 1]),
      Case(n: 19, c: 8, o: 24, size: [18, 18], kernel: [5, 5], groups: 2),
      // Cut among threads, it has so few output channels that they are computed another way.
      Case(n: 1, c: 32, o: 20, size: [14, 14], padding: [1, 1]),
    ]
    for k in cases {
      let inputs = inputs(k, .float32)
      var first: [[Float]]?
      for count in 1...3 {
        ThreadPool.shared.count = count
        let all = results(inputs) { call(k, $0[0], $0[1], $0[2]) }.map { $0.toArray(Float.self) }
        #expect(first == nil || first! == all, "\(k), \(count) threads")
        first = first ?? all
      }
    }
  }

  @Test func derivativesOfDerivatives() {
    // Gradients as functions of everything that they depend on.
    let x = random([2, 2, 4, 3]), w = random([4, 1, 2, 2]), b = random([4])
    func gradients(_ inputs: [Tensor]) -> [Tensor] {
      let y = conv2d(inputs[0], inputs[1], inputs[2], stride: [2, 1], padding: 1, groups: 2)
      return grad(of: [y.square()], wrt: inputs, gradients: [y.detach() * 0 + 1], createGraph: true).map { $0! }
    }
    gradcheck({ [conv2d($0[0], $0[1], $0[2], stride: [2, 1], padding: 1, groups: 2)] }, [x, w, b])
    gradcheck(gradients, [x, w, b])
    let t = random([1, 4, 2, 3]), v = random([4, 1, 3, 2]), c = random([2])
    func transposed(_ i: [Tensor]) -> Tensor {
      convTranspose2d(i[0], i[1], i[2], stride: 2, padding: [1, 0], outputPadding: 1, groups: 2)
    }
    gradcheck({ [transposed($0)] }, [t, v, c])
    gradcheck(
      { i in
        let y = transposed(i)
        return grad(of: [y.square()], wrt: i, gradients: [y.detach() * 0 + 1], createGraph: true).map { $0! }
      }, [t, v, c])
  }

  @Test func paddingsAndRanks() {
    let x = random([2, 3, 8, 9]), w = random([4, 3, 4, 3])
    #expect(conv2d(x, w, padding: .same).shape == [2, 4, 8, 9])
    #expect(conv2d(x, w, padding: .valid).shape == [2, 4, 5, 7])
    #expect(conv2d(x, w, padding: .same).allClose(conv2d(x.pad([1, 1, 1, 2]), w)))
    #expect(conv2d(x, w, stride: 2, padding: [2, 1]).shape == [2, 4, 5, 5])
    // Without a batch dimension, and one spatial dimension as two.
    #expect(conv2d(x[0], w, padding: 1).allClose(conv2d(x, w, padding: 1)[0]))
    let line = random([2, 3, 20]), kernel = random([5, 3, 4])
    let plane = conv2d(line.unsqueeze(dim: 2), kernel.unsqueeze(dim: 2), stride: [1, 3], padding: [0, 2])
    #expect(conv1d(line, kernel, stride: 3, padding: 2).allClose(plane.squeeze(dim: 2)))
    // A view needs no copy.
    let turned = random([9, 8, 3, 2]).permute(3, 2, 1, 0)
    #expect(conv2d(turned, w).allClose(conv2d(turned.contiguous(), w)))
  }

  @Test func emptyBatch() {
    let x = Tensor.zeros([0, 3, 8, 8]).requiresGrad(true), w = Tensor.ones([4, 3, 3, 3]).requiresGrad(true)
    let y = conv2d(x, w)
    #expect(y.shape == [0, 4, 6, 6])
    y.sum().backward()
    #expect(x.grad!.shape == [0, 3, 8, 8])
    #expect(w.grad!.toArray(Float.self).allSatisfy { $0 == 0 })
    #expect(convTranspose2d(Tensor.zeros([0, 4, 2, 2]), w.detach()).shape == [0, 3, 4, 4])
  }

  @Test func otherTypes() {
    let x = (random([2, 3, 6, 6]) * 4).round(), w = (random([2, 3, 3, 3]) * 3).round()
    let expected = conv2d(x, w, padding: 1)
    for dtype in [DType.int64, .int32, .float16, .bfloat16] {
      let y = conv2d(x.to(dtype), w.to(dtype), padding: 1)
      #expect(y.dtype == dtype)
      #expect(y.to(.float64).allClose(expected, rtol: 1e-2, atol: 1e-2), "\(dtype)")
    }
    let half = x.to(.bfloat16).requiresGrad(true)
    conv2d(half, w.to(.bfloat16)).sum().backward()
    #expect(half.grad!.dtype == .bfloat16)
  }

  @Test func nanAndInfinityPass() {
    let x = Tensor.full([1, 1, 1, 1], Float.nan).pad([2, 2, 2, 2])
    let y = conv2d(x, Tensor.ones([1, 1, 3, 3]), padding: 1)
    #expect(y.isNaN().sum().item(as: Int.self) == 9)
  }

  @Test func stepsBeyondTheImage() {
    let x = Tensor.randn([2, 2, 6, 7], requiresGrad: true), w = Tensor.randn([3, 2, 3, 3], requiresGrad: true)
    let far = conv2d(x, w, stride: 1 << 30)
    let first = conv2d(x, w)[.all, .all, 0..<1, 0..<1]
    #expect(far.allClose(first, rtol: 1e-4, atol: 1e-5))
    let g = Tensor.randn(far.shape)
    for input in [x, w] {
      let expected = grad(of: first, wrt: input, gradient: g, retainGraph: true)
      let found = grad(of: far, wrt: input, gradient: g, retainGraph: true)
      #expect(found.allClose(expected, rtol: 1e-4, atol: 1e-5))
    }
  }

  @Test func misuseStops() async {
    let padded = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = conv2d(Tensor.ones([1, 1, 6, 6]), Tensor.ones([1, 1, 3, 3]), padding: Int.max)
    }
    #expect(text(padded).contains("is more than any image has"))
    let channels = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = conv2d(Tensor.ones([1, 3, 8, 8]), Tensor.ones([2, 4, 3, 3]))
    }
    #expect(text(channels).contains("the weight is for 4 input channels"))
    let strided = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = conv2d(Tensor.ones([1, 3, 8, 8]), Tensor.ones([2, 3, 3, 3]), stride: 2, padding: .same)
    }
    #expect(text(strided).contains("padding .same needs a stride of 1"))
    let small = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = conv2d(Tensor.ones([1, 3, 2, 8]), Tensor.ones([2, 3, 3, 3]))
    }
    #expect(text(small).contains("the padded input is only [2, 8]"))
    let types = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = conv2d(Tensor.ones([1, 3, 8, 8]), Tensor.ones([2, 3, 3, 3], dtype: .float64))
    }
    #expect(text(types).contains("the types differ"))
    let sizes = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = conv2d(Tensor.ones([1, 3, 8, 8]), Tensor.ones([2, 3, 3, 3]), stride: [1, 2, 3])
    }
    #expect(text(sizes).contains("stride [1, 2, 3] does not fit 2 spatial dimensions"))
    let bias = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = conv2d(Tensor.ones([1, 3, 8, 8]), Tensor.ones([2, 3, 3, 3]), Tensor.ones([3]))
    }
    #expect(text(bias).contains("the bias must have shape [2]"))
  }

  private func text(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  }
}
