#!/usr/bin/env bash
# Measures the time of a study that is killed (kill -9) again and again, next to that of an undisturbed run.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Usage: scripts/bench-kills.sh [SPEC] [--from SECONDS] [--to SECONDS] [--seed SEED] [--slots N] [--limit SECONDS]

Runs SPEC (default: experiments/quickstart.toml) undisturbed, then again with `seedgrid run` and its workers killed after a random time, over and
over, until a run comes to its end. Prints both times, their ratio and the number of kills, and fails where report.json differs or the limit passes.

  --from, --to SECONDS   each life lasts a random time between these. Default: 1 and 12.
  --seed SEED            of these times. Default: 1.
  --slots N              passed on to `seedgrid run`. Default: its own.
  --limit SECONDS        gives up after this long. Default: 3600.

SEEDGRID names the folder of the binaries; without it they are built.
TEXT
}

spec=experiments/quickstart.toml
from=1 to=12 seed=1 limit=3600
more=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --from | --to | --seed | --slots | --limit)
        [ $# -ge 2 ] && [[ $2 =~ ^[0-9]+$ ]] || { echo "error: $1 needs a whole number" >&2; exit 2; }
        case $1 in
        --from) from=$2 ;;
        --to) to=$2 ;;
        --seed) seed=$2 ;;
        --slots) more=(--slots "$2") ;;
        --limit) limit=$2 ;;
        esac
        shift 2
        ;;
    -*)
        echo "error: unknown argument $1" >&2
        usage >&2
        exit 2
        ;;
    *)
        spec=$1
        shift
        ;;
    esac
done
[ "$from" -le "$to" ] || { echo "error: --from must not be above --to" >&2; exit 2; }

if [ -n "${SEEDGRID:-}" ]; then
    bin=$SEEDGRID
else
    cargo build --release --locked --workspace >&2
    bin=${CARGO_TARGET_DIR:-target}/release
fi

scratch=$(mktemp -d)
child=
clean_up() {
    [ -z "$child" ] || kill -9 "$child" 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT

now_ms() { echo $(($(date +%s%N) / 1000000)); }
run() { "$bin/seedgrid" run "$spec" --run-dir "$scratch/$1" "${more[@]}" >>"$scratch/$1.log" 2>&1 & child=$!; }

started=$(now_ms)
run undisturbed
wait "$child" || { tail -20 "$scratch/undisturbed.log" >&2; exit 1; }
child=
undisturbed=$(($(now_ms) - started))
echo "undisturbed: $((undisturbed / 1000)).$((undisturbed % 1000 / 100)) s"

RANDOM=$seed
started=$(now_ms)
kills=0
while :; do
    [ $(($(now_ms) - started)) -lt $((1000 * limit)) ] || { echo "error: not at its end after $limit s and $kills kills" >&2; exit 1; }
    life=$((1000 * from + (RANDOM * 32768 + RANDOM) % (1000 * (to - from) + 1)))
    run killed
    # The run ends before the timeout, or is killed.
    begun=$(now_ms)
    while kill -0 "$child" 2>/dev/null && [ $(($(now_ms) - begun)) -lt "$life" ]; do sleep 0.02; done
    if kill -9 "$child" 2>/dev/null; then
        kills=$((kills + 1))
        wait "$child" 2>/dev/null || true
        child=
        continue
    fi
    status=0
    wait "$child" || status=$?
    child=
    [ "$status" -eq 0 ] && break
    echo "error: a run ended with exit code $status" >&2
    tail -20 "$scratch/killed.log" >&2
    exit 1
done
killed=$(($(now_ms) - started))
echo "killed every $from to $to s: $((killed / 1000)).$((killed % 1000 / 100)) s, $kills kills"
awk -v a="$killed" -v b="$undisturbed" 'BEGIN { printf "ratio: %.2f\n", a / b }'
cmp "$scratch/undisturbed/report/report.json" "$scratch/killed/report/report.json"
echo "report.json is the same, byte for byte"
