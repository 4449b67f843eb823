#!/usr/bin/env bash
# Installs what is missing, builds in Release, measures, and prints one table per subject.
# usage: tools/bench.sh [SUBJECT]...  (all when none is named)
# subjects: reading document commit version graph reload save journal quorum http compile
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/packages.sh

subjects=("$@")
((${#subjects[@]})) || subjects=(reading document commit version graph reload save journal quorum
    http compile)

need "${build_packages[@]}" pkg-config python3 valgrind \
    libbenchmark-dev liburcu-dev libboost1.81-dev libboost-url1.81-dev libsigc++-3.0-dev
targets=()
for subject in "${subjects[@]}"; do
    case "$subject" in
    http)
        need nginx wrk etcd-server
        targets+=(http_epoll_server http_watchers http_config_server http_observer)
        ;;
    compile) ;;
    *) targets+=(bench) ;;
    esac
done
build="${ATTUNE_BENCH_BUILD:-build/bench}"
out="$build/figures"
bench="$build/benchmarks/bench"
mkdir -p "$out"
rm -f "$out"/*.json
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DATTUNE_BUILD_TESTS=OFF -DATTUNE_BUILD_EXAMPLES=OFF >"$build/configure.log" 2>&1 ||
    { cat "$build/configure.log"; exit 1; }
if ((${#targets[@]})); then
    cmake --build "$build" --target "${targets[@]}"
fi

# Each subject in a process of its own: the heap of one is not the cache misses of another.
for subject in "${subjects[@]}"; do
    echo "measuring: $subject"
    case "$subject" in
    compile)
        tools/compile_cost.py --json "$out/compile.json"
        continue
        ;;
    http)
        # A server and its clients each need as many files as there are connections.
        ulimit -n "$(ulimit -Hn)"
        python3 benchmarks/http/measure.py "$build/benchmarks" "$out/http.json"
        continue
        ;;
    reading) repetitions=(--benchmark_repetitions=5 --benchmark_min_time=0.05) ;;
    *) repetitions=(--benchmark_repetitions=3 --benchmark_min_time=0.2) ;;
    esac
    nice -n -5 "$bench" "--benchmark_filter=^$subject/" "${repetitions[@]}" \
        --benchmark_enable_random_interleaving=true \
        "--benchmark_out=$out/$subject.json" --benchmark_out_format=json \
        >"$out/$subject.log" 2>&1 ||
        { cat "$out/$subject.log"; exit 1; }
    if [[ "$subject" == reading ]]; then
        python3 benchmarks/instructions.py "$bench" "$out/instructions.json"
    fi
done
python3 benchmarks/table.py "$out"/*.json
