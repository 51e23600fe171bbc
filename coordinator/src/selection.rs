//! Selection: once every unit of a model in a selecting stage has ended, the best configuration is chosen, and rows of later stages
//! that start from it are expanded. Pure: what is known of units comes in as a function, decisions go out as values.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    matrix::{self, Digests, Plan, PlannedConfiguration, Selection, Selections},
    model,
    spec::{SelectionRule, Study},
    unit::UnitId,
};
use sha2::{Digest as _, Sha256};

/// How a unit ended, as far as selecting needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was scored: this many of so many pairs were wrong.
    Scored {
        /// Wrongly classified pairs.
        wrong: u32,
        /// Scored pairs, at least one.
        of: u32,
    },
    /// It diverged: as bad as everything wrong.
    Diverged,
    /// It has no result and will get none: its configuration is incomplete.
    Failed,
}

/// What a selection was made from: a digest of the rule and the candidates' units, in order. With other candidates another
/// selection is made.
pub type SelectionKey = [u8; 32];

/// A selection that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it was made from.
    pub key: SelectionKey,
    /// The stage that selects.
    pub stage: String,
    /// For which model.
    pub model: String,
    /// Which of the stage's configurations of this model, 0-based in order; None if there was none to choose.
    pub chosen: Option<usize>,
}

/// A study as far as its selections go.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Everything that can be expanded.
    pub plan: Plan,
    /// Every selection that has been made.
    pub selections: Selections,
    /// Those that were made just now.
    pub made: Vec<Decision>,
    /// For each selection that has not been made, the units that it still waits for.
    pub open: Vec<BTreeSet<UnitId>>,
    /// Those that have been made, now or before.
    pub standing: Vec<Standing>,
}

/// A selection that has been made, and from what.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What it was made from.
    pub key: SelectionKey,
    /// The stage that selects.
    pub stage: String,
    /// For which model.
    pub model: String,
    /// The units of all candidates.
    pub units: BTreeSet<UnitId>,
}

/// Makes every selection that can be made. `committed` are those that were made before: they stand.
pub fn settle(
    study: &Study,
    digests: &Digests,
    committed: &BTreeMap<SelectionKey, Option<usize>>,
    ended: impl Fn(UnitId) -> Option<Ended>,
) -> Settled {
    let mut selections = Selections::new();
    let (mut made, mut standing) = (Vec::new(), Vec::new());
    loop {
        let plan = matrix::expand(study, digests, &selections);
        let mut open = Vec::new();
        let mut news = Vec::new();
        for stage in &plan.stages {
            let Some(rule) = stage.select else { continue };
            for model in stage.models() {
                let place = (stage.name.clone(), model.to_owned());
                // What waits for an earlier selection has no candidates yet.
                let waits = stage.waiting.iter().any(|row| row.model == model && !row.unreachable);
                if waits || selections.contains_key(&place) {
                    continue;
                }
                let candidates: Vec<&PlannedConfiguration> = stage.of_model(model).collect();
                let key = key(rule, &candidates);
                let units: BTreeSet<UnitId> = candidates.iter().flat_map(|one| &one.units).map(|(id, _)| *id).collect();
                let left: BTreeSet<UnitId> = units.iter().copied().filter(|id| ended(*id).is_none()).collect();
                let chosen = match committed.get(&key) {
                    Some(chosen) => *chosen,
                    None if left.is_empty() => {
                        let chosen = choose(rule, &candidates, &ended);
                        made.push(Decision { key, stage: place.0.clone(), model: place.1.clone(), chosen });
                        chosen
                    }
                    None => {
                        open.push(left);
                        continue;
                    }
                };
                let chosen = chosen.and_then(|index| candidates.get(index));
                let selection = chosen.map_or(Selection::Nothing, |one| Selection::Chosen(one.configuration.clone()));
                standing.push(Standing { key, stage: place.0.clone(), model: place.1.clone(), units });
                news.push((place, selection));
            }
        }
        if news.is_empty() {
            return Settled { plan, selections, made, open, standing };
        }
        selections.extend(news);
    }
}

fn key(rule: SelectionRule, candidates: &[&PlannedConfiguration]) -> SelectionKey {
    let mut hash = Sha256::new();
    hash.update(rule.name());
    for candidate in candidates {
        hash.update((candidate.units.len() as u64).to_be_bytes());
        candidate.units.iter().for_each(|(id, _)| hash.update(id.0));
    }
    hash.finalize().into()
}

/// A complete candidate.
#[derive(Clone, Copy, Debug)]
struct Complete {
    place: usize,
    mean: f64,
    standard_error: f64,
    weights: usize,
}

fn choose(
    rule: SelectionRule,
    candidates: &[&PlannedConfiguration],
    ended: &impl Fn(UnitId) -> Option<Ended>,
) -> Option<usize> {
    let complete: Vec<Complete> =
        candidates.iter().enumerate().filter_map(|(place, one)| complete(place, one, ended)).collect();
    // Of equal ones the first: `min_by` keeps it.
    let best = complete.iter().min_by(|one, other| one.mean.total_cmp(&other.mean))?;
    match rule {
        SelectionRule::Lowest => Some(best.place),
        SelectionRule::OneStandardError => {
            let good = complete.iter().filter(|one| one.mean <= best.mean + best.standard_error);
            good.min_by(|one, other| one.weights.cmp(&other.weights).then(one.mean.total_cmp(&other.mean)))
                .map(|one| one.place)
        }
    }
}

/// None for an incomplete configuration, and for one of which every unit diverged.
fn complete(
    place: usize,
    candidate: &PlannedConfiguration,
    ended: &impl Fn(UnitId) -> Option<Ended>,
) -> Option<Complete> {
    let mut errors = Vec::with_capacity(candidate.units.len());
    let mut scored = false;
    for (id, _) in &candidate.units {
        errors.push(match ended(*id)? {
            Ended::Scored { wrong, of } => {
                scored = true;
                f64::from(wrong) / f64::from(of)
            }
            Ended::Diverged => 1.0,
            Ended::Failed => return None,
        });
    }
    let n = errors.len() as f64;
    let mean = errors.iter().sum::<f64>() / n;
    let squares: f64 = errors.iter().map(|error| (error - mean).powi(2)).sum();
    let standard_error = if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { 0.0 };
    let configuration = &candidate.configuration;
    let weights = model::find(&configuration.model)
        .map_or(0, |model| (model.network)(&configuration.hyperparameters).parameter_count());
    scored.then_some(Complete { place, mean, standard_error, weights })
}

#[cfg(test)]
mod tests;
