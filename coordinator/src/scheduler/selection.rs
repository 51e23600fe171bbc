//! Selection: once every unit of a model in a selecting stage has ended, the best configuration is chosen, and rows of later stages
//! that start from it are expanded. Where the stage races, those that are still racing at its end are chosen from. Pure: what is known
//! of units comes in as a function, decisions go out as values.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    data::Digests,
    matrix::{self, Plan, PlannedConfiguration, PlannedStage, Selection, Selections},
    model,
    spec::{Evaluation, RaceRule, SelectionRule, Study},
    unit::{Fold, UnitId},
};
use sha2::{Digest as _, Sha256};

use crate::scheduler::{
    race::{self, Race, RaceTrack, Run, RungDecision, RungKey, Rungs},
    ranking::{Ended, MeanError, Rank, best},
};

/// What a selection was made from: a digest of the rule and the candidates' units, in order, and of who won the race where there was
/// one. With other candidates another selection is made.
pub type SelectionKey = [u8; 32];

/// What was decided before: it stands.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// Selections: which candidate was chosen, if any.
    pub selections: BTreeMap<SelectionKey, Option<usize>>,
    /// Rungs of races.
    pub rungs: Rungs,
}

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
    /// The rungs of races that were decided just now.
    pub rungs: Vec<RungDecision>,
    /// For each selection that has not been made, the units that it, or the next rung of its race, still waits for.
    pub open: Vec<BTreeSet<UnitId>>,
    /// The plan's races, and what they do to its units.
    pub track: RaceTrack,
    /// What has been decided for each model, now or before.
    pub standing: Vec<Standing>,
}

/// What has been decided for a model of a selecting stage, and from what.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The stage that selects.
    pub stage: String,
    /// For which model.
    pub model: String,
    /// The units of all candidates.
    pub units: BTreeSet<UnitId>,
    /// The rungs of its race.
    pub rungs: Vec<RungKey>,
    /// The selection; None while its race goes on.
    pub selection: Option<SelectionKey>,
}

impl Settled {
    /// Units that may still be added: of rows that wait for a selection, and those that races hold back.
    pub fn to_come(&self) -> ToCome {
        ToCome::of(&self.plan, &self.track)
    }
}

/// Units that are planned, and not yet given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToCome {
    /// Of rows that wait for a selection.
    pub waiting: usize,
    /// Held back by races, which will skip some of them.
    pub undecided: usize,
}

impl ToCome {
    /// Of a plan with its races.
    pub fn of(plan: &Plan, track: &RaceTrack) -> Self {
        let waiting = plan.stages.iter().flat_map(|stage| &stage.waiting);
        let waiting = waiting.filter(|row| !row.unreachable).map(|row| row.units).sum();
        Self { waiting, undecided: track.held() }
    }

    /// Both together.
    pub fn units(self) -> usize {
        self.waiting + self.undecided
    }
}

/// Makes every selection that can be made, and decides every rung of a race that can be decided. What is `committed` was decided
/// before: it stands.
pub fn settle(
    study: &Study,
    digests: &Digests,
    committed: &Committed,
    ended: impl Fn(UnitId) -> Option<Ended>,
) -> Settled {
    let mut settling =
        Settling { committed, ended: &ended, rungs: committed.rungs.clone(), made: Vec::new(), decided: Vec::new() };
    let mut selections = Selections::new();
    loop {
        let plan = matrix::expand(study, digests, &selections);
        let mut pass = Pass::default();
        for (spec, stage) in study.stages.iter().zip(&plan.stages) {
            let Some(select) = stage.select else { continue };
            let race = match (spec.race, stage.evaluation) {
                (Some(rule), Evaluation::Folds(folds)) => Some((rule, folds)),
                (Some(_), Evaluation::Holdout) | (None, _) => None,
            };
            for model in stage.models() {
                settling.model((stage, model), select, race, &mut pass);
            }
        }
        pass.news.retain(|(place, _)| !selections.contains_key(place));
        if pass.news.is_empty() {
            let Settling { made, decided: rungs, .. } = settling;
            let track = RaceTrack::new(&plan, pass.races);
            return Settled { plan, selections, made, rungs, open: pass.open, track, standing: pass.standing };
        }
        selections.extend(pass.news);
    }
}

/// A study while it is settled.
struct Settling<'a, E> {
    committed: &'a Committed,
    ended: &'a E,
    /// Those that were committed, and those that have been decided since.
    rungs: Rungs,
    made: Vec<Decision>,
    decided: Vec<RungDecision>,
}

/// What one pass over the plan finds.
#[derive(Default)]
struct Pass {
    races: Vec<Race>,
    open: Vec<BTreeSet<UnitId>>,
    standing: Vec<Standing>,
    news: Vec<((String, String), Selection)>,
}

impl<E: Fn(UnitId) -> Option<Ended>> Settling<'_, E> {
    /// Goes as far as it can with one model of a stage: through the rungs of its race, if it has one, to its selection.
    fn model(
        &mut self,
        (stage, model): (&PlannedStage, &str),
        select: SelectionRule,
        race: Option<(RaceRule, u32)>,
        pass: &mut Pass,
    ) {
        let candidates: Vec<&PlannedConfiguration> = stage.of_model(model).collect();
        // What waits for an earlier selection has not all of its candidates yet.
        if stage.waiting.iter().any(|row| row.model == model && !row.unreachable) {
            pass.races.extend(race.map(|race| race::at_start((&stage.name, model), race, candidates.len())));
            return;
        }
        let mut finalists: Vec<usize> = (0..candidates.len()).collect();
        let mut won_by = None;
        let mut standing = Standing {
            stage: stage.name.clone(),
            model: model.to_owned(),
            units: candidates.iter().flat_map(|one| &one.units).map(|(id, _)| *id).collect(),
            rungs: Vec::new(),
            selection: None,
        };
        if let Some(rule) = race {
            let Run { race, made, waits_for } =
                race::run((&stage.name, model), rule, &candidates, &self.rungs, self.ended);
            for rung in made {
                self.rungs.insert(rung.key, rung.left.clone());
                self.decided.push(RungDecision { stage: stage.name.clone(), model: model.to_owned(), rung });
            }
            finalists.clone_from(&race.racing);
            standing.rungs = race.rungs.iter().map(|rung| rung.key).collect();
            let is_over = race.is_over();
            won_by = Some(rule.0);
            pass.races.push(race);
            if !is_over {
                pass.open.push(waits_for);
                pass.standing.push(standing);
                return;
            }
        }
        let key = key(select, &candidates, won_by.map(|rule| (rule, finalists.as_slice())));
        let left = finalists.iter().flat_map(|&place| &candidates[place].units).map(|(id, _)| *id);
        let left: BTreeSet<UnitId> = left.filter(|id| (self.ended)(*id).is_none()).collect();
        let chosen = match self.chosen(&key) {
            Some(chosen) => chosen,
            None if left.is_empty() => {
                let chosen = choose(select, &candidates, &finalists, self.ended);
                self.made.push(Decision { key, stage: stage.name.clone(), model: model.to_owned(), chosen });
                chosen
            }
            None => {
                pass.open.push(left);
                pass.standing.push(standing);
                return;
            }
        };
        pass.standing.push(Standing { selection: Some(key), ..standing });
        let chosen = chosen.and_then(|index| candidates.get(index));
        let selection = chosen.map_or(Selection::Nothing, |one| Selection::Chosen(one.configuration.clone()));
        pass.news.push(((stage.name.clone(), model.to_owned()), selection));
    }

    /// What was chosen, if that was decided.
    fn chosen(&self, key: &SelectionKey) -> Option<Option<usize>> {
        let made = self.made.iter().find(|decision| decision.key == *key).map(|decision| decision.chosen);
        self.committed.selections.get(key).copied().or(made)
    }
}

fn key(rule: SelectionRule, candidates: &[&PlannedConfiguration], won: Option<(RaceRule, &[usize])>) -> SelectionKey {
    let mut hash = Sha256::new();
    hash.update(rule.name());
    for candidate in candidates {
        hash.update((candidate.units.len() as u64).to_be_bytes());
        candidate.units.iter().for_each(|(id, _)| hash.update(id.0));
    }
    if let Some((rule, finalists)) = won {
        hash.update(rule.to_string());
        finalists.iter().for_each(|place| hash.update((*place as u64).to_be_bytes()));
    }
    hash.finalize().into()
}

/// Which of the finalists the rule takes; None where none can be taken.
fn choose(
    rule: SelectionRule,
    candidates: &[&PlannedConfiguration],
    finalists: &[usize],
    ended: &impl Fn(UnitId) -> Option<Ended>,
) -> Option<usize> {
    let rank = |place: usize| Rank::of(candidates[place].units.iter().map(|(id, _)| ended(*id)), false);
    let ranked: Vec<(usize, Rank)> = finalists.iter().map(|&place| (place, rank(place))).collect();
    let lowest = best(ranked.iter().map(|(place, rank)| (*place, rank)))?;
    match rule {
        SelectionRule::Lowest => Some(lowest),
        SelectionRule::OneStandardError => {
            let folds = fold_means(candidates[lowest], ended);
            let is_as_good = |rank: &Rank| rank.mean().is_some_and(|mean| mean.is_within_one_standard_error(&folds));
            let good = ranked.iter().filter(|(_, rank)| rank.can_be_best() && is_as_good(rank));
            let smallest = good.min_by_key(|(place, rank)| (weights(candidates[*place]), rank));
            // Where every one has diverged units there are no mean errors.
            Some(smallest.map_or(lowest, |(place, _)| *place))
        }
    }
}

/// The mean error of each fold, over its seeds and draws of the data.
fn fold_means(candidate: &PlannedConfiguration, ended: &impl Fn(UnitId) -> Option<Ended>) -> Vec<MeanError> {
    let mut folds: BTreeMap<Fold, Vec<(u32, u32)>> = BTreeMap::new();
    for (id, unit) in &candidate.units {
        if let Some(Ended::Scored { wrong, of }) = ended(*id) {
            folds.entry(unit.fold).or_default().push((wrong, of));
        }
    }
    folds.into_values().filter_map(MeanError::of).collect()
}

fn weights(candidate: &PlannedConfiguration) -> usize {
    let configuration = &candidate.configuration;
    model::find(&configuration.model)
        .map_or(0, |model| (model.network)(&configuration.hyperparameters).parameter_count())
}

#[cfg(test)]
mod tests;
