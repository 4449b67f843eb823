#!/usr/bin/env python3
"""Writes single_include/: attune as one file, and the opt-in headers beside it.

usage: single_header.py [--check]

--check writes nothing and fails when what is checked in is stale.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
OUTPUT = ROOT / "single_include"

# The umbrella, then what a program may include on top of it, by the same path.
UMBRELLA = "attune/attune.hpp"
OPT_IN = ["attune/document/json.hpp", "attune/testing.hpp", "attune/transport/sqlite.hpp"]

ATTUNE_INCLUDE = re.compile(r"\s*#\s*include\s*<(attune/[^>]+)>")
OTHER_INCLUDE = re.compile(r'\s*#\s*include\s*([<"][^>"]+[>"])')
CONDITION = re.compile(r"\s*#\s*(if|ifdef|ifndef|endif)\b")
BODIES = "#if ATTUNE_HEADER_ONLY"

NO_SEPARATE_COMPILATION = """\
#if defined(ATTUNE_SEPARATE_COMPILATION)
#error "the single header is header-only; use include/ for separate compilation"
#endif
"""


class Amalgamation:
    """Follows includes as the preprocessor would, each file once."""

    def __init__(self, already: set[str]):
        self.seen = set(already)
        self.system: set[str] = set()
        self.lines: list[str] = []

    def add(self, name: str) -> None:
        if name in self.seen:
            return
        self.seen.add(name)
        depth = 0
        bodies_at = None
        for line in (INCLUDE / name).read_text(encoding="utf-8").splitlines():
            if line.strip() == "#pragma once":
                continue
            if line.strip() == BODIES:
                # Always true here; a file first reached inside must not look conditional.
                if bodies_at is not None:
                    sys.exit(f"{name}: nested {BODIES}")
                bodies_at = depth
                depth += 1
                continue
            condition = CONDITION.match(line)
            if condition:
                depth += -1 if condition[1] == "endif" else 1
                if bodies_at == depth:
                    bodies_at = None
                    continue
            ours = ATTUNE_INCLUDE.match(line)
            if ours:
                if depth > (0 if bodies_at is None else 1) and ours[1] not in self.seen:
                    sys.exit(f"{name}: {ours[1]} is included under a condition")
                self.add(ours[1])
                continue
            other = OTHER_INCLUDE.match(line)
            if other and depth == 0:
                self.system.add(other[1])
                continue
            self.lines.append(line)

    def text(self, opening: str) -> str:
        system = sorted(self.system, key=lambda name: ("/" in name, name))
        body = "\n".join(self.lines)
        body = re.sub(r"\n{3,}", "\n\n", body).strip("\n")
        includes = "".join(f"#include {name}\n" for name in system)
        return f"{opening}\n{includes}\n{body}\n"


def version() -> str:
    text = (INCLUDE / "attune/version.hpp").read_text(encoding="utf-8")
    return re.search(r'ATTUNE_VERSION_STRING "([^"]+)"', text)[1]


def generate() -> dict[Path, str]:
    opening = (f"// attune {version()}, one file; written by tools/single_header.py.\n"
               "// SPDX-License-Identifier: MIT\n#pragma once\n\n")
    umbrella = Amalgamation(set())
    umbrella.add(UMBRELLA)
    files = {OUTPUT / UMBRELLA: umbrella.text(opening + NO_SEPARATE_COMPILATION)}
    for name in OPT_IN:
        if not (INCLUDE / name).exists():
            continue
        extra = Amalgamation(umbrella.seen)
        extra.add(name)
        files[OUTPUT / name] = extra.text(opening + f"#include <{UMBRELLA}>")
    return files


def main() -> int:
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    files = generate()
    present = set(OUTPUT.rglob("*.hpp"))
    if sys.argv[1:]:
        stale = [path for path, text in files.items()
                 if path not in present or path.read_text(encoding="utf-8") != text]
        stale += sorted(present - set(files))
        for path in stale:
            print(f"{path.relative_to(ROOT)}: stale; run tools/single_header.py")
        return 1 if stale else 0
    for path in present - set(files):
        path.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
