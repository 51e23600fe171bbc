#!/usr/bin/env bash
# Starts, shows and stops Seedgrid workers on lab machines, over ssh. See --help.
set -u
shopt -s extglob

help() {
    cat <<'HELP'
Starts, shows and stops Seedgrid workers on lab machines over ssh, one worker a host.

Usage: launch.sh RUN_DIR HOSTS [start|status|stop]

  RUN_DIR  the run directory of `seedgrid serve` (or a copy of its join.toml)
  HOSTS    a file with one host a line:  [user@]host [slots=N] [device=cuda] [worker=/path/on/host]
           `#` begins a comment; files from Windows will do. slots: units to train at a time (default: all cores). worker: a program that is on the
           host already, where none is to be copied
  start    copy the join file (mode 0600) and, where the host has another one, the worker program; start a worker that
           outlives this login. A host whose worker runs is left alone. This is the default
  status   running since when, and the last line of its log; or not running
  stop     ask the worker to hand over and leave, and wait until it has

Prints one line a host, as they answer. On each host everything is in ~/.local/share/seedgrid/STUDY/: the program, and in a
folder named as the machine the join file, worker.pid and worker.log. Hosts run Linux and let you in by key.

Environment:
  SEEDGRID_SSH        how to reach hosts, as a shell would read it
                      (default: ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=10)
  SEEDGRID_WORKER     the program to copy (default: target/release/seedgrid-worker of this checkout, else from PATH)
  SEEDGRID_HOST_DIR   folder on the hosts, instead of .local/share/seedgrid (relative to home, or absolute)
  SEEDGRID_PARALLEL   hosts at a time (default 16)
  SEEDGRID_STOP_WAIT  seconds to wait for a worker that was told to stop (default 30)

Exit codes: 0 every host did what was asked, 1 a host failed or could not be reached, 2 wrong usage.

Examples:
  seedgrid serve experiments/table3.toml --listen 0.0.0.0:7700 &
  scripts/lab/launch.sh runs/table3 hosts.txt
  scripts/lab/launch.sh runs/table3 hosts.txt status
  SEEDGRID_SSH='ssh -J gateway -o BatchMode=yes' scripts/lab/launch.sh runs/table3 hosts.txt stop
HELP
}

refuse() {
    printf 'error: %s\n  hint: %s\n' "$1" "$2" >&2
    exit 2
}

# A text as one word of a shell's command line.
quoted() {
    local rest=${1//\'/\'\\\'\'}
    printf "'%s'" "$rest"
}

# on_host HOST ACTION ARGUMENT...: runs on-host.sh there with this stdin. No secret is on the command line.
on_host() {
    local host=$1 word command
    shift
    command="exec sh -c $(quoted "$program_text") on-host"
    for word in "$@"; do
        command+=" $(quoted "$word")"
    done
    timeout "$limit" "${ssh[@]}" "$host" "$command"
}

# ask HOST ACTION ARGUMENT...: sets reply to one line; its exit code is the host's.
ask() {
    local out code errors=$scratch/errors.$BASHPID
    out=$(on_host "$@" 2>"$errors")
    code=$?
    # The last line: a login may print something first.
    reply=${out##*$'\n'}
    case $code in
    0) ;;
    124) reply="UNREACHABLE: no answer within $limit s" ;;
    255) reply="UNREACHABLE: $(tail -n 1 "$errors" | tr -d '\r')" ;;
    *) [[ $reply == FAILED:* ]] || reply="FAILED: code $code: $reply $(tail -n 1 "$errors" | tr -d '\r')" ;;
    esac
    return "$code"
}

start_on() {
    local host=$1 program=$2
    shift 2
    if [ -z "$program" ]; then
        ask "$host" has "$folder" "$digest" </dev/null || return
        if [ "$reply" = no ]; then
            ask "$host" place "$folder" "$digest" <"$worker" || return
        fi
        program=seedgrid-worker
    fi
    ask "$host" start "$folder" "$program" "$@" <"$join"
}

# one_host HOST PROGRAM OPTION...: runs the requested action on one host and prints its line.
one_host() {
    local code reply=''
    case $action in
    start) start_on "$@" ;;
    status) ask "$1" status "$folder" </dev/null ;;
    stop) ask "$1" stop "$folder" "$stop_wait" </dev/null ;;
    esac
    code=$?
    printf '%-*s  %s\n' "$width" "$1" "$reply"
    return "$code"
}

# Reads the hosts file into hosts, and per host its program (or nothing) and its worker's options, one a line.
read_hosts() {
    local line number=0 word words host program options
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        # Editors on Windows begin a file with a byte-order mark and end lines with a carriage return.
        [ "$number" -gt 1 ] || line=${line#$'\xef\xbb\xbf'}
        line=${line%$'\r'}
        read -r -a words <<<"${line%%#*}"
        [ ${#words[@]} -gt 0 ] || continue
        host=${words[0]}
        [[ $host =~ ^[A-Za-z0-9_.@:/%\[][][A-Za-z0-9_.@:/%-]*$ ]] ||
            refuse "$hosts_file:$number: '$host' is not a host" "write [user@]host, then options such as slots=4"
        for word in "${hosts[@]}"; do
            [ "$word" != "$host" ] || refuse "$hosts_file:$number: $host is named twice" "one worker a host: give it more slots"
        done
        program='' options=()
        for word in "${words[@]:1}"; do
            case $word in
            slots=[1-9]*([0-9])) options+=(--slots "${word#*=}") ;;
            device=+([a-z0-9:])) options+=(--device "${word#*=}") ;;
            worker=/*) program=${word#*=} ;;
            *) refuse "$hosts_file:$number: cannot read '$word'" "known are slots=N, device=NAME and worker=/PATH" ;;
            esac
        done
        hosts+=("$host")
        programs+=("$program")
        host_options+=("${options[*]}")
        [ ${#host} -le "$width" ] || width=${#host}
    done <"$hosts_file"
    [ ${#hosts[@]} -gt 0 ] || refuse "$hosts_file names no host" "write one [user@]host a line"
}

number_from() {
    local value=$2
    [[ $value =~ ^[1-9][0-9]{0,4}$ ]] || refuse "$1 is '$value'" "it must be a whole number from 1 to 99999"
    printf '%s' "$value"
}

for word in "$@"; do
    case $word in -h | --help) help && exit 0 ;; esac
done
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
    refuse "expected RUN_DIR HOSTS [start|status|stop]" "$0 --help says more"
fi
join=$1 hosts_file=$2 action=${3:-start}
case $action in
start | status | stop) ;;
*) refuse "unknown action '$action'" "it is start, status or stop" ;;
esac

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program_text=$(<"$here/on-host.sh") || exit 2
[ ! -d "$join" ] || join=${join%/}/join.toml
[ -e "$join" ] || refuse "there is no $join" "'seedgrid serve' writes it when it starts; name its run directory"
[ -r "$join" ] || refuse "$join cannot be read" "it belongs to who started the study"
study=$(tr -d '\r' <"$join" | sed -n 's/^study = "\([A-Za-z0-9][A-Za-z0-9_-]*\)"$/\1/p')
[ -n "$study" ] || refuse "$join is no join file: it names no study" "name the run directory of 'seedgrid serve'"
[ -r "$hosts_file" ] || refuse "cannot read $hosts_file" "write a file with one [user@]host a line"

hosts=() programs=() host_options=() width=0
read_hosts
parallel=$(number_from SEEDGRID_PARALLEL "${SEEDGRID_PARALLEL:-16}") || exit 2
stop_wait=$(number_from SEEDGRID_STOP_WAIT "${SEEDGRID_STOP_WAIT:-30}") || exit 2
folder=${SEEDGRID_HOST_DIR:-.local/share/seedgrid}/$study
# The longest step, copying the program, gets five minutes.
limit=$((stop_wait + 300))
ssh=()
eval "ssh=(${SEEDGRID_SSH:-ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=10})"
command -v "${ssh[0]}" >/dev/null || refuse "${ssh[0]} was not found" "install an OpenSSH client, or set SEEDGRID_SSH"

worker='' digest=''
if [ "$action" = start ]; then
    worker=${SEEDGRID_WORKER:-$here/../../target/release/seedgrid-worker}
    [ -f "$worker" ] || worker=$(type -P "${SEEDGRID_WORKER:-seedgrid-worker}")
    if [ -n "$worker" ]; then
        digest=$(sha256sum <"$worker" | cut -d ' ' -f 1)
    fi
    for program in "${programs[@]}"; do
        if [ -z "$program" ] && [ -z "$digest" ]; then
            refuse "there is no worker program to copy" \
                "build it with 'cargo build --release -p seedgrid-worker', or set SEEDGRID_WORKER=/path/to/it"
        fi
    done
fi

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
failed=0 at_work=0
for index in "${!hosts[@]}"; do
    if [ "$at_work" -ge "$parallel" ]; then
        wait -n || failed=$((failed + 1))
        at_work=$((at_work - 1))
    fi
    read -r -a options <<<"${host_options[index]}"
    one_host "${hosts[index]}" "${programs[index]}" ${options[@]+"${options[@]}"} &
    at_work=$((at_work + 1))
done
while [ "$at_work" -gt 0 ]; do
    wait -n || failed=$((failed + 1))
    at_work=$((at_work - 1))
done
if [ "$failed" -gt 0 ]; then
    noun=hosts
    [ ${#hosts[@]} -gt 1 ] || noun=host
    echo "$failed of ${#hosts[@]} $noun failed" >&2
    exit 1
fi
