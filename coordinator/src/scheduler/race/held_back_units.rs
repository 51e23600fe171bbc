//! Which units of a plan are given out, which are held back until a rung is decided, and which are never trained.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{matrix::Plan, unit::UnitId};

use super::{Race, fold};

/// What a plan's races do to its units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RaceTrack {
    /// Every race, in the order of the plan.
    pub races: Vec<Race>,
    held: BTreeSet<UnitId>,
    skipped: BTreeSet<UnitId>,
}

/// How much a configuration wants a unit, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Never,
    Later,
    Now,
}

impl RaceTrack {
    /// Of these races of the plan.
    pub fn new(plan: &Plan, races: Vec<Race>) -> Self {
        if races.is_empty() {
            return Self::default();
        }
        let mut wishes: BTreeMap<UnitId, Wish> = BTreeMap::new();
        for stage in &plan.stages {
            let mut places: BTreeMap<&str, usize> = BTreeMap::new();
            for planned in &stage.configurations {
                let model = planned.configuration.model.as_str();
                let place = places.entry(model).and_modify(|place| *place += 1).or_insert(0);
                let race = races.iter().find(|race| race.stage == stage.name && race.model == model);
                // Up to which fold units are wanted now, and what of those behind.
                let (given_out, behind) = match race.map(|race| (race, race.left_at(*place))) {
                    None => (u32::MAX, Wish::Now),
                    Some((_, Some((rung, _)))) => (rung.folds, Wish::Never),
                    Some((race, None)) => (race.released, Wish::Later),
                };
                for (id, unit) in &planned.units {
                    let wish = if fold(unit.fold) < given_out { Wish::Now } else { behind };
                    // What any stage wants is trained.
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

    /// Whether it is held back: a rung that has not been decided says whether it will be trained.
    pub fn is_held(&self, unit: UnitId) -> bool {
        self.held.contains(&unit)
    }

    /// Whether it is never trained.
    pub fn is_skipped(&self, unit: UnitId) -> bool {
        self.skipped.contains(&unit)
    }

    /// How many units are held back.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// How many units are never trained.
    pub fn skipped(&self) -> usize {
        self.skipped.len()
    }

    /// The race of a stage's model.
    pub fn race(&self, stage: &str, model: &str) -> Option<&Race> {
        self.races.iter().find(|race| race.stage == stage && race.model == model)
    }
}
