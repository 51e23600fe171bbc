//! What the core is told of a study, and the units that it has come to know of it.

use std::collections::BTreeSet;

use seedgrid_common::{
    matrix::{Plan, WaitingRow},
    model,
    spec::Study,
    unit::{Configuration, Unit, UnitId},
};

/// What the core is told of a study before it starts.
#[derive(Clone, Debug)]
pub struct StudyPlan {
    /// The study.
    pub study: Study,
    /// Of the encoded data set.
    pub dataset_digest: String,
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

/// Units of a row that waits for a selection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ToCome {
    /// How many.
    pub(super) units: usize,
    /// The groups of the configurations that may be selected: its units will cost about as much, and wait for all of theirs.
    pub(super) groups: BTreeSet<usize>,
    /// Places of earlier ones that it waits for, too.
    pub(super) after: BTreeSet<usize>,
}

/// The units that are known so far, grouped by configuration.
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

    /// Takes in `plan`: its units that were not known, in its order, and the expected costs of groups that were not, in
    /// multiplications.
    pub(super) fn add(&mut self, plan: &Plan) -> (Vec<UnitFacts>, Vec<f64>) {
        let groups_before = self.groups.len();
        let mut units = Vec::new();
        for planned in plan.stages.iter().flat_map(|stage| &stage.configurations) {
            let group = self.groups.iter().position(|known| *known == planned.configuration).unwrap_or_else(|| {
                self.groups.push(planned.configuration.clone());
                self.groups.len() - 1
            });
            for (id, unit) in &planned.units {
                if self.known.insert(*id) {
                    units.push(UnitFacts { id: *id, unit: unit.clone(), group });
                }
            }
        }
        let costs = self.groups[groups_before..].iter().map(|new| cost(new, self.train_pairs)).collect();
        (units, costs)
    }

    /// What waits for selections in `plan`, all of whose units are known. Stages select for later ones only, so each waits for
    /// earlier ones.
    pub(super) fn to_come(&self, plan: &Plan) -> Vec<ToCome> {
        let mut all: Vec<(&str, &WaitingRow, ToCome)> = Vec::new();
        for stage in &plan.stages {
            for row in stage.waiting.iter().filter(|row| !row.unreachable) {
                let mut to_come = ToCome { units: row.units, ..ToCome::default() };
                let selecting = plan.stages.iter().filter(|stage| stage.name == row.from);
                let candidates = selecting.flat_map(|stage| stage.of_model(&row.model));
                let group = |configuration| self.groups.iter().position(|known| known == configuration);
                to_come.groups.extend(candidates.filter_map(|planned| group(&planned.configuration)));
                for (place, (stage, earlier, before)) in all.iter().enumerate() {
                    if *stage == row.from && earlier.model == row.model {
                        to_come.groups.extend(&before.groups);
                        to_come.after.insert(place);
                    }
                }
                all.push((&stage.name, row, to_come));
            }
        }
        all.into_iter().map(|(_, _, to_come)| to_come).collect()
    }
}

/// Multiplications for the longest training that the configuration allows. Only its relation to others' matters.
fn cost(configuration: &Configuration, train_pairs: u32) -> f64 {
    let network = model::find(&configuration.model).map(|model| (model.network)(&configuration.hyperparameters));
    let per_pair = network.map_or(1, |network| network.multiplications());
    per_pair as f64 * f64::from(train_pairs) * f64::from(configuration.stop.max_epochs)
}
