"""Writes nn.json: what PyTorch's modules print, what their states hold, what they compute.

Usage: make_nn.py [--out nn.json]

  {"torch": "2.13.0",
   "networks": [{"name": "mlp", "repr": "Net(...)", "parameters": 101770,
                 "names": ["fc1.weight", ...]             of named_parameters, shared ones once
                 "state": [["fc1.weight", [128, 784]], ...]}],
   "layers": [{"name": "linear", "repr": "Linear(...)",
               "state": {"weight": TENSOR, ...}           in order, before the calls
               "training": true, "calls": 1,              how often forward ran with the same inputs
               "inputs": [TENSOR, ...], "outputs": TENSOR of the last call
               "cotangent": TENSOR                        the gradient given to the output
               "gradients": {"input.0": TENSOR, "weight": TENSOR}      absent: no gradient
               "buffers": {"running_mean": TENSOR, ...}}]}             after the calls

TENSOR is {"dtype": "float64", "shape": [2, 3], "values": [...]}, row major.
"""
import argparse
import json
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
NETWORKS, LAYERS = [], []


def fill(shape, seed):
    """Numbers in (-1, 1) that look random, the same in every version of PyTorch; four decimals."""
    count = math.prod(shape)
    return torch.tensor([((i * 7919 + seed * 104729 + 12345) % 10007 - 5003) / 5004 for i in range(count)]
                        ).mul(10000).round().div(10000).reshape(shape)


def encode(t):
    dtype = str(t.dtype).removeprefix("torch.")
    return {"dtype": dtype, "shape": list(t.shape), "values": t.detach().flatten().tolist()}


# Networks: names and printing.

def network(name, module):
    state = [[key, list(value.shape)] for key, value in module.state_dict().items()]
    NETWORKS.append({"name": name, "repr": repr(module), "state": state,
                     "names": [key for key, _ in module.named_parameters()],
                     "parameters": sum(p.numel() for p in module.parameters())})


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(784, 128), nn.Linear(128, 10)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))


class ResidualNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding="same")
        self.blocks = nn.ModuleList(Residual(4) for _ in range(3))
        self.pool_out = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(4, 10)


class Mixed(nn.Module):
    """Parameters of its own, declared after and between children."""

    def __init__(self):
        super().__init__()
        self.inner_layer = nn.Linear(2, 3)
        self.scale_factor = nn.Parameter(torch.ones(3))
        self.register_buffer("step_count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("cache", torch.zeros(5), persistent=False)
        self.W_q = nn.Linear(3, 3, bias=False)
        self.register_parameter("shift", None)
        self.offset = nn.Parameter(torch.zeros(2, 2))


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleDict({"left": nn.Linear(2, 3), "right": nn.Sequential(nn.Linear(2, 3), nn.ReLU())})
        self.empty = nn.ModuleList()
        self.mixed = nn.ModuleList([nn.ReLU(), nn.Linear(2, 2), nn.Linear(2, 2), nn.Tanh()])


class Shared(nn.Module):
    """One module under two names, and one parameter in two modules."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 4)
        self.decoder = self.encoder
        self.table = nn.Embedding(4, 4)
        self.output = nn.Linear(4, 4, bias=False)
        self.output.weight = self.table.weight


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.gain = nn.Parameter(torch.ones(2))


class Derived(Base):
    def __init__(self):
        super().__init__()
        self.second = nn.Linear(2, 1)
        self.bias = nn.Parameter(torch.zeros(1))

    def extra_repr(self):
        return "two\nlines"


class Noted(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.ReLU()

    def extra_repr(self):
        return "size=3"


class Empty(nn.Module):
    pass


def networks():
    network("mlp", Net())
    network("lenet", LeNet())
    network("residual", ResidualNet())
    network("mixed", Mixed())
    network("branches", Branches())
    network("shared", Shared())
    network("derived", Derived())
    network("noted", Noted())
    network("empty", Empty())
    network("sequential", nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10),
                                        nn.LogSoftmax(dim=1)))
    named = nn.Sequential()
    named.add_module("fc", nn.Linear(3, 4))
    named.add_module("norm", nn.BatchNorm1d(4))
    named.add_module("inner", nn.Sequential(nn.Linear(4, 4), nn.Tanh()))
    network("named", named)
    network("nothing", nn.Sequential())
    network("cnn", nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)))


# Layers and losses: results and gradients.

def layer(name, module, *inputs, training=True, calls=1, constants=()):
    """`inputs` are shapes, or tensors; the gradient is taken of all floating ones but those at `constants`."""
    for i, (key, value) in enumerate(module.state_dict().items()):
        if key.endswith("num_batches_tracked"):
            continue
        numbers = fill(value.shape, 20 + i)
        if key.endswith("running_var") or name.startswith(("cross", "nll", "bce")):
            numbers = numbers.abs() + 0.5
        value.copy_(numbers)
    module.train(training)
    record = {"name": name, "repr": repr(module), "training": training, "calls": calls,
              "state": {key: encode(value) for key, value in module.state_dict().items()}}
    tensors = []
    for i, x in enumerate(inputs):
        x = x if torch.is_tensor(x) else fill(x, 1 + i)
        x = x.clone().detach()
        tensors.append(x.requires_grad_() if x.is_floating_point() and i not in constants else x)
    record["inputs"] = [encode(x) for x in tensors]
    for _ in range(calls):
        y = module(*tensors)
    cotangent = fill(y.shape, 7)
    record["outputs"], record["cotangent"] = encode(y), encode(cotangent)
    named = {f"input.{i}": x for i, x in enumerate(tensors) if x.requires_grad} | dict(module.named_parameters())
    gradients = torch.autograd.grad(y, list(named.values()), cotangent, allow_unused=True) if y.requires_grad else []
    record["gradients"] = {key: encode(g) for key, g in zip(named, gradients) if g is not None}
    record["buffers"] = {key: encode(b) for key, b in module.named_buffers()}
    LAYERS.append(record)


def activations():
    x = fill((2, 6), 3) * 4
    for name, module in (
            ("relu", nn.ReLU()), ("relu6", nn.ReLU6()), ("leakyRelu", nn.LeakyReLU()),
            ("leakyReluSteep", nn.LeakyReLU(0.2)), ("elu", nn.ELU()), ("eluHalf", nn.ELU(0.5)), ("selu", nn.SELU()),
            ("celu", nn.CELU(2.0)), ("gelu", nn.GELU()), ("geluTanh", nn.GELU(approximate="tanh")), ("silu", nn.SiLU()),
            ("mish", nn.Mish()), ("sigmoid", nn.Sigmoid()), ("logSigmoid", nn.LogSigmoid()), ("tanh", nn.Tanh()),
            ("softsign", nn.Softsign()), ("tanhshrink", nn.Tanhshrink()), ("hardswish", nn.Hardswish()),
            ("hardsigmoid", nn.Hardsigmoid()), ("softplus", nn.Softplus()), ("softplusSharp", nn.Softplus(2.0, 3.0)),
            ("hardtanh", nn.Hardtanh()), ("hardtanhWide", nn.Hardtanh(-2.0, 0.5)), ("softshrink", nn.Softshrink()),
            ("softshrinkWide", nn.Softshrink(1.5)), ("hardshrink", nn.Hardshrink()),
            ("threshold", nn.Threshold(0.1, 20.0)), ("glu", nn.GLU()), ("gluFirst", nn.GLU(dim=0)),
            ("softmax", nn.Softmax(dim=1)),
            ("logSoftmax", nn.LogSoftmax(dim=-1)), ("softmin", nn.Softmin(dim=0)), ("prelu", nn.PReLU()),
            ("identity", nn.Identity())):
        layer(name, module, x)
    layer("preluChannels", nn.PReLU(3), (2, 3, 2))


def shaping():
    layer("flatten", nn.Flatten(), (2, 3, 2))
    layer("flattenFirst", nn.Flatten(0, 1), (2, 3, 2))
    layer("unflatten", nn.Unflatten(1, (2, 3)), (2, 6))
    for name, module in (("dropout", nn.Dropout()), ("dropout1d", nn.Dropout1d(0.2)), ("dropout2d", nn.Dropout2d(0.2)),
                         ("alphaDropout", nn.AlphaDropout(0.1)), ("featureAlphaDropout", nn.FeatureAlphaDropout())):
        layer(name, module, (2, 3, 2, 2) if name == "dropout2d" else (2, 3, 4), training=False)


def weighted():
    layer("linear", nn.Linear(4, 3), (2, 4))
    layer("linearNoBias", nn.Linear(4, 3, bias=False), (2, 2, 4))
    layer("bilinear", nn.Bilinear(3, 2, 4), (2, 3), (2, 2))
    layer("embedding", nn.Embedding(5, 3), torch.tensor([[0, 4], [2, 2]]))
    layer("embeddingPadding", nn.Embedding(5, 3, padding_idx=2), torch.tensor([0, 4, 2, 2]))
    layer("embeddingFrequency", nn.Embedding(5, 3, padding_idx=-1, scale_grad_by_freq=True), torch.tensor([0, 4, 2, 2]))


def convolutions():
    layer("conv1d", nn.Conv1d(2, 3, 3, stride=2, padding=1), (2, 2, 6))
    layer("conv1dSame", nn.Conv1d(2, 2, 3, padding="same", dilation=2, bias=False), (1, 2, 7))
    layer("conv2d", nn.Conv2d(2, 3, 3), (2, 2, 5, 4))
    layer("conv2dStride", nn.Conv2d(2, 3, 3, stride=2, padding=1), (2, 2, 5, 5))
    layer("conv2dPairs", nn.Conv2d(1, 2, (3, 2), stride=(2, 1), padding=(0, 1), dilation=(1, 2)), (1, 1, 6, 5))
    layer("conv2dSame", nn.Conv2d(2, 2, 3, padding="same", dilation=2), (1, 2, 5, 5))
    layer("conv2dSameEven", nn.Conv2d(1, 2, 4, padding="same"), (1, 1, 5, 5))
    layer("conv2dGroups", nn.Conv2d(4, 4, 3, groups=2, bias=False), (1, 4, 4, 4))
    layer("conv2dDepthwise", nn.Conv2d(3, 6, 3, groups=3, padding=1), (1, 3, 4, 4))
    layer("maxPool", nn.MaxPool2d(2), (1, 2, 5, 4))
    layer("maxPoolPairs", nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0)), (1, 2, 6, 5))
    layer("maxPoolCeil", nn.MaxPool2d(2, stride=2, ceil_mode=True), (1, 1, 5, 5))
    layer("maxPoolDilated", nn.MaxPool2d(2, stride=1, dilation=2), (1, 1, 5, 5))
    layer("avgPool", nn.AvgPool2d(2), (1, 2, 5, 4))
    layer("avgPoolPadded", nn.AvgPool2d(3, stride=2, padding=1), (1, 2, 5, 5))
    layer("avgPoolCount", nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), (1, 2, 5, 5))
    layer("adaptivePool", nn.AdaptiveAvgPool2d(1), (2, 2, 4, 3))
    layer("adaptivePoolColumns", nn.AdaptiveAvgPool2d((None, 2)), (1, 2, 3, 5))
    layer("adaptivePoolPairs", nn.AdaptiveAvgPool2d((2, 3)), (1, 2, 5, 7))


def normalizations():
    for training in (True, False):
        kind = "Training" if training else "Evaluation"
        layer(f"batchNorm1d{kind}", nn.BatchNorm1d(3), (4, 3), training=training, calls=2)
        layer(f"batchNorm2d{kind}", nn.BatchNorm2d(2), (2, 2, 2, 3), training=training, calls=2)
        layer(f"batchNormMean{kind}", nn.BatchNorm1d(2, momentum=None), (3, 2, 2), training=training, calls=3)
        layer(f"batchNormPlain{kind}", nn.BatchNorm2d(2, affine=False, track_running_stats=False), (2, 2, 2, 2),
              training=training)
        layer(f"instanceNorm{kind}", nn.InstanceNorm2d(2), (2, 2, 2, 3), training=training)
        layer(f"instanceNormTracked{kind}", nn.InstanceNorm2d(2, affine=True, track_running_stats=True), (2, 2, 2, 3),
              training=training)
    layer("batchNormNoBias", nn.BatchNorm1d(3, eps=0.01, momentum=0.3, bias=False), (4, 3))
    layer("layerNorm", nn.LayerNorm(4), (2, 3, 4))
    layer("layerNormTwo", nn.LayerNorm((3, 2), eps=0.01, bias=False), (2, 3, 2))
    layer("layerNormPlain", nn.LayerNorm(4, elementwise_affine=False), (2, 4))
    layer("groupNorm", nn.GroupNorm(2, 4), (2, 4, 3))
    layer("groupNormPlain", nn.GroupNorm(3, 3, affine=False), (2, 3, 2, 2))
    layer("rmsNorm", nn.RMSNorm(4), (2, 4))
    layer("rmsNormEps", nn.RMSNorm((2, 2), eps=0.1, elementwise_affine=False), (2, 2, 2))


def losses():
    logits, real = fill((4, 3), 1) * 3, fill((4, 3), 2)
    classes = torch.tensor([0, 2, 1, 2])
    ignored = torch.tensor([0, -100, 1, 2])
    probabilities = F.softmax(fill((4, 3), 5) * 2, dim=1)
    ones = torch.where(real > 0, 1.0, -1.0)
    hits = (real > 0).double()

    def weight():
        return torch.ones(3)

    for reduction in ("mean", "sum", "none"):
        kind = reduction.capitalize()
        layer(f"mse{kind}", nn.MSELoss(reduction=reduction), logits, real)
        layer(f"cross{kind}", nn.CrossEntropyLoss(reduction=reduction), logits, classes)
        layer(f"crossWeighted{kind}",
              nn.CrossEntropyLoss(weight=weight(), label_smoothing=0.1, reduction=reduction), logits, ignored)
        layer(f"crossProbabilities{kind}", nn.CrossEntropyLoss(label_smoothing=0.2, reduction=reduction), logits,
              probabilities, constants=(1,))
        layer(f"nll{kind}", nn.NLLLoss(weight=weight(), ignore_index=2, reduction=reduction),
              F.log_softmax(logits, 1), classes)
        layer(f"bceLogits{kind}", nn.BCEWithLogitsLoss(weight=weight(), pos_weight=weight(), reduction=reduction),
              logits, hits, constants=(1,))
        layer(f"klDiv{kind}", nn.KLDivLoss(reduction=reduction), F.log_softmax(logits, 1), probabilities)
    layer("l1", nn.L1Loss(), logits, real)
    layer("smoothL1", nn.SmoothL1Loss(beta=0.5), logits, real)
    layer("huber", nn.HuberLoss(delta=2.0), logits, real)
    layer("bce", nn.BCELoss(), torch.sigmoid(logits), hits, constants=(1,))
    layer("bceWeighted", nn.BCELoss(weight=weight(), reduction="sum"), torch.sigmoid(logits), probabilities)
    layer("klDivBatchMean", nn.KLDivLoss(reduction="batchmean"), F.log_softmax(logits, 1), probabilities)
    layer("klDivLog", nn.KLDivLoss(log_target=True), F.log_softmax(logits, 1), probabilities.log())
    layer("crossImages", nn.CrossEntropyLoss(ignore_index=1), (2, 3, 2, 2),
          torch.arange(8).remainder(3).reshape(2, 2, 2))
    layer("gaussian", nn.GaussianNLLLoss(full=True), logits, real, fill((4, 3), 9).abs() + 0.1)
    layer("poisson", nn.PoissonNLLLoss(full=True), logits, fill((4, 3), 9).abs() * 5, constants=(1,))
    layer("softMargin", nn.SoftMarginLoss(), logits, ones, constants=(1,))
    layer("hinge", nn.HingeEmbeddingLoss(margin=1.5), logits, ones, constants=(1,))
    layer("ranking", nn.MarginRankingLoss(margin=0.5), logits, real, ones, constants=(2,))
    layer("cosine", nn.CosineEmbeddingLoss(margin=0.2), logits, real, torch.tensor([1.0, -1.0, 1.0, -1.0]),
          constants=(2,))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=Path(__file__).parent / "nn.json")
    out = Path(parser.parse_args().out)
    for part in (networks, activations, shaping, weighted, convolutions, normalizations, losses):
        part()
    lines = [json.dumps(entry, separators=(",", ":")) for entry in NETWORKS]
    more = [json.dumps(entry, separators=(",", ":")) for entry in LAYERS]
    out.write_text('{"torch": "%s", "networks": [\n%s\n], "layers": [\n%s\n]}\n' % (
        torch.__version__.split("+")[0], ",\n".join(lines), ",\n".join(more)))
    print(f"{out}: {len(NETWORKS)} networks, {len(LAYERS)} layers, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
