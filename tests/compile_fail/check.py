#!/usr/bin/env python3
"""Passes when a program does not compile, for the reason its first line expects.

usage: check.py case.cpp compiler [option ...]
"""

import os
import re
import subprocess
import sys


def main() -> int:
    case, *command = sys.argv[1:]
    with open(case, encoding="utf-8") as file:
        first_line = file.readline().rstrip("\n")
    expected = re.fullmatch(r"// expect: (.+)", first_line)
    if expected is None:
        print(f"{case}:1: expected a first line `// expect: <regular expression>`")
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
