import Firecrest

/// The layer or loss that `make_nn.py` calls by this name.
func makeLayer(_ name: String) -> (any Module)? {
  activation(name) ?? layer(name) ?? convolution(name) ?? normalization(name) ?? loss(name)
}

private func activation(_ name: String) -> (any Module)? {
  switch name {
  case "relu": ReLU()
  case "relu6": ReLU6()
  case "leakyRelu": LeakyReLU()
  case "leakyReluSteep": LeakyReLU(0.2)
  case "elu": ELU()
  case "eluHalf": ELU(alpha: 0.5)
  case "selu": SELU()
  case "celu": CELU(alpha: 2)
  case "gelu": GELU()
  case "geluTanh": GELU(approximate: true)
  case "silu": SiLU()
  case "mish": Mish()
  case "sigmoid": Sigmoid()
  case "logSigmoid": LogSigmoid()
  case "tanh": Tanh()
  case "softsign": Softsign()
  case "tanhshrink": Tanhshrink()
  case "hardswish": Hardswish()
  case "hardsigmoid": Hardsigmoid()
  case "softplus": Softplus()
  case "softplusSharp": Softplus(beta: 2, threshold: 3)
  case "hardtanh": Hardtanh()
  case "hardtanhWide": Hardtanh(min: -2, max: 0.5)
  case "softshrink": Softshrink()
  case "softshrinkWide": Softshrink(1.5)
  case "hardshrink": Hardshrink()
  case "threshold": Threshold(0.1, value: 20)
  case "glu": GLU()
  case "gluFirst": GLU(dim: 0)
  case "softmax": Softmax(dim: 1)
  case "logSoftmax": LogSoftmax(dim: -1)
  case "softmin": Softmin(dim: 0)
  case "prelu": PReLU()
  case "preluChannels": PReLU(3)
  default: nil
  }
}

private func layer(_ name: String) -> (any Module)? {
  switch name {
  case "identity": Identity()
  case "flatten": Flatten()
  case "flattenFirst": Flatten(startDim: 0, endDim: 1)
  case "unflatten": Unflatten(dim: 1, [2, 3])
  case "dropout": Dropout()
  case "dropout1d": Dropout1d(p: 0.2)
  case "dropout2d": Dropout2d(p: 0.2)
  case "alphaDropout": AlphaDropout(p: 0.1)
  case "featureAlphaDropout": FeatureAlphaDropout()
  case "linear": Linear(4, 3)
  case "linearNoBias": Linear(4, 3, bias: false)
  case "bilinear": Bilinear(3, 2, 4)
  case "embedding": Embedding(5, 3)
  case "embeddingPadding": Embedding(5, 3, paddingIndex: 2)
  case "embeddingFrequency": Embedding(5, 3, paddingIndex: -1, scaleGradByFrequency: true)
  default: nil
  }
}

private func convolution(_ name: String) -> (any Module)? {
  switch name {
  case "conv1d": Conv1d(2, 3, kernelSize: 3, stride: 2, padding: 1)
  case "conv1dSame": Conv1d(2, 2, kernelSize: 3, padding: .same, dilation: 2, bias: false)
  case "conv2d": Conv2d(2, 3, kernelSize: 3)
  case "conv2dStride": Conv2d(2, 3, kernelSize: 3, stride: 2, padding: 1)
  case "conv2dPairs": Conv2d(1, 2, kernelSize: [3, 2], stride: [2, 1], padding: [0, 1], dilation: [1, 2])
  case "conv2dSame": Conv2d(2, 2, kernelSize: 3, padding: .same, dilation: 2)
  case "conv2dSameEven": Conv2d(1, 2, kernelSize: 4, padding: .same)
  case "conv2dGroups": Conv2d(4, 4, kernelSize: 3, groups: 2, bias: false)
  case "conv2dDepthwise": Conv2d(3, 6, kernelSize: 3, padding: 1, groups: 3)
  case "maxPool": MaxPool2d(kernelSize: 2)
  case "maxPoolPairs": MaxPool2d(kernelSize: [3, 2], stride: [2, 1], padding: [1, 0])
  case "maxPoolCeil": MaxPool2d(kernelSize: 2, stride: 2, ceilMode: true)
  case "maxPoolDilated": MaxPool2d(kernelSize: 2, stride: 1, dilation: 2)
  case "avgPool": AvgPool2d(kernelSize: 2)
  case "avgPoolPadded": AvgPool2d(kernelSize: 3, stride: 2, padding: 1)
  case "avgPoolCount": AvgPool2d(kernelSize: 3, stride: 2, padding: 1, countIncludePad: false)
  case "adaptivePool": AdaptiveAvgPool2d(1)
  case "adaptivePoolColumns": AdaptiveAvgPool2d([nil, 2])
  case "adaptivePoolPairs": AdaptiveAvgPool2d([2, 3])
  default: nil
  }
}

private func normalization(_ name: String) -> (any Module)? {
  switch name {
  case "batchNorm1dTraining", "batchNorm1dEvaluation": BatchNorm1d(3)
  case "batchNorm2dTraining", "batchNorm2dEvaluation": BatchNorm2d(2)
  case "batchNormMeanTraining", "batchNormMeanEvaluation": BatchNorm1d(2, momentum: nil)
  case "batchNormPlainTraining", "batchNormPlainEvaluation":
    BatchNorm2d(2, affine: false, trackRunningStats: false)
  case "instanceNormTraining", "instanceNormEvaluation": InstanceNorm2d(2)
  case "instanceNormTrackedTraining", "instanceNormTrackedEvaluation":
    InstanceNorm2d(2, affine: true, trackRunningStats: true)
  case "batchNormNoBias": BatchNorm1d(3, eps: 0.01, momentum: 0.3, bias: false)
  case "layerNorm": LayerNorm(4)
  case "layerNormTwo": LayerNorm([3, 2], eps: 0.01, bias: false)
  case "layerNormPlain": LayerNorm(4, elementwiseAffine: false)
  case "groupNorm": GroupNorm(2, 4)
  case "groupNormPlain": GroupNorm(3, 3, affine: false)
  case "rmsNorm": RMSNorm(4)
  case "rmsNormEps": RMSNorm([2, 2], eps: 0.1, elementwiseAffine: false)
  default: nil
  }
}

private func loss(_ name: String) -> (any Module)? {
  for (ending, reduction) in [("Mean", Reduction.mean), ("Sum", .sum), ("None", .none)] where name.hasSuffix(ending) {
    switch name.dropLast(ending.count) {
    case "mse": return MSELoss(reduction: reduction)
    case "cross": return CrossEntropyLoss(reduction: reduction)
    case "crossWeighted":
      return CrossEntropyLoss(weight: Tensor.ones(3), labelSmoothing: 0.1, reduction: reduction)
    case "crossProbabilities": return CrossEntropyLoss(labelSmoothing: 0.2, reduction: reduction)
    case "nll": return NLLLoss(weight: Tensor.ones(3), ignoreIndex: 2, reduction: reduction)
    case "bceLogits":
      return BCEWithLogitsLoss(weight: Tensor.ones(3), posWeight: Tensor.ones(3), reduction: reduction)
    default: break
    }
  }
  switch name {
  case "l1": return L1Loss()
  case "smoothL1": return SmoothL1Loss(beta: 0.5)
  case "huber": return HuberLoss(delta: 2)
  case "bce": return BCELoss()
  case "bceWeighted": return BCELoss(weight: Tensor.ones(3), reduction: .sum)
  case "klDivMean": return KLDivLoss()
  case "klDivSum": return KLDivLoss(reduction: .sum)
  case "klDivNone": return KLDivLoss(reduction: .none)
  case "klDivBatchMean": return KLDivLoss(reduction: .batchMean)
  case "klDivLog": return KLDivLoss(logTarget: true)
  case "crossImages": return CrossEntropyLoss(ignoreIndex: 1)
  case "gaussian": return GaussianNLLLoss(full: true)
  case "poisson": return PoissonNLLLoss(full: true)
  case "softMargin": return SoftMarginLoss()
  case "hinge": return HingeEmbeddingLoss(margin: 1.5)
  case "ranking": return MarginRankingLoss(margin: 0.5)
  case "cosine": return CosineEmbeddingLoss(margin: 0.2)
  default: return nil
  }
}
