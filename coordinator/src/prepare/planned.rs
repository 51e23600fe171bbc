//! What a study trains, without its data.

use seedgrid_common::{
    label::Labels,
    matrix::{Digests, Plan, Selections},
    spec::Study,
    unit::UnitId,
};

use super::{PrepareError, Spec, dataset_fact, drawn};
use crate::{
    race::Track,
    ranking::Ended,
    run_directory::RunDirectory,
    selection::{self, Committed, Settled, Standing, ToCome},
    store::{Store, Write},
    wall_clock::wall_ms,
};

/// A study and its plan.
#[derive(Debug)]
pub struct Planned {
    /// The spec.
    pub spec: Spec,
    /// What its units are called.
    pub labels: Labels,
    /// Everything that is trained, as far as selections have been made.
    pub plan: Plan,
    /// These selections.
    pub selections: Selections,
    /// What has been decided for each model of a selecting stage.
    pub standing: Vec<Standing>,
    /// The races of the plan, and what they do to its units.
    pub track: Track,
}

impl Planned {
    /// The plan of a spec on data with these digests, and what can be decided from the results that are there and has not been.
    pub(super) fn settled(
        spec: Spec,
        digests: &Digests,
        committed: &Committed,
        ended: impl Fn(UnitId) -> Option<Ended>,
    ) -> (Self, Vec<Write>) {
        let settled = selection::settle(&spec.study, digests, committed, ended);
        let Settled { plan, selections, made, rungs, track, standing, .. } = settled;
        let at_ms = wall_ms();
        let selected = made.into_iter().map(|decision| Write::Selection { at_ms, decision });
        let raced = rungs.into_iter().map(|decision| Write::Rung { at_ms, decision });
        let labels = Labels::new(&spec.study, digests);
        (Self { spec, labels, plan, selections, standing, track }, raced.chain(selected).collect())
    }

    /// What a run directory was last run with, from its store alone: its data may be lost.
    ///
    /// # Errors
    /// When it holds no spec.
    pub fn stored(directory: &RunDirectory, store: &Store) -> Result<Self, PrepareError> {
        let spec = stored_spec(directory, store)?;
        let digests = stored_digests(&spec.study, directory, store)?;
        // What was decided, and no more: who looks changes nothing.
        Ok(Self::settled(spec, &digests, &store.committed()?, |_| None).0)
    }

    /// A study whose data nobody has drawn.
    #[cfg(test)]
    pub(crate) fn undrawn(text: &str) -> Result<Self, PrepareError> {
        let spec = Spec::parse("spec.toml", text.to_owned())?;
        let digests = spec.study.data_seeds().into_iter().map(|seed| (seed, format!("draw {seed}"))).collect();
        Ok(Self::settled(spec, &digests, &Committed::default(), |_| None).0)
    }

    /// Units that may still be given out: of rows whose selection has not been made, and those that races hold back.
    pub fn to_come(&self) -> ToCome {
        ToCome::of(&self.plan, &self.track)
    }
}

/// The spec that a run directory was last run with.
pub(super) fn stored_spec(directory: &RunDirectory, store: &Store) -> Result<Spec, PrepareError> {
    let text = store.latest_spec()?.ok_or_else(|| PrepareError::NoSpec { path: directory.root().to_owned() })?;
    Spec::parse(&directory.database().display().to_string(), text)
}

/// The digests of its data sets, by data seed.
pub(super) fn stored_digests(study: &Study, directory: &RunDirectory, store: &Store) -> Result<Digests, PrepareError> {
    let digest = |(seed, of)| {
        let digest = store.fact(&dataset_fact(&of))?;
        Ok((seed, digest.ok_or_else(|| PrepareError::NoSpec { path: directory.root().to_owned() })?))
    };
    drawn(study).map(digest).collect()
}
