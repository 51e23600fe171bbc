#!/usr/bin/env bash
# Simulates clusters for as long as it is let, thousands of seeds at a time, and stops at the first seed that fails, with the fewest
# faults with which it still does.
#   simulate.sh [HOURS] [FIRST_SEED]
set -euo pipefail
cd "$(dirname "$0")/.."
hours=${1:-1}
first=${2:-$((RANDOM * 1000000 + 1))}
ends=$(($(date +%s) + hours * 3600))
cargo build --release --workspace --test simulation
while (($(date +%s) < ends)); do
    SEEDGRID_SIMULATION_FIRST=$first SEEDGRID_SIMULATION_SEEDS=5000 \
        cargo test --release --workspace --test simulation -- --nocapture whatever
    first=$((first + 5000))
done
