//! The selections of a stage, and the rows that still wait for a selection.

use seedgrid_common::{
    matrix::{PlannedStage, Selection, Selections, WaitingRow},
    model,
};

use super::report_json::{ConfigurationReport, ModelSelection, SelectionReport, WaitingReport};

/// The selection of `planned`, if it selects; `rows` are its configurations.
pub(super) fn selection(
    planned: &PlannedStage,
    selections: &Selections,
    rows: &[ConfigurationReport],
) -> Option<SelectionReport> {
    let rule = planned.select?;
    let of_model = |model: &str| {
        let made = selections.get(&(planned.name.clone(), model.to_owned()));
        let selected = match made {
            Some(Selection::Chosen(chosen)) => {
                planned.configurations.iter().position(|one| *one.configuration == *chosen).map(|place| place + 1)
            }
            Some(Selection::Nothing) | None => None,
        };
        let of_model = rows.iter().filter(|row| row.model == model);
        let incomplete = of_model.filter(|row| row.counts.missing() > 0).map(|row| row.number).collect();
        ModelSelection { model: model.to_owned(), title: title(model), made: made.is_some(), selected, incomplete }
    };
    Some(SelectionReport { rule: rule.name().to_owned(), models: planned.models().into_iter().map(of_model).collect() })
}

/// The stage's rows that could not be expanded.
pub(super) fn waiting(planned: &PlannedStage) -> Vec<WaitingReport> {
    let report = |row: &WaitingRow| WaitingReport {
        model: row.model.clone(),
        title: title(&row.model),
        from: row.from.clone(),
        configurations: row.configurations,
        units: row.units,
        unreachable: row.unreachable,
    };
    planned.waiting.iter().map(report).collect()
}

fn title(model: &str) -> String {
    model::find(model).map_or(model, |model| model.title).to_owned()
}
