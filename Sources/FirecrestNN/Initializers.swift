import FirecrestCore
import Foundation

/// Sets tensors to initial values, in place and outside of autograd (PyTorch's `nn.init`). All functions return the
/// tensor that they were given.
///
/// ```swift
/// net.apply { if let layer = $0 as? Linear { Init.kaimingNormal(layer.weight, nonlinearity: .relu) } }
/// ```
///
/// Random ones draw from the shared generator, which `manualSeed` seeds, unless they are given another.
public enum Init {
  /// What follows a layer, which decides how large its weights should be.
  public enum Nonlinearity: Sendable {
    /// Nothing.
    case linear
    /// `Sigmoid`.
    case sigmoid
    /// `Tanh`.
    case tanh
    /// `ReLU`.
    case relu
    /// `LeakyReLU`, with a negative slope that is given beside it.
    case leakyReLU
    /// `SELU`.
    case selu
  }

  /// Which count of connections keeps its variance.
  public enum FanMode: Sendable {
    /// The inputs of a unit: keeps the size of activations in the forward pass.
    case fanIn
    /// The outputs that an input reaches: keeps the size of gradients in the backward pass.
    case fanOut
  }

  /// The factor by which weights must be larger to make up for what the nonlinearity takes (PyTorch's
  /// `calculate_gain`).
  ///
  /// - Parameters:
  ///   - nonlinearity: What follows the layer.
  ///   - negativeSlope: The slope of `.leakyReLU`.
  public static func calculateGain(_ nonlinearity: Nonlinearity, negativeSlope: Double = 0.01) -> Double {
    switch nonlinearity {
    case .linear, .sigmoid: 1
    case .tanh: 5.0 / 3
    case .relu: 2.0.squareRoot()
    case .leakyReLU: (2 / (1 + negativeSlope * negativeSlope)).squareRoot()
    case .selu: 0.75
    }
  }

  /// The inputs of a unit and the outputs that an input reaches, of a weight [out, in, …] whose further dimensions are
  /// a kernel's.
  static func fans(_ weight: Tensor, _ operation: String) -> (fanIn: Int, fanOut: Int) {
    if weight.rank < 2 {
      stop(operation, "a tensor with fewer than 2 dimensions has no fan", [weight], help: "a weight is [out, in, …]")
    }
    let field = weight.shape.dropFirst(2).reduce(1, *)
    return (weight.shape[1] * field, weight.shape[0] * field)
  }
}

extension Init {
  /// Numbers uniform in [low, high).
  @discardableResult
  public static func uniform(
    _ tensor: Tensor, from low: Double = 0, to high: Double = 1, generator: Generator? = nil
  ) -> Tensor {
    noGrad { tensor.fillUniform(from: low, to: high, generator: generator) }
    return tensor
  }

  /// Normal numbers.
  @discardableResult
  public static func normal(
    _ tensor: Tensor, mean: Double = 0, std: Double = 1, generator: Generator? = nil
  ) -> Tensor {
    noGrad { tensor.fillNormal(mean: mean, std: std, generator: generator) }
    return tensor
  }

  /// Normal numbers between `low` and `high`: those outside are as if drawn again (PyTorch's `trunc_normal_`).
  ///
  /// - Parameters:
  ///   - tensor: What is set.
  ///   - mean: The mean before truncation.
  ///   - std: The standard deviation before truncation.
  ///   - low: The smallest number; PyTorch's `a`.
  ///   - high: The largest number; PyTorch's `b`.
  ///   - generator: Where the random numbers come from.
  @discardableResult
  public static func truncNormal(
    _ tensor: Tensor, mean: Double = 0, std: Double = 1, from low: Double = -2, to high: Double = 2,
    generator: Generator? = nil
  ) -> Tensor {
    if !(std > 0) || !(low < high) {
      stop("truncNormal", "needs std > 0 and from < to, not \(std), \(low) and \(high)", [tensor])
    }
    // 2Φ − 1 at the bounds; uniform numbers between them go back through its inverse.
    let (first, last) = (erf((low - mean) / (std * 2.0.squareRoot())), erf((high - mean) / (std * 2.0.squareRoot())))
    if last - first < 1e-12 {
      stop("truncNormal", "\(low) to \(high) is too far from the mean \(mean) for std \(std)", [tensor])
    }
    noGrad {
      let places = Tensor.empty(tensor.shape, dtype: .float64)
      places.fillUniform(from: first, to: last, generator: generator)
      tensor.copy(from: (places.erfinv() * (std * 2.0.squareRoot()) + mean).clamp(min: low, max: high))
    }
    return tensor
  }

  /// One number everywhere.
  @discardableResult
  public static func constant(_ tensor: Tensor, _ value: Double) -> Tensor {
    noGrad { tensor.fill(value) }
    return tensor
  }

  /// Zeros.
  @discardableResult
  public static func zeros(_ tensor: Tensor) -> Tensor { constant(tensor, 0) }

  /// Ones.
  @discardableResult
  public static func ones(_ tensor: Tensor) -> Tensor { constant(tensor, 1) }

  /// The identity matrix, of a tensor with two dimensions.
  @discardableResult
  public static func eye(_ tensor: Tensor) -> Tensor {
    if tensor.rank != 2 { stop("eye", "needs a matrix", [tensor]) }
    noGrad { tensor.copy(from: Tensor.eye(tensor.shape[0], tensor.shape[1], dtype: tensor.dtype)) }
    return tensor
  }

  /// Uniform in ±gain·√(6 / (fanIn + fanOut)): keeps variances in both directions (Glorot and Bengio, 2010).
  @discardableResult
  public static func xavierUniform(_ tensor: Tensor, gain: Double = 1, generator: Generator? = nil) -> Tensor {
    let (fanIn, fanOut) = fans(tensor, "xavierUniform")
    let bound = gain * (6 / Double(fanIn + fanOut)).squareRoot()
    return uniform(tensor, from: -bound, to: bound, generator: generator)
  }

  /// Normal with the standard deviation gain·√(2 / (fanIn + fanOut)).
  @discardableResult
  public static func xavierNormal(_ tensor: Tensor, gain: Double = 1, generator: Generator? = nil) -> Tensor {
    let (fanIn, fanOut) = fans(tensor, "xavierNormal")
    return normal(tensor, std: gain * (2 / Double(fanIn + fanOut)).squareRoot(), generator: generator)
  }

  /// gain / √fan, the standard deviation that keeps variances behind a nonlinearity (He et al., 2015).
  private static func kaimingDeviation(
    _ tensor: Tensor, _ a: Double, _ mode: FanMode, _ nonlinearity: Nonlinearity, _ operation: String
  ) -> Double {
    let (fanIn, fanOut) = fans(tensor, operation)
    let fan = mode == .fanIn ? fanIn : fanOut
    return fan == 0 ? 0 : calculateGain(nonlinearity, negativeSlope: a) / Double(fan).squareRoot()
  }

  /// Uniform in ±gain·√(3 / fan) (He et al., 2015).
  ///
  /// - Parameters:
  ///   - tensor: A weight [out, in, …].
  ///   - a: The negative slope of `.leakyReLU`.
  ///   - mode: Which fan.
  ///   - nonlinearity: What follows the layer.
  ///   - generator: Where the random numbers come from.
  @discardableResult
  public static func kaimingUniform(
    _ tensor: Tensor, a: Double = 0, mode: FanMode = .fanIn, nonlinearity: Nonlinearity = .leakyReLU,
    generator: Generator? = nil
  ) -> Tensor {
    let bound = 3.0.squareRoot() * kaimingDeviation(tensor, a, mode, nonlinearity, "kaimingUniform")
    return uniform(tensor, from: -bound, to: bound, generator: generator)
  }

  /// Normal with the standard deviation gain / √fan (He et al., 2015).
  ///
  /// - Parameters:
  ///   - tensor: A weight [out, in, …].
  ///   - a: The negative slope of `.leakyReLU`.
  ///   - mode: Which fan.
  ///   - nonlinearity: What follows the layer.
  ///   - generator: Where the random numbers come from.
  @discardableResult
  public static func kaimingNormal(
    _ tensor: Tensor, a: Double = 0, mode: FanMode = .fanIn, nonlinearity: Nonlinearity = .leakyReLU,
    generator: Generator? = nil
  ) -> Tensor {
    let std = kaimingDeviation(tensor, a, mode, nonlinearity, "kaimingNormal")
    return normal(tensor, std: std, generator: generator)
  }

  /// A random matrix with orthonormal rows, or columns where it has more rows than columns; dimensions after the first
  /// count as one (Saxe et al., 2013).
  ///
  /// - Parameters:
  ///   - tensor: At least two dimensions.
  ///   - gain: Scales the result.
  ///   - generator: Where the random numbers come from.
  @discardableResult
  public static func orthogonal(_ tensor: Tensor, gain: Double = 1, generator: Generator? = nil) -> Tensor {
    if tensor.rank < 2 { stop("orthogonal", "needs at least two dimensions", [tensor]) }
    if tensor.elementCount == 0 { return tensor }
    noGrad {
      let rows = tensor.shape[0]
      let columns = tensor.elementCount / rows
      let vectors = Tensor.randn([min(rows, columns), max(rows, columns)], dtype: .float64, generator: generator)
      orthonormalize(vectors)
      let matrix = rows <= columns ? vectors : vectors.T
      tensor.copy(from: (matrix * gain).reshape(tensor.shape))
    }
    return tensor
  }

  /// Makes the rows orthonormal, one after the other, in place: the Q of a QR decomposition whose R has a positive
  /// diagonal, which is what makes random orthogonal matrices uniform. Twice, for what rounding leaves.
  private static func orthonormalize(_ vectors: Tensor) {
    for i in 0..<vectors.shape[0] {
      let row = vectors.select(dim: 0, i)
      if i > 0 {
        let before = vectors.narrow(dim: 0, start: 0, length: i)
        for _ in 0..<2 { row.copy(from: row - before.T.mv(before.mv(row))) }
      }
      row.copy(from: row / row.square().sum().sqrt())
    }
  }

  /// Normal numbers, of which in every column a part is 0 (Martens, 2010).
  ///
  /// - Parameters:
  ///   - tensor: A matrix.
  ///   - sparsity: The part of each column that is 0, rounded up to whole elements.
  ///   - std: The standard deviation of the others.
  ///   - generator: Where the random numbers come from.
  @discardableResult
  public static func sparse(
    _ tensor: Tensor, sparsity: Double, std: Double = 0.01, generator: Generator? = nil
  ) -> Tensor {
    if tensor.rank != 2 { stop("sparse", "needs a matrix", [tensor]) }
    if !(0...1).contains(sparsity) { stop("sparse", "\(sparsity) is not a part of 1", [tensor]) }
    normal(tensor, std: std, generator: generator)
    let (rows, columns) = (tensor.shape[0], tensor.shape[1])
    let zeros = Int((sparsity * Double(rows)).rounded(.up))
    noGrad {
      for column in 0..<columns {
        for row in Tensor.randperm(rows, generator: generator).toArray(Int.self).prefix(zeros) {
          tensor.select(dim: 0, row).select(dim: 0, column).fill(0)
        }
      }
    }
    return tensor
  }

  /// A new weight as PyTorch's linear and convolution layers begin: uniform in ±1/√fanIn.
  static func layerWeight(_ shape: Shape) -> Tensor { kaimingUniform(Tensor.empty(shape), a: 5.0.squareRoot()) }

  /// A new bias beside such a weight: uniform in ±1/√fanIn too.
  static func layerBias(_ weight: Tensor) -> Tensor {
    let fanIn = fans(weight, "bias").fanIn
    let bound = fanIn > 0 ? 1 / Double(fanIn).squareRoot() : 0
    return uniform(Tensor.empty([weight.shape[0]]), from: -bound, to: bound)
  }
}
