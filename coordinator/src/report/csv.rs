//! Tables for programs: RFC 4180 with `\n` line ends, UTF-8, every digit of every number, empty where there is no value.

mod compared;

use std::{collections::BTreeSet, fmt::Display};

use seedgrid_common::{decision, training::StopLoss, unit::Fold};

use crate::aggregate::{
    Aggregate, Band, Curves,
    document::{ConfigurationReport, Report, Spread, StageReport},
};

pub(super) use compared::{comparisons, references};

/// A table under construction.
struct Table {
    text: String,
}

impl Table {
    fn new<'a>(header: impl IntoIterator<Item = &'a str>) -> Self {
        let mut table = Self { text: String::new() };
        table.row(header.into_iter().map(str::to_owned));
        table
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        for (index, cell) in cells.into_iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            push_cell(&mut self.text, &cell);
        }
        self.text.push('\n');
    }
}

/// Writes a cell, quoted where it must be. A text that a spreadsheet would compute gets an apostrophe before it.
pub(crate) fn push_cell(text: &mut String, cell: &str) {
    if cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err() {
        return push_cell(text, &format!("'{cell}"));
    }
    if cell.contains([',', '"', '\n', '\r']) || cell.trim() != cell {
        text.push('"');
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(cell);
    }
}

fn cell(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Both ends of an interval.
fn ends(interval: Option<[f64; 2]>) -> [String; 2] {
    [0, 1].map(|end| cell(interval.map(|ends| ends[end])))
}

/// Every digit of a number, and no long rows of zeros.
pub(crate) fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-5 { format!("{value:e}") } else { value.to_string() }
}

/// A curve's point with its threshold: the score, and the probability that belongs to it. At the curve's start both are infinite.
fn point(values: [f64; 2], threshold: f64) -> impl Iterator<Item = String> {
    let probability = if threshold.is_finite() { decision::probability(threshold) } else { threshold };
    values.into_iter().chain([threshold, probability]).map(number)
}

const THRESHOLDS: [&str; 2] = ["threshold_score", "threshold_probability"];

/// Every configuration with its stage's name.
fn rows(report: &Report) -> impl Iterator<Item = (&StageReport, &ConfigurationReport)> {
    report.stages.iter().flat_map(|stage| stage.configurations.iter().map(move |row| (stage, row)))
}

/// Every configuration with its stage's name and its curves.
fn drawn(aggregate: &Aggregate) -> impl Iterator<Item = (&StageReport, &ConfigurationReport, &Curves)> {
    let stages = aggregate.report.stages.iter().zip(&aggregate.curves);
    stages.flat_map(|(stage, curves)| {
        stage.configurations.iter().zip(curves).map(move |(row, curves)| (stage, row, curves))
    })
}

const KEYS: [&str; 4] = ["stage", "configuration", "model", "variant"];

fn keys(stage: &StageReport, row: &ConfigurationReport) -> [String; 4] {
    [stage.name.clone(), row.number.to_string(), row.model.clone(), row.variant.clone()]
}

/// Every hyper-parameter that any configuration has.
fn hyperparameters(report: &Report) -> BTreeSet<&str> {
    rows(report).flat_map(|(_, row)| row.hyperparameters.keys().map(String::as_str)).collect()
}

/// configurations.csv: one row a configuration.
pub(super) fn configurations(report: &Report) -> String {
    let names = hyperparameters(report);
    let prefixed: Vec<String> = names.iter().map(|name| format!("hyperparameters.{name}")).collect();
    let header = KEYS.into_iter().chain(["title"]).chain(prefixed.iter().map(String::as_str)).chain([
        "normalize",
        "stop.loss_delta",
        "stop.max_epochs",
        "stop.min_epochs",
        "stop.patience",
        "stop.loss_drop",
        "stop.loss",
        "planned",
        "done",
        "diverged",
        "not_trained",
        "failed",
        "cancelled",
        "converged",
        "untrained",
        "stuck",
        "error_mean",
        "error_std",
        "error_ci95_low",
        "error_ci95_high",
        "error_min",
        "error_max",
        "epochs_mean",
        "epochs_std",
        "loss_mean",
        "loss_std",
        "train_loss_mean",
        "train_loss_std",
        "train_error_mean",
        "train_error_std",
        "auc_mean",
        "auc_std",
        "average_precision_mean",
        "average_precision_std",
        "areas_undefined",
        "ensemble_seeds",
        "ensemble_error",
        "ensemble_auc",
        "seeds_auc_mean",
        "seeds_auc_std",
        "ensemble_average_precision",
        "seeds_average_precision_mean",
        "seeds_average_precision_std",
        "error_standard_error",
        "error_freedom",
        "error_interval",
        "error_given_examples_ci95_low",
        "error_given_examples_ci95_high",
        "draw_pairs",
        "draw_standard_error",
        "ensemble_auc_ci95_low",
        "ensemble_auc_ci95_high",
        "ensemble_average_precision_ci95_low",
        "ensemble_average_precision_ci95_high",
        "data_draws",
        "draws_std",
        "seeds_std",
        "skipped",
        "rank",
    ]);
    let mut table = Table::new(header);
    for (stage, row) in rows(report) {
        let mean_std = |spread: &Spread| [cell(spread.mean), cell(spread.std)];
        let (stop, counts, error) = (&row.stop, &row.counts, &row.error.spread);
        let mut cells = keys(stage, row).to_vec();
        cells.push(row.title.clone());
        cells.extend(names.iter().map(|name| cell(row.hyperparameters.get(*name))));
        cells.push(normalize(row).to_owned());
        cells.extend([stop.loss_delta.to_string(), stop.max_epochs.to_string(), stop.min_epochs.to_string()]);
        let loss = match stop.loss {
            StopLoss::Mean => "mean",
            StopLoss::BatchSum => "batch-sum",
        };
        cells.extend([stop.patience.to_string(), stop.loss_drop.to_string(), loss.to_owned()]);
        let endings =
            [counts.planned, counts.done, counts.diverged, counts.not_trained, counts.failed, counts.cancelled];
        cells.extend(endings.map(|number| number.to_string()));
        cells.extend([row.converged, row.untrained, row.stuck].map(|number| number.to_string()));
        cells.extend(mean_std(error));
        cells.extend(ends(row.error.interval.ci95));
        cells.extend([cell(error.min), cell(error.max)]);
        cells.extend([&row.epochs, &row.loss, &row.train_loss, &row.train_error].into_iter().flat_map(mean_std));
        cells.extend([&row.auc.spread, &row.average_precision.spread].into_iter().flat_map(mean_std));
        cells.push(row.auc.undefined.to_string());
        cells.extend([row.averaged.seeds.len().to_string(), cell(row.averaged.error)]);
        cells.push(cell(row.roc.auc));
        cells.extend(mean_std(&row.roc.seeds));
        cells.push(cell(row.precision_recall.average_precision));
        cells.extend(mean_std(&row.precision_recall.seeds));
        let interval = &row.error.interval;
        cells.extend([cell(interval.standard_error), cell(interval.freedom), interval.method.name().to_owned()]);
        cells.extend(ends(row.error.given_examples.as_ref().and_then(|given| given.ci95)));
        cells.extend([row.draw.pairs.to_string(), cell(row.draw.standard_error)]);
        cells.extend(ends(row.roc.ci95).into_iter().chain(ends(row.precision_recall.ci95)));
        cells.extend([row.draws.len().to_string(), cell(row.draw.draws_std), cell(row.draw.seeds_std)]);
        cells.extend([counts.skipped.to_string(), row.rank.to_string()]);
        table.row(cells);
    }
    table.text
}

/// How a configuration's pixels become inputs, as a spec writes it.
pub(super) fn normalize(row: &ConfigurationReport) -> &'static str {
    use seedgrid_common::training::Normalize;
    match row.normalize {
        Normalize::None => "none",
        Normalize::Scale => "scale",
        Normalize::Standardize => "standardize",
    }
}

/// units.csv: one row a unit; a unit that several configurations share stands in each of them.
pub(super) fn units(report: &Report) -> String {
    let names = hyperparameters(report);
    let prefixed: Vec<String> = names.iter().map(|name| format!("hyperparameters.{name}")).collect();
    let header = KEYS.into_iter().chain(["unit"]).chain(prefixed.iter().map(String::as_str)).chain([
        "fold",
        "seed",
        "ending",
        "error",
        "auc",
        "average_precision",
        "loss",
        "epochs",
        "converged",
        "train_loss",
        "train_error",
        "data_seed",
        "untrained",
        "stuck",
    ]);
    let mut table = Table::new(header);
    for (stage, row) in rows(report) {
        for unit in &row.units {
            let mut cells = keys(stage, row).to_vec();
            cells.push(unit.unit.clone());
            cells.extend(names.iter().map(|name| cell(row.hyperparameters.get(*name))));
            cells.extend([cell(unit.fold), unit.seed.to_string(), unit.ending.name().to_owned()]);
            cells.extend([cell(unit.error), cell(unit.auc), cell(unit.average_precision)]);
            cells.extend([cell(unit.loss), cell(unit.epochs), cell(unit.converged)]);
            cells.extend([cell(unit.train_loss), cell(unit.train_error), unit.data_seed.to_string()]);
            cells.extend([cell(unit.untrained), cell(unit.stuck)]);
            table.row(cells);
        }
    }
    table.text
}

/// epochs.csv: one row an epoch of a unit that has a result.
pub(super) fn epochs(aggregate: &Aggregate) -> String {
    let columns = ["unit", "fold", "seed", "epoch", "train_loss", "train_error", "validation_error"];
    let mut table = Table::new(KEYS.into_iter().chain(columns));
    for (stage, row, curves) in drawn(aggregate) {
        for unit in &curves.learning.units {
            let fold = match unit.fold {
                Fold::Holdout => None,
                Fold::Part { index, .. } => Some(index + 1),
            };
            for epoch in &unit.epochs {
                table.row(keys(stage, row).into_iter().chain([
                    unit.unit.clone(),
                    cell(fold),
                    unit.seed.to_string(),
                    epoch.epoch.to_string(),
                    epoch.train_loss.to_string(),
                    epoch.train_error.to_string(),
                    cell(epoch.validation_error),
                ]));
            }
        }
    }
    table.text
}

/// learning.csv: one row an epoch of a configuration, averaged over the done units that trained it.
pub(super) fn learning(aggregate: &Aggregate) -> String {
    let columns = ["epoch", "units", "train_loss", "train_error", "validation_error"];
    let mut table = Table::new(KEYS.into_iter().chain(columns));
    for (stage, row, curves) in drawn(aggregate) {
        for epoch in &curves.learning.epochs {
            table.row(keys(stage, row).into_iter().chain([
                epoch.epoch.to_string(),
                epoch.units.to_string(),
                epoch.train_loss.to_string(),
                epoch.train_error.to_string(),
                cell(epoch.validation_error),
            ]));
        }
    }
    table.text
}

/// roc.csv: the points of each averaged prediction's ROC curve.
pub(super) fn roc(aggregate: &Aggregate) -> String {
    let mut table = Table::new(KEYS.into_iter().chain(["false_positive_rate", "true_positive_rate"]).chain(THRESHOLDS));
    for (stage, row, curves) in drawn(aggregate) {
        for found in curves.roc.iter().flatten() {
            let rates = [found.false_positive_rate, found.true_positive_rate];
            table.row(keys(stage, row).into_iter().chain(point(rates, found.threshold)));
        }
    }
    table.text
}

/// pr.csv: the points of each averaged prediction's precision-recall curve.
pub(super) fn precision_recall(aggregate: &Aggregate) -> String {
    let mut table = Table::new(KEYS.into_iter().chain(["recall", "precision"]).chain(THRESHOLDS));
    for (stage, row, curves) in drawn(aggregate) {
        for found in curves.precision_recall.iter().flatten() {
            table.row(keys(stage, row).into_iter().chain(point([found.recall, found.precision], found.threshold)));
        }
    }
    table.text
}

/// roc-band.csv: mean and deviation of the seeds' own ROC curves.
pub(super) fn roc_band(aggregate: &Aggregate) -> String {
    let columns = ["seeds", "false_positive_rate", "true_positive_rate_mean", "true_positive_rate_std"];
    band(aggregate, columns, |curves| curves.roc_band.as_ref())
}

/// pr-band.csv: mean and deviation of the seeds' own precision-recall curves.
pub(super) fn precision_recall_band(aggregate: &Aggregate) -> String {
    let columns = ["seeds", "recall", "precision_mean", "precision_std"];
    band(aggregate, columns, |curves| curves.precision_recall_band.as_ref())
}

fn band(aggregate: &Aggregate, columns: [&str; 4], of: fn(&Curves) -> Option<&Band>) -> String {
    let mut table = Table::new(KEYS.into_iter().chain(columns));
    for (stage, row, curves) in drawn(aggregate) {
        let Some(band) = of(curves) else { continue };
        for point in &band.points {
            let values = [point.x, point.mean, point.std].map(number);
            table.row(keys(stage, row).into_iter().chain([band.curves.to_string()]).chain(values));
        }
    }
    table.text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_commas_quotes_or_line_ends_are_quoted() {
        let mut table = Table::new(["a", "b"]);
        table.row(["[1, 2]".to_owned(), "say \"x\"".to_owned()]);
        table.row(["two\nlines".to_owned(), " padded".to_owned()]);
        assert_eq!(table.text, "a,b\n\"[1, 2]\",\"say \"\"x\"\"\"\n\"two\nlines\",\" padded\"\n");
    }
}
