# shellcheck shell=bash
# Sourced by the other tools. `need package ...` installs what is missing on Debian; elsewhere it
# trusts that the programs are there, and the build says what is not.

need() {
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
    local missing=() package status
    for package in "$@"; do
        status="$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)"
        if [[ "$status" != installed ]]; then
            missing+=("$package")
        fi
    done
    ((${#missing[@]})) || return 0

    local as_root=()
    if ((EUID != 0)); then
        as_root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# Makes sure of node and npm, and installs what a folder's package.json asks for into build/node:
# what its lock file names, and again only when that has changed.
need_node_modules() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        need nodejs npm
    fi
    if cmp -s "$1/package-lock.json" build/node/installed.json; then
        return 0
    fi
    mkdir -p build/node
    cp "$1/package.json" "$1/package-lock.json" build/node/
    npm ci --prefix build/node --ignore-scripts --no-audit --no-fund --loglevel=error
    cp "$1/package-lock.json" build/node/installed.json
}

# shellcheck disable=SC2034  # for whoever sources this
build_packages=(g++ cmake ninja-build nlohmann-json3-dev libssl-dev)
