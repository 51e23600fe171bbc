//! Which selections the core still has to make, and what it knows for them.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::unit::UnitId;

use super::study::StudyPlan;
use crate::selection::{self, Ended, SelectionKey, Settled};

/// A study's selections: made, and open.
#[derive(Debug)]
pub(super) struct Selecting {
    plan: StudyPlan,
    committed: BTreeMap<SelectionKey, Option<usize>>,
    ended: BTreeMap<UnitId, Ended>,
    open: Vec<BTreeSet<UnitId>>,
}

impl Selecting {
    /// With what the store knows.
    pub(super) fn new(
        plan: StudyPlan,
        committed: BTreeMap<SelectionKey, Option<usize>>,
        ended: BTreeMap<UnitId, Ended>,
    ) -> Self {
        Self { plan, committed, ended, open: Vec::new() }
    }

    /// A unit ended. Whether a selection can be made now.
    pub(super) fn ended(&mut self, unit: UnitId, how: Ended) -> bool {
        self.ended.insert(unit, how);
        self.open.iter_mut().any(|left| left.remove(&unit) && left.is_empty())
    }

    /// Makes every selection that can be made.
    pub(super) fn settle(&mut self) -> Settled {
        let StudyPlan { study, dataset_digest } = &self.plan;
        let mut settled = selection::settle(study, dataset_digest, &self.committed, |id| self.ended.get(&id).copied());
        self.committed.extend(settled.made.iter().map(|decision| (decision.key, decision.chosen)));
        self.open = std::mem::take(&mut settled.open);
        settled
    }
}
