#!/usr/bin/env bash
# Measures how often Seedgrid's intervals hold the true error, and how often its tests find a difference where there is none, in simulated data with
# known true errors: clear, noisy, and with seeds that get stuck. Prints the tables of docs/statistics.md. Takes minutes.
#
#   scripts/coverage.sh [REPEATS]     # 4000 by default
set -euo pipefail
cd "$(dirname "$0")/.."
export SEEDGRID_COVERAGE_REPEATS=${1:-4000}
exec cargo test --release --locked --package seedgrid-coordinator --lib -- --ignored --nocapture --exact aggregate::coverage::table
