import FirecrestCore
import Testing

/// Factorizations beyond the golden samples: sizes over several blocks, derivatives, matrices that have no solution.
@Suite struct LinearAlgebraTests {
  private func random(_ shape: Shape, seed: UInt64) -> Tensor {
    Tensor.randn(shape, dtype: .float64, generator: Generator(seed: seed))
  }
  private func positive(_ shape: Shape, seed: UInt64) -> Tensor {
    let x = random(shape, seed: seed)
    return x.matmul(x.mT) + Tensor.eye(shape[-1], dtype: .float64)
  }
  private func near(_ x: Tensor, _ y: Tensor, _ tolerance: Double = 1e-8) -> Bool {
    x.shape == y.shape && x.allClose(y, rtol: tolerance, atol: tolerance)
  }

  @Test(arguments: [1, 2, 47, 48, 49, 130, 200])
  func manyBlocks(_ n: Int) {
    let a = random([2, n, n], seed: 1)
    let b = random([2, n, 3], seed: 2)
    #expect(near(a.matmul(a.solve(b)), b, 1e-7))
    #expect(near(a.inverse().matmul(a), Tensor.eye(n, dtype: .float64).expand(2, n, n), 1e-7))
    let s = positive([2, n, n], seed: 3)
    let l = s.cholesky()
    #expect(near(l.matmul(l.mT), s))
    #expect(near(l.triu(diagonal: 1), Tensor.zeros(like: l)))
    let u = s.cholesky(upper: true)
    #expect(near(u.mT.matmul(u), s))
    #expect(near(s.matmul(b.choleskySolve(l)), b, 1e-6))
    #expect(near(s.logdet(), l.diagonal(dim1: -2, dim2: -1).log().sum(dim: -1) * 2, 1e-7))
    for upper in [false, true] {
      // A strong diagonal, since random triangles are nearly singular.
      let full = random([n, n], seed: 4) + Tensor.eye(n, dtype: .float64) * Double(4 * n)
      let triangle = upper ? full.triu() : full.tril()
      let x = full.solveTriangular(b, upper: upper)
      #expect(near(triangle.matmul(x), b, 1e-7))
      let y = full.solveTriangular(b.mT, upper: upper, left: false)
      #expect(near(y.matmul(triangle), b.mT, 1e-7))
    }
  }

  @Test func batchesBroadcast() {
    let a = random([3, 1, 4, 4], seed: 5)
    let b = random([2, 4, 5], seed: 6)
    let x = a.solve(b)
    #expect(x.shape == [3, 2, 4, 5])
    #expect(near(a.matmul(x), b.expand(3, 2, 4, 5)))
    let v = random([4], seed: 7)
    #expect(near(a.matmul(a.solve(v).unsqueeze(dim: -1)).squeeze(dim: -1), v.expand(3, 1, 4)))
  }

  @Test func derivatives() {
    let a = random([2, 3, 3], seed: 8)
    let b = random([3, 2], seed: 9)
    gradcheck({ [$0[0].solve($0[1])] }, [a, b])
    gradcheck({ [$0[0].inverse()] }, [a])
    gradcheck({ [$0[0].det()] }, [a])
    gradcheck({ [$0[0].slogdet().logAbsDet] }, [a])
    gradcheck({ [$0[0].matrixExp()] }, [a])
    gradcheck({ [$0[0].matrixPower(-2)] }, [a])
    // The function must be given symmetric matrices, so that the derivative in the upper triangle counts.
    let s = positive([3, 3], seed: 10)
    gradcheck({ [(($0[0] + $0[0].mT) * 0.5).cholesky()] }, [s])
    gradcheck({ [(($0[0] + $0[0].mT) * 0.5).cholesky(upper: true)] }, [s])
    for upper in [false, true] {
      for unit in [false, true] {
        gradcheck({ [$0[0].solveTriangular($0[1], upper: upper, unitriangular: unit)] }, [s, b])
      }
    }
  }

  @Test func secondDerivatives() {
    let a = random([3, 3], seed: 11)
    let weights = random([3, 3], seed: 12)
    func gradient(_ f: @escaping (Tensor) -> Tensor) -> ([Tensor]) -> [Tensor] {
      { inputs in
        let y = f(inputs[0])
        let g = grad(of: [(y * weights).sum()], wrt: inputs, createGraph: true)
        return [g[0]]
      }
    }
    gradcheck(gradient { $0.inverse() }, [a])
    gradcheck(gradient { $0.det() }, [a])
    gradcheck(gradient { $0.slogdet().logAbsDet }, [a])
    gradcheck(gradient { (($0 + $0.mT) * 0.5).cholesky() }, [positive([3, 3], seed: 13)])
  }

  @Test func determinants() {
    #expect(Tensor([[0.0, 1], [1, 0]]).det().item() == -1)
    #expect(Tensor([[1.0, 2], [2, 4]]).det().item() == 0)
    #expect(Tensor([[1.0, 2], [2, 4]]).slogdet().logAbsDet.item() == -.infinity)
    #expect(Tensor([[1.0, 2], [2, 4]]).logdet().item() == -.infinity)
    #expect(Tensor([[0.0, 1], [1, 0]]).logdet().item().isNaN)
    #expect(Tensor([[Double.nan, 1], [1, 0]]).det().item().isNaN)
    // The determinant overflows, its logarithm does not.
    let large = Tensor.eye(200, dtype: .float64) * 1e10
    #expect(large.det().item() == .infinity)
    #expect(abs(large.logdet().item() - 200 * 23.025850929940457) < 1e-9)
  }

  @Test func derivativeAtASingularMatrix() {
    let a = Tensor([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]], dtype: .float64).requiresGrad(true)
    a.det().backward()
    #expect(near(a.grad!, Tensor([[4.0, 4, -4], [-2, -2, 2], [0, 0, 0]], dtype: .float64)))
  }

  @Test func matricesWithoutSolution() async {
    let singular = Tensor([[1.0, 2], [2, 4]])
    #expect(singular.inverseChecked().info.item() == 2)
    #expect(singular.solveChecked(Tensor([1.0, 1])).info.item() == 2)
    #expect(Tensor([[1.0, 2], [2, 1]]).choleskyChecked().info.item() == 2)
    #expect(Tensor([[Double.nan, 2], [2, 1]]).choleskyChecked().info.item() == 1)
    let batch = stack([Tensor.eye(2), singular.to(.float32)])
    #expect(batch.inverseChecked().info.toArray(Int.self) == [0, 2])
    await #expect(processExitsWith: .failure) { _ = Tensor([[1.0, 2], [2, 4]]).inverse() }
    await #expect(processExitsWith: .failure) { _ = Tensor([[1.0, 2], [2, 1]]).cholesky() }
    await #expect(processExitsWith: .failure) { _ = Tensor.ones(2, 3).det() }
    await #expect(processExitsWith: .failure) { _ = Tensor.eye(2, dtype: .int64).det() }
    await #expect(processExitsWith: .failure) { _ = Tensor.eye(2, dtype: .float16).inverse() }
  }

  @Test func exponentials() {
    let turn = Tensor([[0.0, -100], [100, 0]], dtype: .float64)
    let expected = Tensor(
      [[0.8623188722876839, 0.5063656411097588], [-0.5063656411097588, 0.8623188722876839]], dtype: .float64)
    #expect(near(turn.matrixExp(), expected, 1e-11))
    #expect(near(Tensor.zeros(3, 2, 2, dtype: .float64).matrixExp(), Tensor.eye(2, dtype: .float64).expand(3, 2, 2)))
    let mixed = stack([turn, turn * 0, turn / 100])
    let all = mixed.matrixExp()
    for i in 0..<3 { #expect(near(all[i], mixed[i].matrixExp(), 1e-11)) }
    #expect(Tensor([[Double.nan]]).matrixExp().item().isNaN)
  }
}
