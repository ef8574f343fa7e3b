import FirecrestCore
import FirecrestIO
import FirecrestOptim
import Foundation
import TestSupport
import Testing

/// The optimizers of optim.npz, with the settings of make_optim.py.
struct OptimizerCase: CustomTestStringConvertible, Sendable {
  let name: String
  let make: @Sendable ([Tensor]) -> Optimizer
  /// The error of float32 that is let pass on CPUs without fused multiply-add, where rounding differs from the
  /// goldens'. Centered, RMSprop takes a root of the difference of numbers that may be nearly equal.
  let error: Double
  var testDescription: String { name }

  init(_ name: String, error: Double = 1e-6, _ make: @escaping @Sendable ([Tensor]) -> Optimizer) {
    self.name = name
    self.error = error
    self.make = make
  }

  static let all: [OptimizerCase] = [
    .init("sgd") { SGD($0, lr: 0.1) },
    .init("sgd_momentum") { SGD($0, lr: 0.1, momentum: 0.9) },
    .init("sgd_dampening") { SGD($0, lr: 0.1, momentum: 0.9, dampening: 0.3) },
    .init("sgd_nesterov") { SGD($0, lr: 0.1, momentum: 0.8, nesterov: true) },
    .init("sgd_decay") { SGD($0, lr: 0.1, weightDecay: 0.05) },
    .init("sgd_all") { SGD($0, lr: 0.03, momentum: 0.8, weightDecay: 0.05, nesterov: true, maximize: true) },
    .init("sgd_maximize") { SGD($0, lr: 0.1, maximize: true) },
    .init("adam") { Adam($0, lr: 0.01) },
    .init("adam_betas") { Adam($0, lr: 0.01, betas: (0.4, 0.3)) },
    .init("adam_eps") { Adam($0, lr: 0.01, eps: 0.1) },
    .init("adam_decay") { Adam($0, lr: 0.01, weightDecay: 0.1) },
    .init("adam_amsgrad") { Adam($0, lr: 0.01, betas: (0.9, 0.8), amsgrad: true) },
    .init("adam_all") { Adam($0, lr: 0.01, betas: (0.9, 0.8), weightDecay: 0.1, amsgrad: true, maximize: true) },
    .init("adam_maximize") { Adam($0, lr: 0.01, maximize: true) },
    .init("adamw") { AdamW($0, lr: 0.01) },
    .init("adamw_decay") { AdamW($0, lr: 0.02, weightDecay: 0.5) },
    .init("adamw_amsgrad") { AdamW($0, lr: 0.01, betas: (0.9, 0.8), amsgrad: true) },
    .init("adamw_maximize") { AdamW($0, lr: 0.01, maximize: true) },
    .init("rmsprop") { RMSprop($0, lr: 0.01) },
    .init("rmsprop_alpha") { RMSprop($0, lr: 0.01, alpha: 0.3, eps: 1e-3) },
    .init("rmsprop_momentum") { RMSprop($0, lr: 0.01, momentum: 0.9) },
    .init("rmsprop_centered") { RMSprop($0, lr: 0.01, centered: true) },
    .init("rmsprop_decay") { RMSprop($0, lr: 0.01, weightDecay: 0.1) },
    .init("rmsprop_all", error: 1e-4) {
      RMSprop($0, lr: 0.01, alpha: 0.4, weightDecay: 0.1, momentum: 0.7, centered: true, maximize: true)
    },
    .init("adagrad") { Adagrad($0, lr: 0.1) },
    .init("adagrad_decay") { Adagrad($0, lr: 0.1, lrDecay: 0.02, weightDecay: 0.1) },
    .init("adagrad_start") { Adagrad($0, lr: 0.1, initialAccumulatorValue: 0.5, eps: 1e-2) },
    .init("adagrad_maximize") { Adagrad($0, lr: 0.1, maximize: true) },
  ]
}

/// The parameters and gradients of optim.npz, and PyTorch's results.
struct OptimizerGoldens: Sendable {
  static let shared = try! OptimizerGoldens()
  static let steps = 50

  let file: NamedTensors

  init() throws { file = try loadNpz(fixtures.appendingPathComponent("optim.npz").path) }

  /// Fresh parameters.
  func parameters(_ dtype: DType) -> [Tensor] {
    (0..<3).map { file["initial.\($0)"]!.to(dtype).clone().requiresGrad(true) }
  }

  /// Puts the gradients of one step in place; parameter 2 has none in every third.
  func setGradients(_ parameters: [Tensor], step: Int) {
    for (i, parameter) in parameters.enumerated() {
      let isSkipped = i == 2 && step % 3 == 1
      parameter.grad = isSkipped ? nil : file["gradient.\(i)"]![step].to(parameter.dtype).clone()
    }
  }

  /// Makes steps `range` and returns nothing: the parameters change.
  func run(_ optimizer: Optimizer, _ parameters: [Tensor], _ range: Range<Int> = 0..<steps) {
    for step in range {
      setGradients(parameters, step: step)
      optimizer.step()
    }
  }
}

/// The bits of all elements of some tensors, as float64. A failed test shows them as one number.
struct Bits: Equatable, CustomTestStringConvertible {
  private var data = Data()
  var testDescription: String { "\(data.count) bytes, hash \(data.hashValue)" }

  init(_ tensors: [Tensor]) {
    for tensor in tensors {
      noGrad { tensor.to(.float64).contiguous() }.withElements(Double.self) { data.append(UnsafeBufferPointer($0)) }
    }
  }
}

func bits(_ tensors: [Tensor]) -> Bits { Bits(tensors) }

/// Whether two states have the same names, types, shapes and bits.
func isSame(_ a: NamedTensors, _ b: NamedTensors) -> Bool {
  a.names == b.names
    && zip(a, b).allSatisfy { x, y in
      x.tensor.dtype == y.tensor.dtype && x.tensor.shape == y.tensor.shape && bits([x.tensor]) == bits([y.tensor])
    }
}
