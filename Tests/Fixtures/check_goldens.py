"""Reads the goldens back, with the `safetensors` package's own reader, and runs every sample again in PyTorch.

Usage: check_goldens.py [--out Goldens] [--only abs,add]
Prints each sample whose results or gradients differ from the stored ones by more than 1e-12; ends with 1 if any does.
"""
import argparse
import json
import math
import sys
import warnings
from pathlib import Path

from make_goldens import arguments, flattened, same, seed  # first: it fixes the instruction set

import torch
from safetensors import safe_open
from torch.testing._internal.common_methods_invocations import op_db


def decode(j, pools):
    """What an ARG of the file stands for."""
    if isinstance(j, list):
        return [decode(e, pools) for e in j]
    if not isinstance(j, dict):
        return j
    if "t" in j:
        n = math.prod(j["shape"])
        flat = pools[j["t"]][j["at"]:j["at"] + n] if n else torch.empty(0, dtype=getattr(torch, j["t"]))
        return flat.reshape(j["shape"]).clone()
    if "f" in j:
        return float(j["f"])
    if "slice" in j:
        return slice(*decode(j["slice"], pools))
    if "ellipsis" in j:
        return Ellipsis
    if "device" in j:
        return torch.device(j["device"])
    return getattr(torch, next(iter(j.values())))


def check(out, ops):
    """Runs each stored sample again from the file alone, read by somebody else's reader."""
    ran = failed = 0
    for op in ops:
        path = out / f"{op.formatted_name}.safetensors"
        if not path.exists():
            continue
        with safe_open(path, "pt") as f:
            pools = {k: f.get_tensor(k) for k in f.keys()}
            metadata = json.loads(f.metadata()["firecrest"])
        for n, s in enumerate(metadata["samples"]):
            ran += 1
            args = [decode(s["input"], pools), decode(s["args"], pools)]
            kwargs = {k: decode(v, pools) for k, v in s["kwargs"].items()}
            if op.name == "__getitem__":
                args[1] = [tuple(a) if isinstance(a, list) else a for a in args[1]]
            leaves = dict(arguments(args[0], args[1], kwargs))
            for p in s.get("gradInputs", {}):
                leaves[p].requires_grad_()
            try:
                seed(3)
                outputs = flattened(op.op(args[0], *args[1], **kwargs))
                good = len(outputs) == len(s["outputs"]) and all(
                    same(o, decode(j, pools)) for o, j in zip(outputs, s["outputs"]))
                if "gradInputs" in s:
                    pairs = [(o, decode(g, pools)) for o, g in zip(outputs, s["gradOutputs"]) if g is not None]
                    grads = torch.autograd.grad([o for o, _ in pairs], [leaves[p] for p in s["gradInputs"]],
                                                [g for _, g in pairs], allow_unused=True)
                    good = good and all(same(g, decode(j, pools)) for g, j in zip(grads, s["gradInputs"].values()))
            except Exception as e:
                good = False
                print(f"{op.formatted_name} sample {n}: {type(e).__name__}: {e}")
            if not good:
                failed += 1
                print(f"{op.formatted_name} sample {n} differs")
    print(f"{ran} samples, {failed} differ")
    return failed


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", type=Path, default=Path(__file__).parent / "Goldens")
    p.add_argument("--only", default="")
    a = p.parse_args()
    only = set(filter(None, a.only.split(",")))
    warnings.filterwarnings("ignore")
    sys.exit(1 if check(a.out, [op for op in op_db if not only or op.formatted_name in only]) else 0)


if __name__ == "__main__":
    main()
