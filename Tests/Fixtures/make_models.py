"""Writes models.json, and Models/*.pth: states of torchvision's networks, and what these compute.

Usage: make_models.py [--out .]

  {"torch": "2.13.0", "torchvision": "0.28.0",
   "published": [{"name": "resnet18", "weights": "https://.../resnet18-f37072fd.pth", "parameters": 11689512,
                  "state": SHA256, "names": SHA256, "repr": SHA256}],
   "networks": [{"name": "resnet18", "file": "resnet18-12345678", "size": 64,
                 "logits": [...]                              in evaluation, every 37th, of both images in a row
                 "training": {                                of some
                   "loss": 7.1,                               cross entropy with the classes 3 and 7
                   "gradients": {"conv1.weight": NORM, ...},  of the loss
                   "buffers": {"bn1.running_mean": NORM, ...}}}]}     afterwards

SHA256 is that of lines of text: `name [2, 3]` for each tensor of the state in order, the names of all parameters, or
what the network prints with `ReLU()` for `ReLU(inplace=True)` and types without leading underscores. NORM is the root of
the sum of squares. Results are float64's, for two images [3, size, size] by the formula `fill`; training is float64 too.

A .pth file has a name as published files have, which ends with the first digits of its SHA-256. All its tensors are
windows, overlapping ones, into a few thousand numbers: whole networks in some 100 KB. DenseNet's is written as published
ones are: in the format of before PyTorch 1.6, with names such as `norm.1`, without counts of batches.
"""
import argparse
import hashlib
import io
import json
import math
import re
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

library = torch.library.Library("torchvision", "DEF")
for schema in ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
               "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"):
    library.define(schema)  # the wheel's own ones need CUDA; models need none

import torchvision  # noqa: E402
from torchvision import models  # noqa: E402
from torchvision.models.densenet import DenseNet  # noqa: E402
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet  # noqa: E402

torch.set_num_threads(1)
PUBLISHED = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "wide_resnet50_2",
             "densenet121", "densenet161", "densenet169", "densenet201"]


def fill(shape, seed):
    """Numbers in (-1, 1) that look random, the same in every version of PyTorch."""
    i = torch.arange(math.prod(shape))
    return (((i * 7919 + seed * 104729 + 12345) % 10007 - 5003).double() / 5004).reshape(shape)


def noise(seed, count):
    """Numbers in [-1, 1): splitmix64 of seed and position."""
    z = (np.uint64(seed) << np.uint64(32)) + np.arange(1, count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return torch.from_numpy((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1)


def sha256(lines):
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def describe(name):
    network = getattr(models, name)()
    weights = models.get_model_weights(name).IMAGENET1K_V1
    text = re.sub(r"\b_(?=[A-Z])", "", repr(network).replace("ReLU(inplace=True)", "ReLU()"))
    return {"name": name, "weights": weights.url, "parameters": sum(p.numel() for p in network.parameters()),
            "state": sha256(f"{key} {list(value.shape)}" for key, value in network.state_dict().items()),
            "names": sha256(key for key, _ in network.named_parameters()), "repr": sha256([text])}


# What the numbers of a tensor look like: weights of matrices and kernels small, scales and variances about 1.
ROLES = {"weight": lambda x: 0.09 * x, "scale": lambda x: 1 + 0.25 * x, "shift": lambda x: 0.25 * x,
         "variance": lambda x: 1 + 0.5 * x}


def role(key, value):
    if key.endswith("running_var"):
        return "variance"
    return "weight" if value.dim() > 1 else "scale" if key.endswith("weight") else "shift"


def windows(state):
    """The state with windows into one table as tensors."""
    places, sizes = {}, dict.fromkeys(ROLES, 0)
    for number, (key, value) in enumerate(state.items()):
        strides = {1: (1,), 2: (2, 1), 4: (2, 1, 5, 3)}.get(value.dim(), ())
        start = number * 37 % 64
        places[key] = (role(key, value), start, strides)
        reach = start + 1 + sum((n - 1) * s for n, s in zip(value.shape, strides))
        sizes[role(key, value)] = max(sizes[role(key, value)], reach)
    parts = {name: ROLES[name](noise(i, sizes[name])) for i, name in enumerate(ROLES)}
    begins = dict(zip(parts, np.cumsum([0] + list(sizes.values())).tolist()))
    table, counts = torch.cat(list(parts.values())).float(), torch.tensor([7])
    return {key: counts.as_strided((), ()) if value.dtype == torch.int64 else
            table.as_strided(value.shape, places[key][2], begins[places[key][0]] + places[key][1])
            for key, value in state.items()}


def digits(x):
    return float(f"{float(x):.10g}")


def network(folder, name, module, size, training=True, legacy=False):
    state = windows(module.state_dict())
    bytes_ = io.BytesIO()
    if legacy:
        stored = {re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", key): value for key, value in state.items()
                  if value.dtype != torch.int64}
        torch.save(stored, bytes_, _use_new_zipfile_serialization=False)
        state = {key: torch.zeros_like(value) if value.dtype == torch.int64 else value for key, value in state.items()}
    else:
        torch.save(state, bytes_)
    file = f"{name}-{hashlib.sha256(bytes_.getvalue()).hexdigest()[:8]}"
    (folder / f"{file}.pth").write_bytes(bytes_.getvalue())

    module.load_state_dict(state)
    module.double().eval()
    x = fill([2, 3, size, size], 1)
    with torch.no_grad():
        logits = module(x).flatten()[::37]
    result = {"name": name, "file": file, "size": size, "logits": [digits(y) for y in logits]}
    if training:
        loss = F.cross_entropy(module.train()(x), torch.tensor([3, 7]))
        loss.backward()
        result["training"] = {
            "loss": digits(loss.detach()), "gradients": {key: digits(p.grad.norm()) for key, p in module.named_parameters()},
            "buffers": {key: digits(b.double().norm()) for key, b in module.named_buffers()}}
    print(f"{file}: {len(bytes_.getvalue())} bytes, logits {logits.min():.3g} to {logits.max():.3g}")
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out = parser.parse_args().out
    folder = out / "Models"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.pth"):
        old.unlink()
    torch.manual_seed(0)
    networks = [
        network(folder, "resnet18", models.resnet18(), 64),
        network(folder, "resnet50", models.resnet50(), 64, training=False),
        network(folder, "densenet161", models.densenet161(), 64, training=False, legacy=True),
        network(folder, "dilated", ResNet(Bottleneck, [1, 2, 1, 2], num_classes=20, groups=4, width_per_group=8,
                                          replace_stride_with_dilation=[False, True, True]), 32),
        network(folder, "dense", DenseNet(growth_rate=4, block_config=(2, 3, 2), num_init_features=6, bn_size=2,
                                          num_classes=20), 64),
    ]
    result = {"torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0],
              "published": [describe(name) for name in PUBLISHED], "networks": networks}
    lines = json.dumps(result, indent=1)
    # A network's many numbers on one line each.
    (out / "models.json").write_text(re.sub(r"\n {3,}", " ", lines) + "\n")


if __name__ == "__main__":
    main()
