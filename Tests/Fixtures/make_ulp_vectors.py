"""Packs the accuracy vectors of an installed NumPy (numpy/_core/tests/data/umath-validation-set-*.csv) into umath.bin.

Each block is a name (one byte of length, then ASCII), the bytes of an element (4 or 8, one byte), a count (uint32,
little endian), the inputs and the correctly rounded outputs, as bit patterns.
"""

import pathlib
import struct

import numpy

NAMES = {
    "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan", "arctanh": "atanh",
    "cos": "cos", "cosh": "cosh", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log10": "log10",
    "log1p": "log1p", "log2": "log2", "sin": "sin", "sinh": "sinh", "tan": "tan", "tanh": "tanh",
}


def main():
    data = pathlib.Path(numpy.__file__).parent / "_core" / "tests" / "data"
    out = bytearray()
    for source, name in NAMES.items():
        lines = (data / f"umath-validation-set-{source}.csv").read_text().splitlines()
        rows = [line.strip().split(",") for line in lines if line.startswith("np.")]
        for type_name, size, code in (("np.float32", 4, "I"), ("np.float64", 8, "Q")):
            pairs = [(int(r[1], 16), int(r[2], 16)) for r in rows if r[0] == type_name]
            out += struct.pack("B", len(name)) + name.encode() + struct.pack("<BI", size, len(pairs))
            for column in (0, 1):
                out += struct.pack(f"<{len(pairs)}{code}", *(p[column] for p in pairs))
    target = pathlib.Path(__file__).with_name("umath.bin")
    target.write_bytes(out)
    print(f"{target}: {len(out)} bytes")


main()
