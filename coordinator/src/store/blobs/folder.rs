//! The files of one kind of blob, one for each unit that has any.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use seedgrid_common::{
    durable_files::{self, Pending},
    unit::UnitId,
    wire::blob::BlobDigest,
};

/// The file system refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {cause}")]
pub struct BlobError {
    /// The failed operation.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    let path = path.to_owned();
    move |cause| BlobError { action, path, cause }
}

/// A run directory's folder of one kind of blob. It is made when the first one arrives.
#[derive(Clone, Debug)]
pub struct BlobFolder {
    root: PathBuf,
}

/// A file that is arriving. Dropped before its end, it leaves nothing behind.
#[derive(Debug)]
pub struct Receiving {
    file: Pending,
    folder: PathBuf,
}

impl BlobFolder {
    /// Kept weights, in the run directory at `root`.
    pub fn weights(root: &Path) -> Self {
        Self { root: root.join("weights") }
    }

    /// Checkpoints of units in training, in the run directory at `root`.
    pub fn checkpoints(root: &Path) -> Self {
        Self { root: root.join("checkpoints") }
    }

    /// Where a unit's blob is, if there is one.
    pub fn file(&self, unit: UnitId) -> PathBuf {
        self.root.join(format!("{unit}.safetensors"))
    }

    /// The units that a file here is named for.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn units(&self) -> Result<Vec<UnitId>, BlobError> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(failed("read", &self.root)(cause)),
        };
        let mut units: Vec<UnitId> = entries.flatten().filter_map(|entry| self.unit_of(&entry.path())).collect();
        units.sort_unstable();
        Ok(units)
    }

    /// Whose file this is.
    fn unit_of(&self, path: &Path) -> Option<UnitId> {
        let unit = path.file_stem()?.to_str()?.parse().ok()?;
        (path == self.file(unit)).then_some(unit)
    }

    fn arriving(&self) -> PathBuf {
        self.root.join(".arriving")
    }

    fn arrived(&self, unit: UnitId, digest: BlobDigest) -> PathBuf {
        self.arriving().join(format!("{unit}.{digest}"))
    }

    /// Where a unit's blob is whose digest is committed: under its final name, or where it arrived, if its coordinator was killed before
    /// it gave it that name, which the next one does.
    pub fn committed(&self, unit: UnitId, digest: BlobDigest) -> PathBuf {
        let arrived = self.arrived(unit, digest);
        if arrived.is_file() { arrived } else { self.file(unit) }
    }

    /// Begins to receive a unit's blob with this digest.
    ///
    /// # Errors
    /// When no file can be made.
    pub fn receive(&self, unit: UnitId, digest: BlobDigest) -> Result<Receiving, BlobError> {
        let folder = self.arriving();
        if !folder.is_dir() {
            durable_files::make_folder(&folder).map_err(failed("make", &folder))?;
            sync(&self.root)?;
            self.root.parent().map_or(Ok(()), sync)?;
        }
        let file = Pending::new(&self.arrived(unit, digest)).map_err(failed("write to", &folder))?;
        Ok(Receiving { file, folder })
    }

    /// Gives files that have arrived, and whose digests are committed, their final names, durably.
    ///
    /// # Errors
    /// When one of them is not there any more, or cannot be renamed.
    pub fn keep(&self, files: &[(UnitId, BlobDigest)]) -> Result<(), BlobError> {
        for &(unit, digest) in files {
            let (from, to) = (self.arrived(unit, digest), self.file(unit));
            fs::rename(&from, &to).map_err(failed("rename", &from))?;
        }
        if files.is_empty() { Ok(()) } else { sync(&self.root) }
    }

    /// Ends what a coordinator that was killed had begun: `committed` files get their final names, and what else has
    /// arrived is thrown away.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn recover(&self, committed: impl IntoIterator<Item = (UnitId, BlobDigest)>) -> Result<(), BlobError> {
        let folder = self.arriving();
        if !folder.is_dir() {
            return Ok(());
        }
        let waiting: Vec<_> =
            committed.into_iter().filter(|(unit, digest)| self.arrived(*unit, *digest).is_file()).collect();
        self.keep(&waiting)?;
        for entry in fs::read_dir(&folder).map_err(failed("read", &folder))? {
            let path = entry.map_err(failed("read", &folder))?.path();
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        Ok(())
    }

    /// Removes these units' files, as far as that is possible: [`Self::sweep`] takes what is left.
    pub fn remove(&self, units: &[UnitId]) {
        for unit in units {
            let _ = fs::remove_file(self.file(*unit));
        }
    }

    /// Removes the files of units that `wanted` does not name, as far as that is possible: what is left is removed another time.
    pub fn sweep(&self, wanted: impl Fn(UnitId) -> bool) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if self.unit_of(&path).is_some_and(|unit| !wanted(unit)) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Throws away what has arrived and is not wanted after all.
    pub fn discard(&self, unit: UnitId, digest: BlobDigest) {
        // A file that cannot be removed now is removed at the next start.
        let _ = fs::remove_file(self.arrived(unit, digest));
    }
}

impl Receiving {
    /// Takes in the next bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.file.write_all(bytes).map_err(failed("write to", &self.folder))
    }

    /// The file is whole: makes it durable.
    ///
    /// # Errors
    /// When that is refused; nothing is left behind then.
    pub fn finish(self) -> Result<(), BlobError> {
        self.file.commit().map_err(failed("write to", &self.folder))
    }
}

/// Makes what a folder lists durable.
fn sync(folder: &Path) -> Result<(), BlobError> {
    durable_files::sync_folder(folder).map_err(failed("write to", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: UnitId = UnitId([7; 16]);

    fn receive(weights: &BlobFolder, bytes: &[u8]) -> BlobDigest {
        let digest = BlobDigest::compute(bytes);
        let mut receiving = weights.receive(UNIT, digest).unwrap();
        bytes.chunks(3).for_each(|part| receiving.write(part).unwrap());
        receiving.finish().unwrap();
        digest
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_has_arrived_gets_its_final_name_once_its_result_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        let weights = BlobFolder::weights(folder.path());
        let digest = receive(&weights, b"weights");
        receive(&weights, b"weights");
        assert!(!weights.file(UNIT).exists());
        assert_eq!(fs::read(weights.committed(UNIT, digest)).unwrap(), b"weights", "it is here all the same");
        weights.keep(&[(UNIT, digest)]).unwrap();
        assert_eq!(fs::read(weights.file(UNIT)).unwrap(), b"weights");
        assert_eq!(names(&folder.path().join("weights/.arriving")), Vec::<String>::new());
        assert!(weights.keep(&[(UNIT, digest)]).is_err(), "there is nothing to keep");
    }

    #[test]
    fn an_upload_that_is_cut_off_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let weights = BlobFolder::weights(folder.path());
        let mut receiving = weights.receive(UNIT, BlobDigest::compute(b"weights")).unwrap();
        receiving.write(b"wei").unwrap();
        drop(receiving);
        assert_eq!(names(&folder.path().join("weights/.arriving")), Vec::<String>::new());
    }

    /// Every instant at which a coordinator can be killed: what it leaves, and what the next one makes of it.
    #[test]
    fn a_restart_ends_what_was_begun() {
        let folder = tempfile::tempdir().unwrap();
        let weights = BlobFolder::weights(folder.path());
        weights.recover([]).unwrap();
        assert!(!folder.path().join("weights").exists(), "nothing is made where nothing is kept");
        let other = receive(&weights, b"of another attempt");
        let digest = receive(&weights, b"weights");
        // Killed while a file arrived: its temporary file stays.
        fs::write(folder.path().join("weights/.arriving/.writing-x"), b"wei").unwrap();
        weights.recover([(UNIT, digest), (UnitId([8; 16]), other)]).unwrap();
        assert_eq!(fs::read(weights.file(UNIT)).unwrap(), b"weights", "committed, and not renamed");
        assert_eq!(names(&folder.path().join("weights/.arriving")), Vec::<String>::new());
        weights.recover([(UNIT, digest)]).unwrap();
        assert_eq!(fs::read(weights.file(UNIT)).unwrap(), b"weights", "renamed already");
        assert_eq!(names(&folder.path().join("weights")), [".arriving", &format!("{UNIT}.safetensors")]);
    }

    #[test]
    fn a_place_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("weights"), "a file, not a folder").unwrap();
        let error = BlobFolder::weights(folder.path()).receive(UNIT, BlobDigest::compute(b"")).unwrap_err();
        assert!(error.to_string().starts_with("cannot make "), "{error}");
    }
}
