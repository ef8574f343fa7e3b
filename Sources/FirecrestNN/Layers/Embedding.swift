import FirecrestCore

/// A vector for each number 0 ..< count: the rows of a matrix that is learned (PyTorch's `nn.Embedding`).
///
/// Input: integers of any shape; output: that shape with `embeddingDim` behind. The rows begin as normal numbers.
public final class Embedding: Layer {
  /// The number of rows.
  public let numEmbeddings: Int
  /// The length of a row.
  public let embeddingDim: Int
  /// A row that begins as zeros and gets no gradient, which padding uses.
  public let paddingIndex: Int?
  /// Whether gradients are divided by how often a row occurs.
  public let scaleGradByFrequency: Bool
  /// [numEmbeddings, embeddingDim]
  @Parameter public var weight: Tensor

  /// A layer with random rows.
  ///
  /// - Parameters:
  ///   - numEmbeddings: The number of rows.
  ///   - embeddingDim: The length of a row.
  ///   - paddingIndex: A row that begins as zeros and gets no gradient (PyTorch's `padding_idx`); a negative one counts
  ///     from the end.
  ///   - scaleGradByFrequency: Whether gradients are divided by how often a row occurs in the input.
  public convenience init(
    _ numEmbeddings: Int, _ embeddingDim: Int, paddingIndex: Int? = nil, scaleGradByFrequency: Bool = false
  ) {
    checkSizes("Embedding", [("numEmbeddings", numEmbeddings), ("embeddingDim", embeddingDim)])
    let weight = Init.normal(Tensor.empty([numEmbeddings, embeddingDim]))
    self.init(weight: weight, freeze: false, paddingIndex: paddingIndex, scaleGradByFrequency: scaleGradByFrequency)
    if let row = self.paddingIndex { noGrad { weight.select(dim: 0, row).fill(0) } }
  }

  /// A layer with given rows (PyTorch's `Embedding.from_pretrained`).
  ///
  /// - Parameters:
  ///   - weight: [numEmbeddings, embeddingDim]; used as it is, not copied.
  ///   - freeze: Whether the rows stay as they are, as in PyTorch unless told otherwise.
  ///   - paddingIndex: A row that gets no gradient; a negative one counts from the end.
  ///   - scaleGradByFrequency: Whether gradients are divided by how often a row occurs in the input.
  public init(weight: Tensor, freeze: Bool = true, paddingIndex: Int? = nil, scaleGradByFrequency: Bool = false) {
    if weight.rank != 2 { stop("Embedding", "the weight must be a matrix", [weight]) }
    let count = weight.shape[0]
    if let paddingIndex, paddingIndex < -count || paddingIndex >= count {
      stop("Embedding", "paddingIndex \(paddingIndex) is out of range for \(count) rows", [weight])
    }
    numEmbeddings = count
    embeddingDim = weight.shape[1]
    self.paddingIndex = paddingIndex.map { $0 < 0 ? $0 + count : $0 }
    self.scaleGradByFrequency = scaleGradByFrequency
    self.weight = weight
    if freeze { self.weight.requiresGrad = false }
  }

  /// The rows that the indices name.
  public func forward(_ indices: Tensor) -> Tensor {
    embedding(indices, weight, paddingIndex: paddingIndex, scaleGradByFrequency: scaleGradByFrequency)
  }

  /// The sizes, as PyTorch prints them.
  public var extraDescription: String {
    "\(numEmbeddings), \(embeddingDim)" + (paddingIndex.map { ", padding_idx=\($0)" } ?? "")
      + (scaleGradByFrequency ? ", scale_grad_by_freq=True" : "")
  }
}

extension Embedding: KnownFields {
  var knownSlots: [(name: String, slot: any TensorSlot)] { [("weight", _weight)] }
}
