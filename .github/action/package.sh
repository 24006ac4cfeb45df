#!/usr/bin/env bash
# Packs BINARY, built for TARGET, into an archive of FOLDER, with its checksum beside it: the names that install.sh
# fetches.
set -euo pipefail
binary=$1 target=$2 folder=$3
root=$(cd "$(dirname "$0")/../.." && pwd)

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
name=rsyncctl-$version-$target
mkdir -p "$folder/$name"
install -m 755 "$binary" "$folder/$name/rsyncctl"
cp "$root"/README.md "$root"/LICENSE-* "$folder/$name/"
cd "$folder"
tar --sort=name --owner=0 --group=0 --numeric-owner -czf "$name.tar.gz" "$name"
rm -r "$name"
sha256sum "$name.tar.gz" >"$name.tar.gz.sha256"
