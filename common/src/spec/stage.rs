//! Reads `[[stage]]`: its evaluation, its seeds and its rows.

use std::{
    collections::{BTreeMap, btree_map},
    ops::Range,
};

use toml::de::{DeTable, DeValue};

use super::{
    Evaluation, ModelRow, Problem, SelectedRow, SelectionRule, Stage,
    dataset::ReadDataset,
    error::{Earlier, Problems},
    model_row::{self, From, Inherited, Row},
    nearest_word::nearest,
    race,
    seeds::{self, Most},
    size_limits::{CONFIGURATIONS_MAX, DATA_SEEDS_MAX, FOLDS_MAX, ROWS_MAX, SEEDS_MAX},
    stop_rule::{self, StopKeys},
    study_and_stage_names,
    toml_table::{Entry, Table},
    training_part::TrainingPart,
};
use crate::text::quoted;
use crate::training::Normalize;

/// A stage with the place of its header, for checks across stages.
pub(super) struct ReadStage {
    /// The header's place.
    pub(super) at: Range<usize>,
    /// The stage's name with its place, if readable.
    pub(super) name: Option<(String, Range<usize>)>,
    /// The checked stage; None once something was reported.
    pub(super) stage: Option<Stage>,
    /// The selections that its rows start from: for each such row its model, and the selecting stage with its place. A
    /// model of None means all selected models.
    pub(super) from: Vec<(Option<String>, From)>,
    /// For each selected row, the place of its selecting stage's name; known once all selections are.
    pub(super) selected_at: Vec<Range<usize>>,
    /// The stage's own keys, for rows that are not written.
    pub(super) stop: StopKeys,
    pub(super) normalize: Option<Normalize>,
}

/// Reads one stage.
pub(super) fn read(
    at: Range<usize>,
    entries: &DeTable<'_>,
    dataset: &ReadDataset,
    problems: &mut Problems<'_>,
) -> ReadStage {
    let mut table = Table::new("`[[stage]]`", at.clone(), entries);
    let name = table
        .required("name", r#"name = "final""#)
        .and_then(|entry| Some((study_and_stage_names::read(entry, problems)?, entry.at())));
    if let Some((name, _)) = &name {
        table.place = format!("stage `{name}`");
    }
    let evaluation = table
        .required("evaluation", r#"evaluation = "holdout", or evaluation = { folds = 10 }"#)
        .and_then(|entry| evaluation(entry, dataset.train_pairs, problems));
    let most = Most { what: "seeds in one stage", max: SEEDS_MAX };
    let seeds = table.required("seeds", r#"seeds = "1..=10""#).and_then(|entry| seeds::read(entry, most, problems));
    let most = Most { what: "draws of the data in one stage", max: DATA_SEEDS_MAX };
    let data_seeds = match table.optional("data_seeds") {
        Some(entry) => seeds::read(entry, most, problems),
        None => Some(vec![dataset.seed]),
    };
    let stop_entry = table.optional("stop");
    let stop = stop_entry.map(|entry| StopKeys::read(entry, problems)).unwrap_or_default();
    if let (Some(entry), Some(problem)) = (stop_entry, stop.rule().as_ref().and_then(stop_rule::late)) {
        problems.report(entry.at(), problem);
    }
    // A wrong word is reported; the rows are read as if it were not there.
    let normalize = table.optional("normalize").and_then(|entry| stop_rule::normalize(entry, problems));
    let select_entry = table.optional("select");
    let select = select_entry.and_then(|entry| select(entry, evaluation, problems));
    let race_entry = table.optional("race");
    let race = race_entry.and_then(|entry| race::read(entry, evaluation, select_entry.is_some(), problems));
    let keep_weights = table.optional("keep_weights").map_or(Some(false), |entry| entry.flag(problems));
    let from_entry = table.optional("from");
    let from = from_entry
        .and_then(|entry| Some(From { stage: study_and_stage_names::read(entry, problems)?, at: entry.at() }));
    let part = dataset.train_pairs.zip(evaluation).map(|(pairs, evaluation)| TrainingPart::new(pairs, evaluation));
    let inherited = Inherited { stop, normalize, from: from.as_ref(), part };
    let mut uses = Vec::new();
    // A stage that starts from a selection need not write rows: it has one for each selected model.
    let rows = match (table.optional("model"), &from) {
        (None, Some(from)) => {
            uses.push((None, from.clone()));
            Some((Vec::new(), Vec::new()))
        }
        (None, None) if from_entry.is_some() => None,
        (entry, _) => rows(&mut table, entry, inherited, stop_entry, &mut uses, problems),
    };
    table.finish(problems);
    let stage = || {
        let (rows, selected) = rows?;
        Some(Stage {
            name: name.as_ref()?.0.clone(),
            evaluation: evaluation?,
            seeds: seeds?,
            data_seeds: data_seeds?,
            keep_weights: keep_weights?,
            rows,
            selected,
            select,
            race,
        })
    };
    ReadStage { at, stage: stage(), name, from: uses, selected_at: Vec::new(), stop, normalize }
}

/// The stage's selection rule. Only validation errors decide: the test pairs are for the selected configurations.
fn select(entry: Entry<'_>, evaluation: Option<Evaluation>, problems: &mut Problems<'_>) -> Option<SelectionRule> {
    let rule = entry.word("rule of selection", &SelectionRule::ALL.map(|rule| (rule.name(), rule)), problems)?;
    if evaluation == Some(Evaluation::Holdout) {
        problems.report(entry.at(), Problem::SelectionOnTest);
        return None;
    }
    Some(rule)
}

/// Reads "holdout" or { folds = K }.
fn evaluation(entry: Entry<'_>, train_pairs: Option<u32>, problems: &mut Problems<'_>) -> Option<Evaluation> {
    match entry.value.get_ref() {
        DeValue::String(word) if word == "holdout" => Some(Evaluation::Holdout),
        DeValue::String(word) => {
            let (what, suggestion) = ("evaluation", nearest(word, &["holdout"]));
            let known = vec!["holdout", "{ folds = 10 }"];
            problems.report(entry.at(), Problem::UnknownWord { what, word: quoted(word), suggestion, known });
            None
        }
        DeValue::Table(_) => {
            let mut table = entry.table("{ folds = 10 }", problems)?;
            let folds = table.required("folds", "{ folds = 10 }");
            table.finish(problems);
            let folds = folds?;
            let number = u32::try_from(folds.whole(2..=FOLDS_MAX, problems)?).ok()?;
            match train_pairs {
                Some(pairs) if number > pairs => {
                    problems.report(folds.at(), Problem::ManyFolds { folds: number, pairs });
                    None
                }
                Some(_) | None => Some(Evaluation::Folds(number)),
            }
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) => {
            entry.wrong(r#""holdout" or { folds = K }"#, problems);
            None
        }
    }
}

/// The stage's rows; None once something was reported.
fn rows(
    table: &mut Table<'_>,
    entry: Option<Entry<'_>>,
    inherited: Inherited<'_>,
    stop: Option<Entry<'_>>,
    uses: &mut Vec<(Option<String>, From)>,
    problems: &mut Problems<'_>,
) -> Option<(Vec<ModelRow>, Vec<SelectedRow>)> {
    let tables = match entry {
        Some(entry) => entry.tables("[[stage.model]]", problems)?,
        None => Vec::new(),
    };
    if tables.is_empty() {
        let at = entry.map_or_else(|| table.at.clone(), |entry| entry.at());
        problems.report(at, Problem::NoRows { place: table.place.clone() });
        return None;
    }
    if tables.len() > ROWS_MAX {
        let count = tables.len() as u128;
        problems
            .report(table.at.clone(), Problem::TooMany { what: "models in one stage", count, max: ROWS_MAX as u128 });
        return None;
    }
    let mut complete = true;
    let mut missing = Vec::new();
    let (mut rows, mut selected) = (Vec::new(), Vec::new());
    let mut known = Known::default();
    for (at, entries) in tables {
        let read = model_row::read(at.clone(), entries, inherited, problems);
        missing.extend(read.missing);
        let Some(row) = read.row else {
            complete = false;
            continue;
        };
        match row {
            Row::Whole(row) => {
                complete &= known.add("", &row, at, problems);
                rows.push(row);
            }
            Row::Selected(row, from) => {
                complete &= known.add(&row.from, &row.alone(), at, problems);
                uses.push((Some(row.model.clone()), from));
                selected.push(row);
            }
        }
    }
    report_missing(table, stop, missing, problems);
    if known.places.len() as u128 > CONFIGURATIONS_MAX {
        let (count, max) = (known.places.len() as u128, CONFIGURATIONS_MAX);
        problems.report(table.at.clone(), Problem::TooMany { what: "configurations in one stage", count, max });
        return None;
    }
    complete.then_some((rows, selected))
}

/// Reports required keys of `stop` once for the stage, however many rows lack them.
fn report_missing(
    table: &mut Table<'_>,
    stop: Option<Entry<'_>>,
    mut missing: Vec<(&'static str, &'static str)>,
    problems: &mut Problems<'_>,
) {
    missing.sort_unstable();
    missing.dedup();
    match stop {
        None if missing.is_empty() => {}
        None => table.missing("stop", "stop = { loss_delta = 0.001, max_epochs = 300 }"),
        Some(entry) => {
            for (key, example) in missing {
                let place = format!("`stop` of {}", table.place);
                problems.report(entry.at(), Problem::MissingKey { key, place, example: example.to_owned() });
            }
        }
    }
}

/// The configurations of a stage's rows so far, each with the place of its row.
#[derive(Default)]
struct Known {
    places: BTreeMap<String, Range<usize>>,
}

impl Known {
    /// Adds those of `row`, whose place is `at` and which starts from the stage `from`, if it does. Reports a
    /// configuration that is already there, and returns false.
    fn add(&mut self, from: &str, row: &ModelRow, at: Range<usize>, problems: &mut Problems<'_>) -> bool {
        for settings in row.settings() {
            let configuration = row.configuration(settings);
            // The text of a configuration tells it from every other.
            match self.places.entry(format!("{from} {configuration:?}")) {
                btree_map::Entry::Vacant(place) => {
                    place.insert(at.clone());
                }
                btree_map::Entry::Occupied(first) => {
                    let earlier = Earlier { span: first.get().clone(), what: "also here" };
                    let configuration = configuration.label();
                    problems.collision(at, earlier, Problem::RepeatedConfiguration { configuration });
                    return false;
                }
            }
        }
        true
    }
}
