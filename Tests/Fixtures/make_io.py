"""Writes Tests/Fixtures/IO: small files made by NumPy and by the safetensors package, which FirecrestIOTests reads.

python3 make_io.py [folder]    (needs numpy, torch, safetensors)
"""

import io
import json
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy
from safetensors.torch import save_file

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "IO"
folder.mkdir(parents=True, exist_ok=True)


def ramp(code, shape=(3, 4)):
    """Element k is 3 k − 5 in the type's own arithmetic; bool: k % 3 == 0; unsigned: 7 k."""
    k = np.arange(int(np.prod(shape))).reshape(shape)
    kind = np.dtype(code).kind
    values = k % 3 == 0 if kind == "b" else 7 * k if kind == "u" else 3 * k - 5
    return values.astype(code)


def write(name, array, version=None):
    with open(folder / name, "wb") as file:
        npy.write_array(file, array, version)


codes = ["|b1", "|u1", "|i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8", "<u2", "<u4", "<u8"]
for code in codes:
    write(f"{code[1:]}.npy", ramp(code))
    if code[0] == "<":
        write(f"{code[1:]}_big.npy", ramp(">" + code[1:]))
for version in [(1, 0), (2, 0), (3, 0)]:
    write(f"version{version[0]}.npy", ramp("<f4"), version)
write("fortran.npy", np.asfortranarray(ramp("<f4", (2, 3, 4))))
write("fortran_big.npy", np.asfortranarray(ramp(">i8", (2, 3, 4))))
write("scalar.npy", ramp("<f8", ()))
write("empty.npy", ramp("<f4", (2, 0, 3)))
write("one.npy", ramp("<i8", (5,)))
write("rank8.npy", ramp("<i2", (1, 2, 1, 3, 1, 1, 2, 1)))
write("rank9.npy", ramp("<i2", (1,) * 9))
write("special.npy", np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308], "<f8"))
write("huge_u8.npy", np.array([1, 2**63], "<u8"))
write("complex.npy", ramp("<c8"))
write("structured.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
write("text.npy", np.array(["ab", "c"]))
write("time.npy", np.array(["2020-01-01"], "M8[D]"))
write("void.npy", np.zeros(2, "V2"))
with open(folder / "object.npy", "wb") as file:
    npy.write_array(file, np.array([None, {}], object), allow_pickle=True)

arrays = {"weight": ramp("<f4"), "ümlaut": ramp("<i8", (5,)), "flags": ramp("|b1", (2, 2)), "none": ramp("<f4", (0,))}
np.savez(folder / "stored.npz", **arrays)
np.savez_compressed(folder / "deflated.npz", **arrays, zeros=np.zeros((64, 64), "<f4"))


class Pipe(io.RawIOBase):
    """A stream that cannot seek: zipfile then writes sizes behind the data."""

    def __init__(self, file):
        self.file = file

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)


with open(folder / "descriptor.npz", "wb") as file:
    with zipfile.ZipFile(Pipe(file), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            npy.write_array(buffer, array)
            archive.writestr(zipfile.ZipInfo(name + ".npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED)

# All fields in 64 bits, as in an archive of many gigabytes.
limit = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = -1, 0
np.savez(folder / "zip64.npz", **arrays)
zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limit
with zipfile.ZipFile(folder / "notes.npz", "w") as archive:
    archive.writestr("notes.txt", "not an array")
with zipfile.ZipFile(folder / "folders.npz", "w") as archive:
    archive.writestr("sub/", "")
    archive.writestr("sub/a.npy", (folder / "one.npy").read_bytes())
with zipfile.ZipFile(folder / "bzip2.npz", "w", zipfile.ZIP_BZIP2) as archive:
    archive.writestr("a.npy", (folder / "one.npy").read_bytes())

types = {
    "bool": torch.bool, "uint8": torch.uint8, "int8": torch.int8, "int16": torch.int16, "int32": torch.int32,
    "int64": torch.int64, "float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32,
    "float64": torch.float64,
}


def torch_ramp(dtype, shape=(3, 4)):
    k = torch.arange(int(np.prod(shape))).reshape(shape)
    if dtype == torch.bool:
        return k % 3 == 0
    return (7 * k if dtype in (torch.uint8, torch.uint16, torch.uint32, torch.uint64) else 3 * k - 5).to(dtype)


tensors = {name: torch_ramp(dtype) for name, dtype in types.items()}
tensors |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3), "Ünï\"\\\n": torch_ramp(torch.float32, (2,))}
save_file(tensors, folder / "all.safetensors", metadata={"format": "pt"})
save_file({"x": torch_ramp(torch.float32)}, folder / "plain.safetensors")
save_file({}, folder / "empty.safetensors")
unsigned = {"u16": torch.uint16, "u32": torch.uint32, "u64": torch.uint64}
save_file({name: torch_ramp(dtype) for name, dtype in unsigned.items()}, folder / "unsigned.safetensors")
save_file({"x": torch.zeros(2, dtype=torch.float8_e4m3fn)}, folder / "float8.safetensors")

# Data that is not aligned: the header is not padded, a byte stands before the floats, one bool is 2.
header = json.dumps({
    "a": {"dtype": "BOOL", "shape": [3], "data_offsets": [0, 3]},
    "b": {"dtype": "F32", "shape": [2], "data_offsets": [3, 11]},
    "c": {"dtype": "U8", "shape": [1], "data_offsets": [11, 12], "note": [1.5e3, {"deep": None}]},
}).encode()
header += b" " * ((7 - len(header)) % 8)
with open(folder / "unaligned.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + bytes([1, 0, 2]) + struct.pack("<2f", 1.5, -2) + b"\x09")
