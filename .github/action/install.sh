#!/usr/bin/env bash
# Fetches the rsyncctl that was released as VERSION below the address RELEASES, verifies its checksum, and puts it into
# the folder DESTINATION.
set -euo pipefail

case "$VERSION" in
    '' | *[!0-9A-Za-z.+-]*)
        echo "\`$VERSION\` is no version; write one such as 0.1.0" >&2
        exit 2
        ;;
esac
case "$(uname -s) $(uname -m)" in
    'Linux x86_64') target=x86_64-unknown-linux-musl ;;
    'Linux aarch64') target=aarch64-unknown-linux-musl ;;
    *)
        echo "no rsyncctl is released for $(uname -s) on $(uname -m); \`cargo install\` builds one" >&2
        exit 2
        ;;
esac

archive=rsyncctl-$VERSION-$target.tar.gz
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for file in "$archive" "$archive.sha256"; do
    curl --fail --silent --show-error --location --retry 3 --output "$file" "$RELEASES/v$VERSION/$file" || {
        echo "cannot fetch $RELEASES/v$VERSION/$file" >&2
        exit 2
    }
done
# Of the checksum file only the sum counts, whatever name stands beside it.
sum=$(cut -d ' ' -f 1 "$archive.sha256")
printf '%s  %s\n' "$sum" "$archive" | sha256sum --check --status || {
    echo "the checksum of $archive is not the one that was released with it; nothing is installed" >&2
    exit 2
}
tar -xzf "$archive"
mkdir -p "$DESTINATION"
install -m 755 "${archive%.tar.gz}/rsyncctl" "$DESTINATION/rsyncctl"
