//! Which weights are wanted, which have arrived and which are about to be kept: the core's part in keeping weights.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{matrix::Plan, spec::Study, unit::UnitId, wire::blob::BlobDigest};

use crate::store::{
    KeptWeights, Write,
    blobs::{BlobError, BlobFolder},
};

/// Keeps weights. Owned by the core.
#[derive(Debug)]
pub struct KeptWeightsIndex {
    folder: BlobFolder,
    /// Whether each stage's weights are kept, in the order of the spec.
    stages: Vec<bool>,
    wanted: BTreeSet<UnitId>,
    /// Durable, each with its attempt and its length.
    arrived: BTreeMap<(UnitId, BlobDigest), (u32, u64)>,
    /// Their results are committed with the next commit.
    committing: Vec<(UnitId, BlobDigest)>,
}

/// The units of a plan whose weights are wanted.
pub fn wanted<'a>(stages: impl IntoIterator<Item = bool> + 'a, plan: &'a Plan) -> impl Iterator<Item = UnitId> + 'a {
    let kept = plan.stages.iter().zip(stages).filter_map(|(stage, keeps)| keeps.then_some(stage));
    kept.flat_map(|stage| &stage.configurations).flat_map(|planned| &planned.units).map(|(id, _)| *id)
}

/// Whether each stage's weights are kept.
pub fn stages(study: &Study) -> Vec<bool> {
    study.stages.iter().map(|stage| stage.keep_weights).collect()
}

impl KeptWeightsIndex {
    /// Of `study`, in `folder`; `kept` is what the store says was kept. Ends what an earlier life had begun.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn open(folder: BlobFolder, study: &Study, kept: &BTreeMap<UnitId, KeptWeights>) -> Result<Self, BlobError> {
        folder.recover(kept.iter().map(|(unit, kept)| (*unit, kept.digest)))?;
        Ok(Self {
            folder,
            stages: stages(study),
            wanted: BTreeSet::new(),
            arrived: BTreeMap::new(),
            committing: Vec::new(),
        })
    }

    /// Takes in the units that have come to be known.
    pub fn learn(&mut self, plan: &Plan) {
        self.wanted.extend(wanted(self.stages.iter().copied(), plan));
    }

    /// Whether a unit's weights are wanted.
    pub fn wants(&self, unit: UnitId) -> bool {
        self.wanted.contains(&unit)
    }

    /// Weights have arrived and are durable. `awaited`: the unit has no result yet; if it has one, they come too late. They take the place
    /// of others of the same attempt.
    pub fn arrived(&mut self, unit: UnitId, attempt: u32, digest: BlobDigest, bytes: u64, awaited: bool) {
        if awaited {
            let others = self.kept(unit).filter(|((_, other), (of, _))| *of == attempt && *other != digest);
            for key in others.map(|(key, _)| *key).collect::<Vec<_>>() {
                self.arrived.remove(&key);
                self.folder.discard(key.0, key.1);
            }
            self.arrived.insert((unit, digest), (attempt, bytes));
        } else if !self.committing.contains(&(unit, digest)) {
            self.folder.discard(unit, digest);
        }
    }

    fn kept(&self, unit: UnitId) -> impl Iterator<Item = (&(UnitId, BlobDigest), &(u32, u64))> {
        self.arrived.range((unit, BlobDigest([0; 32]))..=(unit, BlobDigest([0xff; 32])))
    }

    /// Whether these weights are here.
    pub fn has(&self, unit: UnitId, digest: BlobDigest) -> bool {
        self.arrived.contains_key(&(unit, digest))
    }

    /// An attempt's result is the unit's: keeps its weights, if it has any that are wanted, with the next commit.
    pub fn keep(&mut self, unit: UnitId, attempt: u32, digest: Option<BlobDigest>) -> Option<Write> {
        let arrived: Vec<(UnitId, BlobDigest)> = self.kept(unit).map(|(key, _)| *key).collect();
        let mut write = None;
        for key in arrived {
            let Some((_, bytes)) = self.arrived.remove(&key) else { continue };
            if Some(key.1) == digest {
                self.committing.push(key);
                write = Some(Write::Weights { unit, attempt, digest: key.1, bytes });
            } else {
                self.folder.discard(key.0, key.1);
            }
        }
        write
    }

    /// The commit has succeeded: gives the weights that belong to it their final names.
    ///
    /// # Errors
    /// When the file system refuses. The next start tries again.
    pub fn settle(&mut self) -> Result<(), BlobError> {
        self.folder.keep(&std::mem::take(&mut self.committing))
    }
}
