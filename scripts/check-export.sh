#!/usr/bin/env bash
# Exports a run and checks its tables with pandas, pyarrow and Polars; runs every Python block of docs/export.md on them.
#
#     scripts/check-export.sh RUN_DIR
#
# Sets a virtual environment up below target/ by itself; PYTHON names the interpreter (default: python3), SEEDGRID the binary.
set -euo pipefail
if [ $# -ne 1 ] || [ "$1" = --help ]; then
    sed -n '2,6s/^# \?//p' "$0"
    exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
seedgrid=${SEEDGRID:-$root/target/release/seedgrid}
environment=$root/target/check-export
if [ ! -x "$environment/bin/python" ]; then
    "${PYTHON:-python3}" -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check pandas pyarrow polars
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$seedgrid" export "$1" --output "$folder"
"$environment/bin/python" "$root/scripts/check-export.py" "$folder" "$root/docs/export.md"
