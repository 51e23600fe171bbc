#!/usr/bin/env bash
# Times Seedgrid's training against PyTorch's on one thread each, in turns on this machine, and prints the ratios.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Usage: scripts/bench-training.sh [--python PYTHON] [--data DIR] [--turns N] [--format text|json]

Times an epoch of each of the five models, the scoring of 1000 pairs, two slots against one and a worker's memory; with --data
also Table III's 50 units against two PyTorch processes. Takes about 3 minutes, and 6 more with --data. Let the machine be idle.

  --python PYTHON   a Python with PyTorch. Default: one of its own under target/bench-python, made with `python3 -m venv` and pip.
  --data DIR        MNIST's four IDX files.
  --turns N         measurements of each side; medians are shown. Default: 7.
  --format FORMAT   text (Markdown tables) or json. Default: text.

Examples:
  scripts/bench-training.sh
  scripts/bench-training.sh --python ~/venv/bin/python --data mnist --format json > bench.json
TEXT
}

python=
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --python | --data | --turns | --format)
        [ $# -ge 2 ] || { echo "error: $1 needs a value" >&2; exit 2; }
        if [ "$1" = --python ]; then python=$2; else arguments+=("$1" "$2"); fi
        shift 2
        ;;
    *)
        echo "error: unknown argument $1" >&2
        usage >&2
        exit 2
        ;;
    esac
done

if [ -z "$python" ]; then
    folder=target/bench-python
    python=$folder/bin/python
    if ! "$python" -c 'import torch' 2>/dev/null; then
        echo "setting up Python with PyTorch in $folder (once; some hundred megabytes)" >&2
        python3 -m venv "$folder" || {
            echo "error: python3 with its venv module is needed (Debian: apt install python3-venv), or --python PYTHON" >&2
            exit 1
        }
        # The CPU's build where its index can be reached, else the default index's, which is larger.
        "$folder/bin/pip" install --quiet --retries 0 --timeout 15 --index-url https://download.pytorch.org/whl/cpu torch >&2 ||
            "$folder/bin/pip" install --quiet torch >&2
    fi
fi

cargo build --release --locked --workspace --all-targets >&2
exec "$python" scripts/bench-training/compare.py --binaries "${CARGO_TARGET_DIR:-target}/release" "${arguments[@]}"
