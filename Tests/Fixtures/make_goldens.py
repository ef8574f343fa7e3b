"""Writes Goldens/<operation>.safetensors: what PyTorch computes for its own operator samples (`op_db`).

Usage: make_goldens.py [--out Goldens] [--only abs,add] [--list]
  --list   prints every operation with its sample counts, or why it is left out; writes nothing

One file an operation, named like `op_db` names it (`nn.functional.pad` with variant `reflect` is
`nn_functional_pad_reflect`). A file holds one flat tensor for each dtype that occurs ("float64", "int64", "bool", ...),
into which all samples point, and its `__metadata__` has one string, "firecrest", which is JSON:

  {"op": "nn.functional.pad", "variant": "reflect", "torch": "2.13.0", "samples": [
    {"dtype": "float64",             the dtype that the samples were asked for
     "kind": "sample",               or "kinks" (ties, corners), or "extremal" (nan, inf, -0; forward only)
     "input": ARG, "args": [ARG], "kwargs": {"mode": ARG},
     "outputs": [ARG],               tuples and lists flattened, in order; numbers where PyTorch returns numbers
     "gradOutputs": [ARG or null],   one for each output; null where it has no gradient. Absent when forward only
     "gradInputs": {"input": ARG, "args.0": ARG, "kwargs.weight": ARG, "input.1": ARG or null}}]}

  gradInputs names each input that required a gradient; null says that PyTorch gave it none (which means zero).
  ARG is one of
    {"t": "float64", "at": 120, "shape": [2, 3]}   2 x 3 elements, row major, from element 120 of that dtype's tensor
    true, 7, null, "text", [ARG, ...]              as in Python; a number without a dot is a Python int
    {"f": 0.5}, {"f": "inf"}, {"f": "-inf"}, {"f": "nan"}       a Python float, also when it is whole
    {"dtype": "int64"}, {"memoryFormat": "channels_last"}, {"layout": "strided"}, {"device": "cpu"}
    {"slice": [ARG, ARG, ARG]}, {"ellipsis": true}  within the index of `__getitem__` and its kin

A tuple of indices is a list; a list within an index is a tensor of int64 or bool. All tensors were contiguous when the
operation ran. Element i of the gradient of output n is ((37 i + 11 n) mod 19 - 9) / 8, and it is stored as well.
The same machine writes the same bytes again; another one may differ in the last digits.
"""
import os
import sys

# Hash order and the CPU's widest instruction set would both show in the bytes.
FIXED = {"PYTHONHASHSEED": "0", "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "1"}
if any(os.environ.get(k) != v for k, v in FIXED.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **FIXED})

import argparse
import itertools
import json
import math
import random
import struct
import warnings
from pathlib import Path

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import BinaryUfuncInfo, UnaryUfuncInfo

MAX_ELEMENTS = 2_000                 # in all tensors of one sample; ten times as many where there is no smaller sample
COUNTS = {torch.float64: 12, torch.int64: 4, torch.bool: 3}
POOL_BYTES = {torch.float64: 22_000, torch.int64: 5_000, torch.bool: 3_000}   # new bytes an operation may add
CONSIDERED = 300                     # samples looked at for each dtype

LEFT_OUT = [                         # prefixes of op_db names, and why
    ("jiterator", "CUDA only"), ("fft.", "complex numbers"), ("stft", "complex numbers"), ("istft", "complex numbers"),
    ("torch.ops.aten._flash", "backend detail"), ("torch.ops.aten._efficient", "backend detail"),
    ("_chunk_cat", "backend detail"), ("_native_batch_norm_legit", "backend detail"),
    ("_batch_norm_with_update", "backend detail"), ("nn.functional.linear_cross_entropy", "backend detail"),
    ("max_pool2d_with_indices_backward", "backend detail"), ("hash_tensor", "backend detail"),
    ("_unsafe_masked_index", "backend detail"), ("_segment_reduce", "backend detail"), ("alias_copy", "backend detail"),
    ("torch._scaled_mm", "float8"), ("resize_", "writes into its argument's storage"), ("empty", "uninitialised"),
    ("new_empty", "uninitialised"), ("linalg.eig", "not unique or complex"), ("linalg.svd", "not unique up to sign"),
    ("svd", "not unique up to sign"), ("pca_lowrank", "random"), ("linalg.qr", "decomposition"),
    ("qr", "decomposition"), ("geqrf", "decomposition"), ("ormqr", "decomposition"),
    ("linalg.householder", "decomposition"),
    ("linalg.lu", "decomposition"), ("lu", "decomposition"), ("linalg.ldl", "decomposition"),
    ("linalg.lstsq", "decomposition"), ("linalg.pinv", "decomposition"), ("linalg.matrix_rank", "decomposition"),
    ("linalg.cond", "decomposition"), ("norm_nuc", "decomposition"), ("pinverse", "decomposition"),
    ("bmm_triton", "CUDA only"), ("sparse", "sparse tensors"), ("to_sparse", "sparse tensors"),
]

# Random by a probability among their arguments: the samples that are not are kept.
SOMETIMES_RANDOM = {f"nn.functional.{n}" for n in (
    "dropout", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "rrelu",
    "scaled_dot_product_attention", "multi_head_attention_forward")}

KINKS = [-6.0, -3.0, -2.5, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5, 3.0, 6.0]
EXTREMES = [0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 1e-310, -1e-310, 1e-20, -1e-20,
            1e10, -1e10, 1e300, -1e300, 4503599627370495.5]


# Some operations seed the generator before each call; without that a second call shows which ones are random.
for module in list(sys.modules.values()):
    if module.__name__.startswith("torch.testing._internal") and hasattr(module, "wrapper_set_seed"):
        module.wrapper_set_seed = lambda op, *args, **kwargs: op(*args, **kwargs)


class Unsupported(Exception):
    """A sample that the format does not carry."""


def name_of(dtype):
    return str(dtype).removeprefix("torch.")


class Pool:
    """The flat tensor of each dtype. A run of elements that is there already is not written twice."""

    def __init__(self):
        self.bytes = {}

    def add(self, t):
        dtype, width = name_of(t.dtype), t.element_size()
        flat = torch.empty(t.numel(), dtype=t.dtype).copy_(t.detach().reshape(-1))
        data = flat.view(torch.uint8).numpy().tobytes()
        pool = self.bytes.setdefault(dtype, bytearray()) if data else b""
        at = pool.find(data)
        while at > 0 and at % width:
            at = pool.find(data, at + 1)
        if at < 0:
            at = len(pool)
            pool.extend(data)
        return {"t": dtype, "at": at // width, "shape": list(t.shape)}

    def mark(self):
        return {k: len(v) for k, v in self.bytes.items()}

    def restore(self, mark):
        for k in list(self.bytes):
            del self.bytes[k][mark.get(k, 0):]
            if not self.bytes[k]:
                del self.bytes[k]

    def size(self):
        return sum(map(len, self.bytes.values()))


def check_tensor(t):
    if t.layout is not torch.strided or t.is_quantized:
        raise Unsupported("sparse tensors")
    if t.is_complex():
        raise Unsupported("complex numbers")
    if name_of(t.dtype) not in SAFETENSORS_DTYPES:
        raise Unsupported(f"dtype {t.dtype}")


def encode(v, pool):
    """The JSON form of an argument or result; `pool` None only asks whether there is one."""
    if isinstance(v, torch.Tensor):
        check_tensor(v)
        return pool.add(v) if pool is not None else None
    if isinstance(v, np.generic):
        v = v.item()
    if v is None or isinstance(v, (bool, int, str)):
        return v
    if isinstance(v, float):
        return {"f": v if math.isfinite(v) else repr(v)}
    if isinstance(v, (list, tuple, range)):
        return [encode(e, pool) for e in v]
    if isinstance(v, slice):
        return {"slice": [encode(e, pool) for e in (v.start, v.stop, v.step)]}
    if v is Ellipsis:
        return {"ellipsis": True}
    for kind, key in ((torch.dtype, "dtype"), (torch.memory_format, "memoryFormat"), (torch.layout, "layout")):
        if isinstance(v, kind):
            return {key: name_of(v)}
    if isinstance(v, torch.device):
        return {"device": str(v)}
    raise Unsupported("complex numbers" if isinstance(v, complex) else f"argument of type {type(v).__name__}")


def fresh(v, leaf):
    """A copy in which every tensor is contiguous and nobody else's."""
    if isinstance(v, torch.Tensor):
        check_tensor(v)
        t = v.detach().clone(memory_format=torch.contiguous_format)
        return t.requires_grad_() if leaf and v.requires_grad else t
    if isinstance(v, torch.Size):
        return v
    if isinstance(v, (list, tuple)):
        parts = [fresh(e, leaf) for e in v]
        return parts if isinstance(v, list) else tuple(parts)
    return v


def tensorised(index):
    """An index whose lists have become tensors, as the format wants it."""
    if isinstance(index, list):
        return torch.tensor(index) if index else torch.empty(0, dtype=torch.int64)
    return tuple(map(tensorised, index)) if isinstance(index, tuple) else index


def tensors_in(v, path):
    if isinstance(v, torch.Tensor):
        yield path, v
    elif isinstance(v, (list, tuple)) and not isinstance(v, torch.Size):
        for i, e in enumerate(v):
            yield from tensors_in(e, f"{path}.{i}")


def arguments(input, args, kwargs):
    yield from tensors_in(input, "input")
    for i, a in enumerate(args):
        yield from tensors_in(a, f"args.{i}")
    for k, a in kwargs.items():
        yield from tensors_in(a, f"kwargs.{k}")


def flattened(out):
    if isinstance(out, (list, tuple)):
        return [leaf for part in out for leaf in flattened(part)]
    return [out]


def grad_output(t, n):
    i = torch.arange(t.numel(), dtype=torch.int64)
    return (((37 * i + 11 * n) % 19 - 9).to(torch.float64) / 8).reshape(t.shape).to(t.dtype)


def seed(n):
    torch.manual_seed(n)
    np.random.seed(n)
    random.seed(n)


def same(a, b):
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and torch.allclose(a, b, 1e-12, 1e-12, equal_nan=True)
    return a == b or (a != a and b != b)


class Sample:
    """One call of an operation, its results, and the gradients of its inputs."""

    def __init__(self, op, input, args, kwargs, kind="sample", backward=True):
        self.kind, self.backward = kind, backward and op.supports_autograd
        if op.name in ("__getitem__", "index_put"):
            args = tuple(map(tensorised, args))
        self.input, self.args = fresh(input, self.backward), fresh(tuple(args), self.backward)
        self.kwargs = {k: fresh(v, self.backward) for k, v in kwargs.items()}
        encode([self.input, self.args, list(self.kwargs.values())], None)
        self.numel = sum(t.numel() for _, t in arguments(self.input, self.args, self.kwargs))

    def run(self, op):
        copies = [fresh(v, self.backward) for v in (self.input, self.args, list(self.kwargs.values()))]
        kwargs = dict(zip(self.kwargs, copies[2]))
        seed(1)
        self.outputs = flattened(op.op(copies[0], *copies[1], **kwargs))
        encode(self.outputs, None)
        self.numel += sum(o.numel() for o in self.outputs if isinstance(o, torch.Tensor))
        self.grads = None
        wanted = {p: t for p, t in arguments(copies[0], copies[1], kwargs) if t.requires_grad}
        used = [isinstance(o, torch.Tensor) and o.requires_grad for o in self.outputs]
        if wanted and any(used):
            self.grad_outputs = [grad_output(o, n) if u else None for n, (o, u) in enumerate(zip(self.outputs, used))]
            grads = torch.autograd.grad([o for o, u in zip(self.outputs, used) if u], list(wanted.values()),
                                        [g for g in self.grad_outputs if g is not None], allow_unused=True)
            self.grads = dict(zip(wanted, grads))
            encode(list(grads), None)
        self.outputs = [o.detach().clone() if isinstance(o, torch.Tensor) else o for o in self.outputs]

    def is_random(self, op):
        for n in (2, 3, 4, 5):
            seed(n)
            again = flattened(op.op(fresh(self.input, False), *fresh(self.args, False), **{
                k: fresh(v, False) for k, v in self.kwargs.items()}))
            if len(again) != len(self.outputs) or not all(map(same, self.outputs, again)):
                return True
        return False

    def features(self):
        """What this sample shows that others may not: ranks, broadcasting, emptiness, each argument's value."""
        found = set()
        shapes = []
        for path, t in arguments(self.input, self.args, self.kwargs):
            shapes.append(tuple(t.shape))
            found |= {(path, "rank", t.dim()), (path, "dtype", t.dtype), (path, "empty", t.numel() == 0)}
        found.add(("ranks", tuple(map(len, shapes))))
        found.add(("equal shapes", len(set(shapes)) < 2))
        for path, v in [*enumerate(self.args), *self.kwargs.items(), ("input", self.input)]:
            if not isinstance(v, torch.Tensor):
                found |= {(path, type(v).__name__), (path, str(encode_shallow(v)))}
        return found

    def encoded(self, dtype, pool):
        record = {"dtype": name_of(dtype), "kind": self.kind, "input": encode(self.input, pool),
                  "args": encode(self.args, pool), "kwargs": {k: encode(v, pool) for k, v in self.kwargs.items()}}
        if self.grads is not None:
            record["gradOutputs"] = encode(self.grad_outputs, pool)
        record["outputs"] = encode(self.outputs, pool)
        if self.grads is not None:
            record["gradInputs"] = {k: encode(g, pool) for k, g in self.grads.items()}
        return record


def encode_shallow(v):
    if isinstance(v, torch.Tensor):
        return "tensor"
    return [encode_shallow(e) for e in v] if isinstance(v, (list, tuple)) else repr(v)


def indices():
    """Subscripts of a [4, 3, 5] tensor: every kind of index, alone and mixed."""
    pair, grid = torch.tensor([2, 0]), torch.tensor([[0, -1], [3, 0]])
    rows, mask = torch.tensor([True, False, True, True]), torch.arange(60).reshape(4, 3, 5) % 7 < 3
    every = slice(None)
    return [(Ellipsis, 0), (1, Ellipsis, -1), None, (every, None, 2), -1, slice(1, None, 2), (slice(3, 1), every), mask,
            rows, (rows, 1), (rows, every, torch.tensor([0, 1, 4])), (every, torch.tensor([True, False, True])),
            mask[:, :, 0], grid, (grid, every, grid), (0, pair), (pair, 0), (every, pair, None), (pair, slice(0, 2), 3),
            (Ellipsis, pair, slice(1, 4)), torch.empty(0, dtype=torch.int64), (every, every, every, None), (0, 1, 2),
            torch.tensor(2)]


def constructed(op, dtype):
    """Samples of our own beside PyTorch's: corners and extremes of elementwise operations, kinds of index."""
    floating = dtype.is_floating_point
    if isinstance(op, UnaryUfuncInfo) and floating:
        kwargs = op.sample_kwargs("cpu", dtype, None)[0]
        yield Sample(op, torch.tensor(KINKS, dtype=dtype, requires_grad=True), (), kwargs, "kinks")
        yield Sample(op, torch.tensor(EXTREMES, dtype=dtype), (), kwargs, "extremal", False)
    if op.name == "__getitem__" and dtype is not torch.bool:
        x = torch.arange(60, dtype=dtype).reshape(4, 3, 5).requires_grad_(floating)
        yield from (Sample(op, x, (index,), {}) for index in indices())
    if isinstance(op, BinaryUfuncInfo):
        if floating:
            a = torch.tensor(KINKS[2:-1], dtype=dtype, requires_grad=True)
            yield Sample(op, a.detach()[:, None].requires_grad_(), (a,), {}, "kinks")
            e = torch.tensor(EXTREMES[:9] + [1e300], dtype=dtype)
            yield Sample(op, e[:, None], (e,), {}, "extremal", False)
        elif dtype is torch.int64 and "shift" not in op.name:
            a = torch.tensor([-7, -3, -2, -1, 1, 2, 3, 7])
            yield Sample(op, a[:, None], (a,), {}, "kinks")


def candidates(op, dtype, reasons, largest=MAX_ELEMENTS):
    """Samples that ran, at most CONSIDERED."""
    seed(0)
    needs_grad = op.supports_autograd and dtype.is_floating_point
    found = []
    for s in itertools.islice(op.sample_inputs("cpu", dtype, requires_grad=needs_grad), CONSIDERED):
        state = torch.get_rng_state(), np.random.get_state(), random.getstate()
        try:
            plain = s.output_process_fn_grad.__qualname__.startswith("SampleInput.__init__")
            sample = Sample(op, s.input, s.args, s.kwargs, backward=plain)
            if sample.numel <= largest:
                sample.run(op)
            if sample.numel > largest:
                raise Unsupported("large")
            found.append(sample)
        except Unsupported as e:
            reasons.append(str(e))
        except Exception as e:
            reasons.append(f"{type(e).__name__}: {str(e).splitlines()[0][:90] if str(e) else ''}")
        torch.set_rng_state(state[0]), np.random.set_state(state[1]), random.setstate(state[2])
    if not found and largest == MAX_ELEMENTS and "large" in reasons:
        reasons[:] = [r for r in reasons if r != "large"]
        large = sorted(candidates(op, dtype, reasons, 10 * MAX_ELEMENTS), key=lambda s: s.numel)
        return large[:1] + [s for s in large[1:2] if s.numel < 3 * MAX_ELEMENTS]
    return found


def chosen(samples, count):
    """Yields the samples that show most for their size first, until nothing is left or `count` were taken."""
    left, seen = [(s, s.features(), i) for i, s in enumerate(samples)], set()
    for _ in range(count):
        if not left:
            return
        best = min(left, key=lambda c: (-len(c[1] - seen) / (1 + c[0].numel / 300), c[0].numel, c[2]))
        left.remove(best)
        seen |= best[1]
        yield best[0]


def goldens(op):
    """(samples as JSON, pool, why some were left out, None), or (None, None, ..., why there are none)."""
    for prefix, why in LEFT_OUT:
        if op.formatted_name.startswith(prefix) or op.name.startswith(prefix):
            return None, None, [], why
    pool, records, reasons = Pool(), [], []
    supported = op.supported_dtypes("cpu")
    for dtype, count in (COUNTS if supported & COUNTS.keys() else {torch.float32: 12}).items():
        if dtype not in supported:
            continue
        try:
            samples = candidates(op, dtype, reasons)
        except Exception as e:
            reasons.append(f"{type(e).__name__}: {str(e).splitlines()[0][:90] if str(e) else ''}")
            continue
        if op.name in SOMETIMES_RANDOM:
            samples = [s for s in samples if not s.is_random(op)]
        elif any(s.is_random(op) for s in samples[:20]):
            return None, None, reasons, "random or uninitialised"
        own = []
        try:
            for s in constructed(op, dtype):
                s.run(op)
                if not (op.name in SOMETIMES_RANDOM and s.is_random(op)):
                    own.append(s)
        except Exception:
            pass  # the operation has no such form (an integer power with a negative exponent, say)
        records += [s.encoded(dtype, pool) for s in own]
        limit = pool.size() + POOL_BYTES.get(dtype, 10_000)
        for s in chosen(samples, count):
            mark = pool.mark()
            record = s.encoded(dtype, pool)
            if pool.size() > limit and records:
                pool.restore(mark)
            elif record not in records:
                records.append(record)
    if not records:
        reasons = reasons or ["no samples for float64, int64 or bool"]
        return None, None, reasons, max(sorted(set(reasons)), key=reasons.count)
    return records, pool, reasons, None


SAFETENSORS_DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64",
                      "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL"}


def write(path, metadata, pool):
    header, at = {"__metadata__": {"firecrest": json.dumps(metadata, separators=(",", ":"), allow_nan=False)}}, 0
    order = [d for d in SAFETENSORS_DTYPES if d in pool.bytes]          # widest first keeps every tensor aligned
    for dtype in order:
        data = pool.bytes[dtype]
        count = len(data) // getattr(torch, dtype).itemsize
        header[dtype] = {"dtype": SAFETENSORS_DTYPES[dtype], "shape": [count], "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(bytes(pool.bytes[d]) for d in order))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", type=Path, default=Path(__file__).parent / "Goldens")
    p.add_argument("--only", default="")
    p.add_argument("--list", action="store_true")
    a = p.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    only = set(filter(None, a.only.split(",")))
    ops = [op for op in op_db if not only or op.formatted_name in only]
    if not a.list:
        a.out.mkdir(parents=True, exist_ok=True)
        if not only:
            for old in a.out.glob("*.safetensors"):
                old.unlink()
    files = samples = total = 0
    for op in ops:
        records, pool, reasons, why = goldens(op)
        if records is None:
            print(f"- {op.formatted_name}: {why}", flush=True)
            continue
        counts = {name_of(d): sum(r["dtype"] == name_of(d) for r in records) for d in [*COUNTS, torch.float32]}
        backward = sum("gradInputs" in r for r in records)
        shown = ", ".join(f"{n} {d}" for d, n in counts.items() if n)
        files, samples = files + 1, samples + len(records)
        if not a.list:
            path = a.out / f"{op.formatted_name}.safetensors"
            write(path, {"op": op.name, "variant": op.variant_test_name,
                         "torch": torch.__version__.split("+")[0], "samples": records}, pool)
            total += path.stat().st_size
        if a.list or only:
            dropped = "".join(f"; without {reasons.count(r)} ({r})" for r in sorted(set(reasons)))
            print(f"{op.formatted_name}: {shown}; {backward} with gradients{dropped}", flush=True)
    print(f"{files} operations, {samples} samples, {total / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
