#!/usr/bin/env bash
# Measures a cold build of both programs: processor and wall time, and the binaries' sizes.
#
# Usage: scripts/bench-build.sh [--tests]
#   --tests  also measures the build of all tests, on top of it
#
# The build goes to a new folder below the target folder, which is removed afterwards. Crates are downloaded before the clock starts.
# Example: scripts/bench-build.sh --tests
set -euo pipefail
cd "$(dirname "$0")/.."

tests=""
case "${1:-}" in
"") ;;
--tests) tests=1 ;;
-h | --help)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
    exit 0
    ;;
*)
    echo "$0: unknown option $1; see --help" >&2
    exit 2
    ;;
esac

mkdir -p "${CARGO_TARGET_DIR:-target}"
folder=$(mktemp -d "${CARGO_TARGET_DIR:-target}/bench-build.XXXXXX")
trap 'rm -rf "$folder"' EXIT
export CARGO_TARGET_DIR=$folder
cargo fetch --locked >&2

# Runs a command and prints a row of the table: its name, processor minutes, wall minutes.
row() {
    local name=$1 times user system wall
    shift
    times=$( { TIMEFORMAT='%U %S %R'; time "$@" >"$folder/log" 2>&1; } 2>&1 ) || { cat "$folder/log" >&2; exit 1; }
    read -r user system wall <<<"$times"
    awk -v name="$name" -v user="$user" -v kernel="$system" -v wall="$wall" \
        'BEGIN { printf "| %s | %.1f | %.1f |\n", name, (user + kernel) / 60, wall / 60 }'
}

echo "Machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1); $(date +%F); $(rustc --version)"
echo
echo "| build | processor minutes | wall minutes |"
echo "|---|---|---|"
row "both programs" cargo build --release --locked --workspace
[ -z "$tests" ] || row "all tests, after it" cargo build --release --locked --workspace --all-targets
echo
echo "| binary | MB |"
echo "|---|---|"
for binary in seedgrid seedgrid-worker; do
    awk -v name="$binary" -v bytes="$(stat -c %s "$folder/release/$binary")" 'BEGIN { printf "| %s | %.1f |\n", name, bytes / 1e6 }'
done
