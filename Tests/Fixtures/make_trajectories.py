"""Writes trajectories.json: the losses of PyTorch's first 50 steps of three networks under four optimizers.

Usage: make_trajectories.py [--out trajectories.json] [--check] [--search]

Weights and batches come from a formula (`noise`), so that the file holds losses only:

  {"torch": "2.13.0", "steps": 50,
   "runs": [{"network": "mlp", "optimizer": "sgd", "variant": 0, "losses": [2.30, ...]}, ...]}

A parameter number k (of named_parameters, from 0) is noise(10 variant + k + 1) times 2/sqrt(inputs of a unit), weight
and bias alike. Sample number n of a network has the class noise(100)[n] as a tenth, and is half the class's pattern,
noise(200 + class), half noise(1000 + n), elements row major.

ReLU and max pooling have kinks: where an activation lies within rounding of one, two correct programs part. VARIANTS
are weights that keep away from them: float64, other kernels, and 30 changes of all weights by 10 roundings change no
loss by more than 3e-5. --search looks for such variants, --check prints how far those ways lead away.
"""
import argparse
import functools
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

STEPS = 50


def noise(seed, count, start=0):
    """Numbers in [-1, 1) in float64, multiples of 2^-23: splitmix64 of seed and position."""
    z = (np.uint64(seed) << np.uint64(32)) + np.arange(start + 1, start + count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


class MLP(nn.Module):
    shape, batch = (784,), 32

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(784, 128), nn.Linear(128, 10)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


class LeNet(nn.Module):
    shape, batch = (3, 32, 32), 4

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class CNN(nn.Module):
    shape, batch = (1, 28, 28), 2

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(3136, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc2(F.relu(self.fc1(x)))


NETWORKS = {"mlp": MLP, "lenet": LeNet, "cnn": CNN}
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=1e-3),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.05),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=2e-4),
}
VARIANTS = {
    "mlp": {"sgd": 0, "adam": 0, "adamw": 0, "rmsprop": 0},
    "lenet": {"sgd": 2, "adam": 0, "adamw": 0, "rmsprop": 0},
    "cnn": {"sgd": 2, "adam": 0, "adamw": 1, "rmsprop": 0},
}


def initialise(net, variant, disturbance=0):
    """Number `disturbance` of changes by 6e-7; 0 is none."""
    fan = 1
    for k, (_, p) in enumerate(net.named_parameters()):
        if p.dim() > 1:
            fan = p[0].numel()
        values = torch.from_numpy(noise(10 * variant + k + 1, p.numel()) * (2 / math.sqrt(fan))).float()
        if disturbance:
            values *= 1 + 6e-7 * torch.from_numpy(np.sign(noise(10_000 * disturbance + k, p.numel()))).float()
        p.data.copy_(values.reshape(p.shape))


@functools.cache
def batch(net, step):
    size = math.prod(net.shape)
    first = step * net.batch
    classes = np.floor((noise(100, net.batch, first) + 1) * 5).astype(np.int64)
    images = [noise(200 + int(c), size) / 2 + noise(1000 + first + i, size) / 2 for i, c in enumerate(classes)]
    return torch.from_numpy(np.stack(images)).float().reshape(net.batch, *net.shape), torch.from_numpy(classes)


def train(network, optimizer, variant, dtype=torch.float32, disturbance=0):
    net = NETWORKS[network]()
    initialise(net, variant, disturbance)
    net.to(dtype)
    step_rule, losses = OPTIMIZERS[optimizer](net.parameters()), []
    for step in range(STEPS):
        x, y = batch(NETWORKS[network], step)
        step_rule.zero_grad()
        loss = F.cross_entropy(net(x.to(dtype)), y)
        loss.backward()
        step_rule.step()
        losses.append(loss.item())
    return losses


def distance(losses, expected):
    return max(abs(a / b - 1) for a, b in zip(losses, expected))


def ways(network, optimizer, variant):
    """Other correct computations of the same losses, by name."""
    yield "float64", lambda: train(network, optimizer, variant, torch.float64)

    def plain():
        with torch.backends.mkldnn.flags(enabled=False):
            return train(network, optimizer, variant)
    yield "without oneDNN", plain
    for k in range(1, 31):
        yield "disturbed", lambda: train(network, optimizer, variant, disturbance=k)


def search():
    for network in NETWORKS:
        for optimizer in OPTIMIZERS:
            for variant in range(100):
                expected = train(network, optimizer, variant)
                if all(distance(way(), expected) <= 3e-5 for _, way in ways(network, optimizer, variant)):
                    print(f"{network} {optimizer}: {variant}", flush=True)
                    break


def check():
    for network in NETWORKS:
        for optimizer, variant in VARIANTS[network].items():
            expected, worst = train(network, optimizer, variant), {}
            for name, way in ways(network, optimizer, variant):
                worst[name] = max(worst.get(name, 0), distance(way(), expected))
            text = "  ".join(f"{name} {value:.1e}" for name, value in worst.items())
            print(f"{network:6} {optimizer:8} {text}  loss {expected[0]:.3f} to {expected[-1]:.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=Path(__file__).parent / "trajectories.json")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--search", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.search:
        return search()
    if arguments.check:
        return check()
    runs = [{"network": network, "optimizer": optimizer, "variant": variant,
             "losses": train(network, optimizer, variant)}
            for network in NETWORKS for optimizer, variant in VARIANTS[network].items()]
    lines = ",\n".join(json.dumps(run) for run in runs)
    version = torch.__version__.split("+")[0]
    Path(arguments.out).write_text(f'{{"torch": "{version}", "steps": {STEPS}, "runs": [\n{lines}\n]}}\n')
    print(arguments.out)


if __name__ == "__main__":
    main()
