//! What a study trains, without its data.

use seedgrid_common::{
    data::Digests,
    label::Labels,
    matrix::{Plan, Selections},
    unit::UnitId,
    utc,
};

use super::{PrepareError, Spec, spec_history};
use crate::{
    run_directory::RunDirectory,
    scheduler::{
        race::RaceTrack,
        ranking::Ended,
        selection::{self, Committed, Settled, Standing, ToCome},
    },
    store::{Store, Write},
};

/// A study and its plan.
#[derive(Debug)]
pub struct Planned {
    /// The spec.
    pub spec: Spec,
    /// What its units are called.
    pub labels: Labels,
    /// Its number in the run directory; None before it was run there.
    pub number: Option<u32>,
    /// Everything that is trained, as far as selections have been made.
    pub plan: Plan,
    /// These selections.
    pub selections: Selections,
    /// What has been decided for each model of a selecting stage.
    pub standing: Vec<Standing>,
    /// The races of the plan, and what they do to its units.
    pub track: RaceTrack,
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
        let at_ms = utc::now_ms();
        let selected = made.into_iter().map(|decision| Write::Selection { at_ms, decision });
        let raced = rungs.into_iter().map(|decision| Write::Rung { at_ms, decision });
        let labels = Labels::new(&spec.study, digests);
        (Self { spec, number: None, labels, plan, selections, standing, track }, raced.chain(selected).collect())
    }

    /// What a run directory was last run with, from its store alone: its data may be lost.
    ///
    /// # Errors
    /// When it holds no spec.
    pub fn stored(directory: &RunDirectory, store: &Store) -> Result<Self, PrepareError> {
        let (number, spec) = spec_history::stored(directory, store, None)?;
        let digests = spec_history::digests(&spec.study, number, directory, store)?;
        // What was decided, and no more: who looks changes nothing.
        let (planned, _) = Self::settled(spec, &digests, &store.committed()?, |_| None);
        Ok(Self { number: Some(number), ..planned })
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
