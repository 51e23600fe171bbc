#!/usr/bin/env bash
# Compares all results of table3 (on MNIST) and of paper-small with the frozen ones in tests/golden, or freezes them anew. Takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Usage: scripts/golden.sh [--write] --data DIR

Runs experiments/table3.toml and experiments/paper-small.toml and compares every unit's epochs, errors and SHA-256 of the weights, and every number of
report.json with tests/golden. The tests of CI compare paper-small and one seed of table3.

  --data DIR   MNIST's folder. Default: the environment variable SEEDGRID_TEST_MNIST.
  --write      writes tests/golden instead. Only for results that were meant to change: say in the commit why they did.
TEXT
}

while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --write)
        export SEEDGRID_GOLDEN_WRITE=1
        shift
        ;;
    --data)
        [ $# -ge 2 ] || { echo "error: --data needs a folder" >&2; exit 2; }
        SEEDGRID_TEST_MNIST=$(cd "$2" && pwd)
        export SEEDGRID_TEST_MNIST
        shift 2
        ;;
    *)
        echo "error: unknown argument $1" >&2
        usage >&2
        exit 2
        ;;
    esac
done
[ -n "${SEEDGRID_TEST_MNIST:-}" ] || { echo "error: name MNIST's folder with --data DIR" >&2; exit 2; }

cargo build --release --locked --workspace --all-targets
cargo test --release --locked --workspace --test stages -- --include-ignored --nocapture golden the_paper_in_small
if [ -n "${SEEDGRID_GOLDEN_WRITE:-}" ]; then
    git --no-pager diff --stat -- tests/golden
    echo "written; look at the differences before you commit them"
else
    echo "everything is as it is frozen in tests/golden"
fi
