#!/usr/bin/env bash
# Simulates clusters, thousands of seeds at a time, until its time is over or a seed fails; then it prints the fewest
# faults with which that seed still fails.
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
