#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test:
#
#   gcc           everything
#   clang         the other compiler, and a short run of each fuzzer
#   fallbacks     graph, store and transport without inotify and membarrier
#   locked-cells  the same with cells behind a mutex
#   tsan          what has threads, under ThreadSanitizer
#   asan-ubsan    everything that runs, under AddressSanitizer and UBSan
#
# The first stage that fails ends the run. `--quick` runs the first stage only; names of stages run
# just those.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/packages.sh

stages=(gcc clang fallbacks locked-cells tsan asan-ubsan)
case "${1-}" in
--quick) stages=(gcc) ;;
-*)
    echo "usage: tools/test.sh [--quick | stage ...]; stages: ${stages[*]}" >&2
    exit 2
    ;;
?*) stages=("$@") ;;
esac

jobs="${ATTUNE_JOBS:-$(nproc)}"
export CTEST_PARALLEL_LEVEL="$jobs"
export CLICOLOR_FORCE=0

packages=("${build_packages[@]}" python3 ccache git pkg-config
    libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev liburcu-dev libboost1.81-dev
    libboost-url1.81-dev
    libsigc++-3.0-dev libsqlite3-dev
    curl nginx)
if [[ " ${stages[*]} " == *" clang "* ]]; then
    packages+=(clang-16 libclang-rt-16-dev)
fi
need "${packages[@]}"
need_node_modules tests

build() {
    cmake --preset "$1"
    cmake --build --preset "$1" --parallel "$jobs"
}

# ThreadSanitizer cannot place its shadow memory under every layout a kernel may choose.
fixed_layout() {
    local probe
    probe="$(mktemp -d)"
    echo 'int main() {}' >"$probe/probe.cpp"
    g++ -fsanitize=thread "$probe/probe.cpp" -o "$probe/probe"
    local wrapper=()
    if ! "$probe/probe" 2>/dev/null; then
        wrapper=(setarch "$(uname -m)" --addr-no-randomize)
    fi
    rm -r "$probe"
    "${wrapper[@]}" "$@"
}

for stage in "${stages[@]}"; do
    printf '\n==== %s (%s s)\n' "$stage" "$SECONDS"
    build "$stage"
    case "$stage" in
    tsan) fixed_layout ctest --preset "$stage" --label-regex threads ;;
    *) ctest --preset "$stage" ;;
    esac
done
