#!/usr/bin/env bash
# Installs what the tests need from the distribution, then runs all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

# python3 is for rsync's rrsync, openssl for its rsync-ssl, systemd for its journal, tzdata for the names of zones.
packages=(rsync acl attr bindfs curl e2fsprogs inotify-tools iproute2 iptables nftables openssh-client openssh-server openssl
    perl-base python3 systemd tzdata util-linux xinetd)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    install=(apt-get install -y --no-install-recommends "${missing[@]}")
    if [ "$(id -u)" -eq 0 ]; then
        apt-get update
        "${install[@]}"
    elif command -v sudo >/dev/null; then
        sudo apt-get update
        sudo "${install[@]}"
    else
        echo "these packages are needed, and neither root nor sudo is here to install them: ${missing[*]}" >&2
        exit 1
    fi
fi
if ! command -v cargo >/dev/null && [ -r "$HOME/.cargo/env" ]; then
    # shellcheck source=/dev/null
    . "$HOME/.cargo/env"
fi
command -v cargo >/dev/null || { echo "Rust is needed: install it with rustup, and a C linker (apt-get install gcc)" >&2; exit 1; }

# As root, with all of this installed, nothing may be left out; others hear what is.
if [ "$(id -u)" -eq 0 ]; then
    export RSYNCCTL_REQUIRE=1
fi
# Many tests wait for a peer more than they work: more of them run at once than there are processors.
RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(( $(nproc) * 4 ))}"
export RUST_TEST_THREADS
cargo test --locked -- --nocapture
