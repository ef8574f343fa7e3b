"""Writes printing.json: tensors, and what PyTorch prints for them under its default print options.

Usage: make_printing.py [--out printing.json]

  {"torch": "2.13.0", "cases": [
    {"name": "...", "dtype": "float32", "shape": [2, 3],
     "values": ["1.0", "-0.0", "nan", "inf"]     row major: decimal, exact when read as float64 (integers as int64); or
     "ramp": {"scale": 1.5, "offset": -2.0}      element i is i * scale + offset, in float64, then converted (truncated)
     "requiresGrad": true                        absent when false
     "gradFn": "MulBackward0"                    the tensor is x * 1 of a leaf x that requires a gradient; else absent
     "repr": "tensor(...)"}]}
"""
import argparse
import json
import math
from pathlib import Path

import torch

INF, NAN = math.inf, math.nan
CASES = []


def case(name, dtype, shape, values, **more):
    """`values` are Python numbers, or a pair (scale, offset) for a ramp."""
    count = math.prod(shape)
    record = {"name": name, "dtype": dtype, "shape": list(shape)}
    kind = getattr(torch, dtype)
    if isinstance(values, tuple):
        scale, offset = values
        record["ramp"] = {"scale": scale, "offset": offset}
        flat = (torch.arange(count, dtype=torch.float64) * scale + offset).to(kind)
    else:
        flat = torch.tensor(values, dtype=kind)
        assert flat.numel() == count, name
        convert = float if kind.is_floating_point else int
        record["values"] = [str(convert(v)) for v in flat.tolist()]
    t = flat.reshape(shape)
    if "gradFn" in more:
        t = t.requires_grad_() * 1
        assert type(t.grad_fn).__name__ == more["gradFn"], name
    elif more.get("requiresGrad"):
        t.requires_grad_()
    CASES.append({**record, **more, "repr": repr(t)})


def scalars():
    for dtype, value in (("float32", 3.0), ("float32", 3.14159265), ("float32", -0.0), ("float32", NAN),
                         ("float32", -INF), ("float32", 1e-7), ("float32", 123456.789), ("float32", 1e10),
                         ("float32", 100_000_000.0),
                         ("float64", 2.5), ("float64", 1e300), ("float16", 0.1), ("float16", 65504.0),
                         ("bfloat16", 3.14), ("int64", -7), ("int32", 7), ("uint8", 255), ("bool", 1)):
        case(f"0-d {dtype} {value}", dtype, (), [value])


def integers():
    case("ints", "int64", (3,), [1, 2, 3])
    case("ints of unequal width", "int64", (2, 3), [1, -20, 300, 4, 5, -6000])
    case("extreme ints", "int64", (2,), [-2**63, 2**63 - 1])
    for dtype in ("int32", "int16", "int8", "uint8"):
        case(f"{dtype} suffix", dtype, (2, 2), [1, 2, 30, 100])
    case("bools", "bool", (2, 3), [1, 0, 1, 0, 0, 1])
    case("long row of ints", "int64", (60,), (1, 0))
    case("long rows of ints", "int64", (2, 40), (37, -500))
    case("long row of bools", "bool", (30,), [i % 3 == 0 for i in range(30)])


def floats():
    case("whole", "float32", (3,), [1, 2, 3])
    case("whole, negative and wide", "float32", (4,), [-1, 20, 300, 0])
    case("aligned", "float32", (2, 3), [1.5, -20.25, 300.125, 0, 1, 2])
    case("rounded to four places", "float32", (3,), [0.123456789, 2 / 3, 0.99996])
    case("negative zero", "float32", (4,), [-0.0, 0.0, 1, -1])
    case("negative zero among fractions", "float32", (3,), [-0.0, 0.5, -1.25])
    case("large whole", "float32", (2,), [1e7, 1])
    case("whole beyond 1e8", "float32", (2,), [3e8, 1])
    case("whole at 1e8", "float64", (2,), [1e8, 1])
    case("ratio of exactly 1000", "float32", (2,), [1000.5, 1.0005])
    case("ratio above 1000", "float32", (2,), [1001, 0.5])
    case("small", "float32", (3,), [1e-5, 2e-5, 3.5e-5])
    case("just under 1e-4", "float32", (2,), [0.00009999, 0.0005])
    case("at 1e-4", "float64", (2,), [0.0001, 0.0005])
    case("mixed magnitudes", "float32", (4,), [1e-8, 1, 1e8, -3.5e20])
    case("huge and tiny", "float64", (3,), [1e-300, 1e300, 1])
    case("scientific in rows", "float32", (3, 3), [1e-6, 1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7])
    case("nan and inf with whole numbers", "float32", (5,), [1, NAN, INF, -INF, 20])
    case("nan and inf with fractions", "float32", (5,), [0.5, NAN, INF, -INF, 20])
    case("nan and inf in scientific form", "float32", (4,), [1e-9, NAN, -INF, 5])
    case("only nan and inf", "float32", (3,), [NAN, INF, -INF])
    case("only nan", "float32", (2, 2), [NAN] * 4)
    case("zeros", "float32", (2, 3), [0] * 6)
    case("subnormal", "float32", (2,), [1e-45, 1])
    case("largest", "float32", (2,), [3.4028234663852886e38, -3.4028234663852886e38])
    case("third", "float64", (3,), [1 / 3, 2 / 3, 1])
    case("float16", "float16", (4,), [0.1, 1.5, -2, 65504])
    case("float16 small", "float16", (2,), [0.00006, 1])
    case("bfloat16", "bfloat16", (3,), [0.1, 3.14159, 100])
    case("bfloat16 whole", "bfloat16", (2, 2), [1, 2, 3, 256])
    case("one element", "float32", (1, 1, 1), [0.25])


def shapes():
    for shape, dtype in (((0,), "float32"), ((0, 3), "float32"), ((2, 0), "float32"), ((3, 0, 2), "float64"),
                         ((0,), "int64"), ((0,), "bool"), ((0, 2), "int32")):
        case(f"empty {dtype} {list(shape)}", dtype, shape, [])
    case("3-d", "int64", (2, 2, 3), (1, 0))
    case("3-d floats", "float32", (2, 3, 2), (0.75, -3.0))
    case("4-d", "int64", (2, 1, 2, 2), (1, 0))
    case("4-d floats", "float32", (2, 2, 2, 2), (0.5, -4.0))
    case("5-d", "int32", (1, 2, 1, 1, 2), (1, 0))
    case("column", "float32", (4, 1), (1.5, 0.0))
    case("long row of floats", "float32", (25,), (1.25, -10.0))
    case("long row, scientific", "float32", (12,), (1e-6, 0.0))
    case("long rows in 3-d", "float32", (2, 2, 15), (0.1, 0.0))
    case("long row, 1000 elements not summarised", "int64", (1000,), (1, 0))


def summaries():
    case("1001 ints", "int64", (1001,), (1, 0))
    case("5000 floats", "float32", (5000,), (0.5, -100.0))
    case("matrix 40 x 40", "int64", (40, 40), (1, 0))
    case("matrix of floats 100 x 100", "float32", (100, 100), (0.125, -600.0))
    case("tall 2000 x 2", "float32", (2000, 2), (1.0, 0.0))
    case("wide 2 x 2000", "float32", (2, 2000), (0.1, 0.0))
    case("six rows 6 x 300", "int64", (6, 300), (1, 0))
    case("seven rows 7 x 300", "int64", (7, 300), (1, 0))
    case("3-d 12 x 12 x 12", "int64", (12, 12, 12), (1, 0))
    case("4-d 7 x 7 x 7 x 7", "float64", (7, 7, 7, 7), (0.25, 0.0))
    case("3-d float16 8 x 8 x 40", "float16", (8, 8, 40), (0.5, -500.0))
    # The hidden middle decides neither the width nor the form.
    values = [1.5] * 2000
    values[1000] = 1e30
    case("outlier hidden", "float32", (2000,), values)


def gradients():
    case("leaf", "float32", (3,), [1, 2, 3], requiresGrad=True)
    case("leaf 0-d", "float32", (), [1.5], requiresGrad=True)
    case("leaf float64", "float64", (2, 2), [1, 2, 3, 4.5], requiresGrad=True)
    case("leaf empty", "float32", (0, 3), [], requiresGrad=True)
    case("result", "float32", (3,), [1, 2, 3], gradFn="MulBackward0")
    case("result 0-d", "float32", (), [14.0], gradFn="MulBackward0")
    case("result float64", "float64", (2, 2), [0.5, 2, 3, 4], gradFn="MulBackward0")
    case("suffix that fills the line", "float32", (6,), (1.25, 100.0), gradFn="MulBackward0")
    case("suffixes that wrap", "float64", (7,), (1.25, 100.0), gradFn="MulBackward0")
    case("leaf with a long row", "float32", (25,), (1.25, -10.0), requiresGrad=True)
    case("leaf, summarised", "float32", (40, 40), (0.5, 0.0), requiresGrad=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("printing.json"))
    out = parser.parse_args().out
    for group in (scalars, integers, floats, shapes, summaries, gradients):
        group()
    assert len({c["name"] for c in CASES}) == len(CASES), "names are not unique"
    body = ",\n".join(json.dumps(c, allow_nan=False) for c in CASES)
    out.write_text(f'{{"torch": "{torch.__version__.split("+")[0]}", "cases": [\n{body}\n]}}\n')
    print(f"{len(CASES)} cases, {out.stat().st_size / 1e3:.1f} kB")


if __name__ == "__main__":
    main()
