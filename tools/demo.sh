#!/usr/bin/env bash
# Installs what is missing, builds the demo, and runs it. `--interactive` keeps it running, so that
# its files can be edited by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/packages.sh

need "${build_packages[@]}"
mkdir -p build
cmake -S . -B build/demo -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DATTUNE_BUILD_TESTS=OFF -DATTUNE_BUILD_BENCHMARKS=OFF >build/demo.log 2>&1 ||
    { cat build/demo.log; exit 1; }
cmake --build build/demo --target demo
exec build/demo/examples/demo "$@"
