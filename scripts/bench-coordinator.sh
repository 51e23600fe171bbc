#!/usr/bin/env bash
# Measures what the coordinator costs: processor time, memory, bytes written and waits, with workers that train nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Usage: scripts/bench-coordinator.sh [--run UNITS:WORKERS]... [--configurations N] [--predictions N] [--unit-ms N] [--race]
       [--hq PATH] [--keep DIR]

Starts `seedgrid serve` on a made-up study of so many units, and `seedgrid-worker no-op`, which is so many workers at once that train nothing:
enrolment, TLS, leases, metrics, results and synchronous commits are real. Prints a Markdown table with a column a run.

  --run UNITS:WORKERS    one run; may be repeated. One worker has 64 slots whose units take no time; more workers have a slot each, whose
                         units take 2.5 s, so that each worker has a pull waiting. Default: 10000:1 and 2000:256, about a minute.
                         1000000:1 needs some minutes and 2 GB of disk.
  --configurations N     how many configurations share the units. Default: a thousandth of the units, at least 1 and at most 10000.
  --predictions N        scored examples of each unit. Default: 10.
  --unit-ms N            how long a unit of many workers takes. Default: 2500. 0 shows what a result costs when many come at a time.
  --race                 ten folds, a race among the configurations after three of them, and a stage that starts from what is selected.
  --hq PATH              also measures HyperQueue with this `hq`: as many tasks, which are /bin/true.
  --keep DIR             keeps run directories and logs there. Default: a scratch folder, which is removed.

SEEDGRID names the folder of the binaries; without it they are built.
TEXT
}

runs=() configurations= predictions=10 unit_time=2500 race= hq= keep=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --race)
        race=1
        shift
        ;;
    --run | --configurations | --predictions | --unit-ms | --hq | --keep)
        [ $# -ge 2 ] || { echo "error: $1 needs a value" >&2; exit 2; }
        case $1 in
        --run)
            [[ $2 =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || { echo "error: write --run UNITS:WORKERS, for example 10000:1" >&2; exit 2; }
            runs+=("$2")
            ;;
        --hq) hq=$2 ;;
        --keep) keep=$2 ;;
        --unit-ms)
            [[ $2 =~ ^(0|[1-9][0-9]*)$ ]] || { echo "error: $1 needs a whole number" >&2; exit 2; }
            unit_time=$2
            ;;
        *)
            [[ $2 =~ ^[1-9][0-9]*$ ]] || { echo "error: $1 needs a whole number" >&2; exit 2; }
            if [ "$1" = --predictions ]; then predictions=$2; else configurations=$2; fi
            ;;
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
[ ${#runs[@]} -gt 0 ] || runs=(10000:1 2000:256)

if [ -n "${SEEDGRID:-}" ]; then
    bin=$SEEDGRID
else
    cargo build --release --locked --workspace >&2
    bin=${CARGO_TARGET_DIR:-target}/release
fi

if [ -n "$keep" ]; then
    mkdir -p "$keep"
    scratch=$(cd "$keep" && pwd)
else
    scratch=$(mktemp -d)
fi
coordinator=
others=()
clean_up() {
    for process in $coordinator "${others[@]}"; do kill -9 "$process" 2>/dev/null || true; done
    [ -n "$keep" ] || rm -rf "$scratch"
}
trap clean_up EXIT

# Every measurement is a line: the run's number, the row of the table, the value.
results=$scratch/results
: >"$results"
run=0
note() { printf '%s\t%s\t%s\n' "$run" "$1" "$2" >>"$results"; }
fail() { echo "error: $1; $scratch/log ends with:" >&2; tail -5 "$scratch/log" >&2; exit 1; }

now_us() { echo "${EPOCHREALTIME/[.,]/}"; }
# Processor time of a process, user and system, in milliseconds.
cpu_ms() { awk -v hertz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hertz) }' "/proc/$1/stat"; }
written() { sed -n 's/^write_bytes: //p' "/proc/$1/io"; }
peak_mb() { awk '/^VmHWM/ { printf "%d", $2 / 1024 }' "/proc/$1/status" 2>/dev/null; }
quotient() { awk -v of="$1" -v by="$2" -v form="$3" 'BEGIN { printf form, of / by }'; }

# Runs a command: its wall time in milliseconds and its largest memory go to `wall` and `peak`.
timed() {
    local begun child now
    begun=$(now_us)
    "$@" >"$scratch/out" 2>>"$scratch/log" &
    child=$!
    peak=0
    while now=$(peak_mb "$child") && [ -n "$now" ]; do
        peak=$now
        sleep 0.02
    done
    wait "$child" || fail "$* failed"
    wall=$((($(now_us) - begun) / 1000))
}

# A study of $1 units in $2 configurations, as TOML.
spec() {
    local units=$1 left=$2 stage=0 seeds evaluation train=20 more=
    if [ -n "$race" ]; then
        evaluation='{ folds = 10 }' seeds=$((units / (10 * left))) train=$((10 * predictions))
        more=$'select = "lowest"\nrace = "friedman"'
    else
        evaluation='"holdout"' seeds=$((units / left))
    fi
    printf 'name = "bench"\n[dataset]\nkind = "glyph-pairs"\ntrain_pairs = %s\ntest_pairs = %s\n' "$train" "$predictions"
    while [ "$left" -gt 0 ]; do
        local here rates decays
        stage=$((stage + 1))
        here=$((left < 10000 ? left : 10000))
        left=$((left - here))
        rates=$((here < 100 ? here : 100))
        decays=$((here / rates))
        printf '[[stage]]\nname = "bench-%s"\nevaluation = %s\nseeds = "1..=%s"\nstop = { loss_delta = 0, max_epochs = 1 }\n%s\n' \
            "$stage" "$evaluation" "$seeds" "$more"
        printf '[[stage.model]]\nmodel = "fc"\nbatch_size = %s\n' $((9 + stage))
        printf 'learning_rate = { grid = [%s] }\n' "$(seq -s ', ' -f '0.%04g' 1 "$rates")"
        printf 'weight_decay = { grid = [%s] }\n' "$(seq -s ', ' -f '0.00%04g' 1 "$decays")"
    done
    [ -z "$race" ] || printf '[[stage]]\nname = "final"\nfrom = "bench-1"\nevaluation = "holdout"\nseeds = "1..=10"\n'
}

# Starts the coordinator and waits until it listens; `$1`: of what it is the start, for the table.
start() {
    local log=$folder/serve.log
    : >"$log"
    begun=$(now_us)
    SEEDGRID_LOG=warn,seedgrid_coordinator::core::thread=debug "$bin/seedgrid" serve "$folder/spec.toml" --no-op --run-dir "$folder/run" --listen 127.0.0.1:0 >>"$scratch/log" 2>"$log" &
    coordinator=$!
    until grep -q 'listening on' "$log"; do
        kill -0 "$coordinator" 2>/dev/null || { cat "$log" >>"$scratch/log"; fail "the coordinator ended"; }
        sleep 0.01
    done
    note "$1: processor time until it listens, s" "$(quotient "$(cpu_ms "$coordinator")" 1000 %.2f)"
    # Of one unit, for a worker that comes at once.
    no_op --units 1
    local first
    first=$(sed -n 's/.*"first_unit_ms":\([0-9]*\).*/\1/p' "$scratch/out")
    note "$1: first unit given out after, s" "$(quotient $((first - begun / 1000)) 1000 %.2f)"
}

no_op() { "$bin/seedgrid-worker" no-op --join "$folder/run/join.toml" --cache "$scratch/cache" "$@" >"$scratch/out" 2>>"$scratch/log" || fail "the workers failed"; }
seedgrid() { timed "$bin/seedgrid" "$@"; }

measure() {
    local units=$1 workers=$2 many=$configurations slots=64 unit_ms=0
    [ "$workers" -eq 1 ] || { slots=1 unit_ms=$unit_time; }
    if [ -z "$many" ]; then
        many=$((units / 1000))
        [ "$many" -ge 1 ] || many=1
        [ "$many" -le 10000 ] || many=10000
    fi
    folder=$scratch/$run
    mkdir "$folder"
    spec "$units" "$many" >"$folder/spec.toml"
    note units "$units"
    note "workers, with slots; a unit takes, ms" "$workers, $slots; $unit_ms"
    note configurations "$many"
    start start
    seedgrid pause "$folder/run"
    local last="seed $((units / many))"
    [ -z "$race" ] || last="fold 1 of 10 seed 1"
    [ -n "$race" ] || { seedgrid cancel "$folder/run" "fc learning_rate=0.0001 weight_decay=0.000001 $last" && note "cancel of a unit, ms" "$wall"; }

    # Some units stay, so that the study goes on.
    local wanted=$((units - units / 100 - 2)) worker cpu bytes
    [ -z "$race" ] || wanted=$((units / 4))
    no_op --units "$wanted" --workers "$workers" --slots "$slots" --unit-ms "$unit_ms" &
    worker=$!
    others+=("$worker")
    until [ "$("$bin/seedgrid" status "$folder/run" --format json | grep -o '"numerics_class"' | wc -l)" -ge "$workers" ]; do sleep 0.1; done
    cpu=$(cpu_ms "$coordinator") bytes=$(written "$coordinator") begun=$(now_us)
    "$bin/seedgrid" resume "$folder/run" >>"$scratch/log" 2>&1
    wait "$worker" || exit 1
    local seconds=$((($(now_us) - begun) / 1000000))
    note "coordinator, processor time a unit, ms" "$(quotient $(($(cpu_ms "$coordinator") - cpu)) "$wanted" %.3f)"
    note "written a unit, KB" "$(quotient $(($(written "$coordinator") - bytes)) $((1000 * wanted)) %.1f)"
    note "units a second" "$((wanted / (seconds > 0 ? seconds : 1)))"
    note "memory at most, MB" "$(peak_mb "$coordinator")"
    # A heartbeat waits for at most one turn of the core.
    note "longest turn of the core, ms" "$(sed -n 's/.*long turn ms=\([0-9]*\).*/\1/p' "$folder/serve.log" | sort -n | tail -1)"

    cpu=$(cpu_ms "$coordinator")
    seedgrid explain "$folder/run" "fc learning_rate=0.0001 weight_decay=0.000001 $last"
    note "explain of a unit: wall, coordinator's processor time, ms" "$wall, $(($(cpu_ms "$coordinator") - cpu))"
    if [ -z "$race" ]; then
        cpu=$(cpu_ms "$coordinator")
        seedgrid retry "$folder/run" "fc learning_rate=0.0001 weight_decay=0.000001 $last"
        note "retry of a unit: wall, coordinator's processor time, ms" "$wall, $(($(cpu_ms "$coordinator") - cpu))"
    fi
    kill -TERM "$coordinator"
    wait "$coordinator" || true
    note "database a unit, bytes" "$(quotient "$(stat -c %s "$folder/run/study.db")" "$wanted" %.0f)"
    start restart
    kill -TERM "$coordinator"
    wait "$coordinator" || true
    coordinator=
    # Exit code 3: results are missing.
    timed sh -c '"$0" report "$1" || [ $? -eq 3 ]' "$bin/seedgrid" "$folder/run"
    note "report, s" "$(quotient "$wall" 1000 %.1f)"
    note "report.json, MB" "$(quotient "$(stat -c %s "$folder/run/report/report.json")" 1000000 %.1f)"
    [ -n "$keep" ] || rm -rf "$folder"
}

# HyperQueue's server on $1 tasks, with `$2` as more options of it.
hyperqueue() {
    local units=$1 server worker cpu folder=$scratch/hq
    shift
    rm -rf "$folder"
    mkdir "$folder"
    "$hq" server start --server-dir "$folder" "$@" >>"$scratch/log" 2>&1 &
    server=$!
    others+=("$server")
    until "$hq" server info --server-dir "$folder" >/dev/null 2>&1; do sleep 0.1; done
    "$hq" worker start --server-dir "$folder" >>"$scratch/log" 2>&1 &
    worker=$!
    others+=("$worker")
    cpu=$(cpu_ms "$server")
    "$hq" submit --server-dir "$folder" --array "1-$units" --stdout none --stderr none --wait -- /bin/true >>"$scratch/log" 2>&1
    cpu=$(($(cpu_ms "$server") - cpu))
    hq_cpu=$(quotient "$cpu" "$units" %.3f) hq_mb=$(peak_mb "$server")
    "$hq" server stop --server-dir "$folder" >>"$scratch/log" 2>&1
    wait "$server" "$worker" 2>/dev/null || true
}

for pair in "${runs[@]}"; do
    measure "${pair%:*}" "${pair#*:}"
    if [ -n "$hq" ]; then
        hyperqueue "${pair%:*}"
        note "HyperQueue, processor time a task, ms; memory, MB" "$hq_cpu; $hq_mb"
        hyperqueue "${pair%:*}" --journal "$scratch/hq/journal"
        note "HyperQueue with its journal" "$hq_cpu; $hq_mb"
    fi
    run=$((run + 1))
done

sync_us=$({ LC_ALL=C dd if=/dev/zero of="$scratch/sync" bs=4096 count=200 oflag=dsync; } 2>&1 | awk '/copied/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^s,?$/) printf "%d", $i * 1e6 / 200 }')
echo "$(date +%F), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1); $predictions predictions a unit; a synchronous write of 4 KiB takes $sync_us us"
echo
awk -F '\t' '
    { if (!($2 in seen)) { seen[$2] = 1; order[++rows] = $2 } value[$1, $2] = $3; if ($1 >= columns) columns = $1 + 1 }
    END {
        for (row = 1; row <= rows; row++) {
            printf "| %s |", order[row]
            for (column = 0; column < columns; column++) printf " %s |", value[column, order[row]]
            printf "\n"
            if (row == 1) { printf "|---|"; for (column = 0; column < columns; column++) printf "---|"; printf "\n" }
        }
    }' "$results"
