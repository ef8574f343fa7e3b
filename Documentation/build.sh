#!/usr/bin/env bash
# Builds the reference documentation of the public API into docs-build/; a warning is an error.
set -eu
cd "$(dirname "$0")/.."
rm -rf docs-build
mkdir -p docs-build/graphs
swift build --target Firecrest -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc "$PWD/docs-build/graphs"
keep="docs-build/public"
mkdir -p "$keep"
cp docs-build/graphs/Firecrest*.symbols.json docs-build/graphs/CPUKernelAPI*.symbols.json "$keep"
docc=$(command -v docc || dirname "$(command -v swift)")/docc
[ -x "$docc" ] || docc=$(command -v docc)
"$docc" convert --fallback-display-name Firecrest --fallback-bundle-identifier firecrest \
  --additional-symbol-graph-dir "$keep" --output-path docs-build/Firecrest.doccarchive --warnings-as-errors
