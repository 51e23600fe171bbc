//! Selections and rungs of races that the core has yet to decide, with their inputs.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    label::Labels,
    matrix::Plan,
    unit::{Unit, UnitId},
};

use super::study_units::StudyPlan;
use crate::scheduler::{
    ranking::Ended,
    selection::{self, Committed, ModelDecisions, Settled, ToCome},
};

/// A study's selections and rungs of races, decided and open.
#[derive(Debug)]
pub(super) struct Selecting {
    plan: StudyPlan,
    labels: Labels,
    committed: Committed,
    ended: BTreeMap<UnitId, Ended>,
    open: Vec<BTreeSet<UnitId>>,
    decisions: Vec<ModelDecisions>,
    expanded: Plan,
    to_come: ToCome,
}

impl Selecting {
    /// Starts from the store's decisions and outcomes.
    pub(super) fn new(plan: StudyPlan, committed: Committed, ended: BTreeMap<UnitId, Ended>) -> Self {
        Self {
            labels: Labels::new(&plan.study, &plan.digests),
            plan,
            committed,
            ended,
            open: Vec::new(),
            decisions: Vec::new(),
            expanded: Plan { stages: Vec::new() },
            to_come: ToCome::default(),
        }
    }

    /// A unit's label, for people.
    pub(super) fn label(&self, unit: &Unit) -> String {
        self.labels.unit(unit)
    }

    /// Notes a unit's end. Returns whether a decision is now possible.
    pub(super) fn ended(&mut self, unit: UnitId, how: Ended) -> bool {
        self.ended.insert(unit, how);
        self.open.iter_mut().any(|left| left.remove(&unit) && left.is_empty())
    }

    /// Makes all possible decisions.
    pub(super) fn settle(&mut self) -> Settled {
        let StudyPlan { study, digests, .. } = &self.plan;
        let mut settled = selection::settle(study, digests, &self.committed, |id| self.ended.get(&id).copied());
        self.committed.selections.extend(settled.made.iter().map(|decision| (decision.key, decision.chosen)));
        let rungs = settled.rungs.iter().map(|decision| (decision.rung.key, decision.rung.left.clone()));
        self.committed.rungs.extend(rungs);
        self.open = std::mem::take(&mut settled.open);
        self.to_come = settled.to_come();
        self.decisions = std::mem::take(&mut settled.decisions);
        self.expanded = settled.plan.clone();
        settled
    }

    /// The study's inputs at the start, without the store's content.
    pub(super) fn plan(&self) -> &StudyPlan {
        &self.plan
    }

    /// The study's present plan, and the decisions behind it.
    pub(super) fn expanded(&self) -> (&Plan, &[ModelDecisions]) {
        (&self.expanded, &self.decisions)
    }

    /// Units that may still be given out.
    pub(super) fn to_come(&self) -> ToCome {
        self.to_come
    }
}
