# shellcheck shell=sh
# launch.sh runs this script on a host, as `sh -c TEXT on-host ACTION FOLDER ...`. POSIX sh; Linux hosts (it reads /proc).
#
#   has FOLDER DIGEST              print yes where FOLDER/seedgrid-worker has this SHA-256, else no
#   place FOLDER DIGEST            keep the program from stdin as FOLDER/seedgrid-worker
#   start FOLDER PROGRAM OPTION... start a worker unless one runs; the join file is read from stdin
#   status FOLDER                  print the worker's state
#   stop FOLDER SECONDS            ask the worker to leave, and wait for it
#
# FOLDER is absolute or relative to the home folder. The program is in it; the other files are in a folder of the host's own inside
# it, since lab machines often share one home: join.toml (mode 0600), worker.log, and worker.pid (process id and its start in
# ticks since boot, so that another process that got the same id later is not taken for the worker).
# Prints one line. Exit code: 0 on success, else 1.
set -u
umask 077

well() {
    printf '%s\n' "$1"
    exit 0
}
fail() {
    printf 'FAILED: %s\n' "$1"
    exit 1
}

# Prints the start of process $1, in ticks since boot; nothing where it has ended. Its name, in parentheses, may hold blanks.
started() {
    sed -n 's/.*) //p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 1,20 | sed -n 's/^[^ZX] //p'
}
# Whether the worker runs; sets pid and ticks.
running() {
    pid='' ticks=''
    if [ -r "$own/worker.pid" ]; then read -r pid ticks <"$own/worker.pid"; fi
    [ -n "$pid" ] && [ -n "$ticks" ] && [ "$(started "$pid")" = "$ticks" ]
}
last_line() {
    tail -n 1 "$own/worker.log" 2>/dev/null | cut -c 1-200
}
digest() {
    sha256sum "$1" 2>/dev/null | cut -d ' ' -f 1
}

has() {
    if [ "$(digest seedgrid-worker)" = "$1" ]; then well yes; fi
    well no
}

place() {
    # Moved into place whole: a worker that runs keeps the old one, and another host with this home finds one or the other.
    new=.seedgrid-worker.$(uname -n).$$
    trap 'rm -f "$new"' EXIT
    cat >"$new" || fail "cannot write to $folder (is the disk full?)"
    [ "$(digest "$new")" = "$1" ] || fail "the program did not arrive whole in $folder; try again"
    chmod 755 "$new" || fail "cannot change $folder/$new"
    mv -f "$new" seedgrid-worker || fail "cannot write to $folder"
    well placed
}

start() {
    program=$1
    shift
    case $program in
    /*) ;;
    *) program=$folder/$program ;;
    esac
    # One start at a time.
    tries=0
    while ! mkdir "$own/starting" 2>/dev/null; do
        [ $tries -lt 100 ] || fail "another start is under way; if none is, remove $own/starting there"
        sleep 0.2
        tries=$((tries + 1))
    done
    trap 'rmdir "$own/starting"' EXIT
    trap 'exit 1' HUP INT TERM
    if running; then
        cat >/dev/null
        well "already running: pid $pid"
    fi
    says=$("$program" --version 2>&1) ||
        fail "$program does not run on this machine ($(uname -m)): $(printf %s "$says" | tr '\n' ' ')"
    cat >"$own/join.toml.new" || fail "cannot write to $own (is the disk full?)"
    mv -f "$own/join.toml.new" "$own/join.toml" || fail "cannot write to $own"
    printf '\n== started by launch.sh, %s\n' "$(date '+%F %T')" >>"$own/worker.log" || fail "cannot write to $own"
    # A session of its own: the end of this login does not end the worker.
    setsid "$program" --join "$own/join.toml" "$@" </dev/null >>"$own/worker.log" 2>&1 &
    pid=$!
    printf '%s %s\n' "$pid" "$(started "$pid")" >"$own/worker.pid"
    # An early failure is reported at once.
    tries=0
    while running && [ $tries -lt 10 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    if running; then well "started: pid $pid, log $own/worker.log"; fi
    wait "$pid"
    code=$?
    rm -f "$own/worker.pid" "$own/join.toml"
    [ $code -ne 0 ] || well "has left again: $(last_line)"
    fail "ended at once with code $code: $(last_line) (log $own/worker.log)"
}

status() {
    if ! running; then
        line=$(last_line)
        well "not running${line:+: $line}"
    fi
    now=$(cut -d . -f 1 /proc/uptime)
    seconds=$((now - ticks / $(getconf CLK_TCK 2>/dev/null || echo 100)))
    well "running: pid $pid, since $(date -d "@$(($(date +%s) - seconds))" '+%F %T'): $(last_line)"
}

stop() {
    if ! running; then
        rm -f "$own/worker.pid" "$own/join.toml"
        well "not running"
    fi
    kill -TERM "$pid" || fail "cannot signal process $pid"
    left=$(($1 * 5))
    while [ "$left" -gt 0 ] && running; do
        sleep 0.2
        left=$((left - 1))
    done
    if running; then
        fail "still running $1 s after it was told to stop: pid $pid, log $own/worker.log"
    fi
    # Removes the secret.
    rm -f "$own/worker.pid" "$own/join.toml"
    well "stopped: $(last_line)"
}

action=$1 folder=$2
shift 2
[ -r /proc/self/stat ] || fail "only Linux hosts are supported, this is $(uname -s)"
cd || fail "there is no home folder"
mkdir -p -- "$folder" || fail "cannot make the folder $folder"
cd -- "$folder" || fail "cannot enter the folder $folder"
folder=$(pwd)
own=$folder/$(uname -n)
mkdir -p "$own" || fail "cannot make the folder $own"
case $action in
has) has "$@" ;;
place) place "$@" ;;
start) start "$@" ;;
status) status "$@" ;;
stop) stop "$@" ;;
*) fail "unknown action $action" ;;
esac
