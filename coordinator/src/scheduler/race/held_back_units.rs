//! The units of a plan that are given out, held back until a rung is decided, or never trained.

use std::collections::{BTreeMap, HashMap, HashSet};

use seedgrid_common::{matrix::Plan, unit::UnitId};

use super::{Race, fold};
use crate::scheduler::unit_state::UnitState;

/// The effect of a plan's races on its units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RaceTrack {
    /// All races, in the order of the plan.
    pub races: Vec<Race>,
    held: HashSet<UnitId>,
    skipped: HashSet<UnitId>,
}

/// A configuration's need for a unit, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Never,
    Later,
    Now,
}

impl RaceTrack {
    /// Applies these races to the plan.
    pub fn new(plan: &Plan, races: Vec<Race>) -> Self {
        if races.is_empty() {
            return Self::default();
        }
        let mut wishes: HashMap<UnitId, Wish> = HashMap::new();
        for stage in &plan.stages {
            let mut places: BTreeMap<&str, usize> = BTreeMap::new();
            for planned in &stage.configurations {
                let model = planned.configuration.model.as_str();
                let place = places.entry(model).and_modify(|place| *place += 1).or_insert(0);
                let race = races.iter().find(|race| race.stage == stage.name && race.model == model);
                // The number of folds whose units are wanted now, and the need for units of later folds.
                let (given_out, behind) = match race.map(|race| (race, race.left_at(*place))) {
                    None => (u32::MAX, Wish::Now),
                    Some((_, Some((rung, _)))) => (rung.folds, Wish::Never),
                    Some((race, None)) => (race.released, Wish::Later),
                };
                for (id, unit) in &planned.units {
                    let wish = if fold(unit.fold) < given_out { Wish::Now } else { behind };
                    // A unit is trained if any stage wants it.
                    wishes.entry(*id).and_modify(|known| *known = wish.max(*known)).or_insert(wish);
                }
            }
        }
        let of = |wanted: Wish| wishes.iter().filter(move |(_, wish)| **wish == wanted).map(|(id, _)| *id).collect();
        Self { held: of(Wish::Later), skipped: of(Wish::Never), races }
    }

    /// Whether a planned unit is given out.
    pub fn is_released(&self, unit: UnitId) -> bool {
        !self.is_held(unit) && !self.is_skipped(unit)
    }

    /// Whether a unit is held back: a later rung decides whether it is trained.
    pub fn is_held(&self, unit: UnitId) -> bool {
        self.held.contains(&unit)
    }

    /// The state of a unit that is in this state without its races.
    pub fn state(&self, unit: UnitId, state: UnitState) -> UnitState {
        match state {
            state if state.has_ended() => state,
            _ if self.is_held(unit) => UnitState::HeldBack,
            _ if self.is_skipped(unit) => UnitState::Skipped,
            state => state,
        }
    }

    /// Whether a unit is never trained.
    pub fn is_skipped(&self, unit: UnitId) -> bool {
        self.skipped.contains(&unit)
    }

    /// The number of units that are held back.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// The number of units that are never trained.
    pub fn skipped(&self) -> usize {
        self.skipped.len()
    }

    /// The race of a stage's model.
    pub fn race(&self, stage: &str, model: &str) -> Option<&Race> {
        self.races.iter().find(|race| race.stage == stage && race.model == model)
    }
}
