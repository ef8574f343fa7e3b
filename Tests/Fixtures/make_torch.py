"""Writes Tests/Fixtures/Torch: small files of torch.save, in all its formats, which FirecrestIOTests reads.

python3 make_torch.py [folder]    (needs torch)
"""

import argparse
import collections
import pickle
import struct
import sys
import warnings
import zipfile
from pathlib import Path

import torch

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "Torch"
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)

types = [
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
    torch.float32, torch.float64,
]
unsigned = [torch.uint16, torch.uint32, torch.uint64]


def ramp(dtype, shape=(3, 4)):
    """Element k is 3 k − 5 in the type's own arithmetic; bool: k % 3 == 0; unsigned: 7 k."""
    k = torch.arange(torch.Size(shape).numel()).reshape(shape)
    if dtype == torch.bool:
        return k % 3 == 0
    return (7 * k if dtype in [torch.uint8] + unsigned else 3 * k - 5).to(dtype)


def save(name, value, protocol=2, old=False, check=True):
    path = folder / name
    torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=not old)
    if check:
        torch.load(path, weights_only=False)
    return path


# Everything that a state dict can hold, in both formats and all protocols.
base = ramp(torch.float32)
everything = collections.OrderedDict((str(t).removeprefix("torch."), ramp(t)) for t in types + unsigned)
everything["parameter"] = torch.nn.Parameter(ramp(torch.float32, (2, 2)))
everything["scalar"] = torch.tensor(2.5)
everything["empty"] = torch.zeros(2, 0, 3)
everything["transposed"] = base.t()
everything["window"] = base[1:, 1:3]
everything["tied"] = base
everything["strided"] = torch.arange(10, dtype=torch.int16)[1::3]
everything["expanded"] = ramp(torch.int64, (1, 3)).expand(2, 3)
everything["one"] = torch.zeros(1, 7).as_strided((1, 1), (1 << 40, 5))
everything["Ünï.\U0001F600 \"\\\n"] = ramp(torch.float32, (2,))
everything._metadata = collections.OrderedDict({"": {"version": 1}, "bn": {"version": 2}})
for protocol in (2, 3, 4, 5):
    save(f"zip{protocol}.pth", everything, protocol)
# PyTorch itself cannot read these from its older format.
for t in unsigned:
    del everything[str(t).removeprefix("torch.")]
for protocol in (2, 3, 4, 5):
    save(f"old{protocol}.pth", everything, protocol, old=True)

# A checkpoint as people write them.
net = torch.nn.Sequential(collections.OrderedDict(fc=torch.nn.Linear(2, 3), norm=torch.nn.BatchNorm1d(3)))
for p in net.parameters():
    p.data = ramp(torch.float32, p.shape)
optimizer = torch.optim.Adam(net.parameters(), lr=0.25)
net(torch.ones(4, 2)).sum().backward()
optimizer.step()
for p in net.parameters():
    p.data = ramp(torch.float32, p.shape)
save("state.pth", net.state_dict())
save("state_old.pth", net.state_dict(), old=True)
checkpoint = {
    "epoch": 3, "model_state_dict": net.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "loss": 0.125,
    "is_best": True, "config": {"name": "Lauf ü", "seed": -(2**40), 7: 8}, "none": None, "history": [0.5, 0.25],
    "big": 10**30, "pair": (ramp(torch.int32, (2,)), [ramp(torch.float64, (1,))]), "shape": torch.Size([2, 3]),
    "device": torch.device("cpu"), "dtype": torch.float16, "bytes": b"ab\xff", "set": {1, 2},
    "storage": torch.zeros(3).untyped_storage(),
}
save("checkpoint.pth", checkpoint)
save("checkpoint5.pth", checkpoint, 5)
del checkpoint["storage"]
save("checkpoint_old.pth", checkpoint, old=True)

save("lone.pth", ramp(torch.float32))
save("list.pth", [ramp(torch.int64, (2,)), ramp(torch.bool, (3,))])
save("nothing.pth", {})
attributed = {"tensor": ramp(torch.float32, (2,)), "parameter": torch.nn.Parameter(ramp(torch.float32, (3,)))}
for x in attributed.values():
    x.note = "a note"
save("attributes.pth", attributed)

# Without checksums.
torch.serialization.set_crc32_options(False)
save("unchecked.pth", {"x": ramp(torch.float32)})
torch.serialization.set_crc32_options(True)

# As a machine with the highest byte first writes it.
save("big_endian.pth", {str(t).removeprefix("torch."): ramp(t) for t in types + [torch.uint16]})
sizes = [t.itemsize for t in types] + [2]
with zipfile.ZipFile(folder / "big_endian.pth") as archive:
    members = [(m.filename, archive.read(m)) for m in archive.infolist()]
with zipfile.ZipFile(folder / "big_endian.pth", "w") as archive:
    for name, content in members:
        if "/data/" in name:
            size = sizes[int(name.rpartition("/")[2])]
            content = b"".join(content[i:i + size][::-1] for i in range(0, len(content), size))
        if name.endswith("byteorder"):
            content = b"big"
        archive.writestr(name, content)
assert torch.equal(torch.load(folder / "big_endian.pth")["float32"], ramp(torch.float32))
# Packed again by somebody: torch.save only stores.
with zipfile.ZipFile(folder / "deflated.pth", "w", zipfile.ZIP_DEFLATED) as archive:
    for name, content in members:
        archive.writestr(name, content)


# As PyTorch 0.1 wrote it under Python 2: texts are bytes, a dictionary is a list of pairs, a storage has parts.
def text(value):
    return b"U" + struct.pack("B", len(value)) + value


def rebuild(storage, offset, sizes, strides):
    numbers = [b"K" + bytes([n]) for n in [offset]] + [
        b"(" + b"".join(b"K" + bytes([n]) for n in ns) + b"t" for ns in (sizes, strides)]
    return b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"".join(numbers) + b"tR"


def part(first, count):
    view = b"(" + text(b"part") + b"K" + bytes([first]) + b"K" + bytes([count]) + b"t"
    return b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"key") + text(b"cuda:0") + b"K\x0c" + view + b"tQ"


whole = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"key") + text(b"cpu") + b"K\x0cNtQ"
pairs = [(b"whole", rebuild(whole, 0, [3, 4], [4, 1])), (b"row", rebuild(part(4, 4), 1, [3], [1]))]
listed = b"](" + b"".join(b"](" + text(name) + value + b"e" for name, value in pairs) + b"e"
content = b"\x80\x02ccollections\nOrderedDict\n" + listed + b"\x85R."
head = b"".join(pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
data = struct.pack("<q12f", 12, *ramp(torch.float32).flatten().tolist())
(folder / "python2.pth").write_bytes(head + content + b"\x80\x02](" + text(b"key") + b"e." + data)
read = torch.load(folder / "python2.pth", map_location="cpu", weights_only=False)
assert torch.equal(read["whole"], ramp(torch.float32)) and torch.equal(read["row"], ramp(torch.float32)[1, 1:])

# What is to be refused.
save("namespace.pth", {"args": argparse.Namespace(lr=0.1), "x": torch.zeros(2)}, check=False)
save("module.pth", torch.nn.Linear(2, 2), check=False)
save("complex.pth", {"x": torch.zeros(2, dtype=torch.complex64)})
save("float8.pth", {"x": torch.zeros(2, dtype=torch.float8_e4m3fn)})
save("sparse.pth", {"x": torch.eye(2).to_sparse()})
save("quantized.pth", {"x": torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.qint8)})
save("negative.pth", {"x": torch.zeros(2, dtype=torch.complex64).conj().imag})
save("rank9.pth", {"x": torch.zeros((1,) * 9)})
save("twice.pth", {"a": {"b": torch.zeros(1)}, "a.b": torch.zeros(2)})
save("tuple_key.pth", {(1, 2): torch.zeros(1)})
save("expanded.pth", {"x": torch.zeros(1).expand(1 << 40)})
save("uint64.pth", {"x": torch.tensor([1, 2**63], dtype=torch.uint64)})
save("protocol1.pth", {"x": torch.zeros(2)}, 1, check=False)
with torch.no_grad():
    torch.jit.save(torch.jit.trace(torch.nn.Linear(1, 1), torch.zeros(1, 1)), folder / "script.pth")
