//! Which units have a checkpoint: the core's part in keeping them.

use std::{collections::BTreeMap, path::PathBuf};

use seedgrid_common::{
    unit::UnitId,
    wire::blob::{BlobDigest, CheckpointRef},
};

use super::KeptCheckpoint;
use crate::store::{
    Write,
    blobs::{BlobError, BlobFolder},
};

/// Keeps checkpoints. Owned by the core.
#[derive(Debug)]
pub struct Checkpoints {
    folder: BlobFolder,
    kept: BTreeMap<UnitId, KeptCheckpoint>,
    /// Their digests are committed with the next commit, oldest first.
    committing: Vec<(UnitId, BlobDigest)>,
    /// Files that go after the next commit.
    ending: Vec<UnitId>,
}

impl Checkpoints {
    /// In `folder`; `kept` is what the store says is there. Ends what an earlier life had begun; gives the checkpoints up whose files are
    /// gone.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn open(
        folder: BlobFolder,
        mut kept: BTreeMap<UnitId, KeptCheckpoint>,
    ) -> Result<(Self, Vec<Write>), BlobError> {
        folder.recover(kept.iter().map(|(unit, kept)| (*unit, kept.reference.digest)))?;
        let is_there = |unit: UnitId, bytes: u64| {
            std::fs::metadata(folder.file(unit)).is_ok_and(|file| file.is_file() && file.len() == bytes)
        };
        let gone: Vec<UnitId> =
            kept.iter().filter(|(unit, kept)| !is_there(**unit, kept.reference.bytes)).map(|(unit, _)| *unit).collect();
        let writes = gone.iter().map(|unit| Write::NoCheckpoint(*unit)).collect();
        for unit in gone {
            tracing::warn!(%unit, "its checkpoint is no longer there: it is trained from the start");
            kept.remove(&unit);
        }
        folder.sweep(|unit| kept.contains_key(&unit));
        Ok((Self { folder, kept, committing: Vec::new(), ending: Vec::new() }, writes))
    }

    /// Where a unit's training can go on from, in this numerics class.
    pub fn find(&self, unit: UnitId, numerics_class: &str) -> Option<CheckpointRef> {
        let kept = self.kept.get(&unit)?;
        (kept.numerics_class == numerics_class).then_some(kept.reference)
    }

    /// The file of a unit's checkpoint.
    pub fn file(&self, unit: UnitId) -> Option<(PathBuf, CheckpointRef)> {
        Some((self.folder.file(unit), self.kept.get(&unit)?.reference))
    }

    /// A checkpoint has arrived, is durable, and replaces the one before with the next commit.
    pub fn keep(&mut self, unit: UnitId, kept: KeptCheckpoint, at_ms: i64) -> Write {
        self.committing.push((unit, kept.reference.digest));
        self.ending.retain(|other| *other != unit);
        self.kept.insert(unit, kept.clone());
        Write::Checkpoint { unit, at_ms, kept }
    }

    /// A checkpoint has arrived, and is not wanted any more.
    pub fn discard(&self, unit: UnitId, digest: BlobDigest) {
        if !self.committing.contains(&(unit, digest)) {
            self.folder.discard(unit, digest);
        }
    }

    /// The unit's checkpoint, if it has one, goes with the next commit.
    pub fn end(&mut self, unit: UnitId) -> Option<Write> {
        self.kept.remove(&unit)?;
        self.ending.push(unit);
        Some(Write::NoCheckpoint(unit))
    }

    /// The commit has succeeded: brings the folder to what it says.
    pub fn settle(&mut self) {
        for (unit, digest) in std::mem::take(&mut self.committing) {
            if let Err(error) = self.folder.keep(&[(unit, digest)]) {
                tracing::error!(%unit, "a checkpoint is lost, an interruption of its unit costs more time: {error}");
                self.kept.remove(&unit);
            }
        }
        if !self.ending.is_empty() {
            let ended = std::mem::take(&mut self.ending);
            self.folder.remove(&ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use seedgrid_common::training::Progress;

    use super::*;

    const UNIT: UnitId = UnitId([7; 16]);

    fn arrive(folder: &BlobFolder, bytes: &[u8]) -> KeptCheckpoint {
        let digest = BlobDigest::compute(bytes);
        let mut receiving = folder.receive(UNIT, digest).unwrap();
        receiving.write(bytes).unwrap();
        receiving.finish().unwrap();
        let progress = Progress { epochs: 1, batches: bytes.len() as u32, seconds: 1.0 };
        let reference = CheckpointRef { digest, bytes: bytes.len() as u64, progress };
        KeptCheckpoint { attempt: 1, reference, numerics_class: "cpu".to_owned() }
    }

    fn open(root: &Path, kept: &[&KeptCheckpoint]) -> (Checkpoints, usize) {
        let kept = kept.iter().map(|kept| (UNIT, (*kept).clone())).collect();
        let (checkpoints, writes) = Checkpoints::open(BlobFolder::checkpoints(root), kept).unwrap();
        (checkpoints, writes.len())
    }

    #[test]
    fn a_newer_one_replaces_the_one_before_and_goes_with_its_unit() {
        let root = tempfile::tempdir().unwrap();
        let (mut checkpoints, _) = open(root.path(), &[]);
        let folder = BlobFolder::checkpoints(root.path());
        for bytes in [&b"first"[..], b"newer one"] {
            let kept = arrive(&folder, bytes);
            assert!(matches!(checkpoints.keep(UNIT, kept.clone(), 0), Write::Checkpoint { .. }));
            checkpoints.settle();
            assert_eq!(std::fs::read(folder.file(UNIT)).unwrap(), bytes);
            assert_eq!(checkpoints.find(UNIT, "cpu"), Some(kept.reference));
            assert_eq!(checkpoints.find(UNIT, "cuda"), None, "of use in its own class only");
        }
        assert!(matches!(checkpoints.end(UNIT), Some(Write::NoCheckpoint(_))));
        assert!(checkpoints.end(UNIT).is_none());
        checkpoints.settle();
        assert!(!folder.file(UNIT).exists());
    }

    #[test]
    fn what_a_killed_coordinator_had_begun_is_ended() {
        let root = tempfile::tempdir().unwrap();
        let folder = BlobFolder::checkpoints(root.path());
        // Killed before the commit: forgotten.
        let kept = arrive(&folder, b"never committed");
        let (checkpoints, gone) = open(root.path(), &[]);
        assert_eq!((checkpoints.find(UNIT, "cpu"), gone), (None, 0));
        assert!(!folder.file(UNIT).exists());
        // Killed between the commit and the new name.
        let kept =
            KeptCheckpoint { attempt: 2, ..arrive(&folder, &b"never committed"[..kept.reference.bytes as usize]) };
        let (checkpoints, gone) = open(root.path(), &[&kept]);
        assert_eq!((checkpoints.find(UNIT, "cpu"), gone), (Some(kept.reference), 0));
        assert_eq!(std::fs::read(folder.file(UNIT)).unwrap(), b"never committed");
        // Its row is gone: so is the file.
        drop(checkpoints);
        open(root.path(), &[]);
        assert!(!folder.file(UNIT).exists());
        // The file is gone: so is the row.
        assert_eq!(open(root.path(), &[&kept]).1, 1);
    }
}
