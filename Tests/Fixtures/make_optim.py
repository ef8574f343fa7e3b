"""Writes optim.npz and schedules.npz: what PyTorch's optimizers, clipping and schedules do.

Usage: make_optim.py [--out FOLDER]

optim.npz: `initial.<i>` and `gradient.<i>` (one gradient a step) are three parameters in float64; a float32 run starts
from them rounded. `<case>.<dtype>.<i>` is parameter i after all steps, `<case>.<dtype>.<i>.<state>` its state. Parameter
2 has no gradient in every third step. The cases' settings stand below and, in Swift, in OptimizerTests.swift.
`clip.<type>` is [the norm, then all clipped gradients of step 0], `clip.value` the latter for clip_grad_value_.

schedules.npz: `<case>` is [steps, groups] of learning rates, before each step; `<case>.momentum` the same of momentum
or beta1. The cases' settings stand below and, in Swift, in ScheduleTests.swift.
"""
import argparse
from pathlib import Path

import numpy as np
import torch
from torch import optim
from torch.optim import lr_scheduler as lrs

STEPS = 50
SHAPES = [(5, 7), (33,), ()]

OPTIMIZERS = {
    "sgd": (optim.SGD, dict(lr=0.1)),
    "sgd_momentum": (optim.SGD, dict(lr=0.1, momentum=0.9)),
    "sgd_dampening": (optim.SGD, dict(lr=0.1, momentum=0.9, dampening=0.3)),
    "sgd_nesterov": (optim.SGD, dict(lr=0.1, momentum=0.8, nesterov=True)),
    "sgd_decay": (optim.SGD, dict(lr=0.1, weight_decay=0.05)),
    "sgd_all": (optim.SGD, dict(lr=0.03, momentum=0.8, nesterov=True, weight_decay=0.05, maximize=True)),
    "sgd_maximize": (optim.SGD, dict(lr=0.1, maximize=True)),
    "adam": (optim.Adam, dict(lr=0.01)),
    "adam_betas": (optim.Adam, dict(lr=0.01, betas=(0.4, 0.3))),
    "adam_eps": (optim.Adam, dict(lr=0.01, eps=0.1)),
    "adam_decay": (optim.Adam, dict(lr=0.01, weight_decay=0.1)),
    "adam_amsgrad": (optim.Adam, dict(lr=0.01, betas=(0.9, 0.8), amsgrad=True)),
    "adam_all": (optim.Adam, dict(lr=0.01, betas=(0.9, 0.8), weight_decay=0.1, amsgrad=True, maximize=True)),
    "adam_maximize": (optim.Adam, dict(lr=0.01, maximize=True)),
    "adamw": (optim.AdamW, dict(lr=0.01)),
    "adamw_decay": (optim.AdamW, dict(lr=0.02, weight_decay=0.5)),
    "adamw_amsgrad": (optim.AdamW, dict(lr=0.01, betas=(0.9, 0.8), amsgrad=True)),
    "adamw_maximize": (optim.AdamW, dict(lr=0.01, maximize=True)),
    "rmsprop": (optim.RMSprop, dict(lr=0.01)),
    "rmsprop_alpha": (optim.RMSprop, dict(lr=0.01, alpha=0.3, eps=1e-3)),
    "rmsprop_momentum": (optim.RMSprop, dict(lr=0.01, momentum=0.9)),
    "rmsprop_centered": (optim.RMSprop, dict(lr=0.01, centered=True)),
    "rmsprop_decay": (optim.RMSprop, dict(lr=0.01, weight_decay=0.1)),
    "rmsprop_all": (optim.RMSprop, dict(
        lr=0.01, alpha=0.4, momentum=0.7, centered=True, weight_decay=0.1, maximize=True)),
    "adagrad": (optim.Adagrad, dict(lr=0.1)),
    "adagrad_decay": (optim.Adagrad, dict(lr=0.1, lr_decay=0.02, weight_decay=0.1)),
    "adagrad_start": (optim.Adagrad, dict(lr=0.1, initial_accumulator_value=0.5, eps=1e-2)),
    "adagrad_maximize": (optim.Adagrad, dict(lr=0.1, maximize=True)),
}

SCHEDULE_STEPS = 200
RATES = [0.1, 0.025]

SCHEDULES = {
    "step": lambda o: lrs.StepLR(o, 30),
    "step_gamma": lambda o: lrs.StepLR(o, 7, gamma=0.9),
    "multistep": lambda o: lrs.MultiStepLR(o, [20, 50, 50, 120], gamma=0.3),
    "exponential": lambda o: lrs.ExponentialLR(o, 0.97),
    "cosine": lambda o: lrs.CosineAnnealingLR(o, 200),
    "cosine_again": lambda o: lrs.CosineAnnealingLR(o, 30, eta_min=1e-3),
    "onecycle": lambda o: lrs.OneCycleLR(o, 0.5, total_steps=200),
    "onecycle_linear": lambda o: lrs.OneCycleLR(
        o, [0.5, 0.1], total_steps=220, pct_start=0.25, anneal_strategy="linear", base_momentum=[0.8, 0.7],
        max_momentum=[0.9, 0.95], div_factor=10.0, final_div_factor=100.0),
    "onecycle_phases": lambda o: lrs.OneCycleLR(o, 0.5, epochs=20, steps_per_epoch=10, three_phase=True),
    "onecycle_calm": lambda o: lrs.OneCycleLR(o, 0.5, total_steps=200, cycle_momentum=False),
    "linear": lambda o: lrs.LinearLR(o),
    "linear_down": lambda o: lrs.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=150),
    "constant": lambda o: lrs.ConstantLR(o, factor=0.3, total_iters=40),
    "lambda": lambda o: lrs.LambdaLR(o, lambda epoch: 0.95**epoch),
    "lambda_groups": lambda o: lrs.LambdaLR(o, [lambda epoch: 1 / (1 + epoch), lambda epoch: 1 - epoch / 400]),
    "warmup_cosine": lambda o: lrs.SequentialLR(
        o, [lrs.LinearLR(o, start_factor=0.1, total_iters=10), lrs.CosineAnnealingLR(o, 190)], [10]),
    "sequence": lambda o: lrs.SequentialLR(
        o, [lrs.ConstantLR(o, 0.1, 5), lrs.ExponentialLR(o, 0.95), lrs.StepLR(o, 20),
            lrs.LambdaLR(o, lambda epoch: 0.99**epoch), lrs.MultiStepLR(o, [3, 9]), lrs.LinearLR(o)],
        [8, 40, 90, 130, 160]),
    "chained": lambda o: lrs.ChainedScheduler(
        [lrs.LinearLR(o, start_factor=0.2, total_iters=20), lrs.ExponentialLR(o, 0.98), lrs.StepLR(o, 50, 0.5)]),
    "plateau": lambda o: lrs.ReduceLROnPlateau(o, patience=4),
    "plateau_max": lambda o: lrs.ReduceLROnPlateau(
        o, mode="max", factor=0.5, patience=2, threshold=0.05, threshold_mode="abs", cooldown=3,
        min_lr=[0.01, 0.001]),
    "plateau_rel": lambda o: lrs.ReduceLROnPlateau(o, mode="max", factor=0.7, patience=3, threshold=0.01, eps=1e-3),
    "plateau_abs": lambda o: lrs.ReduceLROnPlateau(
        o, factor=0.8, patience=1, threshold=0.02, threshold_mode="abs", cooldown=1),
}


def fresh(initial, dtype):
    return [torch.tensor(x, dtype=dtype, requires_grad=True) for x in initial]


def optimizers(out):
    generator = np.random.default_rng(11)
    initial = [generator.standard_normal(shape) for shape in SHAPES]
    gradients = [generator.standard_normal((STEPS, *shape)) * np.exp(generator.standard_normal((STEPS, *shape)))
                 for shape in SHAPES]
    gradients[1][:, 5] = 0  # a parameter that never moves by its gradient
    for i in range(len(SHAPES)):
        out[f"initial.{i}"] = initial[i]
        out[f"gradient.{i}"] = gradients[i]
    for name, (kind, settings) in OPTIMIZERS.items():
        for dtype in (torch.float32, torch.float64):
            parameters = fresh(initial, dtype)
            optimizer = kind(parameters, foreach=False, **settings)
            for step in range(STEPS):
                for i, parameter in enumerate(parameters):
                    skipped = i == 2 and step % 3 == 1
                    parameter.grad = None if skipped else torch.tensor(gradients[i][step], dtype=dtype)
                optimizer.step()
            for i, parameter in enumerate(parameters):
                prefix = f"{name}.{str(dtype).removeprefix('torch.')}.{i}"
                out[prefix] = parameter.detach().numpy()
                for state, value in optimizer.state[parameter].items():
                    out[f"{prefix}.{state}"] = np.int64(value) if state == "step" else value.numpy()
    for kind in (2.0, 1.0, 3.5, float("inf")):
        parameters = fresh(initial, torch.float64)
        for i, parameter in enumerate(parameters):
            parameter.grad = torch.tensor(gradients[i][0])
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.5, norm_type=kind)
        flat = [p.grad.numpy().reshape(-1) for p in parameters]
        out[f"clip.{kind}"] = np.concatenate([[norm.item()], *flat])
    parameters = fresh(initial, torch.float64)
    for i, parameter in enumerate(parameters):
        parameter.grad = torch.tensor(gradients[i][0])
    torch.nn.utils.clip_grad_value_(parameters, 0.75)
    out["clip.value"] = np.concatenate([p.grad.numpy().reshape(-1) for p in parameters])


def schedules(out):
    # Falls, then stays about level, with waves: reasons to reduce and not to.
    steps = np.arange(SCHEDULE_STEPS)
    measure = np.exp(-steps / 25.0) + 0.05 * np.sin(steps)
    out["measure"] = measure
    for name, make in SCHEDULES.items():
        parameters = [torch.zeros(1, requires_grad=True) for _ in RATES]
        groups = [{"params": [p], "lr": rate} for p, rate in zip(parameters, RATES)]
        adam = name == "onecycle_phases"
        optimizer = optim.Adam(groups) if adam else optim.SGD(groups, lr=1.0, momentum=0.5)
        schedule = make(optimizer)
        rates, momenta = [], []
        for step in range(SCHEDULE_STEPS):
            optimizer.step()
            rates.append([g["lr"] for g in optimizer.param_groups])
            momenta.append([g["betas"][0] if adam else g["momentum"] for g in optimizer.param_groups])
            if name.startswith("plateau"):
                value = measure[step]
                schedule.step(1 - value if name in ("plateau_max", "plateau_rel") else value)
            else:
                schedule.step()
        out[name] = np.array(rates)
        if name.startswith("onecycle"):
            out[f"{name}.momentum"] = np.array(momenta)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=str(Path(__file__).parent))
    out = Path(parser.parse_args().out)
    for name, fill in (("optim", optimizers), ("schedules", schedules)):
        arrays = {}
        fill(arrays)
        np.savez_compressed(out / f"{name}.npz", **arrays)


if __name__ == "__main__":
    main()
