#!/usr/bin/env bash
# Builds Seedgrid and runs the quickstart study to its report. Needs only a Rust toolchain and a C compiler.
# Further arguments go to `seedgrid run`, for example: scripts/quickstart.sh --slots 1
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo >/dev/null; then
    echo "error: cargo was not found; install Rust from https://rustup.rs and open a new shell" >&2
    exit 1
fi
if ! command -v cc >/dev/null && ! command -v gcc >/dev/null && ! command -v clang >/dev/null; then
    echo "error: no C compiler was found (SQLite is built from source); install gcc or clang" >&2
    exit 1
fi

echo "building (a few minutes the first time) ..."
# The whole workspace, so that the tests find everything built with the same features.
cargo build --release --locked --workspace
exec "${CARGO_TARGET_DIR:-target}/release/seedgrid" run experiments/quickstart.toml "$@"
