//! What the core is told of a study, and the units that it has come to know of it.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    matrix::{Digests, Plan},
    model,
    spec::Study,
    unit::{Configuration, Unit, UnitId},
};

use crate::race::Track;

/// What the core is told of a study before it starts.
#[derive(Clone, Debug)]
pub struct StudyPlan {
    /// The study.
    pub study: Study,
    /// Of each encoded draw of the data set, by data seed.
    pub digests: Digests,
}

/// One unit, as the core needs it.
#[derive(Clone, Debug)]
pub(super) struct UnitFacts {
    /// Its id.
    pub(super) id: UnitId,
    /// What is trained.
    pub(super) unit: Unit,
    /// Units of one configuration form a group.
    pub(super) group: usize,
}

/// What a plan adds to a roster.
#[derive(Debug)]
pub(super) struct Added {
    /// Units that were not known, in the order of the plan.
    pub(super) units: Vec<UnitFacts>,
    /// The expected costs of groups that were not known, in multiplications.
    pub(super) costs: Vec<f64>,
    /// The group of each unit that a race holds back.
    pub(super) held: Vec<usize>,
}

/// The units that are given out so far, grouped by configuration.
#[derive(Debug)]
pub(super) struct Roster {
    train_pairs: u32,
    groups: Vec<Configuration>,
    known: BTreeSet<UnitId>,
}

impl Roster {
    /// An empty one; `train_pairs` is the number of training pairs.
    pub(super) fn new(train_pairs: u32) -> Self {
        Self { train_pairs, groups: Vec::new(), known: BTreeSet::new() }
    }

    /// Takes in the units of `plan` that are given out.
    pub(super) fn add(&mut self, plan: &Plan, track: &Track) -> Added {
        let groups_before = self.groups.len();
        let mut units = Vec::new();
        let mut held: BTreeMap<UnitId, usize> = BTreeMap::new();
        for planned in plan.stages.iter().flat_map(|stage| &stage.configurations) {
            let group = self.groups.iter().position(|known| *known == planned.configuration).unwrap_or_else(|| {
                self.groups.push(planned.configuration.clone());
                self.groups.len() - 1
            });
            for (id, unit) in &planned.units {
                if track.is_held(*id) {
                    held.insert(*id, group);
                } else if !track.is_skipped(*id) && self.known.insert(*id) {
                    units.push(UnitFacts { id: *id, unit: unit.clone(), group });
                }
            }
        }
        let costs = self.groups[groups_before..].iter().map(|new| cost(new, self.train_pairs)).collect();
        Added { units, costs, held: held.into_values().collect() }
    }
}

/// Multiplications for the longest training that the configuration allows. Only its relation to others' matters.
fn cost(configuration: &Configuration, train_pairs: u32) -> f64 {
    let network = model::find(&configuration.model).map(|model| (model.network)(&configuration.hyperparameters));
    let per_pair = network.map_or(1, |network| network.multiplications());
    per_pair as f64 * f64::from(train_pairs) * f64::from(configuration.stop.max_epochs)
}
