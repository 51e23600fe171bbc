#!/usr/bin/env bash
# Tests the simulation: builds it with one mistake after the other (tests/mutations/*.patch) in a copy of the repository, and
# fails if one of them is not found. Arguments: names of mutations; none: all. Takes minutes each.
#   SEEDGRID_SIMULATION_SEEDS    seeds for each (300)
#   CARGO_TARGET_DIR             folder of the build (target/mutations)
set -euo pipefail
cd "$(dirname "$0")/.."
export SEEDGRID_SIMULATION_SEEDS=${SEEDGRID_SIMULATION_SEEDS:-300}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/mutations} RUST_BACKTRACE=0
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git archive HEAD | tar -x -C "$copy"
missed=0
for patch in "$copy"/tests/mutations/*.patch; do
    name=$(basename "$patch" .patch)
    [[ $# -eq 0 || " $* " == *" $name "* ]] || continue
    patch -s -p1 -d "$copy" <"$patch"
    (cd "$copy" && cargo build --release --workspace --test simulation >"$copy/build.log" 2>&1) ||
        { tail -20 "$copy/build.log"; echo "$name: does not build"; exit 1; }
    if (cd "$copy" && cargo test --release --workspace --test simulation -- --nocapture whatever >"$copy/run.log" 2>&1); then
        echo "$name: NOT FOUND"
        missed=$((missed + 1))
    else
        echo "$name: $(grep -m1 -E '^seed [0-9]+: ' "$copy/run.log" || echo 'found')"
    fi
    patch -s -R -p1 -d "$copy" <"$patch"
done
exit "$missed"
