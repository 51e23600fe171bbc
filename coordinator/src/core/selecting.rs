//! Which selections the core still has to make, and what it knows for them.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{matrix::Plan, unit::UnitId};

use super::study::StudyPlan;
use crate::selection::{self, Ended, SelectionKey, Settled, Standing};

/// A study's selections: made, and open.
#[derive(Debug)]
pub(super) struct Selecting {
    plan: StudyPlan,
    committed: BTreeMap<SelectionKey, Option<usize>>,
    ended: BTreeMap<UnitId, Ended>,
    open: Vec<BTreeSet<UnitId>>,
    standing: Vec<Standing>,
    expanded: Plan,
}

impl Selecting {
    /// With what the store knows.
    pub(super) fn new(
        plan: StudyPlan,
        committed: BTreeMap<SelectionKey, Option<usize>>,
        ended: BTreeMap<UnitId, Ended>,
    ) -> Self {
        let expanded = Plan { stages: Vec::new() };
        Self { plan, committed, ended, open: Vec::new(), standing: Vec::new(), expanded }
    }

    /// A unit ended. Whether a selection can be made now.
    pub(super) fn ended(&mut self, unit: UnitId, how: Ended) -> bool {
        self.ended.insert(unit, how);
        self.open.iter_mut().any(|left| left.remove(&unit) && left.is_empty())
    }

    /// Makes every selection that can be made.
    pub(super) fn settle(&mut self) -> Settled {
        let StudyPlan { study, digests } = &self.plan;
        let mut settled = selection::settle(study, digests, &self.committed, |id| self.ended.get(&id).copied());
        self.committed.extend(settled.made.iter().map(|decision| (decision.key, decision.chosen)));
        self.open = std::mem::take(&mut settled.open);
        self.standing = std::mem::take(&mut settled.standing);
        self.expanded = settled.plan.clone();
        settled
    }

    /// What the study is told again of: everything but what the store knows.
    pub(super) fn plan(&self) -> &StudyPlan {
        &self.plan
    }

    /// The study as far as it can be expanded, and the selections with which it is.
    pub(super) fn expanded(&self) -> (&Plan, &[Standing]) {
        (&self.expanded, &self.standing)
    }

    /// Units of rows that wait for a selection.
    pub(super) fn to_come(&self) -> usize {
        self.expanded.units_to_come()
    }
}
