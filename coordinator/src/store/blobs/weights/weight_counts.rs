//! How many of the weights that a spec asks for are there.

use std::{collections::BTreeMap, fs, path::Path};

use seedgrid_common::{matrix::Plan, spec::Study, text, unit::UnitId};
use serde::Serialize;

use super::kept_weights;
use crate::store::{KeptWeights, StoredUnit, blobs::BlobFolder};

/// How many of the units whose weights the spec asks for have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WeightCounts {
    /// Different units of stages with `keep_weights`, as far as selections have been made.
    pub wanted: usize,
    /// With their weights in the run directory.
    pub kept: usize,
    /// With a result from before `keep_weights` was set, and without weights.
    pub not_kept: usize,
    /// Whose weights were kept and are no longer there, or no longer whole.
    pub gone: usize,
}

impl WeightCounts {
    /// From what the store and the run directory at `root` hold. Units that diverged have no weights.
    pub fn count(
        study: &Study,
        plan: &Plan,
        units: &BTreeMap<UnitId, StoredUnit>,
        kept: &BTreeMap<UnitId, KeptWeights>,
        root: &Path,
    ) -> Self {
        let folder = BlobFolder::weights(root);
        let mut wanted: Vec<UnitId> = kept_weights::wanted(kept_weights::stages(study), plan).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut standing = Self { wanted: wanted.len(), ..Self::default() };
        for unit in wanted {
            let done = units.get(&unit).and_then(|known| known.result).is_some_and(|result| !result.diverged);
            // Their digests are compared by `check`: to read all of them takes long.
            let is_whole = |kept: &KeptWeights| {
                let file = folder.committed(unit, kept.digest);
                fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() == kept.bytes)
            };
            match kept.get(&unit) {
                Some(kept) if is_whole(kept) => standing.kept += 1,
                Some(_) => standing.gone += 1,
                None if done => standing.not_kept += 1,
                None => {}
            }
        }
        standing
    }

    /// The notes about it for people, each with its remedy, one line each.
    pub fn notes(&self) -> Vec<String> {
        const AGAIN: &str =
            "To have them, run the study in a new run directory (--run-dir DIR), which trains every unit again";
        let units = |units: usize| text::count(units, "unit");
        let mut notes = Vec::new();
        if self.not_kept > 0 {
            notes.push(format!(
                "the weights of {} were not kept: they had a result before keep_weights was set. {AGAIN}",
                units(self.not_kept)
            ));
        }
        if self.gone > 0 {
            notes.push(format!(
                "the weights of {} were kept and are no longer in the run directory's folder weights, or no longer whole. {AGAIN}",
                units(self.gone)
            ));
        }
        notes
    }
}
