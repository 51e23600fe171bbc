//! Units one by one, for people: where each stands, which one is meant, and its whole story. Pure: what the store knows comes in.

mod counts;
mod find;
mod history;
mod messages;

use std::collections::BTreeMap;

use seedgrid_common::unit::UnitId;
use serde::Serialize;

use crate::{
    plan::Planned,
    scheduler::{queue::Rules, race::RaceTrack, retry::Fate, unit_state::UnitState},
    store::StoredUnit,
};

pub use counts::counts;
pub use find::{NotFound, all, find, offers, stages_instead};
pub use history::{AttemptEntry, AttemptLog, Live, Story, unended};
pub use messages::Unreadable;

/// One unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnitLine {
    /// Its id.
    #[serde(rename = "unit", serialize_with = "as_text")]
    pub id: UnitId,
    /// For people.
    pub label: String,
    /// All that can be said of it in the words of labels: every setting, whether or not the label shows it.
    #[serde(skip)]
    pub description: String,
    /// The stages that want it.
    pub stages: Vec<String>,
    /// Where it stands.
    pub state: UnitState,
    /// How often it was given out.
    pub attempts: u32,
    /// What counts against it: errors.
    pub errors: u32,
    /// What counts against it: deaths of its workers.
    pub deaths: u32,
    /// Who has it now.
    pub worker: Option<String>,
    /// Whether its training error shows that it learnt nothing; None: it is not done, or nothing tells.
    pub untrained: Option<bool>,
    /// Whether its error is far above that of the other seeds; None: it is not done, or too few seeds are.
    pub stuck: Option<bool>,
}

/// Every unit of a study's plan, and what its run directory holds beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// In the order of the plan.
    pub lines: Vec<UnitLine>,
    /// Results of units that the spec does not name.
    pub unnamed_results: usize,
    /// The names of all stages, those among them that have no unit yet.
    pub stages: Vec<String>,
}

/// Every unit of a study, in the order of its plan, each once. `running`: whether a coordinator runs; without one, nobody has a unit.
pub fn lines(study: &Planned, known: &BTreeMap<UnitId, StoredUnit>, running: bool) -> Vec<UnitLine> {
    let Planned { plan, track, labels, .. } = study;
    let nothing = StoredUnit::default();
    let mut lines: Vec<UnitLine> = Vec::new();
    let mut places: BTreeMap<UnitId, usize> = BTreeMap::new();
    for stage in &plan.stages {
        for (id, unit) in stage.configurations.iter().flat_map(|planned| &planned.units) {
            let place = *places.entry(*id).or_insert_with(|| {
                let stored = known.get(id).unwrap_or(&nothing);
                let holder = stored.holder.as_ref().filter(|_| running && stored.result.is_none());
                lines.push(UnitLine {
                    id: *id,
                    label: labels.unit(unit),
                    description: labels.description(unit),
                    stages: Vec::new(),
                    state: state(*id, stored, holder.is_some(), track),
                    attempts: stored.attempts,
                    errors: stored.record.errors,
                    deaths: stored.record.deaths,
                    worker: holder.cloned(),
                    untrained: None,
                    stuck: None,
                });
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

fn state(id: UnitId, stored: &StoredUnit, held: bool, track: &RaceTrack) -> UnitState {
    match stored.fate(&Rules::default()) {
        Fate::Done => UnitState::Done,
        Fate::Diverged => UnitState::Diverged,
        Fate::Failed { .. } => UnitState::Quarantined,
        Fate::Cancelled { .. } => UnitState::Cancelled,
        Fate::Open if track.is_held(id) => UnitState::HeldBack,
        Fate::Open if track.is_skipped(id) => UnitState::Skipped,
        Fate::Open if held && stored.began => UnitState::Training,
        Fate::Open if held => UnitState::Assigned,
        Fate::Open => UnitState::Waiting,
    }
}
