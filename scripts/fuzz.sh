#!/usr/bin/env bash
# Runs the tests that feed random input to the readers of external data, for longer than scripts/test.sh does: specs, IDX files, join files,
# messages, checkpoints.
# Failing inputs are kept in proptest-regressions and tried first from then on.
#
#   scripts/fuzz.sh              100000 cases of each
#   scripts/fuzz.sh 5000000
set -euo pipefail
cd "$(dirname "$0")/.."
export PROPTEST_CASES=${1:-100000}
cargo test --release --locked --workspace --lib -- fuzz any_message any_text
