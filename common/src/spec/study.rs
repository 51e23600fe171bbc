//! Reads a whole file: from its text to a checked study.

use std::collections::BTreeSet;

use super::{
    Evaluation, Problem, SelectedRow, SpecErrors, Stage, Study,
    dataset::{self, ReadDataset},
    document::document,
    error::{Earlier, Problems},
    nearest_word::nearest,
    reference, selection_candidates,
    size_limits::{DATA_SEEDS_MAX, STAGES_MAX, TEXT_BYTES_MAX, UNITS_MAX},
    stage::{self, ReadStage},
    study_and_stage_names,
    toml_table::Table,
};

/// Reads and checks the spec `text` from `source_name`. Never panics.
///
/// # Errors
/// Everything that is wrong with the spec, at once; only TOML's syntax is checked by itself first.
pub fn parse(source_name: &str, text: &str) -> Result<Study, SpecErrors> {
    let mut problems = Problems::new(text);
    let study = read(text, &mut problems);
    match (problems.finish(source_name), study) {
        (None, Some(study)) => Ok(study),
        (Some(errors), _) => Err(errors),
        (None, None) => unreachable!("a part is only left out after a problem was reported"),
    }
}

fn read(text: &str, problems: &mut Problems<'_>) -> Option<Study> {
    if text.len() > TEXT_BYTES_MAX {
        problems.report(0..0, Problem::TooLong);
        return None;
    }
    let document = document(text, problems)?;
    let mut table = Table::new("the study", 0..0, document.get_ref());
    let name =
        table.required("name", r#"name = "my-study""#).and_then(|entry| study_and_stage_names::read(entry, problems));
    let dataset = table
        .required("dataset", "[dataset] with kind, train_pairs and test_pairs")
        .map(|entry| dataset::read(entry, problems))
        .unwrap_or_default();
    let stages = stages(&mut table, &dataset, problems);
    let names = stages.as_deref().and_then(names);
    let references = reference::read(table.optional("reference"), names.as_deref(), problems);
    table.finish(problems);
    let stages = stages?;
    let small: Vec<&Stage> =
        stages.iter().filter_map(|read| read.stage.as_ref()).filter(|stage| units(stage) <= UNITS_MAX).collect();
    let references = references.map(|references| reference::check(references, &small, problems));
    let stages = stages.into_iter().map(|read| read.stage).collect::<Option<_>>()?;
    Some(Study { name: name?, dataset: dataset.dataset?, stages, references: references? })
}

/// The stages' names; None unless all are readable.
fn names(stages: &[ReadStage]) -> Option<Vec<&str>> {
    stages.iter().map(|stage| Some(stage.name.as_ref()?.0.as_str())).collect()
}

/// The stages, as far as they are readable.
fn stages(table: &mut Table<'_>, dataset: &ReadDataset, problems: &mut Problems<'_>) -> Option<Vec<ReadStage>> {
    let Some(entry) = table.optional("stage") else {
        problems.report(0..0, Problem::NoStages);
        return None;
    };
    let tables = entry.tables("[[stage]]", problems)?;
    let count = tables.len();
    if count == 0 {
        problems.report(entry.at(), Problem::NoStages);
        return None;
    }
    if count > STAGES_MAX {
        let (count, max) = (count as u128, STAGES_MAX as u128);
        problems.report(entry.at(), Problem::TooMany { what: "stages", count, max });
        return None;
    }
    let stages: Vec<_> = tables.into_iter().map(|(at, entries)| stage::read(at, entries, dataset, problems)).collect();
    unique_names(&stages, problems);
    let stages = selections(stages, problems);
    few_units(&stages, problems);
    few_draws(&stages, problems);
    fitting_selections(&stages, dataset.train_pairs, problems);
    Some(stages)
}

/// Reports stages with the name of an earlier one.
fn unique_names(stages: &[ReadStage], problems: &mut Problems<'_>) {
    let named: Vec<_> = stages.iter().filter_map(|stage| stage.name.as_ref()).collect();
    for (index, (name, at)) in named.iter().enumerate() {
        if let Some((_, first)) = named[..index].iter().find(|(other, _)| other == name) {
            let earlier = Earlier { span: first.clone(), what: "first here" };
            problems.collision(at.clone(), earlier, Problem::RepeatedStage { name: name.clone() });
        }
    }
}

/// Checks that an earlier stage makes every selection that a stage starts from, and adds the rows of stages that have
/// one for each selected model.
fn selections(stages: Vec<ReadStage>, problems: &mut Problems<'_>) -> Vec<ReadStage> {
    let mut checked: Vec<ReadStage> = Vec::new();
    let names: Vec<Option<String>> =
        stages.iter().map(|stage| stage.name.as_ref().map(|(name, _)| name.clone())).collect();
    for (index, mut stage) in stages.into_iter().enumerate() {
        for (model, from) in std::mem::take(&mut stage.from) {
            let known = |name: &Option<String>| name.as_ref() == Some(&from.stage);
            let Some(place) = names.iter().position(known) else {
                let known: Vec<String> = names[..index].iter().flatten().cloned().collect();
                problems.report(
                    from.at,
                    Problem::UnknownStage {
                        suggestion: nearest(&from.stage, &known.iter().map(String::as_str).collect::<Vec<_>>())
                            .map(str::to_owned),
                        stage: from.stage,
                        known,
                    },
                );
                stage.stage = None;
                continue;
            };
            if place >= index {
                problems.report(from.at, Problem::LaterSelection { stage: from.stage });
                stage.stage = None;
                continue;
            }
            // An unreadable stage was reported; its selection is unknown.
            let Some(source) = checked[place].stage.as_ref() else { continue };
            if source.select.is_none() {
                problems.report(from.at, Problem::NoSelection { stage: from.stage });
                stage.stage = None;
                continue;
            }
            let models = source.models();
            match (model, &mut stage.stage) {
                (Some(model), _) if !models.contains(&model) => {
                    problems.report(from.at, Problem::ModelNotSelected { stage: from.stage, model, known: models });
                    stage.stage = None;
                }
                (None, Some(read)) => {
                    stage.selected_at.extend(models.iter().map(|_| from.at.clone()));
                    let (stop, normalize) = (stage.stop, stage.normalize);
                    read.selected.extend(models.into_iter().map(|model| SelectedRow {
                        model,
                        from: from.stage.clone(),
                        axes: Vec::new(),
                        exclude: Vec::new(),
                        stop,
                        normalize,
                    }));
                }
                (Some(_), Some(_)) => stage.selected_at.push(from.at),
                (Some(_), None) | (None, None) => {}
            }
        }
        checked.push(stage);
    }
    checked
}

/// Reports a study of too many units, at its largest stage. No unit is created for it.
fn few_units(stages: &[ReadStage], problems: &mut Problems<'_>) {
    let sizes = || stages.iter().filter_map(|read| Some((units(read.stage.as_ref()?), &read.at)));
    let count = sizes().fold(0, |sum: u128, (units, _)| sum.saturating_add(units));
    if let Some((_, at)) = sizes().max_by_key(|(units, _)| *units)
        && count > UNITS_MAX
    {
        problems.report(at.clone(), Problem::TooMany { what: "units", count, max: UNITS_MAX });
    }
}

/// Reports stages that name too many different draws of the data together.
fn few_draws(stages: &[ReadStage], problems: &mut Problems<'_>) {
    let mut drawn = BTreeSet::new();
    for read in stages {
        drawn.extend(read.stage.iter().flat_map(|stage| stage.data_seeds.iter().copied()));
        let (count, max) = (drawn.len() as u128, u128::from(DATA_SEEDS_MAX));
        if count > max {
            problems.report(read.at.clone(), Problem::TooMany { what: "draws of the data", count, max });
            return;
        }
    }
}

/// Reports rows that fit no candidate. Stages that are too large or unreadable are left out.
fn fitting_selections(stages: &[ReadStage], train_pairs: Option<u32>, problems: &mut Problems<'_>) {
    let Some(train_pairs) = train_pairs else { return };
    let mut earlier: Vec<&Stage> = Vec::new();
    for read in stages {
        let Some(stage) = read.stage.as_ref().filter(|stage| units(stage) <= UNITS_MAX) else { continue };
        selection_candidates::check((stage, &read.selected_at), &earlier, train_pairs, problems);
        earlier.push(stage);
    }
}

/// The stage's number of units.
fn units(stage: &Stage) -> u128 {
    let folds = match stage.evaluation {
        Evaluation::Holdout => 1,
        Evaluation::Folds(folds) => u128::from(folds),
    };
    let configurations: usize = stage.rows.iter().map(|row| row.settings().count()).sum::<usize>()
        + stage.selected.iter().map(SelectedRow::configurations).sum::<usize>();
    [folds, stage.seeds.len() as u128, stage.data_seeds.len() as u128]
        .into_iter()
        .fold(configurations as u128, u128::saturating_mul)
}
