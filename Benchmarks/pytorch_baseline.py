"""PyTorch's side of the comparison: the workloads of `firecrest bench`, under the same names.

Usage: pytorch_baseline.py [--only add-3,chain-4m] [--seconds 1.5] [--threads 2] [--kernels]
  --kernels  times single kernels (matmul over a list of shapes, elementwise work and reductions over 64 MB) instead

One JSON object a line: {"name": "add-3", "median_us": 1.234, "min_us": 1.1, "runs": 20000}. After a warm-up, as many
runs as fit into --seconds are timed, at least 3 and at most 20,000.

To add a workload, write a function that prepares its data and returns the step to time, under @workload or @kernel.
"""
import argparse
import json
from statistics import median
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import nn

SUITES = {"workloads": {}, "kernels": {}}


def entry(suite, name):
    def keep(prepare):
        SUITES[suite][name] = prepare
        return prepare
    return keep


def workload(name):
    return entry("workloads", name)


def kernel(name):
    return entry("kernels", name)


@workload("add-3")
def add_three():
    """The cost of one operation: two tensors of three floats, no gradient."""
    x, y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0, 6.0])
    return lambda: x + y


@workload("add-3-grad")
def add_three_with_gradient():
    """The cost of the tape: three operations recorded and run backward."""
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = torch.tensor([4.0, 5.0, 6.0], requires_grad=True)

    def step():
        x.grad, y.grad = None, None
        (x * y + y).sum().backward()
    return step


@workload("chain-4m")
def chain():
    """Four elementwise operations in a row over 4,000,000 floats."""
    x = torch.randn(4_000_000)
    return lambda: torch.sigmoid(torch.relu(x * 2 + 1))


@workload("matmul-1024")
def square_matmul():
    x, y = torch.randn(1024, 1024), torch.randn(1024, 1024)
    return lambda: x @ y


@workload("qnet-forward")
def small_network():
    """The cost of a small network's forward pass on one state, no gradient."""
    network, state = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2)), torch.randn(1, 5)

    def step():
        with torch.no_grad():
            network(state)
    return step


def training(network, optimizer, loss, inputs, targets):
    """One step of training on a batch that stays the same."""
    def step():
        optimizer.zero_grad()
        loss(network(inputs), targets).backward()
        optimizer.step()
    return step


def classifier(network, *shape):
    """Training of a network with ten classes on a batch of 64, by Adam."""
    return training(network, torch.optim.Adam(network.parameters()), nn.CrossEntropyLoss(),
                    torch.randn(64, *shape), torch.randint(0, 10, (64,)))


@workload("mlp-regression")
def regression():
    network = nn.Sequential(nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 1))
    return training(network, torch.optim.SGD(network.parameters(), lr=0.01), nn.MSELoss(), torch.randn(100, 10),
                    torch.randn(100, 1))


@workload("mlp-mnist")
def perceptron():
    return classifier(nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), 784)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = F.relu(self.fc1(x.view(-1, 400)))
        return self.fc3(F.relu(self.fc2(x)))


@workload("lenet-cifar")
def lenet():
    return classifier(LeNet(), 3, 32, 32)


@workload("cnn-mnist")
def convolutions():
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
    return classifier(network, 1, 28, 28)


@workload("gan-mnist")
def adversaries():
    """One step of the discriminator on real and on generated images, then one of the generator."""
    generator = nn.Sequential(nn.Linear(100, 128), nn.ReLU(True), nn.Linear(128, 256), nn.ReLU(True),
                              nn.Linear(256, 512), nn.ReLU(True), nn.Linear(512, 784), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(784, 512), nn.LeakyReLU(0.2, True), nn.Linear(512, 256),
                                  nn.LeakyReLU(0.2, True), nn.Linear(256, 1), nn.Sigmoid())
    generator_steps = torch.optim.Adam(generator.parameters(), lr=2e-4)
    discriminator_steps = torch.optim.Adam(discriminator.parameters(), lr=2e-4)
    loss, images = nn.BCELoss(), torch.rand(64, 784)

    def step():
        real, fake = torch.ones(64, 1), torch.zeros(64, 1)
        discriminator.zero_grad()
        loss(discriminator(images), real).backward()
        made = generator(torch.randn(64, 100))
        loss(discriminator(made.detach()), fake).backward()
        discriminator_steps.step()
        generator.zero_grad()
        loss(discriminator(made), real).backward()
        generator_steps.step()
    return step


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 400)
        self.fc21 = nn.Linear(400, 20)
        self.fc22 = nn.Linear(400, 20)
        self.fc3 = nn.Linear(20, 400)
        self.fc4 = nn.Linear(400, 784)

    def forward(self, x):
        hidden = F.relu(self.fc1(x))
        mean, log_variance = self.fc21(hidden), self.fc22(hidden)
        z = mean + torch.randn_like(log_variance) * torch.exp(0.5 * log_variance)
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mean, log_variance


@workload("vae-mnist")
def variational_autoencoder():
    network, images = Autoencoder(), torch.rand(128, 784)
    optimizer = torch.optim.Adam(network.parameters())

    def step():
        optimizer.zero_grad()
        made, mean, log_variance = network(images)
        distance = F.binary_cross_entropy(made, images, reduction="sum")
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        (distance + divergence).backward()
        optimizer.step()
    return step


# m x k times k x n: single rows, the layers of small networks, squares, thin and odd shapes.
MATMULS = """
1x256x64 1x1024x1024 1x4096x4096 4x256x64 8x512x512 16x784x128 32x128x10 64x784x128 64x128x10 64x3136x128
128x128x128 100x10x10 256x256x256 512x512x512 1024x1024x1024 2048x2048x2048 1024x64x1024 64x1024x64 1024x1024x1
1000x3x1000 33x65x129 4096x32x32 2048x16x2048
""".split()


def matmul(shape):
    def prepare():
        m, k, n = map(int, shape.split("x"))
        a, b, c = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
        return lambda: torch.mm(a, b, out=c)
    return prepare


for shape in MATMULS:
    kernel(f"matmul-{shape}")(matmul(shape))

FLOATS = 16 * 1024 * 1024  # 64 MB


@kernel("copy-64m")
def copy():
    x, out = torch.randn(FLOATS), torch.zeros(FLOATS)
    return lambda: out.copy_(x)


@kernel("add-64m")
def add():
    x, y, out = torch.randn(FLOATS), torch.randn(FLOATS), torch.zeros(FLOATS)
    return lambda: torch.add(x, y, out=out)


def unary(function):
    def prepare():
        x, out = torch.randn(FLOATS), torch.zeros(FLOATS)
        return lambda: function(x, out)
    return prepare


kernel("relu-64m")(unary(lambda x, out: torch.clamp_min(x, 0, out=out)))  # torch.relu takes no `out`
kernel("exp-64m")(unary(lambda x, out: torch.exp(x, out=out)))
kernel("sigmoid-64m")(unary(lambda x, out: torch.sigmoid(x, out=out)))


@kernel("sum-64m")
def sum_all():
    x, out = torch.randn(FLOATS), torch.zeros(())
    return lambda: torch.sum(x, dim=0, out=out)


@kernel("max-64m")
def max_all():
    x, out = torch.randn(FLOATS), torch.zeros(())
    return lambda: torch.amax(x, dim=0, out=out)


def sums(shape, dim):
    def prepare():
        x = torch.randn(shape)
        out = torch.zeros([n for i, n in enumerate(shape) if i != dim])
        return lambda: torch.sum(x, dim=dim, out=out)
    return prepare


kernel("sum-rows-64m")(sums([4096, 4096], 1))
kernel("sum-columns-64m")(sums([4096, 4096], 0))
kernel("sum-middle-64m")(sums([64, 512, 512], 1))


def timed(step):
    start = perf_counter()
    step()
    return perf_counter() - start


def measure(step, seconds):
    """Durations in seconds, sorted. The warm-up lasts about a fifth of a second, at most 22 runs."""
    timed(step)
    once = max(timed(step), 1e-6)
    for _ in range(min(20, int(0.2 / once))):
        step()
    durations, stop = [], perf_counter() + seconds
    while len(durations) < 3 or (len(durations) < 20_000 and perf_counter() < stop):
        durations.append(timed(step))
    return sorted(durations)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kernels", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    suite = SUITES["kernels" if arguments.kernels else "workloads"]
    names = [n for n in arguments.only.split(",") if n] or list(suite)
    if unknown := [n for n in names if n not in suite]:
        parser.error(f"no such workload: {', '.join(unknown)}; there are {', '.join(suite)}")
    for name in names:
        torch.manual_seed(0)
        durations = measure(suite[name](), arguments.seconds)
        print(json.dumps({"name": name, "median_us": round(median(durations) * 1e6, 3),
                          "min_us": round(durations[0] * 1e6, 3), "runs": len(durations)}), flush=True)


if __name__ == "__main__":
    main()
