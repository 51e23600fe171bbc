//! The core's inputs about a study, and its known units.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use seedgrid_common::{
    classification::CLASSES,
    copy_on_write::Shared,
    data::{Digests, folds::scored_examples},
    made_up_results::ResultKind,
    matrix::{Plan, WaitingRow},
    model,
    spec::Study,
    unit::{Configuration, Unit, UnitId},
};

use crate::scheduler::race::RaceTrack;

/// The core's inputs about a study at its start.
#[derive(Clone, Debug)]
pub struct StudyPlan {
    /// The study.
    pub study: Study,
    /// The digests of the encoded draws of the data set, by data seed.
    pub digests: Digests,
    /// Which results it takes.
    pub results: ResultKind,
}

impl StudyPlan {
    /// Rows and columns of a unit's outputs.
    pub(super) fn shape(&self, unit: &Unit) -> [usize; 2] {
        let dataset = &self.study.dataset;
        [scored_examples(unit.fold, dataset.train_pairs, dataset.test_pairs) as usize, CLASSES]
    }
}

/// One unit with the core's facts about it.
#[derive(Clone, Debug)]
pub(super) struct UnitFacts {
    /// The unit's id.
    pub(super) id: UnitId,
    /// The unit's content.
    pub(super) unit: Unit,
    /// The number of its group: units of one configuration form a group.
    pub(super) group: usize,
}

/// The new units of a plan.
#[derive(Debug)]
pub(super) struct Added {
    /// New units, in the order of the plan.
    pub(super) units: Vec<UnitFacts>,
    /// The expected costs of new groups, in multiplications.
    pub(super) costs: Vec<f64>,
    /// The numbers of units that races hold back, by group.
    pub(super) held: BTreeMap<usize, usize>,
}

/// Units of a row that waits for a selection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Later {
    /// The number of units.
    pub(super) units: usize,
    /// The groups of the configurations that may be selected: the row's units have similar costs, and wait for all
    /// units of these groups.
    pub(super) groups: BTreeSet<usize>,
    /// The indices of earlier rows for which it also waits.
    pub(super) after: BTreeSet<usize>,
}

/// The units that are given out so far, grouped by configuration.
#[derive(Debug)]
pub(super) struct Roster {
    train_pairs: u32,
    /// The number of each configuration's group, by its key.
    groups: HashMap<Shared<String>, usize>,
    known: HashSet<UnitId>,
    /// Stages by index, each with a group of which no more units come.
    complete: HashSet<(usize, usize)>,
}

impl Roster {
    /// Creates an empty roster; `train_pairs` is the number of training pairs.
    pub(super) fn new(train_pairs: u32) -> Self {
        Self { train_pairs, groups: HashMap::new(), known: HashSet::new(), complete: HashSet::new() }
    }

    /// Adds the units of `plan` that are given out.
    pub(super) fn add(&mut self, plan: &Plan, track: &RaceTrack) -> Added {
        let mut costs = Vec::new();
        let mut units = Vec::new();
        let mut seen: HashSet<UnitId> = HashSet::new();
        let mut held: BTreeMap<usize, usize> = BTreeMap::new();
        let stages = plan.stages.iter().enumerate();
        for (stage, planned) in stages.flat_map(|(at, stage)| stage.configurations.iter().map(move |one| (at, one))) {
            let next = self.groups.len();
            let group = *self.groups.entry(planned.key.clone()).or_insert(next);
            if group == next {
                costs.push(cost(&planned.configuration, self.train_pairs));
            }
            if self.complete.contains(&(stage, group)) {
                continue;
            }
            let mut is_complete = true;
            for (id, unit) in &planned.units {
                if track.is_held(*id) {
                    is_complete = false;
                    if seen.insert(*id) {
                        *held.entry(group).or_default() += 1;
                    }
                } else if !track.is_skipped(*id) && self.known.insert(*id) {
                    units.push(UnitFacts { id: *id, unit: unit.clone(), group });
                }
            }
            if is_complete {
                self.complete.insert((stage, group));
            }
        }
        Added { units, costs, held }
    }

    /// The rows of `plan` that wait for selections; all of its units must be known. Stages select for later ones only,
    /// so each row waits for earlier ones.
    pub(super) fn later(&self, plan: &Plan) -> Vec<Later> {
        let mut all: Vec<(&str, &WaitingRow, Later)> = Vec::new();
        for stage in &plan.stages {
            for row in stage.waiting.iter().filter(|row| !row.unreachable) {
                let mut later = Later { units: row.units, ..Later::default() };
                let selecting = plan.stages.iter().filter(|stage| stage.name == row.from);
                let candidates = selecting.flat_map(|stage| stage.of_model(&row.model));
                later.groups.extend(candidates.filter_map(|one| self.groups.get(&one.key)));
                for (place, (stage, earlier, before)) in all.iter().enumerate() {
                    if *stage == row.from && earlier.model == row.model {
                        later.groups.extend(&before.groups);
                        later.after.insert(place);
                    }
                }
                all.push((&stage.name, row, later));
            }
        }
        all.into_iter().map(|(_, _, later)| later).collect()
    }
}

/// Multiplications of the longest training that the configuration allows. Only the ratio to other costs matters.
fn cost(configuration: &Configuration, train_pairs: u32) -> f64 {
    let network = model::find(&configuration.model).map(|model| (model.network)(&configuration.hyperparameters));
    let per_pair = network.map_or(1, |network| network.multiplications());
    per_pair as f64 * f64::from(train_pairs) * f64::from(configuration.stop.max_epochs)
}
