//! Tables for programs: RFC 4180 with `\n` line ends, UTF-8, every digit of every number, empty where there is no value.

use std::{collections::BTreeSet, fmt::Display};

use seedgrid_common::{classification, training::StopLoss, unit::Fold};

use super::shown_and_best_rows;
use crate::aggregate::{
    Aggregate, Band, Curves,
    report_json::{
        ComparisonReport, ConfigurationReport, FoundError, ReferenceReport, Report, Spread, StageReport, TTestReport,
        UnitReport, Verdict,
    },
};

/// Names and contents of all files.
pub(super) fn files(aggregate: &Aggregate) -> Vec<(String, Vec<u8>)> {
    let report = &aggregate.report;
    [
        ("configurations.csv", configurations(report)),
        ("units.csv", units(report)),
        ("comparisons.csv", comparisons(report)),
        ("references.csv", references(report)),
        ("epochs.csv", epochs(aggregate)),
        ("learning.csv", learning(aggregate)),
        ("roc.csv", roc(aggregate)),
        (
            "roc-band.csv",
            band(aggregate, ["false_positive_rate", "true_positive_rate"], |curves| curves.roc_band.as_ref()),
        ),
        ("pr.csv", precision_recall(aggregate)),
        ("pr-band.csv", band(aggregate, ["recall", "precision"], |curves| curves.precision_recall_band.as_ref())),
    ]
    .map(|(name, text)| (name.to_owned(), text.into_bytes()))
    .into()
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

fn push_row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_cell(text, &cell);
    }
    text.push('\n');
}

/// Every digit of a number, and no long rows of zeros.
pub(crate) fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-5 { format!("{value:e}") } else { value.to_string() }
}

fn cell(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A column: its name, and its cell in the row of a thing.
type Column<T> = (String, Box<dyn Fn(&T) -> String>);

/// A column of values that some things do not have.
fn value<T, V: Display>(name: &str, of: impl Fn(&T) -> Option<V> + 'static) -> Column<T> {
    (name.to_owned(), Box::new(move |thing| cell(of(thing))))
}

/// A column of values that each thing has.
fn column<T, V: Display>(name: &str, of: impl Fn(&T) -> V + 'static) -> Column<T> {
    value(name, move |thing| Some(of(thing)))
}

/// `NAME_mean` and `NAME_std`.
fn spread<T: 'static>(name: &str, of: fn(&T) -> &Spread) -> [Column<T>; 2] {
    [
        value(&format!("{name}_mean"), move |thing| of(thing).mean),
        value(&format!("{name}_std"), move |thing| of(thing).std),
    ]
}

/// `NAME_low` and `NAME_high`.
fn ends<T: 'static>(name: &str, of: impl Fn(&T) -> Option<[f64; 2]> + Copy + 'static) -> [Column<T>; 2] {
    [("low", 0), ("high", 1)]
        .map(|(end, place)| value(&format!("{name}_{end}"), move |thing| of(thing).map(|ends| ends[place])))
}

const KEYS: [&str; 4] = ["stage", "configuration", "model", "variant"];

fn keys(stage: &StageReport, row: &ConfigurationReport) -> Vec<String> {
    vec![stage.name.clone(), row.number.to_string(), row.model.clone(), row.variant.clone()]
}

/// A table of things, whose rows begin with cells under `first`.
fn table<'a, T: 'a>(
    first: impl IntoIterator<Item = String>,
    columns: &[Column<T>],
    rows: impl IntoIterator<Item = (Vec<String>, &'a T)>,
) -> String {
    let mut text = String::new();
    push_row(&mut text, first.into_iter().chain(columns.iter().map(|(name, _)| name.clone())));
    for (first, thing) in rows {
        push_row(&mut text, first.into_iter().chain(columns.iter().map(|(_, of)| of(thing))));
    }
    text
}

/// Every configuration with its stage.
fn rows(report: &Report) -> impl Iterator<Item = (&StageReport, &ConfigurationReport)> {
    report.stages.iter().flat_map(|stage| stage.configurations.iter().map(move |row| (stage, row)))
}

/// Every hyper-parameter that any configuration has.
fn hyperparameters(report: &Report) -> BTreeSet<&str> {
    rows(report).flat_map(|(_, row)| row.hyperparameters.keys().map(String::as_str)).collect()
}

/// The keys, a column, and a column for each hyper-parameter.
fn with_hyperparameters<'a>(names: &'a BTreeSet<&str>, column: &'a str) -> impl Iterator<Item = String> + 'a {
    let names = names.iter().map(|name| format!("hyperparameters.{name}"));
    KEYS.into_iter().chain([column]).map(str::to_owned).chain(names)
}

/// configurations.csv: one row a configuration.
fn configurations(report: &Report) -> String {
    type Of = ConfigurationReport;
    let mut columns: Vec<Column<Of>> = vec![
        column("normalize", |row: &Of| shown_and_best_rows::normalize(row)),
        column("stop.loss_delta", |row: &Of| row.stop.loss_delta),
        column("stop.max_epochs", |row: &Of| row.stop.max_epochs),
        column("stop.min_epochs", |row: &Of| row.stop.min_epochs),
        column("stop.patience", |row: &Of| row.stop.patience),
        column("stop.loss_drop", |row: &Of| row.stop.loss_drop),
        column("stop.loss", |row: &Of| match row.stop.loss {
            StopLoss::Mean => "mean",
            StopLoss::BatchSum => "batch-sum",
        }),
        column("planned", |row: &Of| row.counts.planned),
        column("done", |row: &Of| row.counts.done),
        column("diverged", |row: &Of| row.counts.diverged),
        column("not_trained", |row: &Of| row.counts.not_trained),
        column("failed", |row: &Of| row.counts.failed),
        column("cancelled", |row: &Of| row.counts.cancelled),
        column("converged", |row: &Of| row.converged),
        column("untrained", |row: &Of| row.untrained),
        column("stuck", |row: &Of| row.stuck),
    ];
    columns.extend(spread("error", |row: &Of| &row.error.spread));
    columns.extend(ends("error_ci95", |row: &Of| row.error.interval.ci95));
    columns.extend([
        value("error_min", |row: &Of| row.error.spread.min),
        value("error_max", |row: &Of| row.error.spread.max),
    ]);
    columns.extend(spread("epochs", |row: &Of| &row.epochs));
    columns.extend(spread("loss", |row: &Of| &row.loss));
    columns.extend(spread("train_loss", |row: &Of| &row.train_loss));
    columns.extend(spread("train_error", |row: &Of| &row.train_error));
    columns.extend(spread("auc", |row: &Of| &row.auc.spread));
    columns.extend(spread("average_precision", |row: &Of| &row.average_precision.spread));
    columns.extend([
        column("areas_undefined", |row: &Of| row.auc.undefined),
        column("ensemble_seeds", |row: &Of| row.averaged.seeds.len()),
        value("ensemble_error", |row: &Of| row.averaged.error),
        value("ensemble_auc", |row: &Of| row.roc.auc),
    ]);
    columns.extend(spread("seeds_auc", |row: &Of| &row.roc.seeds));
    columns.push(value("ensemble_average_precision", |row: &Of| row.precision_recall.average_precision));
    columns.extend(spread("seeds_average_precision", |row: &Of| &row.precision_recall.seeds));
    columns.extend([
        value("error_standard_error", |row: &Of| row.error.interval.standard_error),
        value("error_freedom", |row: &Of| row.error.interval.freedom),
        column("error_interval", |row: &Of| row.error.interval.method.name()),
    ]);
    columns.extend(ends("error_given_examples_ci95", |row: &Of| row.error.given_examples.as_ref()?.ci95));
    columns.extend([
        column("draw_pairs", |row: &Of| row.draw.pairs),
        value("draw_standard_error", |row: &Of| row.draw.standard_error),
    ]);
    columns.extend(ends("ensemble_auc_ci95", |row: &Of| row.roc.ci95));
    columns.extend(ends("ensemble_average_precision_ci95", |row: &Of| row.precision_recall.ci95));
    columns.extend([
        column("data_draws", |row: &Of| row.draws.len()),
        value("draws_std", |row: &Of| row.draw.draws_std),
        value("seeds_std", |row: &Of| row.draw.seeds_std),
        column("skipped", |row: &Of| row.counts.skipped),
        column("rank", |row: &Of| row.rank),
    ]);
    let names = hyperparameters(report);
    let rows = rows(report).map(|(stage, row)| {
        let values = names.iter().map(|name| cell(row.hyperparameters.get(*name)));
        (keys(stage, row).into_iter().chain([row.title.clone()]).chain(values).collect(), row)
    });
    table(with_hyperparameters(&names, "title"), &columns, rows)
}

/// units.csv: one row a unit; a unit that several configurations share stands in each of them.
fn units(report: &Report) -> String {
    type Of = UnitReport;
    let columns: [Column<Of>; 14] = [
        value("fold", |unit: &Of| unit.fold),
        column("seed", |unit: &Of| unit.seed),
        column("ending", |unit: &Of| unit.ending.name()),
        value("error", |unit: &Of| unit.error),
        value("auc", |unit: &Of| unit.auc),
        value("average_precision", |unit: &Of| unit.average_precision),
        value("loss", |unit: &Of| unit.loss),
        value("epochs", |unit: &Of| unit.epochs),
        value("converged", |unit: &Of| unit.converged),
        value("train_loss", |unit: &Of| unit.train_loss),
        value("train_error", |unit: &Of| unit.train_error),
        column("data_seed", |unit: &Of| unit.data_seed),
        value("untrained", |unit: &Of| unit.untrained),
        value("stuck", |unit: &Of| unit.stuck),
    ];
    let names = hyperparameters(report);
    let names = &names;
    let rows = rows(report).flat_map(|(stage, row)| {
        let values: Vec<String> = names.iter().map(|name| cell(row.hyperparameters.get(*name))).collect();
        let of_unit = move |unit: &UnitReport| {
            keys(stage, row).into_iter().chain([unit.unit.clone()]).chain(values.iter().cloned()).collect()
        };
        row.units.iter().map(move |unit| (of_unit(unit), unit))
    });
    table(with_hyperparameters(names, "unit"), &columns, rows)
}

/// comparisons.csv: one row a pair of configurations that were compared; the keys are the first one's.
fn comparisons(report: &Report) -> String {
    type Of = ComparisonReport;
    let t_test = |prefix: &str, name: &str, of: fn(&Of) -> &TTestReport| {
        let mut columns: Vec<Column<Of>> = vec![
            value(&format!("{prefix}t"), move |pair| of(pair).t),
            value(&format!("{prefix}freedom"), move |pair| of(pair).freedom),
            value(&format!("{name}p"), move |pair| of(pair).p),
            value(&format!("{name}p_holm"), move |pair| of(pair).p_holm),
        ];
        columns.extend(ends(&format!("{prefix}ci95"), move |pair: &Of| of(pair).ci95));
        columns.extend(ends(&format!("{prefix}ci95_simultaneous"), move |pair: &Of| of(pair).ci95_simultaneous));
        columns
    };
    let mut columns: Vec<Column<Of>> = vec![
        value("difference", |pair: &Of| pair.difference),
        value("hedges_g", |pair: &Of| pair.hedges_g),
        column("t_test", |pair: &Of| pair.t_test.method.name()),
        column("seeds", |pair: &Of| pair.t_test.seeds),
    ];
    columns.extend(t_test("", "t_", |pair| &pair.t_test));
    columns.extend(t_test("seeds_", "seeds_", |pair| &pair.seeds_test));
    columns.extend([
        value("first_only_wrong", |pair: &Of| pair.mcnemar.first_only_wrong),
        value("second_only_wrong", |pair: &Of| pair.mcnemar.second_only_wrong),
    ]);
    columns.extend([
        value("mcnemar_p", |pair: &Of| pair.mcnemar.p),
        value("mcnemar_p_holm", |pair: &Of| pair.mcnemar.p_holm),
        value("auc_difference", |pair: &Of| pair.auc_test.difference),
        value("auc_standard_error", |pair: &Of| pair.auc_test.standard_error),
        value("auc_p", |pair: &Of| pair.auc_test.p),
        value("auc_p_holm", |pair: &Of| pair.auc_test.p_holm),
    ]);
    let rows = report.stages.iter().flat_map(|stage| {
        stage.comparisons.pairs.iter().filter_map(move |pair| {
            let (first, second) =
                (shown_and_best_rows::row(stage, pair.first)?, shown_and_best_rows::row(stage, pair.second)?);
            let second = [second.number.to_string(), second.model.clone(), second.variant.clone()];
            Some((keys(stage, first).into_iter().chain(second).collect(), pair))
        })
    });
    let second = ["second", "second_model", "second_variant"];
    table(KEYS.into_iter().chain(second).map(str::to_owned), &columns, rows)
}

/// references.csv: one row a configuration and a reference that is for it.
fn references(report: &Report) -> String {
    type Of = ReferenceReport;
    let side = |side: &str, of: fn(&Of) -> &FoundError| -> [Column<Of>; 7] {
        let name = |column: &str| format!("{side}_{column}");
        [
            value(&name("error"), move |reference| of(reference).error),
            value(&name("std"), move |reference| of(reference).std),
            value(&name("n"), move |reference| of(reference).n),
            value(&name("epochs"), move |reference| of(reference).epochs),
            column(&name("pairs"), move |reference| of(reference).pairs),
            value(&name("standard_error"), move |reference| of(reference).standard_error),
            value(&name("draw_standard_error"), move |reference| of(reference).draw_standard_error),
        ]
    };
    let given = |reference: &Of| {
        reference.given.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    let mut columns: Vec<Column<Of>> = vec![column("where", given), column("source", |one: &Of| one.source.clone())];
    columns.extend(side("ours", |reference| &reference.ours));
    columns.extend(side("theirs", |reference| &reference.theirs));
    columns.extend([
        value("difference", |one: &Of| one.difference),
        value("uncertainty95", |one: &Of| one.uncertainty95),
        value("uncertainty90", |one: &Of| one.uncertainty90),
        value("margin", |one: &Of| one.margin),
        value("verdict", |one: &Of| one.verdict.map(Verdict::name)),
        value("note", |one: &Of| one.note.clone()),
    ]);
    let rows = report.stages.iter().flat_map(|stage| {
        let of_stage = move |one: &'_ Of| Some(keys(stage, shown_and_best_rows::row(stage, one.configuration)?));
        stage.references.iter().filter_map(move |one| Some((of_stage(one)?, one)))
    });
    table(KEYS.map(str::to_owned), &columns, rows)
}

/// A table of rows that belong to configurations with their curves.
fn curves<const N: usize>(
    aggregate: &Aggregate,
    columns: [&str; N],
    of: impl Fn(&Curves) -> Vec<[String; N]>,
) -> String {
    let mut text = String::new();
    push_row(&mut text, KEYS.into_iter().chain(columns).map(str::to_owned));
    for (stage, curves) in aggregate.report.stages.iter().zip(&aggregate.curves) {
        for (row, curves) in stage.configurations.iter().zip(curves) {
            let keys = keys(stage, row);
            of(curves).into_iter().for_each(|cells| push_row(&mut text, keys.iter().cloned().chain(cells)));
        }
    }
    text
}

/// epochs.csv: one row an epoch of a unit that has a result.
fn epochs(aggregate: &Aggregate) -> String {
    let columns = ["unit", "fold", "seed", "epoch", "train_loss", "train_error", "validation_error"];
    curves(aggregate, columns, |curves| {
        let units = curves.learning.units.iter().flat_map(|unit| unit.epochs.iter().map(move |epoch| (unit, epoch)));
        let cells = units.map(|(unit, epoch)| {
            let fold = match unit.fold {
                Fold::Holdout => None,
                Fold::Part { index, .. } => Some(index + 1),
            };
            let [seed, number] = [unit.seed.to_string(), epoch.epoch.to_string()];
            let [loss, error] = [epoch.train_loss, epoch.train_error].map(|value| value.to_string());
            [unit.unit.clone(), cell(fold), seed, number, loss, error, cell(epoch.validation_error)]
        });
        cells.collect()
    })
}

/// learning.csv: one row an epoch of a configuration, averaged over the done units that trained it.
fn learning(aggregate: &Aggregate) -> String {
    let columns = ["epoch", "units", "train_loss", "train_error", "validation_error"];
    curves(aggregate, columns, |curves| {
        let cells = curves.learning.epochs.iter().map(|epoch| {
            let [loss, error] = [epoch.train_loss, epoch.train_error].map(|value| value.to_string());
            [epoch.epoch.to_string(), epoch.units.to_string(), loss, error, cell(epoch.validation_error)]
        });
        cells.collect()
    })
}

/// A curve's point with its threshold: the score, and the probability that belongs to it. At the curve's start both are infinite.
fn point([x, y]: [f64; 2], threshold: f64) -> [String; 4] {
    let probability = if threshold.is_finite() { classification::probability(threshold) } else { threshold };
    [x, y, threshold, probability].map(number)
}

/// roc.csv: the points of each averaged prediction's ROC curve.
fn roc(aggregate: &Aggregate) -> String {
    let columns = ["false_positive_rate", "true_positive_rate", "threshold_score", "threshold_probability"];
    curves(aggregate, columns, |curves| {
        let points = curves.roc.iter().flatten();
        points.map(|found| point([found.false_positive_rate, found.true_positive_rate], found.threshold)).collect()
    })
}

/// pr.csv: the points of each averaged prediction's precision-recall curve.
fn precision_recall(aggregate: &Aggregate) -> String {
    let columns = ["recall", "precision", "threshold_score", "threshold_probability"];
    curves(aggregate, columns, |curves| {
        let points = curves.precision_recall.iter().flatten();
        points.map(|found| point([found.recall, found.precision], found.threshold)).collect()
    })
}

/// roc-band.csv and pr-band.csv: mean and deviation of the seeds' own curves.
fn band(aggregate: &Aggregate, [x, y]: [&str; 2], of: fn(&Curves) -> Option<&Band>) -> String {
    let [mean, std] = ["mean", "std"].map(|what| format!("{y}_{what}"));
    curves(aggregate, ["seeds", x, &mean, &std], |curves| {
        let points = of(curves).into_iter().flat_map(|band| band.points.iter().map(|point| (band.curves, point)));
        let cells = points.map(|(seeds, point)| {
            let [x, mean, std] = [point.x, point.mean, point.std].map(number);
            [seeds.to_string(), x, mean, std]
        });
        cells.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::push_row;

    #[test]
    fn cells_with_commas_quotes_or_line_ends_are_quoted() {
        let mut text = String::new();
        push_row(&mut text, ["[1, 2]", "say \"x\""].map(str::to_owned));
        push_row(&mut text, ["two\nlines", " padded"].map(str::to_owned));
        assert_eq!(text, "\"[1, 2]\",\"say \"\"x\"\"\"\n\"two\nlines\",\" padded\"\n");
    }
}
