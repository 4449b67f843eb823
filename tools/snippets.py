#!/usr/bin/env python3
"""Keeps the code in the documents equal to the programs it is taken from.

A fenced block below a line `<!-- snippet: examples/quickstart/quickstart.cpp#quickstart -->` is the
region of that file between `// [quickstart]` and `// [quickstart-end]`, without its indentation.

usage: snippets.py          bring the documents up to date
       snippets.py --check  only say what differs, and fail if anything does
"""

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- snippet: ([^#\s]+)#([\w-]+) -->\n```\w*\n)(.*?)(^```$)",
                   re.DOTALL | re.MULTILINE)


def region(file: str, name: str) -> str:
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.search(rf"^[ ]*// \[{re.escape(name)}\]\n(.*?)^[ ]*// \[{re.escape(name)}-end\]$",
                      text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise SystemExit(f"{file}: there is no region {name}")
    return textwrap.dedent(found[1])


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        raise SystemExit(__doc__)
    stale = 0
    count = 0
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        old = document.read_text(encoding="utf-8")
        new = BLOCK.sub(lambda m: m[1] + region(m[2], m[3]) + m[5], old)
        marks = old.count("<!-- snippet:")
        blocks = len(BLOCK.findall(old))
        if marks != blocks:
            raise SystemExit(f"{document.name}: {marks - blocks} snippet marks without a block")
        count += blocks
        if old != new:
            stale += 1
            if check:
                print(f"{document.name}: a snippet differs from its program; run tools/snippets.py")
            else:
                document.write_text(new, encoding="utf-8")
    print(f"{count} snippets, {stale} documents {'stale' if check else 'changed'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
