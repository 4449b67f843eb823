#!/usr/bin/env bash
# Formats every C++ file in place; `--check` changes nothing and fails on the first difference.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/packages.sh

need clang-format-16
mode=(-i)
if [[ "${1-}" == --check ]]; then
    mode=(--dry-run -Werror)
fi
find include tests examples benchmarks \( -name '*.hpp' -o -name '*.ipp' -o -name '*.cpp' \) \
    -print0 | xargs -0 clang-format-16 "${mode[@]}"
