#!/usr/bin/env bash
# A private Slurm cluster on this machine, for tests: one controller, one node daemon for each port, its own munge key.
# Root only.
#
#   cluster.sh DIR CPUS CONTROLLER_PORT NODE_PORT...
#
# All files are in DIR (an absolute path that other users may enter). Prints `ready SLURM_CONF=PATH` on stdout once all
# nodes are idle, and runs until its stdin closes, so it ends with the process that started it, in any case.
set -euo pipefail

dir=$1 cpus=$2 controller=$3
shift 3
export SLURM_CONF=$dir/slurm.conf
host=$(hostname -s)
daemons=()

down() {
    trap - EXIT
    timeout 10 scancel --user="$(id -un)" 2>/dev/null || true
    # Wait until the jobs' processes are gone: they have KillWait seconds.
    for _ in {1..150}; do
        [ -n "$(squeue -h 2>/dev/null)" ] || break
        sleep 0.1
    done
    # The controller ends first, so that it does not report its nodes as lost; munge last, since all the others use it.
    for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
        kill -TERM "${daemons[i]}" 2>/dev/null || continue
        for _ in {1..30}; do
            kill -0 "${daemons[i]}" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "${daemons[i]}" 2>/dev/null || true
    done
}
trap down EXIT
trap 'exit 143' TERM INT

mkdir -p "$dir"/{state,spool,log}
chmod 755 "$dir" "$dir"/{spool,log}
chmod 700 "$dir/state"
(umask 077 && head -c 128 /dev/urandom >"$dir/munge.key")

{
    cat <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# A requeued job starts again after cred_expire + 1 seconds. Five is Slurm's minimum; its default is two minutes.
AuthInfo=socket=$dir/munge.socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
KillWait=10
CONF
    node=0
    for port in "$@"; do
        node=$((node + 1))
        echo "NodeName=n$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$port CPUs=$cpus RealMemory=500 State=UNKNOWN"
    done
    echo "PartitionName=main Nodes=n[1-$node] Default=YES MaxTime=INFINITE State=UP"
} >"$SLURM_CONF"
# Without a cgroup file system slurmd's default plugin ends it; this plugin loads anywhere and is not used.
printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n' >"$dir/cgroup.conf"

cd /
munged --foreground --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
    --log-file="$dir/log/munged.log" --seed-file="$dir/munged.seed" >"$dir/log/munged.out" 2>&1 </dev/null &
daemons+=($!)
for _ in {1..50}; do
    [ ! -S "$dir/munge.socket" ] || break
    sleep 0.1
done
for node in $(seq $#); do
    mkdir -p "$dir/spool/n$node"
    slurmd -D -N "n$node" -f "$SLURM_CONF" >"$dir/log/slurmd.n$node.out" 2>&1 </dev/null &
    daemons+=($!)
done
slurmctld -D -c -f "$SLURM_CONF" >"$dir/log/slurmctld.out" 2>&1 </dev/null &
daemons+=($!)

for _ in {1..150}; do
    idle=$(sinfo -h -N -o %T 2>/dev/null | grep -c '^idle$' || true)
    [ "$idle" != $# ] || break
    sleep 0.2
done
if [ "$idle" != $# ]; then
    echo "only $idle of $# nodes came up; see $dir/log" >&2
    sinfo -N -l >&2 || true
    exit 1
fi
echo "ready SLURM_CONF=$SLURM_CONF"
cat >/dev/null
