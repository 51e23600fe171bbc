//! Encoded data sets on disk, each in a file named by its digest. Several workers may share one folder: files appear
//! complete, and a file that does not match its name is removed and fetched again.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use seedgrid_common::{data::encode::digest, durable_files, wire::limits};
use tracing::warn;

/// Largest total size of a folder, in bytes: the least recently used files are removed first.
const FOLDER_BYTES_MAX: u64 = limits::DATASET_BYTES_MAX;

/// A folder of data sets.
#[derive(Clone, Debug)]
pub struct CacheFolder {
    path: PathBuf,
}

impl CacheFolder {
    /// Opens the folder `path`, and creates it where it is missing. Fails where it is not writable.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let probe = path.join(format!(".probe.{}", std::process::id()));
        File::create(&probe)?;
        fs::remove_file(&probe)?;
        Ok(Self { path: path.to_owned() })
    }

    /// The bytes with this digest. None: the file is missing or damaged.
    pub fn read(&self, wanted: &str) -> Option<Vec<u8>> {
        let path = self.path.join(wanted);
        let length = fs::metadata(&path).ok()?.len();
        let bytes = if length <= limits::DATASET_BYTES_MAX { fs::read(&path).ok()? } else { Vec::new() };
        if digest(&bytes) == wanted {
            // The time tells `prune` when the file was last used. It is only a hint, so failing is fine.
            drop(File::open(&path).and_then(|file| file.set_modified(SystemTime::now())));
            return Some(bytes);
        }
        warn!("the cached data set {} is damaged; it is fetched again", path.display());
        drop(fs::remove_file(&path));
        None
    }

    /// Stores `bytes`, whose digest is `name`.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.prune(FOLDER_BYTES_MAX.saturating_sub(bytes.len() as u64))?;
        durable_files::write(&self.path.join(name), bytes)
    }

    /// Removes data sets until at most `bytes_max` are left, the least recently used first. Other files are not
    /// touched.
    fn prune(&self, bytes_max: u64) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if !is_digest(&entry.file_name().to_string_lossy()) {
                continue;
            }
            // Another worker may have removed it meanwhile.
            let Ok(data) = entry.metadata() else { continue };
            entries.push((data.modified()?, data.len(), entry.path()));
        }
        entries.sort();
        let mut total: u64 = entries.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in entries {
            if total <= bytes_max {
                break;
            }
            drop(fs::remove_file(path));
            total -= length;
        }
        Ok(())
    }
}

fn is_digest(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::tempdir;

    use super::*;

    #[test]
    fn kept_data_sets_are_found_and_damage_is_noticed() {
        let folder = tempdir().unwrap();
        let cache = CacheFolder::open(&folder.path().join("deep/down")).unwrap();
        let name = digest(b"pairs");
        assert_eq!(cache.read(&name), None);
        cache.write(&name, b"pairs").unwrap();
        assert_eq!(cache.read(&name).as_deref(), Some(&b"pairs"[..]));
        for damage in [&b"pairz"[..], b"pair", b""] {
            let file = folder.path().join("deep/down").join(&name);
            fs::write(&file, damage).unwrap();
            assert_eq!(cache.read(&name), None);
            assert!(!file.exists(), "a damaged file is taken away");
            cache.write(&name, b"pairs").unwrap();
        }
        let files = fs::read_dir(folder.path().join("deep/down")).unwrap().count();
        assert_eq!(files, 1, "no temporary file is left");
    }

    #[test]
    fn the_longest_unused_go_first() {
        let folder = tempdir().unwrap();
        let cache = CacheFolder::open(folder.path()).unwrap();
        let contents = [vec![1; 100], vec![2; 100], vec![3; 100]];
        for (content, age) in contents.iter().zip([30, 20, 10]) {
            let name = digest(content);
            cache.write(&name, content).unwrap();
            let file = File::open(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
        fs::write(folder.path().join("notes.txt"), vec![0; 1000]).unwrap();
        assert!(cache.read(&digest(&contents[0])).is_some(), "used now");
        cache.prune(250).unwrap();
        let left: Vec<_> = contents.iter().map(|content| folder.path().join(digest(content)).exists()).collect();
        assert_eq!(left, [true, false, true]);
        assert!(folder.path().join("notes.txt").exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(CacheFolder::open(&folder.path().join("file")).is_err());
    }
}
