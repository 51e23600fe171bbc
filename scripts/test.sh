#!/usr/bin/env bash
# Builds everything and passes all tests: formatting, spelling, lints, documentation, unit and integration tests.
# Tests that need MNIST read its folder from SEEDGRID_TEST_MNIST, and print that they skip where it is not set; those that need Slurm
# or sshd do the same where these are not installed.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}

step() { printf '\n== %s\n' "$*"; }

if cargo fmt --version >/dev/null 2>&1; then
    step "formatting"
    cargo fmt --all --check
else
    step "formatting: skipped, rustfmt is not installed"
fi

if typos --version >/dev/null 2>&1; then
    step "spelling"
    typos
else
    step "spelling: skipped, typos is not installed (cargo install typos-cli, or pip install typos)"
fi

step "build"
cargo build --release --locked --workspace --all-targets

step "tests"
cargo test --release --locked --workspace --all-targets --no-fail-fast

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps

if cargo clippy --version >/dev/null 2>&1; then
    step "lints"
    cargo clippy --release --locked --workspace --all-targets -- -D warnings
else
    step "lints: skipped, clippy is not installed"
fi

step "all passed"
