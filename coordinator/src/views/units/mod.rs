//! Single units, for people: their states, their search and their histories. Pure: the store's content is an argument.

mod counts;
mod find_by_text;
mod history;
mod messages;

use std::collections::BTreeMap;

use seedgrid_common::{matrix::PlannedConfiguration, unit::UnitId};
use serde::Serialize;

use crate::{
    plan::Planned,
    scheduler::{queue::Rules, race::RaceTrack, unit_state::UnitState},
    store::StoredUnit,
};

pub use counts::counts;
pub use find_by_text::{NotFound, all, find, find_in_study, offers, stages_instead};
pub use history::{AttemptEntry, AttemptLog, Live, UnitExplanation, unended};
pub use messages::Unreadable;

/// One unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnitLine {
    /// The unit's id.
    #[serde(rename = "unit", serialize_with = "as_text")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub id: UnitId,
    /// The unit's label, for people.
    pub label: String,
    /// All settings of the unit in the words of labels, including those that the label omits.
    #[serde(skip)]
    pub description: String,
    /// The stages that need the unit.
    pub stages: Vec<String>,
    /// The unit's state.
    pub state: UnitState,
    /// The number of attempts.
    pub attempts: u32,
    /// The number of errors that count against the unit.
    pub errors: u32,
    /// The number of worker deaths that count against the unit.
    pub deaths: u32,
    /// The worker that holds the unit now.
    pub worker: Option<String>,
    /// Whether its training error shows that it learnt nothing; None if it is not done, or if that is unknown.
    pub untrained: Option<bool>,
    /// Whether its error is far above that of the other seeds; None if it is not done, or if too few seeds are.
    pub stuck: Option<bool>,
}

impl UnitLine {
    /// A unit that was never given out, in no stage so far.
    fn planned(id: UnitId, label: String, description: String) -> Self {
        Self {
            id,
            label,
            description,
            stages: Vec::new(),
            state: UnitState::Waiting,
            attempts: 0,
            errors: 0,
            deaths: 0,
            worker: None,
            untrained: None,
            stuck: None,
        }
    }

    /// Fills in what the store knows of the unit. `running` tells whether a coordinator runs.
    pub fn stands(&mut self, stored: &StoredUnit, track: &RaceTrack, running: bool) {
        let holder = stored.holder.as_ref().filter(|_| running && stored.result.is_none());
        self.state = track.state(self.id, stored.state(&Rules::default(), holder.is_some()));
        (self.attempts, self.errors, self.deaths) = (stored.attempts, stored.record.errors, stored.record.deaths);
        self.worker = holder.cloned();
    }
}

/// Every unit of a study's plan, and the number of other results in its run directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// The units, in the order of the plan.
    pub lines: Vec<UnitLine>,
    /// The number of results of units that the spec does not name.
    pub unnamed_results: usize,
    /// The names of all stages, including those without units so far.
    pub stages: Vec<String>,
}

/// Every unit of a study once, in the order of its plan. `running` tells whether a coordinator runs; without one, no
/// worker holds a unit.
pub fn lines(study: &Planned, known: &BTreeMap<UnitId, StoredUnit>, running: bool) -> Vec<UnitLine> {
    some_lines(study, known, running, |_| true, |_| true)
}

/// As [`lines`], of those units alone whose configuration or whose id is wanted.
fn some_lines(
    study: &Planned,
    known: &BTreeMap<UnitId, StoredUnit>,
    running: bool,
    wants_all: impl Fn(&PlannedConfiguration) -> bool,
    wants: impl Fn(UnitId) -> bool,
) -> Vec<UnitLine> {
    let Planned { plan, track, labels, .. } = study;
    let nothing = StoredUnit::default();
    let mut lines: Vec<UnitLine> = Vec::new();
    let mut places: BTreeMap<UnitId, usize> = BTreeMap::new();
    for stage in &plan.stages {
        let units = stage.configurations.iter().flat_map(|planned| {
            let all = wants_all(planned);
            let wants = &wants;
            planned.units.iter().filter(move |(id, _)| all || wants(*id))
        });
        for (id, unit) in units {
            let place = *places.entry(*id).or_insert_with(|| {
                let mut line = UnitLine::planned(*id, labels.unit(unit), labels.description(unit));
                line.stands(known.get(id).unwrap_or(&nothing), track, running);
                lines.push(line);
                lines.len() - 1
            });
            lines[place].stages.push(stage.name.clone());
        }
    }
    lines
}

fn as_text<S: serde::Serializer>(id: &UnitId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}
