//! Whether the kernel killed a process for lack of memory: control groups count these kills.
//!
//! `memory.events` (version 2) and `memory.oom_control` (version 1) have a line `oom_kill N`, which grows when the
//! kernel kills a process of the group, at the limit of the group or of the machine. Every user may read them.

use std::{fs, path::PathBuf};

/// The number of processes of this process's control groups that the kernel has killed so far. None: no counter is
/// readable.
pub(super) fn kills() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let counts = counters(&groups).into_iter().filter_map(|path| count(&fs::read_to_string(path).ok()?));
    counts.max()
}

/// The paths of the counters of the groups in a `/proc/PID/cgroup`, the root's included: in a container, the paths may
/// be those outside.
fn counters(groups: &str) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let (mounts, file): (&[&str], &str) = if controllers.is_empty() {
            (&["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], "memory.events")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            (&["/sys/fs/cgroup/memory"], "memory.oom_control")
        } else {
            continue;
        };
        for mount in mounts {
            let root = PathBuf::from(mount);
            paths.push(root.join(path.trim_start_matches('/')).join(file));
            paths.push(root.join(file));
        }
    }
    paths
}

fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_found() {
        let paths = counters("5:cpu,cpuacct:/a\n4:memory:/slurm/job_7\n0::/user.slice/x\n");
        let has = |path: &str| paths.contains(&PathBuf::from(path));
        assert!(has("/sys/fs/cgroup/memory/slurm/job_7/memory.oom_control"));
        assert!(has("/sys/fs/cgroup/user.slice/x/memory.events"));
        assert_eq!(paths.len(), 6);
    }

    #[test]
    fn the_count_is_read_from_both_versions() {
        assert_eq!(count("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"), Some(5));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\n"), None);
    }
}
