#!/usr/bin/env bash
# Measures Seedgrid's times of recovery from faults, on this machine: a Markdown table, as in docs/failures.md. Takes about 5 minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -gt 0 ]; then
    echo "Usage: scripts/bench-recovery.sh"
    [ "$1" = -h ] || [ "$1" = --help ] || exit 2
    exit 0
fi
cargo build --release --locked --workspace --all-targets >&2
cargo test --release --locked --workspace --test recovery -- --ignored --nocapture 2>/dev/null | grep '^|'
