//! Selection: after every unit of a model in a selecting stage has ended, the best configuration is chosen, and the
//! rows of later stages that start from it are expanded. In a stage with a race, the choice is among the configurations
//! that remain at its end. Pure: a function supplies the known outcomes of units, and decisions are returned.

use std::collections::{BTreeMap, HashSet};

use seedgrid_common::{
    data::Digests,
    matrix::{self, Plan, PlannedConfiguration, PlannedStage, Selection, Selections},
    model,
    spec::{Evaluation, RaceRule, SelectionRule, Study},
    unit::{Fold, UnitId},
};
use sha2::{Digest as _, Sha256};

use crate::{
    scheduler::{
        race::{self, Race, RaceTrack, Run, RungDecision, RungKey, Rungs},
        ranking::{Ended, Rank, best},
    },
    statistics::mean_error::MeanError,
};

/// The key of a selection: a digest of the rule, the candidates' units in order, and the remaining configurations of
/// the race if there was one. Other candidates lead to another selection.
pub type SelectionKey = [u8; 32];

/// Earlier decisions, which are final.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// Selections with the chosen candidate, if any.
    pub selections: BTreeMap<SelectionKey, Option<usize>>,
    /// The decided rungs of races.
    pub rungs: Rungs,
}

/// A selection that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The selection's key.
    pub key: SelectionKey,
    /// The selecting stage.
    pub stage: String,
    /// The model of the selection.
    pub model: String,
    /// The chosen one of the stage's configurations of this model, 0-based in order; None if no configuration could be
    /// chosen.
    pub chosen: Option<usize>,
}

/// A study with every selection that can be made.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The plan, expanded with these selections.
    pub plan: Plan,
    /// Every selection that has been made.
    pub selections: Selections,
    /// The selections that were made in this call.
    pub made: Vec<Decision>,
    /// The rungs of races that were decided in this call.
    pub rungs: Vec<RungDecision>,
    /// For each open selection, the units for which it, or the next rung of its race, still waits.
    pub open: Vec<HashSet<UnitId>>,
    /// The plan's races and their effect on its units.
    pub track: RaceTrack,
    /// The decisions for each model, new and earlier ones.
    pub decisions: Vec<ModelDecisions>,
}

/// The decisions for a model of a selecting stage, with the units behind them.
#[derive(Clone, Debug)]
pub struct ModelDecisions {
    /// The selecting stage.
    pub stage: String,
    /// The model.
    pub model: String,
    /// The units of all candidates.
    pub units: Vec<UnitId>,
    /// The keys of the decided rungs of the model's race.
    pub rungs: Vec<RungKey>,
    /// The selection's key; None while the race goes on.
    pub selection: Option<SelectionKey>,
}

impl Settled {
    /// Counts the units that may still be added: those of rows that wait for a selection and those that races hold
    /// back.
    pub fn to_come(&self) -> ToCome {
        ToCome::count(&self.plan, &self.track)
    }
}

/// Counts of planned units that are not yet given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToCome {
    /// Units of rows that wait for a selection.
    pub waiting: usize,
    /// Units that races hold back; races will skip some of them.
    pub undecided: usize,
}

impl ToCome {
    /// Counts the units of a plan with its races.
    pub fn count(plan: &Plan, track: &RaceTrack) -> Self {
        let waiting = plan.stages.iter().flat_map(|stage| &stage.waiting);
        let waiting = waiting.filter(|row| !row.unreachable).map(|row| row.units).sum();
        Self { waiting, undecided: track.held() }
    }

    /// The sum of both counts.
    pub fn units(self) -> usize {
        self.waiting + self.undecided
    }
}

/// Makes every selection and decides every rung of a race that can be decided. Decisions in `committed` are final.
pub fn settle(
    study: &Study,
    digests: &Digests,
    committed: &Committed,
    ended: impl Fn(UnitId) -> Option<Ended>,
) -> Settled {
    let selections = Selections::new();
    let plan = matrix::expand(study, digests, &selections);
    settle_on((plan, selections), study, digests, committed, ended)
}

/// As [`settle`], from the plan and the selections of an earlier call for the same study.
pub fn settle_on(
    (mut plan, mut selections): (Plan, Selections),
    study: &Study,
    digests: &Digests,
    committed: &Committed,
    ended: impl Fn(UnitId) -> Option<Ended>,
) -> Settled {
    let mut settling =
        Settling { committed, ended: &ended, rungs: committed.rungs.clone(), made: Vec::new(), decided: Vec::new() };
    loop {
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
            return Settled { plan, selections, made, rungs, open: pass.open, track, decisions: pass.decisions };
        }
        let new = pass.news.iter().map(|(place, _)| place.clone()).collect();
        selections.extend(pass.news);
        matrix::expand_selected(&mut plan, study, digests, &selections, &new);
    }
}

/// The state of [`settle`].
struct Settling<'a, E> {
    committed: &'a Committed,
    ended: &'a E,
    /// Committed rungs and newly decided ones.
    rungs: Rungs,
    made: Vec<Decision>,
    decided: Vec<RungDecision>,
}

/// The findings of one pass over the plan.
#[derive(Default)]
struct Pass {
    races: Vec<Race>,
    open: Vec<HashSet<UnitId>>,
    decisions: Vec<ModelDecisions>,
    news: Vec<((String, String), Selection)>,
}

impl<E: Fn(UnitId) -> Option<Ended>> Settling<'_, E> {
    /// Decides as much as possible for one model of a stage: the rungs of its race, if it has one, then its selection.
    fn model(
        &mut self,
        (stage, model): (&PlannedStage, &str),
        select: SelectionRule,
        race: Option<(RaceRule, u32)>,
        pass: &mut Pass,
    ) {
        let candidates: Vec<&PlannedConfiguration> = stage.of_model(model).collect();
        // A stage that waits for an earlier selection does not have all of its candidates yet.
        if stage.waiting.iter().any(|row| row.model == model && !row.unreachable) {
            pass.races.extend(race.map(|race| race::at_start((&stage.name, model), race, candidates.len())));
            return;
        }
        let mut finalists: Vec<usize> = (0..candidates.len()).collect();
        let mut won_by = None;
        let mut decisions = ModelDecisions {
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
            decisions.rungs = race.rungs.iter().map(|rung| rung.key).collect();
            let is_over = race.is_over();
            won_by = Some(rule.0);
            pass.races.push(race);
            if !is_over {
                pass.open.push(waits_for);
                pass.decisions.push(decisions);
                return;
            }
        }
        let key = key(select, &candidates, won_by.map(|rule| (rule, finalists.as_slice())));
        let left = finalists.iter().flat_map(|&place| &candidates[place].units).map(|(id, _)| *id);
        let left: HashSet<UnitId> = left.filter(|id| (self.ended)(*id).is_none()).collect();
        let chosen = match self.chosen(&key) {
            Some(chosen) => chosen,
            None if left.is_empty() => {
                let chosen = choose(select, &candidates, &finalists, self.ended);
                self.made.push(Decision { key, stage: stage.name.clone(), model: model.to_owned(), chosen });
                chosen
            }
            None => {
                pass.open.push(left);
                pass.decisions.push(decisions);
                return;
            }
        };
        pass.decisions.push(ModelDecisions { selection: Some(key), ..decisions });
        let chosen = chosen.and_then(|index| candidates.get(index));
        let selection = chosen.map_or(Selection::Nothing, |one| Selection::Chosen((*one.configuration).clone()));
        pass.news.push(((stage.name.clone(), model.to_owned()), selection));
    }

    /// The decision of a selection, if it was made.
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

/// Applies the rule to the finalists; returns None if none can be chosen.
fn choose(
    rule: SelectionRule,
    candidates: &[&PlannedConfiguration],
    finalists: &[usize],
    ended: &impl Fn(UnitId) -> Option<Ended>,
) -> Option<usize> {
    let rank = |place: usize| Rank::from_units(candidates[place].units.iter().map(|(id, _)| ended(*id)), false);
    let ranked: Vec<(usize, Rank)> = finalists.iter().map(|&place| (place, rank(place))).collect();
    let lowest = best(ranked.iter().map(|(place, rank)| (*place, rank)))?;
    match rule {
        SelectionRule::Lowest => Some(lowest),
        SelectionRule::OneStandardError => {
            let folds = fold_means(candidates[lowest], ended);
            let is_as_good = |rank: &Rank| rank.mean().is_some_and(|mean| mean.is_within_one_standard_error(&folds));
            let good = ranked.iter().filter(|(_, rank)| rank.can_be_best() && is_as_good(rank));
            let smallest = good.min_by_key(|(place, rank)| (weights(candidates[*place]), rank));
            // Without a mean error of any finalist (all have diverged units), the lowest rank decides.
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
    folds.into_values().filter_map(MeanError::from_counts).collect()
}

fn weights(candidate: &PlannedConfiguration) -> usize {
    let configuration = &candidate.configuration;
    model::find(&configuration.model)
        .map_or(0, |model| (model.network)(&configuration.hyperparameters).parameter_count())
}

#[cfg(test)]
mod tests;
