#!/usr/bin/env bash
# Runs the tests of the kernels, the networks and training under AddressSanitizer: every read and write of the vector code is
# checked, with every instruction set that this machine has. Builds into target/sanitize, about 5 minutes.
#
#   scripts/sanitize.sh            all of them
#   scripts/sanitize.sh kernels    tests whose name contains this word
set -euo pipefail
cd "$(dirname "$0")/.."
# Sanitizers are not stable options of the compiler; this lets the pinned one take them, so that the checked code is the real code.
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/sanitize
target=$(rustc -vV | sed -n 's/^host: //p')
if [ "$target" != x86_64-unknown-linux-gnu ] && [ "$target" != aarch64-unknown-linux-gnu ]; then
    echo "skipped: AddressSanitizer is not available for $target" >&2
    exit 0
fi
# A named target keeps the flags from build scripts and macros.
cargo test --release --locked --target "$target" -p seedgrid-worker --lib --test networks --test training "$@"
