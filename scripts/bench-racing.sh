#!/usr/bin/env bash
# Runs a study without a race and, from its results, with several: prints the saving of each rule, and whether it selects the same.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)

usage() {
    cat <<'TEXT'
Usage: scripts/bench-racing.sh [SPEC] [--run RUN_DIR] [--work DIR] [--data DIR] [--slots N] [--rule RULE]... [--format text|json]

Trains all units of SPEC without a race, or takes those that RUN_DIR has. Then, for each rule, goes on from a copy with that rule in
every stage that selects: the race decides from the results that are there, so only what another selection leads to is trained. Prints
units and epochs with and without the race, whether the same configuration was selected, and its test error where a stage without folds
starts from the selection. Nothing of RUN_DIR is changed.

  SPEC              any spec with a stage that selects; its own `race` lines are left out. Default: experiments/race.toml (some minutes).
  --run RUN_DIR     a finished run of SPEC without a race.
  --work DIR        where to run; kept. Default: a temporary folder, removed at the end.
  --data DIR        MNIST's four IDX files, where SPEC needs them.
  --slots N         units at a time. Default: one for each core.
  --rule RULE       what stands behind `race =`; may be given several times. Default: five rules.
  --format FORMAT   text (Markdown tables) or json. Default: text.

Examples:
  scripts/bench-racing.sh
  scripts/bench-racing.sh experiments/paper.toml --run runs/paper
  scripts/bench-racing.sh my.toml --rule '"halving"' --rule '{ rule = "friedman", alpha = 0.01 }'
TEXT
}

spec=$here/experiments/race.toml
run=
work=
format=text
options=()
rules=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --run | --work | --data | --slots | --rule | --format)
        [ $# -ge 2 ] || { echo "error: $1 needs a value" >&2; exit 2; }
        case $1 in
        --run) run=$2 ;;
        --work) work=$2 ;;
        --rule) rules+=("$2") ;;
        --format) format=$2 ;;
        *) options+=("$1" "$2") ;;
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
[ -f "$spec" ] || { echo "error: there is no spec $spec" >&2; exit 2; }
if [ ${#rules[@]} -eq 0 ]; then
    rules=(
        '{ rule = "friedman", first = 3, alpha = 0.05 }'
        '{ rule = "friedman", first = 3, alpha = 0.01 }'
        '{ rule = "friedman", first = 5, alpha = 0.05 }'
        '{ rule = "halving", first = 2, keep = 0.5 }'
        '{ rule = "halving", first = 1, keep = 0.5 }'
    )
fi
if [ -z "$work" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"

seedgrid=${CARGO_TARGET_DIR:-$here/target}/release/seedgrid
[ -x "$seedgrid" ] || cargo build --release --locked --workspace --manifest-path "$here/Cargo.toml" >&2

# The spec without its races, and with one in every stage that selects.
without_race() { sed -E '/^[[:space:]]*race[[:space:]]*=/d' "$spec"; }
with_race() { without_race | sed -E "/^[[:space:]]*select[[:space:]]*=/a race = $1"; }
grep -Eq '^[[:space:]]*select[[:space:]]*=' "$spec" || { echo "error: no stage of $spec selects" >&2; exit 2; }

# A spec in which a stage is cut short is reported all the same, with exit code 3.
go() { "$seedgrid" run "$1" --run-dir "$2" "${options[@]}" >/dev/null 2>"$2.log" || [ $? -eq 3 ] || { cat "$2.log" >&2; exit 1; }; }

if [ -n "$run" ]; then
    rm -rf "$work/all"
    cp -r "$run" "$work/all"
fi
without_race >"$work/all.toml"
echo "without a race" >&2
go "$work/all.toml" "$work/all"
reports=()
for index in "${!rules[@]}"; do
    echo "race = ${rules[$index]}" >&2
    rm -rf "$work/race-$index"
    cp -r "$work/all" "$work/race-$index"
    with_race "${rules[$index]}" >"$work/race-$index.toml"
    go "$work/race-$index.toml" "$work/race-$index"
    reports+=("${rules[$index]}" "$work/race-$index/report/report.json")
done
python3 "$here/scripts/bench-racing/compare.py" "$format" "$work/all/report/report.json" "${reports[@]}"
