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

# shellcheck disable=SC2034  # for whoever sources this
build_packages=(g++ cmake ninja-build nlohmann-json3-dev libssl-dev)
