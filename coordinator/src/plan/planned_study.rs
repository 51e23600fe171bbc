//! The units of a study, without its data.

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
        selection::{self, Committed, ModelDecisions, Settled, ToCome},
    },
    store::{Store, Write},
};

/// A study and its plan.
#[derive(Debug)]
pub struct Planned {
    /// The study's spec.
    pub spec: Spec,
    /// The labels of its units.
    pub labels: Labels,
    /// The spec's number in the run directory; None before its first run there.
    pub number: Option<u32>,
    /// The plan, as far as selections have been made.
    pub plan: Plan,
    /// The selections that have been made.
    pub selections: Selections,
    /// The decisions for each model of a selecting stage.
    pub decisions: Vec<ModelDecisions>,
    /// The races of the plan and their effect on its units.
    pub track: RaceTrack,
}

impl Planned {
    /// Expands a spec on data with these digests, and makes the decisions that the stored results permit.
    pub(super) fn settled(
        spec: Spec,
        digests: &Digests,
        committed: &Committed,
        ended: impl Fn(UnitId) -> Option<Ended>,
    ) -> (Self, Vec<Write>) {
        let settled = selection::settle(&spec.study, digests, committed, ended);
        let Settled { plan, selections, made, rungs, track, decisions, .. } = settled;
        let at_ms = utc::now_ms();
        let selected = made.into_iter().map(|decision| Write::Selection { at_ms, decision });
        let raced = rungs.into_iter().map(|decision| Write::Rung { at_ms, decision });
        let labels = Labels::new(&spec.study, digests);
        (Self { spec, number: None, labels, plan, selections, decisions, track }, raced.chain(selected).collect())
    }

    /// Reads the newest spec of a run directory from its store alone, without its data.
    ///
    /// # Errors
    /// When the store has no spec.
    pub fn stored(directory: &RunDirectory, store: &Store) -> Result<Self, PrepareError> {
        let (number, spec) = spec_history::stored(directory, store, None)?;
        let digests = spec_history::digests(&spec.study, number, directory, store)?;
        // Uses stored decisions only: a view changes nothing.
        let (planned, _) = Self::settled(spec, &digests, &store.committed()?, |_| None);
        Ok(Self { number: Some(number), ..planned })
    }

    /// A study without drawn data.
    #[cfg(test)]
    pub(crate) fn undrawn(text: &str) -> Result<Self, PrepareError> {
        let spec = Spec::parse("spec.toml", text.to_owned())?;
        let digests = spec.study.data_seeds().into_iter().map(|seed| (seed, format!("draw {seed}"))).collect();
        Ok(Self::settled(spec, &digests, &Committed::default(), |_| None).0)
    }

    /// Counts the units that may still be added: those of rows without a selection, and those that races hold back.
    pub fn to_come(&self) -> ToCome {
        ToCome::count(&self.plan, &self.track)
    }
}
