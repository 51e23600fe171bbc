#!/usr/bin/env bash
# Kills, freezes and cuts off the real programs at random, round after round, until it is told to stop or something is wrong.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Usage: scripts/chaos.sh [--rounds N] [--seed SEED] [--every K]

Each round runs tests/tests/chaos.rs with another seed: the coordinator is killed twenty times in one study, workers are killed, frozen and
stopped, connections are delayed, stalled, half closed and cut, and a run dies before and after every K-th of its commit points. After each,
the study must end with the undisturbed run's report.json, byte for byte, and with one result for each unit.

  --rounds N    end after N rounds. Default: never.
  --seed SEED   of the first round; each further one adds 1. Default: 1.
  --every K     commit points that are tried: 1 is all of them. Default: 1.

A failing round prints its seed; `scripts/chaos.sh --seed SEED --rounds 1` runs it again.
TEXT
}

rounds=
seed=1
every=1
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --rounds | --seed | --every)
        [ $# -ge 2 ] && [[ $2 =~ ^[0-9]+$ ]] || { echo "error: $1 needs a number" >&2; exit 2; }
        case $1 in
        --rounds) rounds=$2 ;;
        --seed) seed=$2 ;;
        --every) every=$2 ;;
        esac
        shift 2
        ;;
    *)
        echo "error: unknown argument $1" >&2
        usage >&2
        exit 2
        ;;
    esac
done
[ "$every" -ge 1 ] || { echo "error: --every needs 1 or more" >&2; exit 2; }

cargo build --release --locked --workspace --all-targets
for ((round = 1; ; round++)); do
    if [ -n "$rounds" ] && [ "$round" -gt "$rounds" ]; then
        echo "all $rounds rounds ended well"
        exit 0
    fi
    echo "== round $round, seed $seed"
    if ! SEEDGRID_CHAOS_SEED=$seed SEEDGRID_CHAOS_EVERY=$every cargo test --release --locked --workspace --test chaos; then
        echo "error: the round with seed $seed failed; run it again with scripts/chaos.sh --seed $seed --rounds 1 --every $every" >&2
        exit 1
    fi
    seed=$((seed + 1))
done
