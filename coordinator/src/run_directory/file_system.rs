//! The kind of a folder's file system, and whether its locks hold between machines.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use nix::sys::statfs::statfs;

/// The environment variable that overrides the detected kind: `local` or `network`.
pub const OVERRIDE: &str = "SEEDGRID_FILE_SYSTEM";

/// The file system of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// A disk or the memory of this machine.
    Local,
    /// A file system that several machines may share: it does not support shared memory, and each lock needs a round
    /// trip.
    Network {
        /// The file system's name, for people.
        name: String,
        /// The mount option that keeps locks on this machine, if there is one; other machines would not see the locks.
        local_locks: Option<String>,
    },
}

impl FileSystem {
    /// The file system of the existing folder or file `path`, unless [`OVERRIDE`] is set.
    ///
    /// # Errors
    /// When the file system cannot be determined.
    pub fn detect(path: &Path) -> io::Result<Self> {
        match std::env::var(OVERRIDE).as_deref() {
            Ok("local") => return Ok(Self::Local),
            Ok("network") => return Ok(Self::Network { name: "network".to_owned(), local_locks: None }),
            Ok(_) | Err(_) => {}
        }
        let magic = statfs(path)?.filesystem_type().0;
        let Some(name) = network_name(magic as u32) else { return Ok(Self::Local) };
        let device = fs::metadata(path)?.dev();
        let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
        // If this cannot be read, the locks are assumed to work.
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let local_locks = options(&mounts, major, minor).and_then(|options| local_locks(&options));
        Ok(Self::Network { name: name.to_owned(), local_locks })
    }

    /// Whether other machines may use the file system.
    pub fn is_network(&self) -> bool {
        matches!(self, Self::Network { .. })
    }
}

/// The name of a network file system by its number from statfs. FUSE may be any system, so it counts as one.
fn network_name(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517B | 0xFE53_4D42 | 0xFF53_4D42 => "SMB",
        0x0BD0_0BD0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x00C3_6400 => "CephFS",
        0x6573_5546 => "FUSE",
        0x5346_414F | 0x6B41_4653 => "AFS",
        0x0102_1997 => "9p",
        0xAAD7_AAEA => "PanFS",
        0x7461_636F => "OCFS2",
        0x0116_1970 => "GFS2",
        0x2003_0528 => "OrangeFS",
        0x7375_7245 => "Coda",
        0x786F_4256 => "VirtualBox folder",
        _ => return None,
    })
}

/// The mount options of the file system with this device number, both of the mount and of the file system.
fn options(mountinfo: &str, major: u64, minor: u64) -> Option<Vec<String>> {
    let device = format!("{major}:{minor}");
    mountinfo.lines().find_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ');
        if fields.nth(2)? != device {
            return None;
        }
        let own = fields.nth(2)?;
        let of_system = system.split(' ').nth(2)?;
        Some(own.split(',').chain(of_system.split(',')).map(str::to_owned).collect())
    })
}

/// The option that keeps locks on this machine, if there is one.
fn local_locks(options: &[String]) -> Option<String> {
    let keeps = |option: &&String| {
        matches!(
            option.as_str(),
            "nolock" | "local_lock=all" | "local_lock=flock" | "local_lock=posix" | "nobrl" | "localflock" | "noflock"
        )
    };
    options.iter().find(keeps).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 22 0:35 / /home rw,nosuid - nfs4 server:/home rw,vers=4.2,hard,local_lock=none,addr=10.0.0.1
41 22 0:36 / /old rw - nfs server:/old rw,vers=3,nolock,local_lock=all,addr=10.0.0.1
";

    #[test]
    fn mounts_whose_locks_stay_here_are_found() {
        let of = |minor| local_locks(&options(MOUNTS, 0, minor).unwrap());
        assert_eq!(of(35), None);
        assert_eq!(of(36).as_deref(), Some("nolock"));
        assert_eq!(options(MOUNTS, 0, 99), None);
    }

    #[test]
    fn known_numbers_have_names() {
        assert_eq!(network_name(nix::sys::statfs::NFS_SUPER_MAGIC.0 as u32), Some("NFS"));
        assert_eq!(network_name(nix::sys::statfs::FUSE_SUPER_MAGIC.0 as u32), Some("FUSE"));
        assert_eq!(network_name(nix::sys::statfs::EXT4_SUPER_MAGIC.0 as u32), None);
        assert_eq!(network_name(nix::sys::statfs::TMPFS_MAGIC.0 as u32), None);
    }

    #[test]
    fn a_folder_in_memory_is_local() {
        if Path::new("/dev/shm").is_dir() {
            assert_eq!(FileSystem::detect(Path::new("/dev/shm")).unwrap(), FileSystem::Local);
        }
    }
}
