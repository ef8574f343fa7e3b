"""Writes promotion.json: the dtype that PyTorch gives to a sum of two operands, for every pair of dtypes.

Usage: make_promotion.py [--out promotion.json]

  {"torch": "2.13.0", "dtypes": ["bool", ...],
   "tensorTensor": {"int32": {"float16": "float16", ...}, ...}     both with dimensions
   "tensorZeroDim": {"int32": {"float64": "float32", ...}, ...}    the right one 0-d, the left one with dimensions
   "tensorScalar": {"int32": {"bool": "int32", "int": "int32", "float": "float32"}, ...}
   "zeroDimScalar": the same with a 0-d tensor on the left
   "divide": like tensorTensor, for division;
   "sum", "mean", "cumsum", "prod", "exp": {"int32": "int64", ...}, null where PyTorch refuses the dtype}
"""
import argparse
import json
from pathlib import Path

import torch

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
SCALARS = {"bool": True, "int": 1, "float": 1.0}


def name(dtype):
    return str(dtype).removeprefix("torch.")


def ones(dtype, *shape):
    return torch.ones(shape, dtype=getattr(torch, dtype))


def pairs(result):
    return {a: {b: name(result(a, b)) for b in DTYPES} for a in DTYPES}


def scalars(*shape):
    return {a: {k: name((ones(a, *shape) + v).dtype) for k, v in SCALARS.items()} for a in DTYPES}


def unary(function):
    def result(dtype):
        try:
            return name(function(ones(dtype, 2)).dtype)
        except RuntimeError:
            return None
    return {a: result(a) for a in DTYPES}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("promotion.json"))
    out = parser.parse_args().out
    table = {
        "torch": torch.__version__.split("+")[0], "dtypes": DTYPES,
        "tensorTensor": pairs(lambda a, b: (ones(a, 2) + ones(b, 2)).dtype),
        "tensorZeroDim": pairs(lambda a, b: (ones(a, 2) + ones(b)).dtype),
        "tensorScalar": scalars(2), "zeroDimScalar": scalars(),
        "divide": pairs(lambda a, b: (ones(a, 2) / ones(b, 2)).dtype),
        "sum": unary(torch.sum), "mean": unary(torch.mean), "cumsum": unary(lambda x: x.cumsum(0)),
        "prod": unary(torch.prod), "exp": unary(torch.exp),
    }
    body = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in table.items())
    out.write_text("{" + body + "}\n")


if __name__ == "__main__":
    main()
