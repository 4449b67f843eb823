#!/usr/bin/env python3
"""What one translation unit costs to compile, beside one that only calls nlohmann::json::parse.

usage: compile_cost.py [--json FILE] [compiler]          (g++ when not named)

Median CPU seconds (user and system) of three compilations, and the peak memory. With --json, the
seconds go to FILE, for benchmarks/table.py, instead of a table.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNITS = ROOT / "benchmarks/compile_cost"
CASES = [
    ("nlohmann", "nlohmann_parse.cpp", []),
    ("header-only", "attune_store.cpp", []),
    ("compiled", "attune_store.cpp", ["-DATTUNE_SEPARATE_COMPILATION"]),
]
LEVELS = ["-O0", "-O2"]
RUNS = 3


def compile_once(command: list[str]) -> tuple[float, float]:
    """CPU seconds and MiB of the compiler and what it starts."""
    pid = os.posix_spawnp(command[0], command, {**os.environ, "CCACHE_DISABLE": "1"})
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit("does not compile: " + " ".join(command))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(compiler: str) -> dict[tuple[str, str], tuple[float, float]]:
    """Seconds and MiB of each case at each level. The cases take turns: what else the machine does
    then falls on all of them."""
    runs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(RUNS):
        for name, unit, options in CASES:
            for level in LEVELS:
                command = [compiler, "-std=c++20", level, *options, f"-I{ROOT / 'include'}", "-c",
                           str(UNITS / unit), "-o", os.devnull]
                runs.setdefault((name, level), []).append(compile_once(command))
    return {case: (statistics.median(seconds for seconds, _ in measured),
                   max(mebibytes for _, mebibytes in measured))
            for case, measured in runs.items()}


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--json")
    arguments.add_argument("compiler", nargs="?", default="g++")
    given = arguments.parse_args()
    costs = measure(given.compiler)
    if given.json:
        rows = [{"name": f"compile/{name} {level}", "run_type": "iteration", "seconds": seconds}
                for (name, level), (seconds, _) in costs.items()]
        Path(given.json).write_text(json.dumps({"benchmarks": rows}, indent=1), encoding="utf-8")
        return 0
    print(f"{'translation unit':18}" + "".join(f"{level:>8} s {'ratio':>7} {'MiB':>6}"
                                               for level in LEVELS))
    for name, _, _ in CASES:
        row = f"{name:18}"
        for level in LEVELS:
            seconds, mebibytes = costs[name, level]
            baseline, _ = costs[CASES[0][0], level]
            row += f"{seconds:10.2f} {seconds / baseline:6.2f}x {mebibytes:6.0f}"
        print(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
