//! Selections and rungs of races that the core has yet to decide, with their inputs.

use std::collections::{HashMap, HashSet};

use seedgrid_common::{
    label::Labels,
    matrix::{Plan, Selections},
    unit::{Unit, UnitId},
};

use super::study_units::StudyPlan;
use crate::scheduler::{
    race::{RaceTrack, RungDecision},
    ranking::Ended,
    selection::{self, Committed, Decision, ModelDecisions, Settled, ToCome},
};

/// A study's selections and rungs of races, decided and open.
#[derive(Debug)]
pub(super) struct Selecting {
    plan: StudyPlan,
    labels: Labels,
    committed: Committed,
    ended: HashMap<UnitId, Ended>,
    open: Vec<HashSet<UnitId>>,
    decisions: Vec<ModelDecisions>,
    expanded: Plan,
    selections: Selections,
    to_come: ToCome,
}

/// New decisions, and the effect of all races on the units.
#[derive(Debug)]
pub(super) struct NewDecisions {
    pub(super) selections: Vec<Decision>,
    pub(super) rungs: Vec<RungDecision>,
    pub(super) track: RaceTrack,
}

impl Selecting {
    /// Starts from the store's decisions and outcomes. The first [`Self::settle`] expands the plan.
    pub(super) fn new(plan: StudyPlan, committed: Committed, ended: HashMap<UnitId, Ended>) -> Self {
        Self {
            labels: Labels::new(&plan.study, &plan.digests),
            expanded: Plan::default(),
            selections: Selections::new(),
            plan,
            committed,
            ended,
            open: Vec::new(),
            decisions: Vec::new(),
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

    /// Notes that a unit waits again. Decisions that it took part in stay; [`Self::settle`] then waits for it where one is open.
    pub(super) fn reopened(&mut self, unit: UnitId) {
        self.ended.remove(&unit);
    }

    /// Makes all possible decisions.
    pub(super) fn settle(&mut self) -> NewDecisions {
        let StudyPlan { study, digests, .. } = &self.plan;
        let before = (std::mem::take(&mut self.expanded), std::mem::take(&mut self.selections));
        let ended = |id| self.ended.get(&id).copied();
        let settled = match before.0.stages.is_empty() {
            true => selection::settle(study, digests, &self.committed, ended),
            false => selection::settle_on(before, study, digests, &self.committed, ended),
        };
        self.to_come = settled.to_come();
        let Settled { plan, selections, made, rungs, open, track, decisions } = settled;
        (self.expanded, self.selections) = (plan, selections);
        (self.open, self.decisions) = (open, decisions);
        self.committed.selections.extend(made.iter().map(|decision| (decision.key, decision.chosen)));
        self.committed.rungs.extend(rungs.iter().map(|decision| (decision.rung.key, decision.rung.left.clone())));
        NewDecisions { selections: made, rungs, track }
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
