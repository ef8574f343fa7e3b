#!/usr/bin/env bash
# Builds the reference documentation of the public API into docs-build/; a warning is an error.
set -eu
cd "$(dirname "$0")/.."
rm -rf docs-build
mkdir -p docs-build/graphs
swift package dump-symbol-graph --minimum-access-level public --skip-synthesized-members >/dev/null
graphs=$(find .build/ -type d -name symbolgraph | head -n 1)
for module in CPUKernelAPI FirecrestCPU FirecrestCore FirecrestIO FirecrestNN FirecrestOptim FirecrestData FirecrestVision \
  FirecrestTrain; do
  cp "$graphs/$module.symbols.json" docs-build/graphs/
  find "$graphs" -name "$module@*.symbols.json" -exec cp {} docs-build/graphs/ \;
done
docc=$(command -v docc || echo "$(dirname "$(command -v swift)")/docc")
"$docc" convert --fallback-display-name Firecrest --fallback-bundle-identifier firecrest \
  --additional-symbol-graph-dir docs-build/graphs --output-path docs-build/Firecrest.doccarchive --warnings-as-errors
echo "docs-build/Firecrest.doccarchive"
