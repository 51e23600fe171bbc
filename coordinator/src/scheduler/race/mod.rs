//! Races: among the configurations of a model in a cross-validated stage, those that can no longer win leave early.
//! Pure: a function supplies the known outcomes of units, and decisions are returned.
//!
//! Folds are given out up to a *rung*. A rung is decided when every unit up to it, of every remaining configuration,
//! has ended; so time, workers and the order of results do not matter. [`error_blocks`] computes errors from units,
//! [`rung_decision`] decides which configurations leave (`statistics::friedman`, `statistics::wilcoxon`), and [`held_back_units`] lists the units that are given
//! out, held back and never trained.

mod error_blocks;
#[cfg(test)]
mod fixtures;

mod held_back_units;
mod rung_decision;

use std::collections::{BTreeMap, HashSet};

use seedgrid_common::{
    matrix::PlannedConfiguration,
    spec::RaceRule,
    unit::{Fold, UnitId},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use strum::{EnumString, IntoStaticStr};

pub use error_blocks::BlockErrors;
pub use held_back_units::RaceTrack;
pub use rung_decision::{JudgedContender, Judgement, Test, TestKind, judge};

use crate::scheduler::ranking::Ended;

/// The key of a rung: a digest of the rule, the candidates' units, the folds and the remaining configurations, in
/// order. Other inputs make another rung, which is decided anew.
pub type RungKey = [u8; 32];

/// The leavers of each decided rung.
pub type Rungs = BTreeMap<RungKey, Vec<Leaver>>;

/// A configuration that left a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// The place among the stage's configurations of the model, 0-based in order.
    pub place: usize,
    /// The reason.
    pub why: LeaveReason,
}

/// The reason for which a configuration left a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum LeaveReason {
    /// The rule excludes the configuration from winning.
    Outraced,
    /// More of its units diverged than of another configuration, so it ranks below that one in any case.
    Diverged,
    /// One of the configuration's units failed.
    Incomplete,
}

impl LeaveReason {
    /// The reason's name in the store and in report.json.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A decided rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The rung's key.
    pub key: RungKey,
    /// The number of folds before the rung.
    pub folds: u32,
    /// The configurations that reached the rung: places among the stage's configurations of the model, ascending.
    pub entered: Vec<usize>,
    /// The configurations that left, ascending.
    pub left: Vec<Leaver>,
}

impl Rung {
    /// The reason for which the configuration at this place left at this rung, if it did.
    pub fn why_left(&self, place: usize) -> Option<LeaveReason> {
        self.left.binary_search_by_key(&place, |leaver| leaver.place).ok().map(|index| self.left[index].why)
    }
}

/// A newly decided rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RungDecision {
    /// The stage.
    pub stage: String,
    /// The model.
    pub model: String,
    /// The decision.
    pub rung: Rung,
}

/// One model's race in a stage, with the decisions so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Race {
    /// The stage.
    pub stage: String,
    /// The model.
    pub model: String,
    /// The rule.
    pub rule: RaceRule,
    /// The number of folds of the stage.
    pub folds: u32,
    /// The decided rungs, in order.
    pub rungs: Vec<Rung>,
    /// The configurations that remain, or have won: places among the stage's configurations of the model, ascending.
    pub racing: Vec<usize>,
    /// The number of folds whose units are given out; all folds after the last rung is decided.
    pub released: u32,
}

impl Race {
    /// Whether every rung was decided, or fewer than two configurations remain.
    pub fn is_over(&self) -> bool {
        self.released == self.folds
    }

    /// The rung at which a configuration left, and the reason.
    pub fn left_at(&self, place: usize) -> Option<(&Rung, LeaveReason)> {
        self.rungs.iter().find_map(|rung| Some((rung, rung.why_left(place)?)))
    }
}

/// A race with every rung that can be decided.
pub(crate) struct Run {
    pub(crate) race: Race,
    /// The newly decided rungs, without the `known` ones.
    pub(crate) made: Vec<Rung>,
    /// The units for which the next rung waits; empty after the race is over.
    pub(crate) waits_for: HashSet<UnitId>,
}

/// Runs the race of these candidates, all configurations of `model` in `stage`. `known` decisions are final.
pub(crate) fn run(
    (stage, model): (&str, &str),
    (rule, folds): (RaceRule, u32),
    candidates: &[&PlannedConfiguration],
    known: &Rungs,
    ended: &impl Fn(UnitId) -> Option<Ended>,
) -> Run {
    let mut race = at_start((stage, model), (rule, folds), candidates.len());
    race.released = folds;
    let (mut made, mut waits_for) = (Vec::new(), HashSet::new());
    let field = field_digest(rule, candidates);
    for at in rule.rungs(folds) {
        if !rung_decision::is_due(&race.racing) {
            break;
        }
        let key = key(&field, at, &race.racing);
        let left = match known.get(&key) {
            Some(left) => left.clone(),
            None => {
                let up_to = race.racing.iter().flat_map(|&place| units_up_to(candidates[place], at));
                waits_for = up_to.filter(|id| ended(*id).is_none()).collect();
                if !waits_for.is_empty() {
                    race.released = at;
                    break;
                }
                rung_decision::decide(rule, at, candidates, &race.racing, ended)
            }
        };
        let rung = Rung { key, folds: at, entered: race.racing.clone(), left };
        race.racing.retain(|place| rung.why_left(*place).is_none());
        if !known.contains_key(&key) {
            made.push(rung.clone());
        }
        race.rungs.push(rung);
    }
    Run { race, made, waits_for }
}

/// A race of `candidates` configurations before its first rung.
pub(crate) fn at_start((stage, model): (&str, &str), (rule, folds): (RaceRule, u32), candidates: usize) -> Race {
    let racing = (0..candidates).collect();
    let (stage, model) = (stage.to_owned(), model.to_owned());
    Race { stage, model, rule, folds, rungs: Vec::new(), racing, released: rule.first() }
}

/// A configuration's units in the first `folds` folds.
fn units_up_to(candidate: &PlannedConfiguration, folds: u32) -> impl Iterator<Item = UnitId> {
    candidate.units.iter().filter(move |(_, unit)| fold(unit.fold) < folds).map(|(id, _)| *id)
}

/// The fold's number, 0-based.
fn fold(fold: Fold) -> u32 {
    match fold {
        Fold::Holdout => 0,
        Fold::Part { index, .. } => index,
    }
}

fn field_digest(rule: RaceRule, candidates: &[&PlannedConfiguration]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(rule.to_string());
    for candidate in candidates {
        hash.update((candidate.units.len() as u64).to_be_bytes());
        candidate.units.iter().for_each(|(id, _)| hash.update(id.0));
    }
    hash.finalize().into()
}

fn key(field: &[u8; 32], folds: u32, racing: &[usize]) -> RungKey {
    let mut hash = Sha256::new();
    hash.update(field);
    hash.update(folds.to_be_bytes());
    racing.iter().for_each(|place| hash.update((*place as u64).to_be_bytes()));
    hash.finalize().into()
}
