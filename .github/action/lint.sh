#!/usr/bin/env bash
# Runs the program RSYNCCTL on PATHS with ARGUMENTS, both one a line: annotations for the workflow, and a report in the
# file SARIF.
set -euo pipefail

words=()
while IFS= read -r argument; do
    if [ -n "$argument" ]; then words+=("$argument"); fi
done <<<"$ARGUMENTS"
words+=(--)
while IFS= read -r path; do
    if [ -n "$path" ]; then words+=("$path"); fi
done <<<"$PATHS"
exec "$RSYNCCTL" lint --format github --report "sarif=$SARIF" "${words[@]}"
