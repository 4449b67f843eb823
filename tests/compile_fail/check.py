#!/usr/bin/env python3
"""Passes when a program does not compile, for the reason its first line expects, and the compiler
names the line that ends with `// the error`.

usage: check.py case.cpp compiler [option ...]
"""

import os
import re
import subprocess
import sys


def main() -> int:
    case, *command = sys.argv[1:]
    with open(case, encoding="utf-8") as file:
        lines = file.read().splitlines()
    expected = re.fullmatch(r"// expect: (.+)", lines[0])
    marked = [number for number, line in enumerate(lines, 1) if line.endswith("// the error")]
    if expected is None or len(marked) != 1:
        print(f"{case}: needs a first line `// expect: <regular expression>` and one mark")
        return 1

    # Compilers quote and translate by locale.
    environment = {**os.environ, "LC_ALL": "C"}
    answer = subprocess.run([*command, "-fsyntax-only", case], env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if answer.returncode == 0:
        print(f"{case}: compiles, and must not")
        return 1
    if not re.search(expected.group(1), answer.stdout):
        print(f"{case}: the compiler did not say: {expected.group(1)}\n{answer.stdout}")
        return 1
    if f"{case}:{marked[0]}:" not in answer.stdout:
        print(f"{case}: the compiler did not name line {marked[0]}\n{answer.stdout}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
