"""Firecrest and PyTorch side by side: both run each workload in turn, several times over, and the medians are compared.

Usage: compare.py FIRECREST [--oracle PYTHON] [--rounds 3] [--only NAME,NAME] [--seconds 0.5] [--threads 2]
                  [--kernels] [--json]
  FIRECREST  the `firecrest` binary, release build
  --oracle   a Python that has torch; by default what FIRECREST_ORACLE names

Turns alternate within a workload (A B A B ...), so that a slow minute of the machine meets both sides. The ratio is
PyTorch's time over Firecrest's: above 1, Firecrest is faster. Needs the standard library only.
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import geometric_mean, median

BASELINE = Path(__file__).with_name("pytorch_baseline.py")


class Failure(Exception):
    """One side did not do as it was told; the message says which and how."""


def medians(command, side, tolerate=False):
    """{name: median_us} from the JSON lines that the command prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise Failure(f"{side}: cannot run {command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        if tolerate:
            return {}
        raise Failure(f"{side}: {' '.join(command)} ended with {done.returncode}\n{done.stderr.strip()[-2000:]}")
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            record = json.loads(line)
            found[record["name"]] = record["median_us"]
    return found


def available(python, kernels):
    """The baseline's names, without running anything."""
    suite = "kernels" if kernels else "workloads"
    code = f"import json, pytorch_baseline as b; print(json.dumps(list(b.SUITES['{suite}'])))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=BASELINE.parent,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode != 0:
        raise Failure(f"pytorch: {python} cannot load {BASELINE.name}\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout)


def shown(value):
    return "-" if value is None else f"{value:,.3f}" if value < 100 else f"{value:,.1f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("firecrest")
    parser.add_argument("--oracle", default=os.environ.get("FIRECREST_ORACLE"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kernels", action="store_true")
    parser.add_argument("--json", action="store_true", help="JSON lines instead of a table")
    arguments = parser.parse_args()
    if not arguments.oracle:
        parser.error("name a Python that has torch by --oracle or FIRECREST_ORACLE")
    options = ["--seconds", str(arguments.seconds), "--threads", str(arguments.threads)]
    options += ["--kernels"] if arguments.kernels else []
    sides = {"firecrest": [arguments.firecrest, "bench", "--json", *options],
             "pytorch": [arguments.oracle, str(BASELINE), *options]}
    try:
        known = available(arguments.oracle, arguments.kernels)
        names = [n for n in arguments.only.split(",") if n] or known
        if unknown := [n for n in names if n not in known]:
            parser.error(f"no such workload: {', '.join(unknown)}; there are {', '.join(known)}")
        if not arguments.json:
            width = max(map(len, names))
            print(f"{'name':{width}}  {'firecrest µs':>14}  {'pytorch µs':>14}  {'ratio':>7}", flush=True)
        ratios, missing = [], []
        for name in names:
            times = {side: [] for side in sides}
            for _ in range(arguments.rounds):
                for side, command in sides.items():
                    found = medians([*command, "--only", name], side, tolerate=side == "firecrest")
                    if name in found:
                        times[side].append(found[name])
            ours, theirs = (median(times[side]) if times[side] else None for side in sides)
            ratio = theirs / ours if ours and theirs else None
            (missing if ratio is None else ratios).append(name if ratio is None else ratio)
            if arguments.json:
                print(json.dumps({"name": name, "firecrest_us": ours, "pytorch_us": theirs,
                                  "ratio": ratio and round(ratio, 3)}), flush=True)
            else:
                print(f"{name:{width}}  {shown(ours):>14}  {shown(theirs):>14}  "
                      f"{'-' if ratio is None else f'{ratio:.2f}':>7}", flush=True)
    except Failure as failure:
        sys.exit(f"compare.py: {failure}")
    if ratios and not arguments.json:
        print(f"geometric mean {geometric_mean(ratios):.2f}, least {min(ratios):.2f}, "
              f"{sum(r < 1 for r in ratios)} of {len(ratios)} slower than PyTorch")
    if missing:
        sys.exit(f"compare.py: firecrest gave no figure for {', '.join(missing)}")


if __name__ == "__main__":
    main()
