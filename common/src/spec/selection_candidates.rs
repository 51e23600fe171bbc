//! The candidates of rows that start from a selection: each of their settings on each configuration that may be
//! selected.

use std::{collections::BTreeSet, ops::Range};

use super::{
    Problem, SelectedRow, Settings, Stage, Study, error::Problems, size_limits::CONFIGURATIONS_MAX, stop_rule,
    training_part::TrainingPart,
};
use crate::{hyperparameters::Value, model::unused_momentum, training::StopRule};

/// The settings that decide whether a configuration can be trained at all.
const DECIDING: [&str; 3] = ["batch_size", "optimiser", "momentum"];

/// A configuration that may be selected, reduced to some of its settings and its stopping rule.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) settings: Settings,
    stop: StopRule,
}

impl Candidate {
    /// The candidate with the row's own settings and stopping rule on top.
    fn under(&self, row: &SelectedRow, own: &Settings) -> Self {
        let mut settings = self.settings.clone();
        settings.extend(own.clone());
        Self { settings, stop: row.stop.over(self.stop) }
    }

    /// The reason why the candidate cannot be trained on this part, or has a setting that cannot take effect.
    fn problem(&self, part: TrainingPart) -> Option<Problem> {
        if let Some(Value::Integer(batch)) = self.settings.get("batch_size")
            && *batch > part.pairs
        {
            return Some(Problem::LargeBatch { batch: *batch, available: part.pairs, folds: part.folds });
        }
        if let Some(momentum) = unused_momentum(&self.settings) {
            return Some(Problem::UnusedMomentum { momentum });
        }
        stop_rule::late(&self.stop)
    }
}

/// The candidates that the stage of this name may select for `model`, each once, with the settings in `names` alone;
/// `stages` are in order. None if the stage is not among them, or has too many candidates.
pub(super) fn find(stages: &[&Stage], stage: &str, model: &str, names: &[&str]) -> Option<Vec<Candidate>> {
    let place = stages.iter().position(|one| one.name == stage)?;
    let mut found = Distinct::default();
    for row in stages[place].rows.iter().filter(|row| row.model == model) {
        for settings in row.settings() {
            found.add(Candidate { settings: only(settings, names), stop: row.stop })?;
        }
    }
    for row in stages[place].selected.iter().filter(|row| row.model == model) {
        let own = own(row, names);
        for base in find(&stages[..place], &row.from, model, names)? {
            for settings in &own {
                found.add(base.under(row, settings))?;
            }
        }
    }
    Some(found.candidates)
}

/// The candidates of a row, with the settings in `names` alone.
pub(super) fn of_row(stages: &[&Stage], row: &SelectedRow, names: &[&str]) -> Option<Vec<Candidate>> {
    let mut found = Distinct::default();
    let own = own(row, names);
    for base in find(stages, &row.from, &row.model, names)? {
        for settings in &own {
            found.add(base.under(row, settings))?;
        }
    }
    Some(found.candidates)
}

#[derive(Default)]
struct Distinct {
    seen: BTreeSet<String>,
    candidates: Vec<Candidate>,
}

impl Distinct {
    /// Adds a candidate once. None once there are too many.
    fn add(&mut self, candidate: Candidate) -> Option<()> {
        if self.seen.insert(format!("{candidate:?}")) {
            self.candidates.push(candidate);
        }
        ((self.candidates.len() as u128) <= CONFIGURATIONS_MAX).then_some(())
    }
}

fn only(mut settings: Settings, names: &[&str]) -> Settings {
    settings.retain(|name, _| names.contains(&name.as_str()));
    settings
}

/// The row's own settings of these names, each combination once.
fn own(row: &SelectedRow, names: &[&str]) -> Vec<Settings> {
    let mut seen = BTreeSet::new();
    let all = row.alone();
    let all = all.settings().map(|settings| only(settings, names));
    all.filter(|settings| seen.insert(format!("{settings:?}"))).collect()
}

/// A check of a row's own settings on every candidate: how many cannot be trained, and the first one's problem.
struct Trial {
    impossible: usize,
    candidates: usize,
    first: Option<Problem>,
}

/// One trial for each of the row's own settings.
fn trials(stages: &[&Stage], row: &SelectedRow, part: TrainingPart) -> Vec<Trial> {
    let Some(candidates) = find(stages, &row.from, &row.model, &DECIDING) else { return Vec::new() };
    let tried = |settings: Settings| {
        let mut problems = candidates.iter().filter_map(|base| base.under(row, &settings).problem(part));
        let first = problems.next();
        let impossible = usize::from(first.is_some()) + problems.count();
        Trial { impossible, candidates: candidates.len(), first }
    };
    own(row, &DECIDING).into_iter().map(tried).collect()
}

/// Reports a stage's rows with settings that fit no candidate. Each row comes with the place of its `from`; `earlier`
/// are the stages before, in order.
pub(super) fn check(
    (stage, places): (&Stage, &[Range<usize>]),
    earlier: &[&Stage],
    train_pairs: u32,
    problems: &mut Problems<'_>,
) {
    let part = TrainingPart::new(train_pairs, stage.evaluation);
    for (row, at) in stage.selected.iter().zip(places) {
        // A rule that is late by itself has been reported.
        if row.stop.rule().as_ref().and_then(stop_rule::late).is_some() {
            continue;
        }
        let hopeless = trials(earlier, row, part).into_iter().find(|trial| trial.impossible == trial.candidates);
        if let Some(why) = hopeless.and_then(|trial| trial.first) {
            let (model, from) = (row.model.clone(), row.from.clone());
            problems.report(at.clone(), Problem::NoCandidate { model, from, why: Box::new(why) });
        }
    }
}

impl Study {
    /// A sentence for each row that cannot be trained with some of its candidates.
    pub fn doubtful_selections(&self) -> Vec<String> {
        let stages: Vec<&Stage> = self.stages.iter().collect();
        let mut sentences = Vec::new();
        for (index, stage) in self.stages.iter().enumerate() {
            let part = TrainingPart::new(self.dataset.train_pairs, stage.evaluation);
            for row in &stage.selected {
                let worst = trials(&stages[..index], row, part).into_iter().max_by_key(|trial| trial.impossible);
                if let Some(Trial { impossible, candidates, first: Some(why) }) = worst {
                    sentences.push(format!(
                        "stage {}, model {}: {impossible} of {candidates} kinds of configurations that stage {} may select do not fit: \
                         {why}",
                        stage.name, row.model, row.from
                    ));
                }
            }
        }
        sentences
    }
}
