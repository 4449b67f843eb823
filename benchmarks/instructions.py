#!/usr/bin/env python3
"""Instructions per read, counted by callgrind.

usage: instructions.py BENCH OUT

BENCH is the benchmark program, OUT a file for table.py.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

READS = 1000  # as in instructions.cpp


def count(bench: str, folder: str) -> str:
    counts = Path(folder) / "callgrind.out"
    subprocess.run(
        ["valgrind", "--quiet", "--tool=callgrind", "--toggle-collect=counted_*",
         f"--callgrind-out-file={counts}", bench, "--benchmark_filter=^instructions"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return subprocess.run(
        ["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(counts)],
        check=True, capture_output=True, text=True).stdout


def main() -> int:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    _, bench, out = sys.argv
    with tempfile.TemporaryDirectory() as folder:
        report = count(bench, folder)
    found = re.findall(r"^ *([\d,]+) .*:counted_(\w+)", report, re.MULTILINE)
    if not found:
        sys.exit("callgrind has counted nothing")
    rows = [{"name": f"instructions/{name.replace('_', ' ')}", "run_type": "iteration",
             "instructions": round(int(total.replace(",", "")) / READS)}
            for total, name in found]
    Path(out).write_text(json.dumps({"benchmarks": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
