#!/usr/bin/env python3
"""Lists the innermost loops of the kernels in a linked program that move vectors to or from the stack, copy many of them
between registers, or call functions: signs of too few registers, or of code that was not inlined.

    python3 Scripts/loops.py .build/release/firecrest [--all]

The linked program counts: code that is compiled for it keeps a frame pointer, one register less than in a test bench.
Without --all, only loops with multiply-adds are listed, which the baseline kernels do not have.
"""

import argparse
import re
import signal
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\s+(\S.*)$")
JUMP = re.compile(r"^j\w+\s+(?:0x)?([0-9a-f]+)")
VECTOR = re.compile(r"%[xyz]mm\d")
COPY = re.compile(r"^v?movap[sd] %[xyz]mm\d+,%[xyz]mm\d+$")
# Locals lie above the stack pointer or, where a function does not align it, below the frame pointer.
STACK = re.compile(r"\(%rsp|-0x[0-9a-f]+\(%rbp\)")


def functions(program):
    """The name of each function of the kernels and its instructions, as (address, text)."""
    command = ["objdump", "-d", "--no-show-raw-insn", program]
    name, code = None, []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if start := FUNCTION.match(line.rstrip()):
                if name and "CPUKernels" in name:
                    yield name, code
                name, code = start[1], []
            elif found := INSTRUCTION.match(line.rstrip()):
                code.append((int(found[1], 16), found[2]))
        if name and "CPUKernels" in name:
            yield name, code
    if process.returncode:
        sys.exit(f"loops.py: objdump could not read {program}")


def innermost_loops(code):
    """The instructions of each loop that holds no other."""
    place = {address: i for i, (address, _) in enumerate(code)}
    loops = set()
    for i, (_, text) in enumerate(code):
        if jump := JUMP.match(text):
            start = place.get(int(jump[1], 16))
            if start is not None and start <= i:
                loops.add((start, i))
    for start, end in loops:
        if not any(start <= s and e <= end and (s, e) != (start, end) for s, e in loops):
            yield [text for _, text in code[start:end + 1]]


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program")
    parser.add_argument("--all", action="store_true", help="loops without multiply-adds too")
    arguments = parser.parse_args()
    rows = []
    for name, code in functions(arguments.program):
        for loop in innermost_loops(code):
            products = sum("vfm" in text for text in loop)
            spills = sum(bool(STACK.search(text) and VECTOR.search(text)) for text in loop)
            copies = sum(bool(COPY.match(text)) for text in loop)
            calls = sum(text.startswith("call") for text in loop)
            if (products or arguments.all) and (spills or calls or copies > 3):
                rows.append((spills, copies, calls, products, len(loop), name))
    rows.sort(reverse=True)
    names = subprocess.run(
        ["swift", "demangle", "--compact", "--simplified"], input="\n".join(row[-1] for row in rows), text=True,
        capture_output=True, check=True).stdout.splitlines()
    print("spills copies calls products instructions")
    for row, name in zip(rows, names):
        kernels = re.search(r"CPUKernels(AVX512|AVX2|Baseline)", row[-1])
        print("%6d %6d %5d %8d %12d" % row[:5], f"{kernels[1] if kernels else ''} {name[:100]}")


if __name__ == "__main__":
    main()
