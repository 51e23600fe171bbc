//! What the core is told of a study before it starts.

use std::collections::BTreeMap;

use seedgrid_common::{
    matrix::Plan,
    model,
    unit::{Configuration, Unit, UnitId},
};

/// Everything that a study trains, flattened for the queue.
#[derive(Clone, Debug)]
pub struct StudyPlan {
    /// The study's name.
    pub name: String,
    /// Different units, in the order of the spec.
    pub units: Vec<UnitFacts>,
    /// Expected cost of a unit of each group, in multiplications.
    pub costs: Vec<f64>,
}

/// One unit, as the core needs it.
#[derive(Clone, Debug)]
pub struct UnitFacts {
    /// Its id.
    pub id: UnitId,
    /// What is trained.
    pub unit: Unit,
    /// Units of one configuration form a group.
    pub group: usize,
}

impl StudyPlan {
    /// Flattens `plan`: every unit once, grouped by configuration. `train_pairs` is the number of training pairs.
    pub fn new(name: &str, plan: &Plan, train_pairs: u32) -> Self {
        let mut groups: Vec<&Configuration> = Vec::new();
        let mut units = Vec::new();
        let mut seen = BTreeMap::new();
        for planned in plan.stages.iter().flat_map(|stage| &stage.configurations) {
            let group = groups.iter().position(|known| **known == planned.configuration).unwrap_or_else(|| {
                groups.push(&planned.configuration);
                groups.len() - 1
            });
            for (id, unit) in &planned.units {
                if seen.insert(*id, ()).is_none() {
                    units.push(UnitFacts { id: *id, unit: unit.clone(), group });
                }
            }
        }
        let costs = groups.iter().map(|configuration| cost(configuration, train_pairs)).collect();
        Self { name: name.to_owned(), units, costs }
    }
}

/// Multiplications for the longest training that the configuration allows. Only its relation to others' matters.
fn cost(configuration: &Configuration, train_pairs: u32) -> f64 {
    let network = model::find(&configuration.model).map(|model| (model.network)(&configuration.hyperparameters));
    let per_pair = network.map_or(1, |network| network.multiplications());
    per_pair as f64 * f64::from(train_pairs) * f64::from(configuration.stop.max_epochs)
}
